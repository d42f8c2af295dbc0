"""The price of power in an area, by quarters of an hour: a series, and the one way to add to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .use import HOUR_S

QUARTER_S = 900

MOST_QUARTERS = 96 * 400
"""What a series keeps at most, the newest: a year and a month."""


class Row(NamedTuple):
    """A price as it is fed: from `start` (Unix seconds) for `seconds`, a number of quarters.

    `price`: milliøre per kWh without taxes, below 0 where power is given away. `final`: it will not change.
    """

    start: int
    seconds: int
    price: int
    final: bool = True


class Price(NamedTuple):
    """A quarter's, or an hour's mean price, milliøre per kWh without taxes."""

    price: int
    final: bool


@dataclass(frozen=True, slots=True)
class Series:
    """Prices of one area by the beginning of their quarter (Unix seconds)."""

    area: str
    quarters: Mapping[int, Price] = field(default_factory=dict)

    def at(self, moment_s: int) -> Price | None:
        """The price at a moment."""
        return self.quarters.get(moment_s // QUARTER_S * QUARTER_S)

    def of_hour(self, start: int) -> Price | None:
        """The mean price of an hour; None unless all its quarters are known."""
        found = [self.quarters.get(quarter) for quarter in range(start, start + HOUR_S, QUARTER_S)]
        known = [price for price in found if price is not None]
        if len(known) < len(found):
            return None
        return Price(_nearest(sum(p.price for p in known), len(known)), all(p.final for p in known))


def merge(series: Series, rows: Iterable[Row]) -> Series:
    """The series with more prices: the newest is right, but what is provisional replaces nothing final.

    Raises ValueError for a row that does not begin with a quarter, or is not one or more whole ones.
    """
    quarters = dict(series.quarters)
    for row in rows:
        if row.start % QUARTER_S or row.seconds % QUARTER_S or row.seconds <= 0:
            raise ValueError(f"a price must be for whole quarters of an hour, not from {row.start}")
        for quarter in range(row.start, row.start + row.seconds, QUARTER_S):
            known = quarters.get(quarter)
            if row.final or known is None or not known.final:
                quarters[quarter] = Price(row.price, row.final)
    newest = sorted(quarters)[-MOST_QUARTERS:]
    return Series(series.area, {quarter: quarters[quarter] for quarter in newest})


def _nearest(total: int, count: int) -> int:
    return (2 * total + count) // (2 * count)
