"""Prices from the text of a file or an answer: CSV, our own JSON, or that of hvakosterstrommen.no.

All or nothing: one row that makes no sense, and the whole text is refused with a sentence.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .complaint import Reader, Unfit, flag, nok_per_kwh, text, whole
from .prices import QUARTER_S, Row

MOST_OCTETS = 4_000_000
"""No text of prices is longer: a year of quarters is 1.5 MB."""

_COLUMNS = ("start", "price", "minutes", "final")


class Unreadable(ValueError):
    """A text that is no list of prices; the message says what is wrong, for the person who fed it."""


def rows(content: str) -> list[Row]:
    """The prices in a text, CSV or JSON by its first character; raises `Unreadable`."""
    try:
        tables = _json(content) if content.lstrip()[:1] in ("[", "{") else list(_csv(content))
        return [_row(Reader(f"[{index}].", table)) for index, table in enumerate(tables)]
    except (ValueError, RecursionError, csv.Error) as error:  # Unreadable and JSON's own are ValueErrors
        raise Unreadable(str(error)) from None


def of_day(content: str) -> list[Row]:
    """The prices of one day in the JSON layout of hvakosterstrommen.no; raises `Unreadable`."""
    found = rows(content)
    if not found or not content.lstrip().startswith("["):
        raise Unreadable("no list of prices")
    return found


def _json(content: str) -> list[Mapping[str, Any]]:
    tables = json.loads(content, parse_float=Decimal)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Unreadable("must be a list of objects")
    return [_theirs(index, table) if "NOK_per_kWh" in table else table for index, table in enumerate(tables)]


def _theirs(index: int, table: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object of hvakosterstrommen.no with our names; what it tells of euros is left out."""
    start, price = table.get("time_start"), table["NOK_per_kWh"]
    try:
        minutes = (_moment(table.get("time_end")) - _moment(start)) // 60
    except Unfit as unfit:
        raise Unreadable(f"[{index}].time_start or time_end {unfit}") from None
    return {"start": start, "price": price, "minutes": minutes}


def _csv(content: str) -> Iterator[Mapping[str, Any]]:
    """Rows below a line of names; separated by commas, or by semicolons with decimal commas."""
    lines = content.splitlines()
    separator = ";" if lines and ";" in lines[0] else ","
    table = csv.DictReader(lines, delimiter=separator, restkey="")
    if not {"start", "price"} <= set(table.fieldnames or ()):
        raise Unreadable(
            f"the first line must name the columns {', '.join(_COLUMNS)}; the last two may be left out"
        )
    for line in table:
        yield {name: _typed(name, value, separator) for name, value in line.items() if value}


def _typed(name: str, value: Any, separator: str) -> Any:
    """A cell as its column has it; what does not fit stays text, for its reader to refuse."""
    word = value.strip() if isinstance(value, str) else value
    if name == "price":
        try:
            return Decimal(word.replace(",", ".") if separator == ";" else word)
        except InvalidOperation:
            return word
    if name == "minutes" and word.isascii() and word.isdecimal():
        return int(word[:9])
    return {"true": True, "false": False}.get(word, word) if name == "final" else word


def _row(reader: Reader) -> Row:
    row = Row(
        start=reader.need("start", _moment, 0),
        seconds=reader.take("minutes", whole(15, 24 * 60), 60) * 60,
        price=reader.need("price", nok_per_kwh, 0),
        final=reader.take("final", flag, True),
    )
    reader.done()
    if row.start % QUARTER_S or row.seconds % QUARTER_S:
        reader.complaints.append(f"{reader.where}start and minutes must be whole quarters of an hour")
    if reader.complaints:
        raise Unreadable(reader.complaints[0])
    return row


def _moment(value: Any) -> int:
    """Unix seconds of an ISO 8601 time with its offset."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unfit(f"must be a time with its offset, such as 2026-01-31T14:00:00+01:00, not {value!r}")
    return int(moment.timestamp())
