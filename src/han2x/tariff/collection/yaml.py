"""The part of YAML that price lists are written in: mappings, lists and plain or quoted values.

Anything else that YAML has (anchors, tags, texts over several lines, mappings in braces) is refused with its
line, so a hostile file cannot unfold into more than its own length.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

DEPTH_MAX = 16
"""Blocks inside each other; a price list needs 8."""

LINE_MAX = 500
LIST_MAX = 2000
"""Characters of a line, and of a list in brackets over several: quotes are searched from each place."""

_KEY = re.compile(r"""("[^"\\]*"|'[^']*'|\w[\w .-]{0,80}?)\s*:(?:\s+(.*))?""")
_QUOTED = re.compile(r""""(?:[^"\\]|\\["\\/])*"|'(?:[^']|'')*'""")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d{1,18})?")
_WORDS: dict[str, object] = {"": None, "null": None, "~": None, "true": True, "false": False}
_OTHER_MEANING = tuple("&*!|>%@`{}[]\"',?#")


class NotReadable(ValueError):
    """A text that is not of this part of YAML; the message begins with the line."""


class _Line(NamedTuple):
    number: int
    indent: int
    text: str


def loads(text: str) -> Any:
    """The value of a text: dicts, lists, str, int, Decimal, bool and None; raises `NotReadable`."""
    reader = _Reader(list(_lines(text)))
    if not reader.lines:
        return None
    value = reader.block(reader.lines[0].indent, 0)
    if reader.line:
        raise _wrong(reader.line, "its indentation fits no line above")
    return value


def _wrong(line: _Line, what: str) -> NotReadable:
    return NotReadable(f"line {line.number}: {what}")


def _lines(text: str) -> Iterator[_Line]:
    """Lines without comments and empty ones; a list in brackets over several lines is one."""
    begun: list[_Line] = []  # lines of a list in brackets that has no end yet
    first = True
    for number, raw in enumerate(text.split("\n"), 1):
        if len(raw) > LINE_MAX:
            raise NotReadable(f"line {number}: it is longer than {LINE_MAX} characters")
        bare = _without_comment(raw).rstrip()
        content = bare.lstrip(" ")
        line = _Line(number, len(bare) - len(content), content)
        if not content or (first and bare == "---"):
            continue
        if content[0] == "\t":
            raise _wrong(line, "it is indented with a tab. Use spaces")
        first = False
        begun.append(line)
        joined = begun[0]._replace(text=" ".join(part.text for part in begun)) if begun[1:] else line
        if _open_brackets(joined.text) <= 0:
            begun.clear()
            yield joined
        elif len(joined.text) > LIST_MAX:
            break
    if begun:
        raise _wrong(begun[0], f"the list has no ] within {LIST_MAX} characters")


def _bare(text: str) -> str:
    """A text with its quoted parts blanked out."""
    return _QUOTED.sub(lambda found: "_" * len(found[0]), text)


def _without_comment(line: str) -> str:
    found = re.search(r"(?:^|\s)#", _bare(line))
    return line[: found.start()] if found else line


def _open_brackets(text: str) -> int:
    bare = _bare(text)
    return bare.count("[") - bare.count("]")


class _Reader:
    """A cursor over lines; each method reads one block and leaves the cursor behind it."""

    def __init__(self, lines: list[_Line]) -> None:
        self.lines = lines
        self.at = 0

    @property
    def line(self) -> _Line | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def block(self, indent: int, depth: int) -> Any:
        """The list or mapping whose lines have this indentation."""
        line = self.lines[self.at]
        if depth > DEPTH_MAX:
            raise _wrong(line, f"more than {DEPTH_MAX} blocks are inside each other")
        return self._list(indent, depth) if _is_entry(line) else self._mapping(indent, depth)

    def _list(self, indent: int, depth: int) -> list[Any]:
        entries = []
        while (line := self.line) and line.indent == indent and _is_entry(line):
            rest = line.text[1:].lstrip(" ")
            if _KEY.fullmatch(rest) or rest.startswith("- "):  # a block that begins behind the dash
                inner = indent + len(line.text) - len(rest)
                self.lines[self.at] = _Line(line.number, inner, rest)
                entries.append(self.block(inner, depth + 1))
            else:
                self.at += 1
                entries.append(self._value(line, rest, indent, depth, lambda below: below.indent > indent))
        return entries

    def _mapping(self, indent: int, depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        while (line := self.line) and line.indent == indent and not _is_entry(line):
            found = _KEY.fullmatch(line.text)
            if found is None:
                raise _wrong(line, f"{line.text!r} is no key with a value")
            name = found[1].strip("\"'")
            if name in table:
                raise _wrong(line, f"{name} is there twice")
            self.at += 1
            table[name] = self._value(line, found[2] or "", indent, depth, _below_key(indent))
        return table

    def _value(
        self, line: _Line, text: str, indent: int, depth: int, is_below: Callable[[_Line], bool]
    ) -> Any:
        """What stands behind a key or dash, or the block below it."""
        below = self.line
        nested = below is not None and is_below(below)
        if text:
            if nested:
                assert below
                raise _wrong(below, "a text over several lines, or a wrong indentation")
            return _flow(line, text)
        return self.block(below.indent, depth + 1) if below and nested else None


def _below_key(indent: int) -> Callable[[_Line], bool]:
    """A list may stand as far left as its key."""
    return lambda below: below.indent > indent or (below.indent == indent and _is_entry(below))


def _is_entry(line: _Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")


def _flow(line: _Line, text: str) -> Any:
    """A value on one line: a list of values in brackets, or one."""
    if not text.startswith("["):
        return _scalar(line, text)
    inner, bare = text[1:-1], _bare(text)
    if bare.count("[") != 1 or not bare.endswith("]") or bare.count("]") != 1:
        raise _wrong(line, f"{text!r} is no list of plain values")
    cuts = [-1, *(place for place, sign in enumerate(_bare(inner)) if sign == ","), len(inner)]
    words = [inner[begin + 1 : end].strip() for begin, end in pairwise(cuts)]
    if words and not words[-1]:  # a comma behind the last one is allowed, and an empty list
        words.pop()
    if not all(words):
        raise _wrong(line, f"{text!r} has an empty place")
    return [_scalar(line, word) for word in words]


def _scalar(line: _Line, text: str) -> Any:
    if _QUOTED.fullmatch(text):
        inner = text[1:-1]
        return inner.replace("''", "'") if text[0] == "'" else re.sub(r"\\(.)", r"\1", inner)
    if text.startswith(_OTHER_MEANING) or ": " in text or text.endswith(":") or text.startswith("- "):
        raise _wrong(line, f"{text!r} is more than a plain value. Put quotes around a text")
    if text in _WORDS:
        return _WORDS[text]
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return Decimal(text) if found[1] else int(text)
