"""What hours cost: use times price, with what the state adds and takes off. What has no price is counted.

Sums are exact until the end: Wh times milliøre times percent, divided once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from .calendar import day_start, local, month_of
from .levies import Levies, on
from .prices import Price, Series
from .tariff import Tariff
from .use import HOUR_S, Use


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

    `power`: bought at the spot price or at Norgespris, with the supplier's markup. `support`: what of
    that is paid back. `grid`: energy charge and levies, 0 without a tariff; the capacity step is not in
    it. `export`: what was earned. `imported`, `exported`: Wh that were bought and sold. `unpriced`: Wh of
    them whose spot price, or whose row of the contract's scheme, is not known, in no sum; `ungridded`: Wh
    bought where no energy charge or no tax is known, not in `grid`. `hours`: how many have passed;
    `missing`: of which nothing is known; `estimated`: not metered yet; `provisional`: whose price may
    change.
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
    def complete(self) -> bool:
        """Whether all that is to be in the sums is."""
        return not (self.unpriced or self.ungridded or self.missing)

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

    def with_price(self, price: Price | None) -> "Costs":
        """The same at another moment of the same hour."""
        return self if price == self.price else replace(self, price=price)


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
    power: int | None
    support: int
    export: int | None
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
    known = _scheme_known(terms, hour.date())
    power = _power(terms, use, before, hour.date(), price) if known else None
    grid = _grid(terms, use, hour)
    return _Bill(
        use=use,
        price=price,
        power=None if power is None else power * 100 * vat,
        support=_support(terms, use, before, hour.date(), price) * vat if price and known else 0,
        export=_export(use, price),
        grid=None if grid is None else grid * 100 * vat,
    )


def _scheme_known(terms: Terms, day: date) -> bool:
    """Whether the contract's scheme has a row on a day: without one it is not known, and not nothing."""
    if terms.contract == "support":
        return on(terms.levies.supports, day) is not None
    return not terms.contract.startswith("norgespris") or on(terms.levies.fixed, day) is not None


def _power(terms: Terms, use: Use, before: int, day: date, price: Price | None) -> int | None:
    """Bought, in milliøre times Wh without VAT; `before`: Wh bought in the month before this hour."""
    fixed = on(terms.levies.fixed, day) if terms.contract.startswith("norgespris") else None
    covered = 0
    if fixed:
        covered = _covered(use, before, fixed.cabin if terms.contract == "norgespris-cabin" else fixed.home)
    if price is None and covered < use.imported:
        return None
    by_fixed = covered * fixed.price if fixed else 0
    by_spot = (use.imported - covered) * price.price if price else 0
    return by_fixed + by_spot + use.imported * terms.markup


def _support(terms: Terms, use: Use, before: int, day: date, price: Price) -> int:
    """Paid back, in milliøre times Wh times percent without VAT."""
    support = on(terms.levies.supports, day) if terms.contract == "support" else None
    if support is None or price.price <= support.above:
        return 0
    return _covered(use, before, support.most) * (price.price - support.above) * support.share


def _export(use: Use, price: Price | None) -> int | None:
    """Earned: a home sells at the spot price, without VAT and never supported."""
    if not use.exported:
        return 0
    return None if price is None else use.exported * price.price * 10_000


def _covered(use: Use, before: int, most: int) -> int:
    """How much of an hour's Wh is within a month's first `most`."""
    return max(0, min(use.imported, most - before))


def _grid(terms: Terms, use: Use, hour: datetime) -> int | None:
    """Energy charge and levies, milliøre times Wh, without VAT; None where one of them is not known."""
    if terms.tariff is None:
        return 0
    period = terms.tariff.on(hour.date())
    charge = period.charge(hour) if period else None
    tax = on(terms.levies.taxes, hour.date())
    if charge is None or tax is None:
        return None
    power_tax = tax.power if terms.levies.zones[terms.zone].power_tax else 0
    return use.imported * (charge + power_tax + tax.fund)


_PER_KWH = 1000 * 100 * 100


def _sum(bills: list[_Bill], hours: int) -> Cost:
    return Cost(
        power=_nearest(sum(bill.power or 0 for bill in bills)),
        support=_nearest(sum(bill.support for bill in bills)),
        grid=_nearest(sum(bill.grid or 0 for bill in bills)),
        export=_nearest(sum(bill.export or 0 for bill in bills)),
        imported=sum(bill.use.imported for bill in bills),
        exported=sum(bill.use.exported for bill in bills),
        unpriced=sum(bill.use.imported for bill in bills if bill.power is None)
        + sum(bill.use.exported for bill in bills if bill.export is None),
        ungridded=sum(bill.use.imported for bill in bills if bill.grid is None),
        hours=hours,
        missing=hours - len(bills),
        estimated=sum(bill.use.estimated for bill in bills),
        provisional=sum(bill.price is not None and not bill.price.final for bill in bills),
    )


def _nearest(sum: int) -> int:
    return (2 * sum + _PER_KWH) // (2 * _PER_KWH)
