"""Levies from the table of their TOML file, or what is wrong with the file, all of it at once."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise, zip_longest
from typing import Any

from . import complaint
from .complaint import Reader
from .levies import Dated, Fixed, Levies, Support, Tax, Zone


def levies(table: Mapping[str, Any]) -> tuple[Levies, list[str]]:
    """The levies that a file says, and the complaints about it; they are good only if there are none."""
    top = Reader("", table)
    zones = {zone.need("name", complaint.text, ""): _zone(zone) for zone in top.rows("zones")}
    read = Levies(
        zones=zones,
        taxes=_in_order(top, "taxes", [_tax(row) for row in top.rows("taxes")]),
        supports=_in_order(top, "support", [_support(row) for row in top.rows("support")]),
        fixed=_in_order(top, "norgespris", [_fixed(row) for row in top.rows("norgespris")]),
    )
    for word in ("source", "title"):
        top.take(word, complaint.text, "")
    top.take("checked", complaint.day, None)
    if not zones:
        top.complaints.append("zones is missing: a home lies in one of some [[zones]]")
    top.done()
    return read, top.complaints


_LONG_AGO = date(1970, 1, 1)
_PERCENT = complaint.whole(0, 100)
_KWH = complaint.number(1000, 0, 10**12, "kWh")


def _dates(row: Reader) -> tuple[date, date | None]:
    return row.need("from", complaint.day, _LONG_AGO), row.take("until", complaint.day, None)


def _in_order(top: Reader, name: str, rows: list[Dated]) -> tuple[Dated, ...]:
    """The rows by their days, each until the next one at the latest; two on one day are a complaint."""
    ordered: list[Dated] = sorted(rows, key=lambda row: row.begins)
    for row in ordered:
        if row.ends and row.ends <= row.begins:
            top.complaints.append(f"{name}: that from {row.begins} must have its until after it")
    for row, after in pairwise(ordered):
        if after.begins == row.begins or (row.ends and row.ends > after.begins):
            top.complaints.append(f"{name}: those from {row.begins} and {after.begins} hold on one day")
    nexts = [row.begins for row in ordered[1:]]
    return tuple(row._replace(ends=row.ends or after) for row, after in zip_longest(ordered, nexts))


def _zone(row: Reader) -> Zone:
    zone = Zone(row.need("vat", _PERCENT, 0), row.need("power_tax", complaint.flag, True))
    row.done()
    return zone


def _tax(row: Reader) -> Tax:
    tax = Tax(
        *_dates(row), row.need("power", complaint.ore_per_kwh, 0), row.need("fund", complaint.ore_per_kwh, 0)
    )
    row.done()
    return tax


def _support(row: Reader) -> Support:
    above = row.need("above", complaint.ore_per_kwh, 0)
    support = Support(*_dates(row), above, row.need("share", _PERCENT, 0), row.need("most", _KWH, 0))
    row.done()
    return support


def _fixed(row: Reader) -> Fixed:
    price = row.need("price", complaint.ore_per_kwh, 0)
    fixed = Fixed(*_dates(row), price, row.need("home", _KWH, 0), row.need("cabin", _KWH, 0))
    row.done()
    return fixed
