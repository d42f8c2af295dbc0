"""What hours cost, worked by hand: spot, support, Norgespris, grid, export; what has no price."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.tariff.contracts import CONTRACTS
from han2x.tariff.cost import Cost, Costs, Terms, cheapest_hours, costs
from han2x.tariff.levies_reading import levies
from han2x.tariff.prices import Price, Row, Series, merge
from han2x.tariff.use import HOUR_S, Use

from .conftest import DATA, OSLO, at, built_in, use

LEVIES, _ = levies(tomllib.loads((DATA / "levies.toml").read_text("utf-8")))
DAY = "2026-11-25"  # a Wednesday


def terms(price: int, **changes: Any) -> Terms:
    """One price, in milliøre per kWh, for all November."""
    series = merge(Series("NO1"), [Row(at("2026-11-01 00:00"), 30 * 86_400, price)])
    return Terms(series, LEVIES)._replace(**changes)


def seen(terms: Terms, uses: list[Use], now: str = f"{DAY} 12:30") -> Costs:
    return costs(terms, uses, now_s=at(now), zone=OSLO)


@pytest.mark.parametrize(
    ("price", "changes", "power", "support"),
    [
        # 2 kWh x 100 øre x 1.25 = 2.50 NOK; support 90 % of 23 øre x 2 x 1.25 = 0.5175 NOK
        (100_000, {"contract": "support"}, 250_000, 51_750),
        (100_000, {"contract": "spot"}, 250_000, 0),
        (77_000, {"contract": "support"}, 192_500, 0),  # at the threshold
        (77_001, {"contract": "support"}, 192_503, 2),  # 2.25 milliøre
        (100_000, {"contract": "support", "zone": "north"}, 200_000, 41_400),  # no VAT
        (100_000, {"contract": "support", "markup": 5_000}, 262_500, 51_750),  # the markup is not supported
        (-20_000, {"contract": "support"}, -50_000, 0),
        (-20_000, {"contract": "support", "markup": 5_000}, -37_500, 0),
        # 2 kWh x 40 øre x 1.25, whatever the spot price is
        (100_000, {"contract": "norgespris"}, 100_000, 0),
        (-20_000, {"contract": "norgespris"}, 100_000, 0),
        (100_000, {"contract": "norgespris", "zone": "north"}, 80_000, 0),
        (100_000, {"contract": "norgespris-cabin", "markup": 5_000}, 112_500, 0),
    ],
)
def test_power_and_support(price: int, changes: dict[str, Any], power: int, support: int) -> None:
    """Two kWh in one hour, by contract and tax zone."""
    today = seen(terms(price, **changes), [use(f"{DAY} 10:00", 2_000)]).today
    assert (today.power, today.support, today.grid, today.unpriced) == (power, support, 0, 0)
    assert today.total == power - support


@pytest.mark.parametrize(
    ("contract", "price", "power", "support"),
    [
        # 4999 kWh before, 1 kWh of 3 within: support (100 - 77) x 0.9 x 1.25 = 0.25875 NOK; 3 kWh at 1.25 NOK
        ("support", 100_000, 375_000, 25_875),
        # 1 kWh at 0.50 NOK, 2 at 1.25
        ("norgespris", 100_000, 300_000, 0),
        ("norgespris-cabin", 100_000, 375_000, 0),  # 1000 kWh were used long before
    ],
)
def test_support_and_norgespris_end_within_an_hour(
    contract: str, price: int, power: int, support: int
) -> None:
    """What is above a month's kWh is at the full spot price, to the Wh, whatever the order of hours."""
    uses = [use(f"{DAY} 10:00", 3_000), use("2026-11-02 10:00", 4_999_000)]
    today = seen(terms(price, contract=contract), uses).today
    assert (today.power, today.support) == (power, support)


def test_a_new_month_begins_anew() -> None:
    """What was used in October does not count against November's 5000 kWh."""
    uses = [use("2026-10-31 23:00", 9_000_000), use("2026-11-01 00:00", 1_000)]
    found = seen(terms(100_000), uses, "2026-11-01 02:00")
    assert (found.month.imported, found.month.support, found.today) == (1_000, 25_875, found.month)


@pytest.mark.parametrize(
    ("hour", "zone", "grid"),
    [
        # Elvia: (28.99 + 7.13 + 1) x 1.25 = 46.4 øre by day on a workday
        (f"{DAY} 10:00", "south", 46_400),
        (f"{DAY} 05:00", "south", 31_400),  # (16.99 + 8.13) x 1.25
        ("2026-11-22 10:00", "south", 31_400),  # a Sunday
        (f"{DAY} 10:00", "north", 37_120),
        (f"{DAY} 10:00", "action", 29_990),  # no power tax
    ],
)
def test_grid(hour: str, zone: str, grid: int) -> None:
    """Energy charge by hour and day, power tax and fund, with the zone's VAT."""
    found = seen(terms(50_000, zone=zone, tariff=built_in("elvia")), [use(hour, 1_000)])
    assert (found.month.grid, found.month.ungridded) == (grid, 0)


def test_export_is_never_supported() -> None:
    """Sold at the spot price without VAT; at a negative price, selling costs."""
    sold = [use(f"{DAY} 10:00", 0, exported=2_000)]
    high = seen(terms(200_000), sold).today
    assert (high.export, high.support, high.power, high.total) == (400_000, 0, 0, -400_000)
    low = seen(terms(-5_000, contract="norgespris"), sold).today
    assert (low.export, low.total) == (-10_000, 10_000)


def test_what_has_no_price_is_said() -> None:
    """An hour without a price is in no sum but its energy's, and the sums are not complete."""
    uses = [use(f"{DAY} 09:00", 1_000), use(f"{DAY} 10:00", 500, exported=70)]
    series = merge(Series("NO1"), [Row(at(f"{DAY} 09:00"), HOUR_S, 100_000)])
    today = seen(terms(0, series=series, contract="spot"), uses).today
    assert (today.power, today.imported, today.exported) == (125_000, 1_500, 70)
    assert (today.unpriced, today.complete) == (570, False)


def test_norgespris_needs_no_spot_price() -> None:
    """Within its kWh the price is fixed, so nothing lacks."""
    today = seen(terms(0, series=Series("NO1"), contract="norgespris"), [use(f"{DAY} 10:00", 1_000)]).today
    assert (today.power, today.unpriced) == (50_000, 0)
    much = [use(f"{DAY} 10:00", 6_000_000)]
    assert seen(terms(0, series=Series("NO1"), contract="norgespris"), much).today.unpriced == 6_000_000


def test_rates_that_are_not_known_are_not_guessed() -> None:
    """In a year without rates nothing is priced at what the scheme does not say, nor the grid's levies."""
    series = merge(Series("NO1"), [Row(at("2027-01-01 00:00"), 86_400, 100_000)])
    uses = [use("2027-01-01 10:00", 1_000)]
    for contract in CONTRACTS:
        known = terms(0, series=series, contract=contract, tariff=built_in("elvia"))
        today = seen(known, uses, "2027-01-01 12:00").today
        spot = contract == "spot"
        assert (today.power, today.support, today.unpriced) == (125_000 * spot, 0, 1_000 * (not spot))
        assert (today.grid, today.ungridded, today.complete) == (0, 1_000, False)


def test_hours_are_counted() -> None:
    """Today's and the month's hours, those missing, estimated, and provisional ones, are told apart."""
    series = merge(
        Series("NO1"), [Row(at(f"{DAY} 00:00"), 11 * HOUR_S, 1, False), Row(at(f"{DAY} 11:00"), HOUR_S, 1)]
    )
    uses = [use(f"{DAY} {hour:02}:00", 10, estimated=hour > 8) for hour in range(2, 12)]
    found = seen(terms(0, series=series), uses)
    assert (found.today.hours, found.today.missing, found.today.estimated) == (12, 2, 3)
    assert found.today.provisional == 9
    assert (found.month.hours, found.month.missing) == (24 * 24 + 12, 24 * 24 + 2)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_of_23_and_25_hours_cost_all_their_hours(day: str, hours: int) -> None:
    """The first and the last day of summer time have their real hours."""
    begin = at(f"{day} 00:00")
    series = merge(Series("NO1"), [Row(begin, hours * HOUR_S, 100_000)])
    uses = [Use(begin + index * HOUR_S, 1_000) for index in range(hours)]
    now_s = begin + hours * HOUR_S - 1
    today = costs(Terms(series, LEVIES, contract="spot"), uses, now_s=now_s, zone=OSLO).today
    assert (today.hours, today.missing, today.power) == (hours - 1, 0, (hours - 1) * 125_000)


def test_the_price_now() -> None:
    """The price of the running quarter, which may be below zero."""
    found = seen(terms(-1_280), [])
    assert (found.price, found.area, found.today) == (Price(-1_280, True), "NO1", Cost(hours=12, missing=12))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(-(10**6), 10**6)), max_size=30
    ),
    st.sampled_from(CONTRACTS),
    st.randoms(use_true_random=False),
)
def test_sums(hours: list[tuple[int, int, int]], contract: str, random: Any) -> None:
    """The order of hours does not matter; what is bought is paid for, by hour, as an own reckoning has it."""
    begin = at("2026-11-01 00:00")
    uses = [Use(begin + index * HOUR_S, wh, sold) for index, (wh, sold, _) in enumerate(hours)]
    series = merge(
        Series("NO1"), [Row(begin + index * HOUR_S, HOUR_S, price) for index, (*_, price) in enumerate(hours)]
    )
    known = Terms(series, LEVIES, contract=contract)
    now_s = begin + len(hours) * HOUR_S
    found = costs(known, uses, now_s=now_s, zone=OSLO)
    shuffled = list(uses)
    random.shuffle(shuffled)
    assert costs(known, shuffled, now_s=now_s, zone=OSLO) == found
    assert (found.month.unpriced, found.month.missing) == (0, 0)
    if contract == "spot":
        exact = sum(wh * price * 1.25 / 1000 for wh, _, price in hours)
        assert abs(found.month.power - exact) <= 1
    sold = sum(wh * price / 1000 for _, wh, price in hours)
    assert abs(found.month.export - sold) <= 1


def kwh(terms: Terms, moment: str, uses: list[Use] | None = None) -> Any:
    """The price of a kWh in the quarter at a moment, as it is known at 12:30."""
    found = seen(terms, uses or [])
    return next(one for one in found.per_kwh if one.start == at(moment))


def test_what_a_kwh_costs_with_all() -> None:
    """100 øre of spot and 5 of markup with VAT, less 90 % of 23 øre; and the grid: as an hour's cost."""
    tariff = built_in("elvia")
    known = terms(100_000, markup=5_000, tariff=tariff)
    hour = seen(known, [use(f"{DAY} 10:00", 1_000)]).today
    price = kwh(known, f"{DAY} 10:15")
    assert price.total == hour.power - hour.support + hour.grid
    assert hour.power - hour.support == 131_250 - 25_875
    assert (price.spot, price.sold, price.final) == (100_000, 100_000, True)


def test_today_and_tomorrow_have_their_quarters() -> None:
    """96 each; on the day that summer time ends, 100."""
    starts = [one.start for one in seen(terms(1), []).per_kwh]
    assert starts == list(range(at(f"{DAY} 00:00"), at("2026-11-27 00:00"), 900))
    autumn = costs(terms(1), [], now_s=at("2026-10-24 12:00"), zone=OSLO).per_kwh
    assert len(autumn) == 96 + 100


def test_nothing_is_a_price_that_lacks_a_part() -> None:
    """Without a grid tariff, a spot price, or a row of the scheme nobody knows what a kWh costs."""
    tariff = built_in("elvia")
    assert kwh(terms(100_000), f"{DAY} 10:00").total is None
    nothing = Terms(Series("NO1"), LEVIES, tariff=tariff)
    assert [getattr(kwh(nothing, f"{DAY} 10:00"), part) for part in ("spot", "total", "sold")] == [None] * 3
    at_norgespris = nothing._replace(contract="norgespris")
    assert kwh(at_norgespris, f"{DAY} 10:00").total is not None  # whatever the spot price is


def test_a_quarter_has_its_own_price_and_the_hours_support() -> None:
    """Spot 60, 60, 60 and 180 øre: 90 in the mean, so 90 % of 13 øre come back on each kWh of the hour."""
    begin = at(f"{DAY} 10:00")
    rows = [Row(begin + n * 900, 900, price) for n, price in enumerate((60_000, 60_000, 60_000, 180_000))]
    known = Terms(merge(Series("NO1"), rows), LEVIES, tariff=built_in("elvia"))
    totals = [kwh(known, f"{DAY} 10:{minute}").total for minute in ("00", "15", "30", "45")]
    assert totals[3] - totals[0] == 150_000  # 120 øre with VAT
    bill = seen(known, [use(f"{DAY} 10:00", 1_000)]).today
    assert sum(totals) == pytest.approx(4 * (bill.power - bill.support + bill.grid), abs=4)


def test_beyond_norgespris_a_kwh_costs_what_the_market_asks() -> None:
    """5000 kWh of a month are at 40 øre; the next is at the spot price."""
    known = terms(100_000, contract="norgespris", tariff=built_in("elvia"))
    used = [use("2026-11-02 10:00", 5_000_000)]
    assert kwh(known, f"{DAY} 10:00", used).total - kwh(known, f"{DAY} 10:00").total == 75_000


@pytest.mark.parametrize(
    ("contract", "power", "support"),
    [("fixed-price", 2 * 90_000 * 125 // 100, 0), ("fixed-price-support", 2 * 90_000 * 125 // 100, 51_750)],
)
def test_a_fixed_contract_asks_its_own_price(contract: str, power: int, support: int) -> None:
    """85 øre and 5 of markup, at a spot price of 100 by which the support goes."""
    known = terms(100_000, contract=contract, fixed=85_000, markup=5_000)
    today = seen(known, [use(f"{DAY} 10:00", 2_000)]).today
    assert (today.power, today.support) == (power, support)


def test_a_fixed_price_without_support_needs_no_spot_price() -> None:
    """With support it does."""
    nothing = Terms(Series("NO1"), LEVIES, contract="fixed-price", fixed=85_000)
    assert seen(nothing, [use(f"{DAY} 10:00", 2_000)]).today.unpriced == 0
    supported = nothing._replace(contract="fixed-price-support")
    assert seen(supported, [use(f"{DAY} 10:00", 2_000)]).today.unpriced == 2_000


def test_the_monthly_fee_is_counted_by_days() -> None:
    """39 NOK in a month of 30 days: 1.30 today, 25 days of it this month."""
    found = seen(terms(0, contract="spot", fee=3_900_000), [])
    assert (found.today.fee, found.month.fee) == (130_000, 3_250_000)
    assert (found.today.total, found.month.total) == (130_000, 3_250_000)


@pytest.mark.parametrize(
    ("price", "least", "earned"), [(50_000, None, 48_000), (-9_000, 0, 0), (-9_000, None, -11_000)]
)
def test_what_is_sold_may_have_a_markup_and_a_least_price(price: int, least: int | None, earned: int) -> None:
    """The buyer keeps 2 øre a kWh, and may promise that it never costs anything to sell."""
    known = terms(price, contract="spot", sold_markup=-2_000, sold_least=least)
    sold = Use(start=at(f"{DAY} 10:00"), imported=0, exported=1_000, estimated=False)
    assert seen(known, [sold]).today.export == earned
    assert kwh(known, f"{DAY} 10:00").sold == earned


def test_the_cheapest_hours_come_first() -> None:
    """By what a kWh costs with all, not by the spot price alone: the grid is cheaper at night."""
    known = terms(50_000, tariff=built_in("elvia"))
    order = cheapest_hours(seen(known, []).per_kwh)
    assert order[0] == at(f"{DAY} 00:00")
    assert at(f"{DAY} 10:00") not in order[:12]
    assert len(order) == 24
