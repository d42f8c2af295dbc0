"""Taxes, support and Norgespris as dated data, and what a file of them must look like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

from . import complaint
from .complaint import Reader


class Zone(NamedTuple):
    """Where a home is for the tax office: `vat` percent, and whether power is taxed."""

    vat: int
    power_tax: bool


class Tax(NamedTuple):
    """From a day on: `power` tax and `fund` levy, milliøre per kWh without VAT."""

    begins: date
    ends: date | None
    power: int
    fund: int


class Support(NamedTuple):
    """From a day on: `share` percent of an hour's price above `above` is paid back, up to `most` Wh a month.

    `above`: milliøre per kWh without VAT.
    """

    begins: date
    ends: date | None
    above: int
    share: int
    most: int


class Fixed(NamedTuple):
    """From a day on: Norgespris, `price` milliøre per kWh without VAT, up to `most` Wh a month."""

    begins: date
    ends: date | None
    price: int
    home: int
    cabin: int


Dated = TypeVar("Dated", Tax, Support, Fixed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levies:
    """All that the state adds to a price, or takes off it."""

    zones: Mapping[str, Zone]
    taxes: tuple[Tax, ...] = ()
    supports: tuple[Support, ...] = ()
    fixed: tuple[Fixed, ...] = ()


def on(rows: Sequence[Dated], day: date) -> Dated | None:
    """The row in force on a local day."""
    return next((row for row in rows if row.begins <= day and (row.ends is None or day < row.ends)), None)


def levies(table: Mapping[str, Any]) -> tuple[Levies, list[str]]:
    """The levies that a file says, and the complaints about it; they are good only if there are none."""
    top = Reader("", table)
    zones = {zone.need("name", complaint.text, ""): _zone(zone) for zone in top.rows("zones")}
    read = Levies(
        zones=zones,
        taxes=tuple(_tax(row) for row in top.rows("taxes")),
        supports=tuple(_support(row) for row in top.rows("support")),
        fixed=tuple(_fixed(row) for row in top.rows("norgespris")),
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
