"""Steps and costs worked out a second time, slowly and by the words of docs/capacity.md and docs/prices.md.

Nothing of han2x.tariff is used: tables of the TOML files go in, exact fractions are summed hour by hour, and
what an hour may still use is searched for by trying. Money is in milliøre, energy in Wh, power in W, time in
Unix seconds.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")
EASTER = {
    2022: (4, 17),
    2023: (4, 9),
    2024: (3, 31),
    2025: (4, 20),
    2026: (4, 5),
    2027: (3, 28),
    2028: (4, 16),
}
FIXED = {(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)}
Table = Mapping[str, Any]


class Used(NamedTuple):
    """What an hour used."""

    imported: int
    exported: int = 0
    estimated: bool = False


@cache
def local(start: int) -> datetime:
    """Local time in Oslo."""
    return datetime.fromtimestamp(start, OSLO)


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday."""
    easter = date(day.year, *EASTER[day.year])
    return (day.month, day.day) in FIXED or (day - easter).days in (-3, -2, 0, 1, 39, 49, 50)


def is_kind(kind: str, day: date) -> bool:
    """Whether a day is of a kind that a tariff file names."""
    name = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")[day.weekday()]
    weekend = name in ("saturday", "sunday")
    free = weekend or is_holiday(day)
    kinds = {"all": True, "weekdays": not weekend, "weekends": weekend, "holidays": is_holiday(day)}
    return {**kinds, "workdays": not free, "free-days": free}.get(kind, kind == name)


def in_span(number: int, spans: object, *, last_counts: bool) -> bool:
    """Whether a number is in "6-22" or one of several such spans, which may go round."""
    for span in spans if isinstance(spans, list) else [spans]:
        first, last = map(int, str(span).split("-"))
        last = last if last_counts else last - 1
        if first <= number <= last or (last < first and not last < number < first):
            return True
    return False


def in_force(rows: list[Table], day: date) -> Table | None:
    """The row of a day; one without an end holds until the next begins."""
    begun = [row for row in rows if row["from"] <= day]
    if not begun:
        return None
    last = max(begun, key=lambda row: row["from"])
    return last if "until" not in last or day < last["until"] else None


def charge(period: Table, moment: datetime) -> Fraction | None:
    """The energy charge of a local hour, milliøre per kWh."""
    for row in period.get("energy", []):
        days = row.get("days", "all")
        if (
            in_span(moment.hour, row.get("hours", "0-24"), last_counts=False)
            and in_span(moment.month, row.get("months", "1-12"), last_counts=True)
            and any(is_kind(kind, moment.date()) for kind in (days if isinstance(days, list) else [days]))
        ):
            return exact(row["price"]) * 1000
    return None


@cache
def exact(value: object) -> Fraction:
    """A figure as it is written."""
    return Fraction(str(value))


def half_up(value: Fraction) -> int:
    """To the nearest whole number."""
    return math.floor(value + Fraction(1, 2))


# Steps


class Step(NamedTuple):
    """What is found out about a month; powers in W, prices of a month in milliøre with VAT."""

    peaks: list[tuple[int, int, int]]
    mean: Fraction | None
    step: int | None
    limit: int | None
    next_limit: int | None
    price: Fraction
    next_price: Fraction | None
    billed_price: Fraction | None
    headroom: int | None
    missing: int


def a_step(table: Table, hours: Mapping[int, Used], now: int, fuse_a: int, vat: int) -> Step | None:
    """The step at a moment."""
    period = in_force(table["periods"], local(now).date())
    if period is None:
        return None
    scale = Fraction(1, 12) if period.get("per", "year") == "year" else Fraction(1)
    per_month = scale * 100_000 * Fraction(100 + vat, 100)
    rule = period.get("rule", "days")
    if rule == "fuse":
        if not fuse_a:
            return None
        index = index_of(period, Fraction(fuse_a))
        price = exact(period["steps"][index]["price"]) * per_month
        limits = [*(row["from_a"] for row in period["steps"][1:]), None, None]
        return Step([], None, index + 1, limits[index], None, price, None, price, None, 0)
    running = now - now % 3600
    months = 12 if rule == "weeks" else 1
    here = local(running)
    end = here.year * 12 + here.month - 1
    mine = within(hours, end - months + 1, end, running)
    peaks = counting(period, mine)
    mean = mean_of(peaks)
    missing = sum(1 for start in all_hours(end - months + 1, end) if start < running and start not in hours)
    before = counting(period, within(hours, end - months, end - 1, running))
    billed: Fraction | None = price_of(period, mean) * per_month
    if period.get("billed_by") == "month-before":
        billed = price_of(period, mean_of(before)) * per_month if before else None
    price = price_of(period, mean) * per_month
    if "steps" not in period:
        return Step(peaks, mean, None, None, None, price, None, billed, None, missing)
    index = index_of(period, mean)
    limits = [*(int(exact(row["from_kw"]) * 1000) for row in period["steps"]), None, None]
    further = period["steps"][index + 1 :]
    return Step(
        peaks,
        mean if peaks else None,
        index + 1,
        limits[index + 1],
        limits[index + 2],
        price,
        exact(further[0]["price"]) * per_month if further else None,
        billed,
        most(period, mine, running, index) if further else None,
        missing,
    )


def within(hours: Mapping[int, Used], first: int, last: int, before: int) -> dict[int, Used]:
    """The hours of some local months, counted from the year 0, before a moment."""
    found = {}
    for start, used in sorted(hours.items()):
        moment = local(start)
        if start < before and first <= moment.year * 12 + moment.month - 1 <= last:
            found[start] = used
    return found


def all_hours(first: int, last: int) -> list[int]:
    """The beginnings of all hours of some local months."""
    begin = datetime(first // 12, first % 12 + 1, 1, tzinfo=OSLO).timestamp()
    end = datetime((last + 1) // 12, (last + 1) % 12 + 1, 1, tzinfo=OSLO).timestamp()
    return list(range(int(begin), int(end), 3600))


def group(rule: str, start: int) -> object:
    """What of an hour's rule counts once."""
    moment = local(start)
    if rule == "weeks":
        return moment.date() - timedelta(days=moment.weekday())
    return start if rule == "hours" else moment.date()


def counting(period: Table, hours: Mapping[int, Used]) -> list[tuple[int, int, int]]:
    """The peaks that count: beginning, power, weight; the highest first, of equals the earlier."""
    rule = period.get("rule", "days")
    usual = {"days": 3, "hours": 3, "month": 1, "weeks": 5}[rule]
    weights = period.get("weights", [100] * 12)
    by_rank = sorted(
        (-used.imported * weights[local(start).month - 1], start, used.imported)
        for start, used in hours.items()
    )
    taken: list[tuple[int, int, int]] = []
    groups = set()
    for _, start, power in by_rank:
        if group(rule, start) not in groups and len(taken) < period.get("count", usual):
            groups.add(group(rule, start))
            taken.append((start, power, weights[local(start).month - 1]))
    return taken


def mean_of(peaks: list[tuple[int, int, int]]) -> Fraction:
    """The weighted mean, W; 0 of none."""
    return sum((Fraction(power * weight, 100) for _, power, weight in peaks), Fraction(0)) / max(
        len(peaks), 1
    )


def index_of(period: Table, value: Fraction) -> int:
    """The step that a value (W, or A of a fuse) is in."""
    found = 0
    for index, row in enumerate(period["steps"]):
        limit = exact(row["from_a"]) if "from_a" in row else exact(row["from_kw"]) * 1000
        if value > limit or (value == limit and period.get("at_limit", "higher") == "higher"):
            found = index
    return found


def price_of(period: Table, mean: Fraction) -> Fraction:
    """NOK for what the price list has its prices for, a year or a month."""
    if "steps" in period:
        return exact(period["steps"][index_of(period, mean)]["price"])
    return exact(period.get("base", 0)) + exact(period.get("per_kw", 0)) * mean / 1000


def most(period: Table, hours: Mapping[int, Used], running: int, index: int) -> int | None:
    """The most that the running hour may use without a higher step, by trying; None where nothing is."""

    def stays(wh: int) -> bool:
        return index_of(period, mean_of(counting(period, {**hours, running: Used(wh)}))) <= index

    if stays(10**12):
        return None
    low, high = -1, 10**12
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if stays(middle) else (low, middle)
    return low


# Costs


class Sums(NamedTuple):
    """The parts of a day's or a month's costs."""

    power: int
    support: int
    grid: int
    export: int
    imported: int
    exported: int
    unpriced: int
    ungridded: int
    hours: int
    missing: int
    fee: int


class Contract(NamedTuple):
    """What decides a price: `quarters` by their beginning, milliøre per kWh; `fee` milliøre a month."""

    quarters: Mapping[int, int]
    levies: Table
    zone: str
    contract: str
    markup: int
    fixed: int = 0
    fee: int = 0
    sold_markup: int = 0
    sold_least: int = -(10**9)


def costs(
    terms: Contract,
    tariff: Table | None,
    hours: Mapping[int, Used],
    now: int,
    day: date | None,
) -> Sums:
    """The costs of this month's finished hours, or of those of one local day."""
    running = now - now % 3600
    here = local(running)
    month = here.year * 12 + here.month - 1
    zone = next(row for row in terms.levies["zones"] if row["name"] == terms.zone)
    vat = Fraction(100 + zone["vat"], 100)
    power = support = grid = export = Fraction(0)
    imported = exported = unpriced = ungridded = before = 0
    for start, used in within(hours, month, month, running).items():
        moment = local(start)
        bought = (
            None if (scheme := row_of(terms, moment)) is None else bill(terms, scheme, start, used, before)
        )
        before += used.imported
        if day and moment.date() != day:
            continue
        imported += used.imported
        exported += used.exported
        if bought is None:
            unpriced += used.imported
        else:
            power += bought[0] * vat
            support += bought[1] * vat
        price = hour_price(terms, start)
        if price is not None:
            export += Fraction(used.exported * max(terms.sold_least, price + terms.sold_markup), 1000)
        else:
            unpriced += used.exported
        per_kwh = grid_price(terms, tariff, zone, moment)
        if per_kwh is None:
            ungridded += used.imported
        else:
            grid += per_kwh * used.imported / 1000 * vat
    finished = [
        start
        for start in all_hours(month, month)
        if start < running and (not day or local(start).date() == day)
    ]
    missing = sum(1 for start in finished if start not in hours)
    return Sums(
        half_up(power),
        half_up(support),
        half_up(grid),
        half_up(export),
        imported,
        exported,
        unpriced,
        ungridded,
        len(finished),
        missing,
        terms.fee
        * (1 if day else here.day)
        // len({local(start).date() for start in all_hours(month, month)}),
    )


def hour_price(terms: Contract, start: int) -> int | None:
    """The mean of an hour's quarters, to the milliøre."""
    known = [terms.quarters.get(start + second) for second in (0, 900, 1800, 2700)]
    prices = [price for price in known if price is not None]
    return half_up(Fraction(sum(prices), 4)) if len(prices) == 4 else None


def row_of(terms: Contract, moment: datetime) -> Table | None:
    """The row of the contract's scheme; an empty one where it has none, None where the row is lacking."""
    if terms.contract in ("spot", "fixed-price"):
        return {}
    return in_force(terms.levies["support" if is_supported(terms) else "norgespris"], moment.date())


def is_supported(terms: Contract) -> bool:
    """Whether the state pays a part back."""
    return terms.contract in ("support", "fixed-price-support")


def bill(
    terms: Contract, scheme: Table, start: int, used: Used, before: int
) -> tuple[Fraction, Fraction] | None:
    """Bought and paid back, milliøre without VAT, kWh by kWh as the scheme has it."""
    price = hour_price(terms, start)
    most_kwh = "most" if is_supported(terms) else "cabin" if terms.contract.endswith("cabin") else "home"
    cap = int(exact(scheme.get(most_kwh, 0)) * 1000)
    covered = sum(1 for wh in (before, before + used.imported) if wh <= cap)
    inside = used.imported if covered == 2 else max(0, cap - before)
    outside = used.imported - inside
    added = Fraction(terms.markup * used.imported, 1000)
    if terms.contract.startswith("norgespris"):
        if outside and price is None:
            return None
        return exact(scheme["price"]) * inside + Fraction(outside * (price or 0), 1000) + added, Fraction(0)
    own = terms.contract.startswith("fixed-price")
    lacks = price is None and (used.imported > 0 or is_supported(terms)) and terms.contract != "fixed-price"
    if lacks or (own and not terms.fixed):
        return None
    back = Fraction(0)
    if is_supported(terms):
        assert price is not None
        above = max(Fraction(0), price - exact(scheme["above"]) * 1000)
        back = above * inside / 1000 * scheme["share"] / 100
    return Fraction(used.imported * (terms.fixed if own else price or 0), 1000) + added, back


def grid_price(terms: Contract, tariff: Table | None, zone: Table, moment: datetime) -> Fraction | None:
    """Energy charge and taxes, milliøre per kWh without VAT."""
    if tariff is None:
        return Fraction(0)
    period = in_force(tariff["periods"], moment.date())
    energy = charge(period, moment) if period else None
    tax = in_force(terms.levies["taxes"], moment.date())
    if energy is None or tax is None:
        return None
    power = exact(tax["power"]) if zone["power_tax"] else Fraction(0)
    return energy + (power + exact(tax["fund"])) * 1000
