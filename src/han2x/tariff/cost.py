"""What hours cost: use times price, with what the state adds and takes off. What has no price is counted.

Sums are exact until the end: Wh times milliøre times percent, divided once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import NamedTuple

from .calendar import day_start, local, month_of
from .levies import Levies, on
from .prices import Price, Series
from .tariff import Tariff
from .use import HOUR_S, Use

CONTRACTS = ("spot", "support", "norgespris", "norgespris-cabin")
"""What the state does to the price: nothing (cabins, businesses), the support that homes have, or a fixed price."""


class Terms(NamedTuple):
    """What decides a price: where, by which contract, and what the supplier adds (milliøre per kWh)."""

    series: Series
    levies: Levies
    zone: str = "south"
    contract: str = "support"
    markup: int = 0
    tariff: Tariff | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some hours cost, in milliøre with all taxes; each part stands for itself.

    `power`: bought at the spot price or at Norgespris, with the supplier's markup. `support`: what of that
    is paid back. `grid`: energy charge and levies; the capacity step is not in it. `export`: what was
    earned. `imported`, `exported`: Wh that these sums are of. `unpriced`: Wh bought or sold in hours whose
    spot price is not known, in no sum of power or support; `ungridded`: Wh bought where no energy charge or tax
    is known. `missing`: hours of which nothing is known. `estimated`: hours that are not metered yet.
    `provisional`: hours whose price may change.
    """

    power: int = 0
    support: int = 0
    grid: int = 0
    export: int = 0
    imported: int = 0
    exported: int = 0
    unpriced: int = 0
    ungridded: int = 0
    hours: int = 0
    missing: int = 0
    estimated: int = 0
    provisional: int = 0

    @property
    def total(self) -> int:
        """What is to be paid for energy: power and grid, less support and export."""
        return self.power - self.support + self.grid - self.export


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """So far today, and this month, by local days; `price`: the spot price now, None if not known."""

    area: str
    today: Cost
    month: Cost
    price: Price | None


def costs(terms: Terms, uses: Iterable[Use], *, now_s: int, zone: tzinfo) -> Costs:
    """The costs at `now_s` (Unix seconds) of finished hours, in any order, each at most once."""
    running = now_s // HOUR_S * HOUR_S
    today = local(running, zone).date()
    month, day = day_start(month_of(today), zone), day_start(today, zone)
    finished = sorted(use for use in uses if month <= use.start < running)
    bills = _bills(terms, finished, zone)
    return Costs(
        area=terms.series.area,
        today=_sum([bill for bill in bills if bill.use.start >= day], (running - day) // HOUR_S),
        month=_sum(bills, (running - month) // HOUR_S),
        price=terms.series.at(now_s),
    )


class _Bill(NamedTuple):
    """One hour's parts, in milliøre times Wh times percent of percent; None where a price is missing."""

    use: Use
    price: Price | None
    power: int
    support: int
    export: int
    grid: int | None


def _bills(terms: Terms, uses: list[Use], zone: tzinfo) -> list[_Bill]:
    """The hours of a month from its first, because support and Norgespris end at a number of kWh."""
    bills, before = [], 0
    for use in uses:
        bills.append(_bill(terms, use, before, zone))
        before += use.imported
    return bills


def _bill(terms: Terms, use: Use, before: int, zone: tzinfo) -> _Bill:
    hour = local(use.start, zone)
    price = terms.series.of_hour(use.start)
    vat = 100 + terms.levies.zones[terms.zone].vat
    power, support = _power(terms, use, before, hour.date(), price) if price else (0, 0)
    grid = _grid(terms, use, zone)
    return _Bill(
        use=use,
        price=price,
        power=power * vat,
        support=support * vat,
        export=use.exported * price.price * 10_000 if price else 0,  # a home sells without VAT, and unsupported
        grid=None if grid is None else grid * 100 * vat,
    )


def _power(terms: Terms, use: Use, before: int, day: date, price: Price) -> tuple[int, int]:
    """Bought and paid back, in milliøre times Wh times percent, without VAT; `before`: Wh of the month."""
    bought = use.imported * (price.price + terms.markup) * 100
    if terms.contract == "support":
        support = on(terms.levies.supports, day)
        if support and price.price > support.above:
            covered = _covered(use, before, support.most)
            return bought, covered * (price.price - support.above) * support.share
    elif terms.contract.startswith("norgespris"):
        fixed = on(terms.levies.fixed, day)
        if fixed:
            most = fixed.cabin if terms.contract == "norgespris-cabin" else fixed.home
            return bought + _covered(use, before, most) * (fixed.price - price.price) * 100, 0
    return bought, 0


def _covered(use: Use, before: int, most: int) -> int:
    """How much of an hour's Wh is within a month's first `most`."""
    return max(0, min(use.imported, most - before))


def _grid(terms: Terms, use: Use, zone: tzinfo) -> int | None:
    """Energy charge and levies, milliøre times Wh, without VAT; None where one of them is not known."""
    hour = local(use.start, zone)
    period = terms.tariff.on(hour.date()) if terms.tariff else None
    charge = period.charge(hour) if period else None
    tax = on(terms.levies.taxes, hour.date())
    if charge is None or tax is None:
        return None
    power_tax = tax.power if terms.levies.zones[terms.zone].power_tax else 0
    return use.imported * (charge + power_tax + tax.fund)


_PER_KWH = 1000 * 100 * 100


def _sum(bills: list[_Bill], hours: int) -> Cost:
    return Cost(
        power=_nearest(sum(bill.power for bill in bills)),
        support=_nearest(sum(bill.support for bill in bills)),
        grid=_nearest(sum(bill.grid or 0 for bill in bills)),
        export=_nearest(sum(bill.export for bill in bills)),
        imported=sum(bill.use.imported for bill in bills),
        exported=sum(bill.use.exported for bill in bills),
        unpriced=sum(bill.use.imported + bill.use.exported for bill in bills if bill.price is None),
        ungridded=sum(bill.use.imported for bill in bills if bill.grid is None),
        hours=hours,
        missing=hours - len(bills),
        estimated=sum(bill.use.estimated for bill in bills),
        provisional=sum(bill.price is not None and not bill.price.final for bill in bills),
    )


def _nearest(sum: int) -> int:
    return (2 * sum + _PER_KWH) // (2 * _PER_KWH)
