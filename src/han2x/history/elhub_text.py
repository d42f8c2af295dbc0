"""A CSV file as rows of text: its encoding, its delimiter and where its head is. Pure."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

HEAD_WITHIN = 20
"""So many lines may stand before the head."""

DELIMITERS = ";\t|,"
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]")
_OTHERS = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive: save it as CSV, or take the file out of it"),
    (b"%PDF", "a PDF: download the values as CSV"),
    (b"\x1f\x8b", "compressed: unpack it"),
)


class NotElhub(ValueError):
    """A file that cannot be understood; the message says where and why."""


class Row(NamedTuple):
    """The fields of one line, without spaces around them, and its number."""

    line: int
    fields: list[str]


class Table(NamedTuple):
    """`head`: the names of the columns; `before`: what stands before it; `rows`: what comes after it."""

    head: Row
    delimiter: str
    before: list[Row]
    rows: Iterator[Row]


def text_of(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or Latin-1 (Windows-1252); raises `NotElhub`."""
    for mark, what in _OTHERS:
        if content.startswith(mark):
            raise NotElhub(f"the file is {what}")
    text = _decoded(content)
    if _NO_TEXT.search(text):
        raise NotElhub("the file is no text: download the values as CSV")
    return text


def _decoded(content: bytes) -> str:
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        if b"\0" in content[:4]:
            return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def table(text: str, is_head: Callable[[list[str]], bool]) -> Table:
    """The table in a text; `is_head`: whether fields are the names of its columns. Raises `NotElhub`."""
    lines = text.splitlines(keepends=True)
    for delimiter in DELIMITERS:
        before: list[Row] = []
        for row in _rows(lines[:HEAD_WITHIN], delimiter):
            if is_head(row.fields):
                rows = (one for one in _rows(lines, delimiter) if one.line > row.line and any(one.fields))
                return Table(row, delimiter, before, rows)
            before.append(row)
    raise NotElhub("line 1: no Elhub file: it needs the columns Fra and KWH 60 Forbruk or KWH 60 Produksjon")


def _rows(lines: list[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise NotElhub(f"line {reader.line_num}: {error}") from None
        yield Row(reader.line_num, [" ".join(field.split()) for field in row])
