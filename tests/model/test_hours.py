"""Hours from counters: which hour a register is of, and how what lies between two registers is shared out."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.hour import Basis
from han2x.model.hours import Made, Register, between, estimated, hour_mark, replaces
from han2x.model.quantity import Quantity
from han2x.model.reading import MeterClock, TimeBase

OSLO = ZoneInfo("Europe/Oslo")
HOUR = 3600
A_POS, A_NEG = Quantity.ACT_ENERGY_POS, Quantity.ACT_ENERGY_NEG
CIVIL, STANDARD = TimeBase.CIVIL, TimeBase.STANDARD


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("local", "base", "heard", "mark"),
    [
        ("2025-12-14T16:00:00", STANDARD, "2025-12-14T15:00:12", "2025-12-14T15:00:00"),  # Aidon, winter
        ("2024-09-21T19:00:00", STANDARD, "2024-09-21T18:00:12", "2024-09-21T18:00:00"),  # Aidon, summer
        (
            "2025-12-14T17:00:00",
            STANDARD,
            "2025-12-14T17:00:12",
            "2025-12-14T16:00:00",
        ),  # repeats an old hour
        ("2024-10-01T19:00:10", CIVIL, "2024-10-01T17:00:12", "2024-10-01T17:00:00"),  # Kaifa, summer
        ("2025-01-31T00:00:10", CIVIL, "2025-01-30T23:00:12", "2025-01-30T23:00:00"),  # Kaifa, winter
        ("2021-11-25T23:00:55", STANDARD, "2021-11-25T22:00:57", "2021-11-25T22:00:00"),  # Kamstrup, latest
        ("2025-10-26T02:00:10", CIVIL, "2025-10-26T00:00:12", "2025-10-26T00:00:00"),  # the first 02:00
        ("2025-10-26T02:00:10", CIVIL, "2025-10-26T01:00:12", "2025-10-26T01:00:00"),  # the second
        ("2025-10-26T03:00:10", CIVIL, "2025-10-26T02:00:12", "2025-10-26T02:00:00"),
        ("2025-03-30T03:00:10", CIVIL, "2025-03-30T01:00:12", "2025-03-30T01:00:00"),  # 02:00 there is none
        ("2025-12-14T16:00:00", STANDARD, "2025-12-14T23:10:00", "2025-12-14T15:00:00"),  # heard late
        ("2025-12-14T16:00:00", STANDARD, "2025-12-14T14:40:00", "2025-12-14T15:00:00"),  # machine is slow
        ("2025-12-14T16:00:00", STANDARD, "2025-12-14T15:20:00", "2025-12-14T15:00:00"),  # machine is fast
        ("2025-07-14T17:00:10", STANDARD, "2025-07-14T15:00:12", "2025-07-14T15:00:00"),  # runs on civil time
        ("2025-12-14T16:00:00", STANDARD, "2025-12-14T10:20:00", "2025-12-14T15:00:00"),  # no time server
        ("2025-12-14T16:00:00", STANDARD, "1970-01-01T00:05:00", "2025-12-14T15:00:00"),  # nor battery
        ("2000-01-03T14:00:10", CIVIL, "2025-07-14T15:00:12", "2025-07-14T15:00:00"),  # meter was never set
    ],
)
def test_hour_of_a_register(local: str, base: TimeBase, heard: str, mark: str) -> None:
    """The meter's own clock says of which hour its counters are, by what its vendor's clock runs on."""
    clock = MeterClock(datetime.fromisoformat(local), True, base)
    assert hour_mark(clock, utc(heard), OSLO) == utc(mark)


@pytest.mark.parametrize("local", ["2025-12-14T16:05:00", "2025-12-14T16:59:50", "2025-12-14T16:30:00"])
def test_register_within_an_hour_is_of_no_mark(local: str) -> None:
    """Counters that come with each list are of an hour only right after it."""
    clock = MeterClock(datetime.fromisoformat(local), True, STANDARD)
    assert hour_mark(clock, utc(local) - HOUR, OSLO) is None


@pytest.mark.parametrize("clock", [None, MeterClock(datetime(2025, 12, 14, 11), False, STANDARD)])
def test_without_a_clock_the_machine_tells(clock: MeterClock | None) -> None:
    """A list without a clock, or with one that the meter does not vouch for, is of the hour it comes in."""
    assert hour_mark(clock, utc("2025-12-14T15:00:12"), OSLO) == utc("2025-12-14T15:00:00")
    assert hour_mark(clock, utc("2025-12-14T15:20:00"), OSLO) is None


def shares(total: int, *made: Made) -> list[int]:
    """What the hours of a gap get of `total`."""
    hours = between(
        Register(0, {A_POS: 100}),
        Register(len(made) * HOUR, {A_POS: 100 + total}),
        {index * HOUR: one for index, one in enumerate(made)},
        1000,
    )
    assert [hour.start for hour in hours] == [index * HOUR for index in range(len(made))]
    return [hour.energies[A_POS] for hour in hours]


def known(wh: int, covered_s: int = HOUR) -> Made:
    return Made({A_POS: wh}, covered_s)


UNKNOWN = Made({}, 0)


@pytest.mark.parametrize(
    ("total", "made", "expected"),
    [
        (900, (UNKNOWN, UNKNOWN, UNKNOWN), [300, 300, 300]),
        (10, (UNKNOWN, UNKNOWN, UNKNOWN), [3, 3, 4]),
        (6000, (known(1000), known(2000), UNKNOWN), [1000, 2000, 3000]),
        (
            3300,
            (known(1000), known(2000)),
            [1100, 2200],
        ),  # known throughout: the registers' sum, power's shape
        (2700, (known(1000), known(2000), UNKNOWN), [900, 1800, 0]),  # less than power made
        (4000, (known(1000, 1800), known(1000)), [3000, 1000]),  # half an hour unheard used the rest
        (0, (known(1000), UNKNOWN), [0, 0]),
        (5, (known(0), known(0)), [2, 3]),
    ],
)
def test_gap_is_shared_out_by_what_power_made(
    total: int, made: tuple[Made, ...], expected: list[int]
) -> None:
    """Figures by hand: power where it was known, the rest evenly where it was not; sums exact."""
    assert shares(total, *made) == expected


@given(
    st.integers(0, 10**9),
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, HOUR)), min_size=1, max_size=50),
)
def test_shares_sum_up_and_are_never_negative(total: int, made: list[tuple[int, int]]) -> None:
    """Whatever power made, the hours of a gap have the registers' difference among them."""
    found = shares(total, *(known(wh, covered_s) if covered_s else UNKNOWN for wh, covered_s in made))
    assert sum(found) == total
    assert min(found) >= 0


def test_one_hour_is_metered_with_its_drift() -> None:
    """An hour between two registers is their difference; power's is held against it for each energy."""
    made = {0: Made({A_POS: 1010, A_NEG: 0}, HOUR)}
    (hour,) = between(
        Register(0, {A_POS: 5, A_NEG: 1}), Register(HOUR, {A_POS: 1005, A_NEG: 4}), made, 50_000
    )
    assert (hour.basis, hour.scale) == (Basis.METERED, 50_000)
    assert hour.energies == {A_POS: 1000, A_NEG: 3}
    assert hour.drift == {A_POS: 10, A_NEG: -3}


def test_energy_that_one_list_lacks_is_in_no_hour() -> None:
    """A meter that did not send an energy in one of the two lists has no difference in it."""
    (hour,) = between(Register(0, {A_POS: 5}), Register(HOUR, {A_POS: 6, A_NEG: 4}), {}, 1000)
    assert hour.energies == {A_POS: 1}


def test_fallen_counter_makes_no_hour() -> None:
    """If any of the counters fell, it is another meter or began anew."""
    assert between(Register(0, {A_POS: 5, A_NEG: 9}), Register(HOUR, {A_POS: 6, A_NEG: 4}), {}, 1000) == []


def test_gap_of_years_makes_no_hours() -> None:
    """A machine's clock that jumped by ten years must not make ninety thousand hours."""
    assert between(Register(0, {A_POS: 5}), Register(87_600 * HOUR, {A_POS: 6}), {}, 1000) == []


def test_estimate_is_what_power_made() -> None:
    """An hour without a register has the energy of its known power, and says so."""
    hour = estimated(0, known(700), 1000)
    assert (hour.energies, hour.basis, hour.drift) == ({A_POS: 700}, Basis.ESTIMATED, {})


def test_better_knowledge_replaces_worse() -> None:
    """Metered over imported over spread over estimated; the same again may correct itself."""
    order = [Basis.ESTIMATED, Basis.SPREAD, Basis.IMPORTED, Basis.METERED]
    for index, old in enumerate(order):
        assert [replaces(new, old) for new in order] == [n >= index for n in range(4)]
