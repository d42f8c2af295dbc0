"""Two ways to work out steps and costs, ours and a slow one of `plain_reckoning`, come to the same.

Random months of every price list and rule that comes with the program, with ties at limits, corrections, gaps
and both nights on which clocks change; and every price list at its borders. HAN2X_MONTHS=10000 tries as many
months.
"""

import os
import random
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from han2x.model.hour import Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.runtime.accounts import Accounts
from han2x.runtime.latest import Latest
from han2x.settings.schema import Meter, Prices, Settings
from han2x.tariff.capacity import Capacity
from han2x.tariff.contracts import BY_SUPPLIER, CONTRACTS
from han2x.tariff.cost import Cost
from han2x.tariff.levies_reading import levies
from han2x.tariff.prices import Price, Series
from han2x.tariff.tariff import RULES

from . import plain_reckoning as plain
from .conftest import DATA, OSLO, read

MONTHS = int(os.environ.get("HAN2X_MONTHS", "200"))
BATCHES = 10
TABLES = {
    path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted((DATA / "tariffs").glob("*.toml"))
}
LEVIES = tomllib.loads((DATA / "levies.toml").read_text("utf-8"))
READ_LEVIES, _ = levies(LEVIES)
SWITCHING = [(2025, 3), (2025, 10), (2026, 3), (2026, 10)]


def made_up(rng: random.Random, table: dict[str, Any]) -> dict[str, Any]:
    """A price list that no company has: another rule, count, weights, limits, month billed."""
    periods = []
    for period in table["periods"]:
        if period.get("rule") == "fuse" or "steps" not in period:
            return table
        rule = rng.choice([name for name, found in RULES.items() if found])
        more: dict[str, Any] = {"rule": rule, "count": rng.randint(1, 6)}
        more["at_limit"] = rng.choice(["higher", "lower"])
        more["billed_by"] = rng.choice(["month", "month-before"])
        more["weights"] = [rng.choice([0, 25, 50, 99, 100]) for _ in range(12)]
        steps = period["steps"][: rng.randint(1, len(period["steps"]))]
        periods.append({**period, **more, "steps": steps})
    return {**table, "periods": periods}


def a_moment(rng: random.Random) -> int:
    """Some moment of 2025, 2026 or early 2027; often in a month when clocks change, or at a month's edge."""
    year, month = rng.choice(SWITCHING) if rng.random() < 0.4 else (rng.choice([2025, 2026, 2026, 2027]), 0)
    month = month or rng.randint(1, 3 if year == 2027 else 12)
    begin = datetime(year, month, 1, tzinfo=OSLO)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=OSLO)
    first, last = int(begin.timestamp()), int(end.timestamp())
    return rng.choice(
        [first, first + 3599, last - 1, last - 3600, *(rng.randrange(first, last) for _ in range(8))]
    )


def some_hours(rng: random.Random, table: dict[str, Any], now: int) -> dict[int, plain.Used]:
    """Hours of this month and, where the rule looks back, of a year; many at a limit, or equal."""
    period = plain.in_force(table["periods"], plain.local(now).date()) or table["periods"][-1]
    limits = [round(row["from_kw"] * 1000) for row in period.get("steps", []) if "from_kw" in row]
    near = [max(0, limit + by) for limit in limits[:6] for by in (-1, 0, 0, 0, 1)] or [3_000]
    levels = [*rng.choices(near, k=3), rng.randint(0, 20_000)]
    weeks = period.get("rule") == "weeks"
    back = 400 if weeks or "billed_by" in period else 45
    running = now - now % 3600
    nights = [
        int(datetime(*when, tzinfo=OSLO).timestamp())
        for when in ((2026, 3, 29), (2026, 10, 25), (2025, 10, 26))
    ]
    starts = {running - 3600 * rng.randrange(-5, back * 24) for _ in range(70)}
    starts |= {
        night + 3600 * hour for night in nights for hour in (0, 1, 2, 3) if night > now - back * 86_400
    }
    starts |= {running - 3600 * hour for hour in range(rng.randint(0, 700 if rng.random() < 0.2 else 80))}
    return {
        start: plain.Used(
            rng.choice(levels) if rng.random() < 0.6 else rng.randint(0, 9_000),
            rng.choice([0, 0, 0, rng.randint(0, 5_000)]),
        )
        for start in sorted(starts)
    }


def an_hour(start: int, used: plain.Used, basis: Basis = Basis.METERED) -> Hour:
    energies = {Quantity.ACT_ENERGY_POS: used.imported, Quantity.ACT_ENERGY_NEG: used.exported}
    return Hour(start=start, energies=energies, basis=basis, drift={})


def quarters(rng: random.Random, now: int) -> dict[int, int]:
    """Spot prices of this month; a few are missing, some below 0, many around the threshold of support."""
    first = now - now % 3600 - 32 * 86_400
    choices = [-1_500, 0, 40_000, 76_999, 77_000, 77_001, 75_000, 123_457, rng.randint(0, 600_000)]
    lacking = rng.choice([0, 0, 0.01])
    return {
        start: rng.choice(choices)
        for start in range(first, now + 7200, 900)
        if not (lacking and rng.random() < lacking)
    }


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_months(batch: int) -> None:
    """Capacity and costs are the same by both ways, before corrections and after them."""
    for number in range(batch, MONTHS, BATCHES):
        compared(random.Random(number), number)


def compared(rng: random.Random, number: int) -> None:
    """One random month."""
    name = rng.choice(list(TABLES))
    table = TABLES[name] if rng.random() < 0.6 else made_up(rng, TABLES[name])
    now, fuse = a_moment(rng), rng.choice([0, 25, 63, 125, 126])
    contract, zone = rng.choice([*CONTRACTS, *BY_SUPPLIER]), rng.choice(["south", "north", "action"])
    markup = rng.choice([0, 4_900, -100])
    hours, spot = some_hours(rng, table, now), quarters(rng, now)
    meter = Meter(id="main", tariff="test", fuse_a=fuse)
    fixed, fee = rng.choice([0, 60_001]), rng.choice([0, 4_900])
    sold_markup, least = rng.choice([0, -777]), rng.choice([0, -10_000_000, 50_000])
    prices = Prices(
        enabled=True,
        contract=contract,
        tax_zone=zone,
        markup=markup,
        fixed_price=fixed,
        monthly_fee=fee,
        export_markup=sold_markup,
        export_minimum=least,
    )
    accounts = Accounts(Latest(Settings(meters=(meter,), prices=prices)), Latest({}), Instant(now * 1000, 0))
    accounts.levies.set(READ_LEVIES)
    accounts.tariffs.set({"test": read(table)})
    accounts.prices.set(Series("NO1", {start: Price(price, True) for start, price in spot.items()}))
    first = dict(hours)
    corrected = rng.sample(sorted(hours), k=min(len(hours), rng.choice([0, 1, 10])))
    for start in corrected:
        first[start] = plain.Used(rng.choice([0, 30_000, *(used.imported for used in hours.values())]))
    terms = plain.Contract(spot, LEVIES, zone, contract, markup, fixed, fee * 1000, sold_markup, least)
    for stage, known in ((first, first), ({start: hours[start] for start in corrected}, hours)):
        accounts.put("main", [an_hour(start, used) for start, used in stage.items()])
        found = accounts.at(meter, Instant(now * 1000, 0))
        where = f"month {number}: {name} at {plain.local(now)}, {contract}"
        vat = READ_LEVIES.zones[zone].vat
        same_step(found.capacity, plain.a_step(table, known, now, fuse, vat), where)
        assert found.costs, where
        today = plain.local(now - now % 3600).date()
        for cost, day in ((found.costs.month, None), (found.costs.today, today)):
            assert sums_of(cost) == plain.costs(terms, table, known, now, day), where


def same_step(found: Capacity | None, expected: plain.Step | None, where: str) -> None:
    """Whether both steps are one; a price per kW may be a thousandth of an øre off."""
    if found is None or expected is None:
        assert found is None and expected is None, where  # noqa: PT018
        return
    assert [(int(p.hour.timestamp()), p.power, p.weight) for p in found.peaks] == expected.peaks, where
    assert (found.step, found.limit, found.next_limit) == (
        expected.step,
        expected.limit,
        expected.next_limit,
    ), where
    assert found.mean == (None if expected.mean is None else int(expected.mean)), where
    assert (found.headroom, found.missing) == (expected.headroom, expected.missing), where
    for one, other in (
        (found.price, expected.price),
        (found.next_price, expected.next_price),
        (found.billed_price, expected.billed_price),
    ):
        assert (one is None) == (other is None), where
        if one is not None and other is not None:
            assert abs(one - other) <= 1, where


def sums_of(cost: Cost) -> plain.Sums:
    return plain.Sums(*(getattr(cost, name) for name in plain.Sums._fields))


def borders(period: dict[str, Any]) -> Iterator[datetime]:
    """Hours at a price list's borders: its days, and each hour of each kind of day in each month."""
    first, last = period["from"], period.get("until", date(2027, 6, 1)) - timedelta(days=1)
    days = {first, last}
    for year in range(first.year, min(last.year, first.year + 1) + 1):
        days |= {date(year, month, 1) - timedelta(days=by) for month in range(1, 13) for by in (0, 1)}
        days |= {date(year, month, day) for month in (2, 7) for day in range(1, 8)}
        days |= {date(year, *day) for day in ((5, 1), (5, 17), (12, 25), (12, 26))}
        days |= {date(year, *plain.EASTER[year]) + timedelta(days=by) for by in (-3, -2, 0, 1, 39, 49, 50)}
    for day in sorted(days):
        if first <= day <= last:
            begin = datetime(day.year, day.month, day.day, tzinfo=OSLO)
            yield from (begin.replace(hour=hour) for hour in (0, 5, 6, 15, 16, 21, 22, 23))


@pytest.mark.parametrize("name", TABLES)
def test_every_price_list_at_its_borders(name: str) -> None:
    """First and last day, each limit and just beside it, each kind of day, month and border of hours."""
    table, tariff = TABLES[name], read(TABLES[name])
    assert [one.begins for one in tariff.periods] == sorted(period["from"] for period in table["periods"])
    for period in table["periods"]:
        for day in (period["from"], period.get("until", date(2099, 1, 1)) - timedelta(days=1)):
            for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
                there, now = plain.in_force(table["periods"], near), tariff.on(near)
                assert (there and there["from"]) == (now and now.begins)
        ours = tariff.on(period["from"])
        assert ours
        for moment in borders(period):
            assert ours.charge(moment) == plain.charge(period, moment), (period["from"], moment)
        for index, row in enumerate(period.get("steps", [])):
            at_a_limit(tariff, table, period, index, row)


def at_a_limit(tariff: Any, table: Any, period: dict[str, Any], index: int, row: dict[str, Any]) -> None:
    """The step just below a limit, at it, and just above it, by a month of such hours."""
    now = int(datetime.combine(period["from"], datetime.min.time(), OSLO).timestamp()) + 4 * 3600
    from han2x.tariff.capacity import capacity
    from han2x.tariff.use import Use

    limit = round(row.get("from_kw", 0) * 1000) or row.get("from_a", 0)
    higher = period.get("at_limit", "higher") == "higher"
    for value, expected in ((limit - 1, index), (limit, index + higher), (limit + 1, index + 1)):
        if value < 0 or (index == 0 and value == 0):
            continue
        weight = period.get("weights", [100] * 12)[plain.local(now).month - 1]
        hours = {now - 3600: plain.Used(value * 100 // weight)}
        uses = [Use(start, used.imported) for start, used in hours.items()]
        found = capacity(tariff, uses, now_s=now, zone=OSLO, fuse_a=value, vat=25)
        assert found
        assert (found.step, found.price) == (expected, plain.half_up(a_price(period, expected)))
        same_step(found, plain.a_step(table, hours, now, value, 25), f"{period['from']} at {value}")


def a_price(period: dict[str, Any], step: int) -> Fraction:
    """A step's price, milliøre a month with 25 % VAT."""
    per = 12 if period.get("per", "year") == "year" else 1
    return plain.exact(period["steps"][step - 1]["price"]) * 125_000 / per


def test_all_price_lists_are_tried() -> None:
    """198 price lists are 246 periods of 105 tariffs, for some are those of several customers."""
    real = {name: table for name, table in TABLES.items() if name != "example-business"}
    assert len(real) == 105
    assert sum(len(table["periods"]) for table in real.values()) == 246
