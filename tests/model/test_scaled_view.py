"""What outputs read (model/view.py): the scale factor of manual row M22, ages, and what is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.estimate import Estimate
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import ListType, Reading
from han2x.model.state import EMPTY, Snapshot, fold
from han2x.model.view import SCALE_MAX, SCALE_MIN, SCALE_ONE, View, view

NOW = Instant(1_765_700_000_000, 50_000)


def seen(values: dict[Q, int], scale: int = SCALE_ONE) -> View:
    return view(Snapshot(values=values), scale=scale, now=NOW, uptime_s=7)


@pytest.mark.parametrize(
    ("quantity", "value", "scale", "scaled"),
    [
        (Q.ACT_POW_POS, 1234, 1000, 1234),
        (Q.ACT_POW_POS, 1234, 50_000, 61_700),  # current transformers 50:1
        (Q.ACT_POW_POS, 1234, 500, 617),
        (Q.ACT_POW_POS, 1235, 500, 617),  # 617.5
        (Q.ACT_POW_POS, 999, 10, 9),  # 9.99
        (Q.ACT_POW_POS, 1, 999, 0),
        (Q.REACT_POW_NEG, 321, 1500, 481),  # 481.5
        (Q.CURR_L1, -1300, 50_000, -65_000),
        (Q.CURR_L1, -1300, 1001, -1301),  # -1301.3, toward zero
        (Q.CURR_L1, -3, 500, -1),  # -1.5
        (Q.CURR_L1, -1, 999, 0),
        (Q.VOLT_L1, 231_200, 50_000, 231_200),  # never scaled
        (Q.VOLT_L3, 231_200, 10, 231_200),
        (Q.ACT_ENERGY_POS, 12_345_678, 999_999_999, 12_345_677_987_654),  # 12345678 x 999999.999
        (Q.REACT_ENERGY_NEG, 987_650, 2000, 1_975_300),
    ],
)
def test_the_scale_factor(quantity: Q, value: int, scale: int, scaled: int) -> None:
    """Thousandths multiply powers, currents and energies, cut off toward zero; voltages stay."""
    assert seen({quantity: value}, scale).values == {quantity: scaled}


@given(st.sampled_from(list(Q)), st.integers(-(2**33), 2**33), st.integers(SCALE_MIN, SCALE_MAX))
def test_any_factor(quantity: Q, value: int, scale: int) -> None:
    """Scaling keeps the sign, loses less than one unit and is the same for both signs."""
    scaled = seen({quantity: value}, scale).values[quantity]
    exact_thousandths = value * (scale if quantity.scaled else 1000)
    assert abs(exact_thousandths - scaled * 1000) < 1000
    assert abs(scaled) * 1000 <= abs(exact_thousandths)
    assert seen({quantity: -value}, scale).values[quantity] == -scaled


def test_estimates_are_scaled_before_they_are_cut_off() -> None:
    """Half a Wh by a factor of 50 is 25 Wh."""
    half = Estimate(shown=1_800_000, known=True)  # 0.5 Wh in W ms
    snapshot = Snapshot(estimates={Q.ACT_ENERGY_POS: half, Q.ACT_ENERGY_NEG: Estimate()})
    at_one = view(snapshot, scale=1000, now=NOW, uptime_s=0)
    at_fifty = view(snapshot, scale=50_000, now=NOW, uptime_s=0)
    assert (at_one.estimates, at_fifty.estimates) == ({Q.ACT_ENERGY_POS: 0}, {Q.ACT_ENERGY_POS: 25})


def test_before_the_first_telegram() -> None:
    """Nothing is known, nothing has an age, and outputs without a word for that show 0."""
    empty = view(EMPTY, scale=1000, now=NOW, uptime_s=7)
    assert (empty.values, empty.estimates, empty.list_age_ms) == ({}, {}, {})
    assert (empty.age_ms, empty.last_unix_ms, empty.clock, empty.received) == (None, None, None, 0)
    assert (empty.value(Q.ACT_POW_POS), empty.estimate(Q.ACT_ENERGY_POS), empty.uptime_s) == (0, 0, 7)


def test_ages() -> None:
    """Ages count from the last telegram, and for each list from its own last one."""
    snapshot = EMPTY
    for list_type, ms in ((ListType.HOURLY, 1000), (ListType.FAST, 42_000), (ListType.FAST, 44_500)):
        reading = Reading(vendor="kaifa", list_type=list_type, values={Q.ACT_POW_POS: 5})
        snapshot = fold(snapshot, reading, Instant(1_765_699_950_000 + ms, ms))
    now = view(snapshot, scale=1000, now=NOW, uptime_s=50)
    assert (now.age_ms, now.received, now.last_unix_ms) == (5500, 3, 1_765_699_994_500)
    assert now.list_age_ms == {ListType.HOURLY: 49_000, ListType.FAST: 5500}


def test_a_new_factor_needs_no_telegram() -> None:
    """The same snapshot is seen by whatever factor is set at that moment."""
    snapshot = Snapshot(values={Q.ACT_POW_POS: 100})
    factors = (1000, 50_000, 1000)
    assert [view(snapshot, scale=factor, now=NOW, uptime_s=0).value(Q.ACT_POW_POS) for factor in factors] == [
        100,
        5000,
        100,
    ]
