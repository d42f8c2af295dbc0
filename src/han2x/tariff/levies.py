"""Taxes, support and Norgespris as dated data; `levies_reading` has what a file of them looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar


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
