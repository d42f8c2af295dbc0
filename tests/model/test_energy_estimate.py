"""The estimate of an energy between its registers (model/estimate.py), against figures worked out by hand.

3600 W for one second are 3600 Ws, which is 1 Wh. The power in these tests is 3600 W wherever none is named.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.estimate import HOLD_MS, Estimate
from han2x.model.register_step import RegisterStep


def powered(*samples: tuple[int, int], start: Estimate | None = None) -> Estimate:
    """After powers (seconds, watts) since the beginning."""
    estimate = start or Estimate()
    for second, watts in samples:
        estimate = estimate.powered(watts, second * 1000)
    return estimate


def test_nothing_is_known_before_the_first_register() -> None:
    """Power alone makes no reading of a meter's register."""
    estimate = powered((0, 3600), (10, 3600), (20, 3600))
    assert (estimate.known, estimate.wh) == (False, 0)


def test_power_held_makes_energy() -> None:
    """3600 W over 10 s are 10 Wh on top of the register."""
    estimate = powered((0, 3600)).registered(5000, mark_ms=0)
    assert estimate.wh == 5000
    assert powered((10, 3600), start=estimate).wh == 5010


def test_each_power_counts_until_the_next() -> None:
    """1800 W for 4 s, 7200 W for 6 s and 900 W for 8 s: 2 + 12 + 2 Wh."""
    estimate = powered((0, 1800)).registered(100, mark_ms=0)
    steps = [powered((4, 7200), start=estimate)]
    steps.append(powered((10, 900), start=steps[-1]))
    steps.append(powered((18, 0), start=steps[-1]))
    assert [step.wh for step in steps] == [102, 114, 116]


def test_it_moves_with_the_telegrams_alone() -> None:
    """Fractions of a Wh are kept: 1234 W every 2.5 s are 0.857 Wh each, 3.43 Wh after four."""
    estimate = Estimate().powered(1234, 0).registered(0, mark_ms=0)
    shown = []
    for step in range(1, 5):
        estimate = estimate.powered(1234, step * 2500)
        shown.append(estimate.wh)
    assert shown == [0, 1, 2, 3]  # 0.857, 1.714, 2.571, 3.428


def test_what_was_used_since_the_mark_is_added() -> None:
    """A register true 10 s before it arrives: 3600 W since then are 10 Wh more."""
    estimate = powered((0, 3600), (10, 3600)).registered(700, mark_ms=0)
    assert estimate.wh == 710
    estimate = powered((0, 3600), (10, 7200), (20, 7200)).registered(700, mark_ms=5000)
    assert estimate.wh == 725  # 5 s of 3600 W and 10 s of 7200 W: 5 + 20


def test_a_mark_before_all_that_is_known_adds_no_more_than_that() -> None:
    """Of the time before the first power nothing can be said."""
    estimate = powered((100, 3600), (110, 3600)).registered(700, mark_ms=0)
    assert estimate.wh == 710


def test_a_higher_register_is_taken_at_once() -> None:
    """A register above the estimate is the new truth."""
    estimate = powered((0, 3600)).registered(500, mark_ms=0)
    assert powered((10, 3600), start=estimate).registered(520, mark_ms=10_000).wh == 520


def test_it_waits_for_a_lower_register() -> None:
    """A register 5 Wh below what was shown: 3600 W need 5 s more before the estimate moves again."""
    estimate = powered((10, 3600), start=powered((0, 3600)).registered(500, mark_ms=0))
    assert estimate.wh == 510
    estimate = estimate.registered(505, mark_ms=10_000)
    assert [powered((second, 3600), start=estimate).wh for second in (10, 13, 15, 18)] == [510, 510, 510, 513]


@pytest.mark.parametrize(("gap_s", "wh"), [(29, 29), (30, 30), (31, 30), (600, 30), (86_400, 30)])
def test_a_gap_invents_nothing(gap_s: int, wh: int) -> None:
    """After three missing telegrams of the slowest list, a power counts no longer."""
    assert HOLD_MS == 30_000
    estimate = powered((0, 3600)).registered(0, mark_ms=0)
    assert powered((gap_s, 3600), start=estimate).wh == wh


def test_a_restart_goes_on_from_what_was_shown() -> None:
    """Stored and taken up again by a clock that starts anew, the estimate goes on without a step."""
    estimate = powered((10, 3600), start=powered((0, 3600)).registered(500, mark_ms=0)).settled()
    assert (estimate.wh, estimate.samples) == (510, ())
    assert [powered((0, 3600), (second, 0), start=estimate).wh for second in (0, 5, 40)] == [510, 515, 540]


def test_a_restart_keeps_waiting_for_a_lower_register() -> None:
    """What was shown beyond the register is remembered over a restart."""
    estimate = powered((10, 3600), start=powered((0, 3600)).registered(500, mark_ms=0))
    estimate = estimate.registered(505, mark_ms=10_000).settled()
    assert [powered((0, 3600), (second, 0), start=estimate).wh for second in (4, 5, 6)] == [510, 510, 511]


_EVENTS = st.one_of(
    st.tuples(st.just("power"), st.integers(0, 40_000), st.integers(0, 100_000)),
    st.tuples(st.just("register"), st.integers(0, 20_000), st.integers(0, 10**6)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
)


@given(st.lists(_EVENTS, max_size=60))
def test_it_never_falls(events: list[tuple[str, int, int]]) -> None:
    """Whatever powers, registers, gaps and restarts come, what is shown never falls."""
    estimate, now, shown = Estimate(), 0, [0]
    for kind, ms, value in events:
        if kind == "power":
            now += ms
            estimate = estimate.powered(value, now)
        elif kind == "register":
            estimate = estimate.registered(value, mark_ms=now - ms)
        else:
            estimate, now = estimate.settled(), 0
        shown.append(estimate.wh)
    assert all(before <= after for before, after in pairwise(shown))


@given(st.lists(st.tuples(st.integers(0, HOLD_MS), st.integers(0, 100_000)), max_size=60))
def test_no_energy_is_lost_or_made(steps: list[tuple[int, int]]) -> None:
    """Without gaps the estimate is the register and the sum of power by time, to the Wh."""
    estimate = Estimate().powered(0, 0).registered(42, mark_ms=0)
    now = last = watt_ms = 0
    for ms, watts in steps:
        now += ms
        watt_ms += last * ms
        last = watts
        estimate = estimate.powered(watts, now)
    assert estimate.wh == 42 + watt_ms // 3_600_000


def test_an_estimate_within_a_registers_step_is_left_alone() -> None:
    """A register of 10 Wh steps: 507 shown, 500 comes, and so 500 to below 510 has been used: 507 stays."""
    estimate = powered((0, 3600)).registered(490, mark_ms=0, vendor="aidon")
    assert estimate.wh == 494  # of 490 to 499
    estimate = powered((13, 3600), start=estimate)
    assert (estimate.wh, estimate.registered(500, mark_ms=13_000, vendor="aidon").wh) == (507, 507)
    assert estimate.registered(510, mark_ms=13_000, vendor="aidon").wh == 510
    assert estimate.registered(480, mark_ms=13_000, vendor="aidon").made < 490 * 3_600_000


def test_less_than_a_step_ahead_it_goes_on_at_half_the_pace() -> None:
    """514.5 is shown when 500 comes, which is below 510: it makes up 4.5 Wh while 9 are used."""
    estimate = powered((0, 3600)).registered(490, mark_ms=0, vendor="aidon")
    estimate = powered((20, 3600), start=estimate).registered(500, mark_ms=20_000, vendor="aidon")
    shown = [powered((20 + s, 3600), start=estimate).shown / 3_600_000 for s in (0, 2, 4, 9, 12)]
    assert shown == pytest.approx([514.5, 515.5, 516.5, 519, 522], abs=0.01)


def test_a_step_or_more_ahead_it_waits() -> None:
    """534.5 is shown when 500 comes: 24.5 Wh ahead, which take 24.5 s of 3600 W."""
    estimate = powered((0, 3600)).registered(490, mark_ms=0, vendor="aidon")
    estimate = powered((30, 3600), (40, 3600), start=estimate).registered(500, mark_ms=40_000, vendor="aidon")
    assert [powered((40 + s, 3600), start=estimate).wh for s in (0, 14, 24, 26)] == [534, 534, 534, 535]


@pytest.mark.parametrize(
    ("vendor", "registers", "step"),
    [
        ("aidon", (1230,), 10),
        ("aidon", (1230, 1240, 1243), 1),
        ("kaifa", (1230, 1240), 1),
        ("kaifa", (1230, 1240, 1250, 1270, 1280), 10),
        ("kaifa", (1230, 1230, 1230, 1230, 1230, 1230), 1),
        ("", (1000, 2000), 1),
        ("", (1000, 2000, 3000, 5000, 8000), 1000),
        ("", (1000, 2000, 3000, 5000, 8000, 8100), 100),
        ("kamstrup", (0,), 10),
        ("kamstrup", (0, 3), 1),
    ],
)
def test_the_step_is_learned_of_the_registers(vendor: str, registers: tuple[int, ...], step: int) -> None:
    """The largest of 1000, 100, 10 and 1 Wh that divides all; more than the vendor's only after five."""
    known = RegisterStep()
    for register in registers:
        known = known.after(register)
    assert known.wh(vendor) == step
