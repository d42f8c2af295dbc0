"""What hours cost: use times price, with what the state adds and takes off. What has no price is counted.

Sums are exact until the end: Wh times milliøre times percent, divided once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from .calendar import day_start, days_of_month, local, month_of
from .contracts import BY_SUPPLIER, SUPPORTED
from .levies import Levies, on
from .prices import QUARTER_S, Price, Series
from .tariff import Tariff
from .use import HOUR_S, Use


class Terms(NamedTuple):
    """What decides a price: where, by which contract, and what the supplier adds or asks.

    `markup`, `fixed` (the supplier's own fixed price, 0 if nobody has said it): milliøre per kWh without
    VAT. `fee`: milliøre a month with VAT. `sold_markup`, `sold_least`: what is added to the spot price of
    what is sold, and the least that is paid for it, None for any; milliøre per kWh.
    """

    series: Series
    levies: Levies
    zone: str = "south"
    contract: str = "support"
    markup: int = 0
    tariff: Tariff | None = None
    fixed: int = 0
    fee: int = 0
    sold_markup: int = 0
    sold_least: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some hours cost, in milliøre with all taxes; each part stands for itself.

    `power`: bought at the spot price or a fixed one, with the supplier's markup. `fee`: the days' part of
    what the supplier asks a month. `support`: what of that is paid back. `grid`: energy charge and levies,
    0 without a tariff; the capacity step is not in it. `export`: what was earned. `imported`, `exported`:
    Wh that were bought and sold. `unpriced`: Wh of them whose spot price, or whose row of the contract's
    scheme, is not known, in no sum; `ungridded`: Wh bought where no energy charge or no tax is known, not
    in `grid`. `hours`: how many have passed; `missing`: of which nothing is known; `estimated`: not metered
    yet; `provisional`: whose price may change.
    """

    power: int = 0
    support: int = 0
    grid: int = 0
    export: int = 0
    fee: int = 0
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
        """What is to be paid for energy: power, fee and grid, less support and export."""
        return self.power + self.fee - self.support + self.grid - self.export


class KwhPrice(NamedTuple):
    """What one kWh more costs, and earns, in a quarter from `start` (Unix s); milliøre, None if unknown.

    `total`: with all that depends on how much is used: power, markup, grid charge, taxes, VAT, less support.
    `sold`: what is paid for one that is sold. `final`: the spot price will not change.
    """

    start: int
    spot: int | None
    total: int | None
    sold: int | None
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """So far today, and this month, by local days; `price`: the spot price now, None if not known.

    `per_kwh`: what a kWh costs and earns in each quarter of today and tomorrow; `kwh`: now. `day_begins`,
    `month_begins`: local times.
    """

    area: str
    today: Cost
    month: Cost
    price: Price | None
    day_begins: datetime | None = None
    month_begins: datetime | None = None
    per_kwh: tuple[KwhPrice, ...] = ()
    kwh: KwhPrice | None = None

    def at(self, now_s: int, price: Price | None) -> "Costs":
        """The same at another moment of the same hour, with the spot price then."""
        quarter = now_s // QUARTER_S * QUARTER_S
        kwh = next((one for one in self.per_kwh if one.start == quarter), None)
        return self if (price, kwh) == (self.price, self.kwh) else replace(self, price=price, kwh=kwh)


def costs(terms: Terms, uses: Iterable[Use], *, now_s: int, zone: tzinfo) -> Costs:
    """The costs at `now_s` (Unix seconds) of finished hours, in any order, each at most once."""
    running = now_s // HOUR_S * HOUR_S
    today = local(running, zone).date()
    month, day = day_start(month_of(today), zone), day_start(today, zone)
    finished = sorted(use for use in uses if month <= use.start < running)
    billed = bills(terms, finished, zone)
    fee, days = terms.fee, days_of_month(today)
    return Costs(
        area=terms.series.area,
        today=summed(
            [bill for bill in billed if bill.use.start >= day], (running - day) // HOUR_S, fee // days
        ),
        month=summed(billed, (running - month) // HOUR_S, fee * today.day // days),
        price=terms.series.at(now_s),
        day_begins=local(day, zone),
        month_begins=local(month, zone),
        per_kwh=_per_kwh(terms, sum(use.imported for use in finished), day, zone),
    ).at(now_s, terms.series.at(now_s))


def _per_kwh(terms: Terms, before: int, day: int, zone: tzinfo) -> tuple[KwhPrice, ...]:
    """The quarters of the local day that begins at `day`, and of the next; `before`: Wh bought this month."""
    today = local(day, zone).date()
    end, month_end = day_start(today + timedelta(days=2), zone), day_start(month_of(today, 1), zone)
    quarters = range(day, end, QUARTER_S)
    return tuple(_kwh(terms, before if start < month_end else 0, start, zone) for start in quarters)


def _kwh(terms: Terms, before: int, quarter: int, zone: tzinfo) -> KwhPrice:
    price = terms.series.at(quarter)
    hour = Use(start=quarter // HOUR_S * HOUR_S, imported=1000, exported=1000, estimated=False)
    bill = _billed(terms, hour, before, zone, price)
    total = None
    if bill.power is not None and bill.grid is not None and terms.tariff is not None:
        total = _nearest(bill.power - bill.support + bill.grid)
    return KwhPrice(
        start=quarter,
        spot=price.price if price else None,
        total=total,
        sold=_sold(terms, price) if price else None,
        final=price is not None and price.final,
    )


def cheapest_hours(per_kwh: Iterable[KwhPrice], count: int = 24) -> list[int]:
    """The beginnings of whole hours by what a kWh costs, the cheapest first; a tie goes to the earlier."""
    hours: dict[int, list[int]] = {}
    for one in per_kwh:
        if one.total is not None:
            hours.setdefault(one.start // HOUR_S * HOUR_S, []).append(one.total)
    whole = [(sum(totals), start) for start, totals in hours.items() if len(totals) * QUARTER_S == HOUR_S]
    return [start for _, start in sorted(whole)[:count]]


class Bill(NamedTuple):
    """One hour's parts, in milliøre times Wh times percent of percent; None where a price is missing.

    `power` is without a price where the support is not known either.
    """

    use: Use
    price: Price | None
    power: int | None
    support: int
    export: int | None
    grid: int | None


def bills(terms: Terms, uses: list[Use], zone: tzinfo) -> list[Bill]:
    """The hours of a month from its first, because support and Norgespris end at a number of kWh."""
    found, before = [], 0
    for use in uses:
        found.append(_bill(terms, use, before, zone))
        before += use.imported
    return found


def _bill(terms: Terms, use: Use, before: int, zone: tzinfo) -> Bill:
    return _billed(terms, use, before, zone, terms.series.of_hour(use.start))


def _billed(terms: Terms, use: Use, before: int, zone: tzinfo, price: Price | None) -> Bill:
    """At a price of its own; the support goes by the hour's."""
    hour, mean = local(use.start, zone), terms.series.of_hour(use.start)
    vat = 100 + terms.levies.zones[terms.zone].vat
    known = _scheme_known(terms, hour.date())
    known = known and (mean is not None or terms.contract not in SUPPORTED)
    power = _power(terms, use, before, hour.date(), price) if known else None
    grid = _grid(terms, use, hour)
    return Bill(
        use=use,
        price=price,
        power=None if power is None else power * 100 * vat,
        support=_support(terms, use, before, hour.date(), mean) * vat if mean and power is not None else 0,
        export=_export(terms, use, price),
        grid=None if grid is None else grid * 100 * vat,
    )


def _scheme_known(terms: Terms, day: date) -> bool:
    """Whether the contract's scheme has a row on a day: without one it is not known, and not nothing."""
    if terms.contract in SUPPORTED:
        return on(terms.levies.supports, day) is not None
    return not terms.contract.startswith("norgespris") or on(terms.levies.fixed, day) is not None


def _power(terms: Terms, use: Use, before: int, day: date, price: Price | None) -> int | None:
    """Bought, in milliøre times Wh without VAT; `before`: Wh bought in the month before this hour."""
    if terms.contract in BY_SUPPLIER:
        return use.imported * (terms.fixed + terms.markup) if terms.fixed else None
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
    support = on(terms.levies.supports, day) if terms.contract in SUPPORTED else None
    if support is None or price.price <= support.above:
        return 0
    return _covered(use, before, support.most) * (price.price - support.above) * support.share


def _export(terms: Terms, use: Use, price: Price | None) -> int | None:
    """Earned: a home sells at the spot price and what the buyer adds, without VAT and never supported."""
    if not use.exported:
        return 0
    return None if price is None else use.exported * _sold(terms, price) * 10_000


def _sold(terms: Terms, price: Price) -> int:
    sold = price.price + terms.sold_markup
    return sold if terms.sold_least is None else max(sold, terms.sold_least)


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


def summed(bills: list[Bill], hours: int, fee: int) -> Cost:
    """What `hours` hours cost, of which these are known; `fee`: their part of the monthly fee."""
    return Cost(
        fee=fee,
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
