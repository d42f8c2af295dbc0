"""The capacity step against tables worked by hand: every rule, ties, daylight saving, corrections, limits.

What a tariff file says is in test_reading.py, the running hour's budget in test_budget.py.
"""

import itertools
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.tariff.capacity import Capacity, begins, capacity
from han2x.tariff.tariff import Tariff
from han2x.tariff.use import HOUR_S, Use

from .conftest import OSLO, at, built_in, read, use

STEPS = [{"from_kw": kw, "price": 1200 * (index + 1)} for index, kw in enumerate((0, 2, 5, 10, 300))]


def tariff(**period: Any) -> Tariff:
    """Steps from 0, 2, 5, 10 and 300 kW at 100, 200, 300, 400, 500 NOK a month."""
    return read({"periods": [{"from": date(2025, 1, 1), "steps": STEPS, **period}]})


def seen(tariff_: Tariff, uses: list[Use], now: str, fuse_a: int = 0) -> Capacity:
    found = capacity(tariff_, uses, now_s=at(now), zone=OSLO, fuse_a=fuse_a)
    assert found is not None
    return found


def peaks(found: Capacity) -> list[tuple[str, int]]:
    """Local time and power of the peaks."""
    return [(f"{peak.hour:%m-%d %H %z}", peak.power) for peak in found.peaks]


JANUARY = [
    use("2026-01-05 17:00", 4_000),
    use("2026-01-05 18:00", 6_000),  # the day's highest
    use("2026-01-05 19:00", 5_999),
    use("2026-01-08 07:00", 3_000),
    use("2026-01-09 00:00", 5_500),
    use("2026-01-12 23:00", 4_100),
    use("2026-01-20 12:00", 4_099),
]


@pytest.mark.parametrize(
    ("period", "expected", "mean", "step"),
    [
        # 6000, 5500, 4100 on three days: 15600 / 3
        ({"rule": "days"}, [("01-05 18", 6_000), ("01-09 00", 5_500), ("01-12 23", 4_100)], 5_200, 3),
        ({"rule": "days", "count": 1}, [("01-05 18", 6_000)], 6_000, 3),
        # five days: + 4099 + 3000 = 22699 / 5
        (
            {"rule": "days", "count": 5},
            [
                ("01-05 18", 6_000),
                ("01-09 00", 5_500),
                ("01-12 23", 4_100),
                ("01-20 12", 4_099),
                ("01-08 07", 3_000),
            ],
            4_539,
            2,
        ),
        # whatever day: 6000, 5999, 5500 = 17499 / 3
        ({"rule": "hours"}, [("01-05 18", 6_000), ("01-05 19", 5_999), ("01-09 00", 5_500)], 5_833, 3),
        ({"rule": "month"}, [("01-05 18", 6_000)], 6_000, 3),
        # weeks 2 (5-11 January), 3 and 4: 6000, 4100, 4099 = 14199 / 3
        ({"rule": "weeks"}, [("01-05 18", 6_000), ("01-12 23", 4_100), ("01-20 12", 4_099)], 4_733, 2),
    ],
)
def test_rules(period: dict[str, Any], expected: list[tuple[str, int]], mean: int, step: int) -> None:
    """Each rule takes the highest hour of its groups, and the mean of the highest few of them."""
    found = seen(tariff(**period), JANUARY, "2026-01-25 10:30")
    assert peaks(found) == [(f"{hour} +0100", power) for hour, power in expected]
    assert (found.mean, found.step, found.month) == (mean, step, date(2026, 1, 1))
    assert (found.price, found.next_price) == (step * 10_000_000, (step + 1) * 10_000_000)


def test_the_order_of_hours_and_hours_of_other_months_do_not_matter() -> None:
    """Hours before the month, the running hour and hours to come are not counted."""
    others = [
        use("2025-12-31 23:00", 9_999),
        use("2026-01-25 10:00", 9_998),
        use("2026-01-26 10:00", 9_997),
    ]
    found = seen(tariff(), [*reversed(JANUARY), *others], "2026-01-25 10:59:59")
    assert found == seen(tariff(), JANUARY, "2026-01-25 10:30")


@pytest.mark.parametrize(
    ("at_limit", "powers", "step", "limit"),
    [
        ("higher", (5_000, 5_000, 5_000), 3, 10_000),
        ("lower", (5_000, 5_000, 5_000), 2, 5_000),
        ("higher", (5_000, 5_000, 4_999), 2, 5_000),  # 4999.67 is no 5000
        ("lower", (5_000, 5_000, 5_001), 3, 10_000),  # 5000.33 is more, though it is shown as 5000
        ("higher", (0, 0, 0), 1, 2_000),
        ("lower", (0, 0, 0), 1, 2_000),
        ("higher", (2_000, 2_000, 2_000), 2, 5_000),
        ("lower", (2_000, 2_000, 2_000), 1, 2_000),
        ("higher", (300_000, 300_000, 300_000), 5, None),  # above 255 kW, the last step
        ("lower", (300_000, 300_000, 300_000), 4, 300_000),
        ("lower", (900_000, 900_000, 900_000), 5, None),
    ],
)
def test_a_value_at_a_limit(
    at_limit: str, powers: tuple[int, int, int], step: int, limit: int | None
) -> None:
    """Whether a mean equal to a limit is in the higher step is the company's choice, without rounding."""
    uses = [use(f"2026-01-0{day} 12:00", power) for day, power in zip((1, 2, 3), powers, strict=True)]
    found = seen(tariff(at_limit=at_limit), uses, "2026-01-10 00:00")
    assert (found.step, found.limit) == (step, limit)


def test_ties_go_to_the_first() -> None:
    """Of equal hours of a day the first is its peak, and of equal days the first ones count."""
    uses = [
        use("2026-01-04 09:00", 3_000),
        *[use(f"2026-01-0{day} {hour}:00", 3_000) for day in (3, 2, 1) for hour in (20, 10)],
    ]
    found = seen(tariff(), uses, "2026-01-10 00:00")
    assert [hour for hour, _ in peaks(found)] == ["01-01 10 +0100", "01-02 10 +0100", "01-03 10 +0100"]


@pytest.mark.parametrize(
    ("day", "hours", "missing"),
    [("2026-03-29", 23, 28 * 24), ("2026-10-25", 25, 24 * 24), ("2026-10-24", 24, 23 * 24)],
)
def test_days_of_23_and_25_hours(day: str, hours: int, missing: int) -> None:
    """The days on which summer time begins and ends have their real hours, and one peak each."""
    begin = at(f"{day} 00:00")
    uses = [Use(begin + HOUR_S * index, 1_000 + index) for index in range(hours)]
    end = f"{day} 23:59:59"
    found = seen(tariff(), uses, end)  # the day's last hour still runs
    assert (found.mean, found.missing) == (1_000 + hours - 2, missing)
    after = capacity(tariff(), uses, now_s=begin + hours * HOUR_S, zone=OSLO)
    assert after is not None
    assert (after.peaks[0].power, after.missing) == (1_000 + hours - 1, missing)


def test_the_repeated_hour_is_two_hours() -> None:
    """Both hours from 02 to 03 on the night when summer time ends count on their own, never together."""
    uses = [
        use("2026-10-25 02:00", 4_000),
        use("2026-10-25 02:00", 4_100, fold=1),
        use("2026-10-24 12:00", 3_000),
    ]
    assert use("2026-10-25 02:00", 0, fold=1).start - use("2026-10-25 02:00", 0).start == HOUR_S
    found = seen(tariff(), uses, "2026-10-26 00:00")
    assert peaks(found) == [("10-25 02 +0100", 4_100), ("10-24 12 +0200", 3_000)]


def test_the_last_hour_of_a_month_is_local() -> None:
    """In summer time the month turns at 22:00 UTC."""
    assert datetime.fromtimestamp(at("2026-06-30 23:00")).astimezone(OSLO).month == 6
    uses = [use("2026-06-30 23:00", 7_000), use("2026-07-01 00:00", 1_000)]
    june = seen(tariff(), uses, "2026-06-30 23:30")
    july = seen(tariff(), uses, "2026-07-01 01:00")
    assert (june.month, june.mean) == (date(2026, 6, 1), None)  # its last hour still runs
    assert (july.month, july.mean) == (date(2026, 7, 1), 1_000)


def test_a_month_turns() -> None:
    """A new month begins without peaks, in the first step, and with no hour missing."""
    found = seen(tariff(), JANUARY, "2026-02-01 00:00:00")
    assert (found.month, found.peaks, found.mean) == (date(2026, 2, 1), (), None)
    assert (found.step, found.limit, found.headroom, found.missing) == (1, 2_000, 1_999, 0)
    before = seen(tariff(), JANUARY, "2026-01-31 23:59:59")
    assert (before.month, before.mean) == (date(2026, 1, 1), 5_200)


def test_fewer_days_than_count() -> None:
    """While there are fewer days than count, the mean is of those there are."""
    uses = [use("2026-01-01 10:00", 3_000), use("2026-01-02 10:00", 1_000)]
    found = seen(tariff(), uses, "2026-01-02 12:00")
    assert (found.mean, len(found.peaks), found.step) == (2_000, 2, 2)
    assert found.missing == 36 - 2


@pytest.mark.parametrize(
    ("better", "mean", "hour"),
    [
        (use("2026-01-05 18:00", 9_000), 6_200, "01-05 18 +0100"),  # 9000 + 5500 + 4100
        (use("2026-01-05 18:00", 0), 5_199, "01-05 19 +0100"),  # the next of the day: 5999 + 5500 + 4100
        (use("2026-01-20 12:00", 12_000), 7_833, "01-20 12 +0100"),  # 12000 + 6000 + 5500
    ],
)
def test_a_corrected_hour(better: Use, mean: int, hour: str) -> None:
    """An hour that is corrected counts as if it had always been so, up or down."""
    uses = [better if known.start == better.start else known for known in JANUARY]
    found = seen(tariff(), uses, "2026-01-25 10:30")
    assert found.mean == mean
    assert hour in [hour for hour, _ in peaks(found)]


def test_estimated_is_told_apart() -> None:
    """A peak that may still be corrected is marked, and so is the whole while it counts."""
    uses = [*JANUARY[:-1], use("2026-01-20 12:00", 4_200, estimated=True)]
    found = seen(tariff(), uses, "2026-01-25 10:30")
    assert [peak.estimated for peak in found.peaks] == [False, False, True]
    assert found.estimated
    low = [*JANUARY[:-1], use("2026-01-20 12:00", 100, estimated=True)]
    assert not seen(tariff(), low, "2026-01-25 10:30").estimated


def test_billed_by_the_month_before() -> None:
    """Where a month is billed by the peaks of the one before, both steps are told."""
    uses = [use("2025-12-10 10:00", 11_000), use("2025-12-31 23:00", 9_000), *JANUARY]
    found = seen(tariff(billed_by="month-before"), uses, "2026-01-25 10:30")
    assert (found.step, found.price) == (3, 30_000_000)  # 5.2 kW
    assert found.billed_price == 40_000_000  # 10 kW: (11000 + 9000) / 2
    assert seen(tariff(), uses, "2026-01-25 10:30").billed_price == 30_000_000
    assert seen(tariff(billed_by="month-before"), JANUARY, "2026-01-25 10:30").billed_price is None


def test_prices_with_vat() -> None:
    """A twelfth of a year's price, with VAT, to the nearest milliøre: 1000.01 NOK x 1.25 / 12."""
    found = capacity(
        tariff(steps=[{"from_kw": 0, "price": 1000.01}]),
        JANUARY,
        now_s=at("2026-01-25 10:30"),
        zone=OSLO,
        vat=25,
    )
    assert found
    assert (found.price, found.billed_price, found.next_price) == (10_416_771, 10_416_771, None)


def test_fjellnett() -> None:
    """Five highest weekly peaks of twelve months, weighted by month, times the price of a kW, and a base.

    Weighted: 2 February 8000 x 100 %, 9 March 9000 x 85 % = 7650, 24 June 30000 x 25 % = 7500,
    10 November 10000 x 70 % = 7000, 1 December 7000 x 95 % = 6650, 12 October 12000 x 45 % = 5400.
    Mean of the first five: 36800 / 5 = 7360 W.
    """
    uses = [
        use("2026-02-02 08:00", 8_000),
        use("2026-02-04 08:00", 7_900),  # the same week
        use("2026-03-09 08:00", 9_000),
        use("2026-06-24 08:00", 30_000),
        use("2026-10-12 08:00", 12_000),
        use("2026-11-10 08:00", 10_000),
        use("2026-12-01 08:00", 7_000),
        use("2025-12-31 08:00", 90_000),  # thirteen months back
    ]
    found = seen(built_in("fjellnett"), uses, "2026-12-15 12:00")
    assert [peak.counted // 100 for peak in found.peaks] == [8_000, 7_650, 7_500, 7_000, 6_650]
    assert (found.mean, found.step, found.limit, found.headroom) == (7_360, None, None, None)
    # (2000 + 589 x 7.36) / 12 = 527.92, billed with December 2025 and without this one
    assert found.price == 52_792_000
    # 90000 x 95 % = 85500, 8000, 7650, 7500, 7000: 115650 / 5 = 23130 W; (2000 + 589 x 23.13) / 12
    assert found.billed_price == 130_196_417
    assert begins(built_in("fjellnett"), now_s=at("2026-12-15 12:00"), zone=OSLO) == at("2025-12-01 00:00")


def test_a_week_over_two_months_has_one_peak() -> None:
    """The highest hour of a week is so by its weight: 10000 in March (85 %) is more than 11000 in April."""
    uses = [use("2026-03-31 08:00", 10_000), use("2026-04-01 08:00", 11_000)]  # one week; 8500 and 5500
    found = seen(built_in("fjellnett"), uses, "2026-04-10 12:00")
    assert peaks(found) == [("03-31 08 +0200", 10_000)]
    assert found.mean == 8_500


@pytest.mark.parametrize(("fuse_a", "step", "price"), [(63, 1, 3500), (125, 1, 3500), (126, 2, 4500)])
def test_by_fuse(fuse_a: int, step: int, price: int) -> None:
    """A tariff by the main fuse has a step that no hour changes."""
    found = seen(built_in("alut"), JANUARY, "2026-01-25 10:30", fuse_a)
    assert (found.step, found.price, found.peaks) == (step, (price * 100_000 + 6) // 12, ())
    assert (found.mean, found.headroom, found.next_price, found.missing) == (None, None, None, 0)


def test_an_unknown_fuse_and_a_day_without_price_list_give_nothing() -> None:
    """Nothing is guessed: no fuse, no step; no price list for the day, no step."""
    assert capacity(built_in("alut"), [], now_s=at("2026-01-25 10:30"), zone=OSLO) is None
    assert capacity(built_in("elvia"), JANUARY, now_s=at("2024-09-30 23:00"), zone=OSLO) is None
    assert capacity(built_in("elvia"), JANUARY, now_s=at("2024-10-01 00:00"), zone=OSLO) is not None


def test_elvia_has_the_step_its_price_list_has() -> None:
    """2880 NOK a year at 5.2 kW until July 2026, 4032 after, and what the next steps cost."""
    found = seen(built_in("elvia"), JANUARY, "2026-01-25 10:30")
    assert (found.price, found.next_price) == (24_000_000, 32_800_000)
    july = [use(f"2026-07-0{day} 10:00", 5_200) for day in (1, 2, 3)]
    found = seen(built_in("elvia"), july, "2026-07-25 10:30")
    assert (found.price, found.next_price) == (33_600_000, 46_800_000)


@pytest.mark.parametrize(
    ("tariff_", "since"),
    [
        (tariff(), "2026-03-01 00:00"),
        (tariff(billed_by="month-before"), "2026-02-01 00:00"),
        (tariff(rule="weeks"), "2025-04-01 00:00"),
        (built_in("alut"), "2026-03-01 00:00"),
    ],
)
def test_since_when_hours_are_needed(tariff_: Tariff, since: str) -> None:
    """A rule tells how far it looks back; never less than to the month's beginning."""
    assert begins(tariff_, now_s=at("2026-03-29 12:00"), zone=OSLO) == at(since)


# -- what the running hour may still use ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "at_limit", "headroom"),
    [
        # the peaks are 6000, 5500, 4100; up to 10 kW the three may have 30000 in all
        ("2026-01-25 10:30", "higher", 18_499),  # 30000 - 6000 - 5500, but not the limit itself
        ("2026-01-25 10:30", "lower", 18_500),
        ("2026-01-05 23:30", "higher", 9_999),  # that day alone: its new peak, up to 10 kW
        ("2026-01-05 23:30", "lower", 10_000),
    ],
)
def test_headroom(now: str, at_limit: str, headroom: int) -> None:
    """An hour may have what the other days that count leave of the limit."""
    assert (
        seen(tariff(at_limit=at_limit), [u for u in JANUARY if u.start < at(now)], now).headroom == headroom
    )


def test_headroom_on_a_day_that_counts_already() -> None:
    """An hour of a day that counts takes that day's place, not another's."""
    on_a_new_day = seen(tariff(), JANUARY[:5], "2026-01-12 23:59")  # 6000, 5500, 3000: below 5 kW
    assert on_a_new_day.headroom == 15_000 - 6_000 - 5_500 - 1
    on_the_highest = [*JANUARY, use("2026-01-25 08:00", 8_000)]
    assert seen(tariff(), on_the_highest, "2026-01-25 10:30").headroom == 30_000 - 6_000 - 5_500 - 1


def test_no_headroom_to_speak_of_in_the_last_step() -> None:
    """In the last step nothing can get dearer."""
    found = seen(tariff(), [use("2026-01-01 10:00", 400_000)], "2026-01-01 12:00")
    assert (found.step, found.headroom, found.next_price, found.next_limit) == (5, None, None, None)


POWERS = st.integers(0, 400_000)
HOURS = st.lists(st.integers(0, 31 * 24 - 2), min_size=1, max_size=40, unique=True)
RULES = st.sampled_from(["days", "hours", "month", "weeks"])


@st.composite
def months(draw: st.DrawFn) -> tuple[Tariff, list[Use], int]:
    """A tariff, hours of one October (with its 25-hour day), and a moment in its last hours."""
    begin = at("2026-10-01 00:00")
    uses = [Use(begin + HOUR_S * hour, draw(POWERS)) for hour in draw(HOURS)]
    period: dict[str, Any] = {"rule": draw(RULES), "at_limit": draw(st.sampled_from(["higher", "lower"]))}
    if period["rule"] == "weeks":
        period["weights"] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 45, 70, 100]
    return tariff(**period), uses, begin + (31 * 24 - 1) * HOUR_S


@given(months(), st.data())
def test_more_energy_in_an_hour_never_lowers_the_mean(
    month: tuple[Tariff, list[Use], int], data: st.DataObject
) -> None:
    """Adding energy to an hour raises the mean or leaves it, and never makes the step a lower one."""
    found, uses, now_s = month
    before = capacity(found, uses, now_s=now_s, zone=OSLO)
    index = data.draw(st.integers(0, len(uses) - 1))
    more = uses[index]._replace(imported=uses[index].imported + data.draw(POWERS))
    after = capacity(found, [*uses[:index], more, *uses[index + 1 :]], now_s=now_s, zone=OSLO)
    assert before
    assert after
    assert before.mean is not None
    assert after.mean is not None
    assert (after.mean, after.step) >= (before.mean, before.step)
    assert after.price >= before.price


@given(months(), st.randoms(use_true_random=False))
def test_any_order_gives_the_same(month: tuple[Tariff, list[Use], int], random: Any) -> None:
    """It does not matter in which order hours, and corrections of them, have come."""
    found, uses, now_s = month
    shuffled = list(uses)
    random.shuffle(shuffled)
    assert capacity(found, shuffled, now_s=now_s, zone=OSLO) == capacity(found, uses, now_s=now_s, zone=OSLO)


@given(months())
def test_headroom_is_exact(month: tuple[Tariff, list[Use], int]) -> None:
    """With its headroom the running hour leaves the step as it is or lower, with 1 Wh more it is higher."""
    found, uses, now_s = month
    before = capacity(found, uses, now_s=now_s, zone=OSLO)
    assert before
    if before.headroom is None:
        return
    assert before.step
    steps = []
    for wh in (before.headroom, before.headroom + 1):
        after = capacity(found, [*uses, Use(now_s, wh)], now_s=now_s + HOUR_S, zone=OSLO)
        assert after
        assert after.step
        steps.append(after.step)
    assert steps[0] <= before.step < steps[1]


@given(months())
def test_the_mean_by_brute_force(month: tuple[Tariff, list[Use], int]) -> None:
    """For the usual rule: no three hours on three days have a higher mean than the one that is shown."""
    _, uses, now_s = month
    found = capacity(tariff(), uses, now_s=now_s, zone=OSLO)
    assert found
    days = {use.start: datetime.fromtimestamp(use.start, OSLO).date() for use in uses}
    few = sorted(uses, key=lambda use: -use.imported)[:12]  # enough for all combinations
    count = min(3, len(set(days.values())))
    means = [
        sum(use.imported for use in some) // count
        for some in itertools.combinations(few, count)
        if len({days[use.start] for use in some}) == count
    ]
    if means and len(uses) <= 12:
        assert found.mean == max(means)
