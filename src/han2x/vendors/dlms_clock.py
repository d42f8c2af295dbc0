"""The clock of a list that tells time and date apart (0.9.1 and 0.9.2; Blue Book 7.5.1)."""

import re

from ..wire.axdr import Data
from ..wire.clock import NOT_SPECIFIED
from ..wire.obis import cde
from .layouts import as_text

TIME, DATE = cde("0.9.1"), cde("0.9.2")

DATE_TIME_SIZE, DATE_SIZE, TIME_SIZE = 12, 5, 4
_REST = bytes((0x80, 0x00, NOT_SPECIFIED))
"""Deviation and clock status that nobody tells."""

_DATE = re.compile(r"(?:20)?(\d\d)[-/.]?(\d\d)[-/.]?(\d\d)")
_TIME = re.compile(r"(\d\d)[:.]?(\d\d)[:.]?(\d\d)")


def joined(date: Data, time: Data) -> bytes | None:
    """The 12 octets of a date-time; None where one of the two is missing or no such thing."""
    day, moment = _date(date), _time(time)
    return day + moment + _REST if day and moment else None


def _date(value: Data) -> bytes:
    """Year, month, day and day of week."""
    if isinstance(value, bytes) and len(value) in (DATE_SIZE, DATE_TIME_SIZE):
        return value[:DATE_SIZE]
    found = _DATE.fullmatch(_text(value))
    if found is None:
        return b""
    year, month, day = map(int, found.groups())
    return (2000 + year).to_bytes(2, "big") + bytes((month, day, NOT_SPECIFIED))


def _time(value: Data) -> bytes:
    """Hour, minute, second and hundredths."""
    if isinstance(value, bytes) and len(value) == DATE_TIME_SIZE:
        return value[DATE_SIZE : DATE_SIZE + TIME_SIZE]
    if isinstance(value, bytes) and len(value) == TIME_SIZE:
        return value
    found = _TIME.fullmatch(_text(value))
    return bytes((*map(int, found.groups()), NOT_SPECIFIED)) if found else b""


def _text(value: Data) -> str:
    """Digits that were sent as text or as a number: 94127 is 09:41:27."""
    return f"{value:06}" if type(value) is int else as_text(value).strip()
