"""What past hours, days and months cost, beside what the account of the same month says."""

import tomllib

import pytest

from han2x.tariff.cost import Terms, costs
from han2x.tariff.cost_periods import PeriodCost, begins, period_costs
from han2x.tariff.levies_reading import levies
from han2x.tariff.prices import Row, Series, merge
from han2x.tariff.use import HOUR_S, Use

from .conftest import DATA, OSLO, at, built_in

LEVIES, _ = levies(tomllib.loads((DATA / "levies.toml").read_text("utf-8")))
BEGIN, END = at("2026-10-01 00:00"), at("2026-12-01 00:00")
HOURS = range(BEGIN, END, HOUR_S)
PRICES = [Row(start, HOUR_S, 60_000 + start // HOUR_S * 7_919 % 90_000) for start in HOURS]
USES = [Use(start, start // HOUR_S * 104_729 % 4_000, 0) for start in HOURS]
TERMS = Terms(merge(Series("NO1"), PRICES), LEVIES, tariff=built_in("elvia"), fee=3_000_000, markup=5_000)


def seen(period: str, begin: str, end: str) -> list[PeriodCost]:
    since = begins(at(begin), OSLO)
    uses = [use for use in USES if since <= use.start < at(end)]
    return list(period_costs(TERMS, uses, begin=at(begin), end=at(end), period=period, zone=OSLO))


def test_months_are_what_the_account_says() -> None:
    """October by its last moment; November from its first day to its 25th, with that share of the fee."""
    october, november = seen("month", "2026-10-01 00:00", "2026-11-25 00:00")
    assert (october.start, october.end) == (at("2026-10-01 00:00"), at("2026-11-01 00:00"))
    account = costs(TERMS, USES, now_s=at("2026-11-25 00:00"), zone=OSLO)
    assert november.cost.total - november.cost.fee == account.month.total - account.month.fee
    assert november.cost.fee == 3_000_000 * 24 // 30
    assert (october.cost.fee, october.cost.hours, october.cost.missing) == (3_000_000, 31 * 24 + 1, 0)


@pytest.mark.parametrize("period", ["hour", "day"])
def test_the_parts_make_the_month(period: str) -> None:
    """Hours and days add up to the month, to rounding; the day of October's clock change has 25 hours."""
    parts = seen(period, "2026-10-01 00:00", "2026-11-01 00:00")
    (month,) = seen("month", "2026-10-01 00:00", "2026-11-01 00:00")
    assert len(parts) == {"hour": 31 * 24 + 1, "day": 31}[period]
    assert sum(one.cost.power for one in parts) == pytest.approx(month.cost.power, abs=len(parts))
    assert sum(one.cost.grid for one in parts) == pytest.approx(month.cost.grid, abs=len(parts))
    assert max(one.cost.hours for one in parts) == {"hour": 1, "day": 25}[period]


def test_support_of_a_later_day_knows_what_was_used_before() -> None:
    """A day that is asked for by itself costs what it does within its month."""
    (alone,) = seen("day", "2026-10-20 00:00", "2026-10-21 00:00")
    within = seen("day", "2026-10-01 00:00", "2026-11-01 00:00")[19]
    assert alone == within


def test_what_is_missing_is_counted() -> None:
    """Of a day with two hours, 22 are missing; a day of which nothing is known is no row."""
    uses = [use for use in USES if at("2026-10-05 10:00") <= use.start < at("2026-10-05 12:00")]
    begin, end = at("2026-10-05 00:00"), at("2026-10-07 00:00")
    (found,) = period_costs(TERMS, uses, begin=begin, end=end, period="day", zone=OSLO)
    assert (found.cost.hours, found.cost.missing, found.cost.complete) == (24, 22, False)
