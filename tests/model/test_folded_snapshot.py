"""What is known of a meter, reading by reading (model/state.py, model/quantity.py)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.instant import Instant
from han2x.model.quantity import ENERGIES, POWER_OF_ENERGY, PRINCIPAL
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Fitting, Identity, ListType, MeterClock, Net, Reading, TimeBase, classify
from han2x.model.state import EMPTY, Snapshot, fold
from han2x.runtime.stored_state import Stored, from_json, to_json

UNIX = 1_765_700_000_000
FIVE = datetime(2025, 12, 14, 17)
HOUR = timedelta(hours=1)
WHO = Identity("KFM_001", "6970631400000017", "MA304H4")


def at(second: float) -> Instant:
    """So many seconds after the start."""
    return Instant(UNIX, 0).plus_ms(int(second * 1000))


def reading(
    values: Mapping[Q, int],
    identity: Identity = Identity(),  # noqa: B008
    clock: datetime | None = None,
    mark_age_ms: int = 0,
) -> Reading:
    return Reading(
        vendor="kaifa",
        list_type=classify(values),
        values=values,
        identity=identity,
        clock=MeterClock(clock, True, TimeBase.CIVIL) if clock else None,
        mark_age_ms=mark_age_ms,
    )


def hourly(wh: int, clock: datetime | None, power: int = 0, exported_wh: int | None = None) -> Reading:
    """An hourly list: import register, and the power at that moment."""
    values = {Q.ACT_POW_POS: power, Q.VOLT_L1: 230_000, Q.ACT_ENERGY_POS: wh}
    if exported_wh is not None:
        values[Q.ACT_ENERGY_NEG] = exported_wh
    return reading(values, clock=clock)


def folded(*readings: Reading, start: Snapshot = EMPTY, every_s: int = 10) -> Snapshot:
    """After readings at regular intervals."""
    for count, each in enumerate(readings):
        start = fold(start, each, at(count * every_s))
    return start


def test_what_one_reading_brings() -> None:
    """Values, vendor, identity, clock, the moment and the count are those of the reading."""
    snapshot = fold(EMPTY, reading({Q.ACT_POW_POS: 5, Q.VOLT_L1: 230_000}, WHO, FIVE), at(3))
    assert snapshot.values == {Q.ACT_POW_POS: 5, Q.VOLT_L1: 230_000}
    assert (snapshot.vendor, snapshot.identity, snapshot.received) == ("kaifa", WHO, 1)
    assert snapshot.clock == MeterClock(FIVE, True, TimeBase.CIVIL)
    assert (snapshot.last, snapshot.list_at) == (at(3), {ListType.TEN_SECONDS: at(3)})


def test_what_is_not_sent_stays() -> None:
    """A fast list changes its own value; the others, the identity and the clock stay known."""
    slow = reading({Q.ACT_POW_POS: 5, Q.VOLT_L1: 230_000}, WHO, FIVE)
    snapshot = folded(slow, reading({Q.ACT_POW_POS: 6}))
    assert snapshot.values == {Q.ACT_POW_POS: 6, Q.VOLT_L1: 230_000}
    assert (snapshot.identity, snapshot.received) == (WHO, 2)
    assert snapshot.clock == MeterClock(FIVE, True, TimeBase.CIVIL)
    assert snapshot.list_at == {ListType.TEN_SECONDS: at(0), ListType.FAST: at(10)}


def test_a_snapshot_is_not_changed() -> None:
    """Folding makes a new snapshot and leaves the old one as it was."""
    before = folded(reading({Q.ACT_POW_POS: 5}))
    fold(before, reading({Q.ACT_POW_POS: 6, Q.CURR_L1: 7}, WHO), at(10))
    assert (before.values, before.received, before.identity) == ({Q.ACT_POW_POS: 5}, 1, Identity())


def test_an_empty_text_keeps_the_good_one() -> None:
    """An E350 that sends NULs for its type is still the type it was."""
    nul = Identity("EMBRIQ_V1_1", "00000017", "")
    known = Identity("EMBRIQ_V1_1", "00000017", "ZFF1")
    assert folded(reading({Q.ACT_POW_POS: 5}, known), reading({Q.ACT_POW_POS: 5}, nul)).identity == known


def test_another_meter_starts_from_nothing() -> None:
    """With another meter id, only the count of telegrams goes on."""
    snapshot = folded(
        reading({Q.ACT_POW_POS: 5, Q.ACT_ENERGY_POS: 9000, Q.VOLT_L1: 1}, WHO, FIVE),
        reading({Q.ACT_POW_NEG: 7}, Identity(None, "another", None)),
    )
    assert snapshot.values == {Q.ACT_POW_NEG: 7}
    assert snapshot.identity == Identity(None, "another", None)
    assert (snapshot.received, snapshot.clock, snapshot.energies_clock) == (2, None, None)
    assert not any(estimate.known for estimate in snapshot.estimates.values())


@pytest.mark.parametrize(
    ("first", "second", "export"),
    [
        ({Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 900}, {Q.ACT_POW_POS: 50}, 0),
        ({Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 900}, {Q.ACT_POW_POS: 0}, 900),
        ({Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 900}, {Q.ACT_POW_POS: 50, Q.ACT_POW_NEG: 800}, 800),
        ({Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 0}, {Q.ACT_POW_POS: 50}, 0),
        ({Q.ACT_POW_POS: 0}, {Q.ACT_POW_POS: 50}, None),
    ],
    ids=["import ends it", "no import: still", "sent itself", "there was none", "never sent"],
)
def test_import_in_a_fast_list_ends_an_export(
    first: dict[Q, int], second: dict[Q, int], export: int | None
) -> None:
    """A meter imports or exports: import shown by a fast list means that the export known before is over."""
    assert folded(reading(first), reading(second)).values.get(Q.ACT_POW_NEG) == export


def test_an_export_that_ended_makes_no_more_energy() -> None:
    """3600 W of export for 10 s, then import: 10 Wh were exported, not 20."""
    first = {Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 3600, Q.ACT_ENERGY_NEG: 1000}
    fast, again = reading({Q.ACT_POW_POS: 50}), reading({Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 0})
    assert folded(reading(first), fast, again).estimates[Q.ACT_ENERGY_NEG].wh == 1010


def test_registers_of_an_hourly_list() -> None:
    """Registers and their clock are taken, and the estimate goes on from them."""
    snapshot = folded(hourly(5000, FIVE, 3600), reading({Q.ACT_POW_POS: 3600}))
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.energies_clock) == (5000, FIVE)
    assert snapshot.estimates[Q.ACT_ENERGY_POS].wh == 5010


def test_registers_that_are_older_than_their_telegram() -> None:
    """An Aidon's registers are 10 s old: 3600 W since then are 10 Wh more."""
    late = reading({Q.ACT_POW_POS: 3600, Q.ACT_ENERGY_POS: 5000}, clock=FIVE, mark_age_ms=10_000)
    assert folded(reading({Q.ACT_POW_POS: 3600}), late).estimates[Q.ACT_ENERGY_POS].wh == 5010


def test_a_repeated_hour_is_ignored() -> None:
    """An Aidon that sends the hour before once more (sheet 5.1): its powers are new, not its registers."""
    minutes = [reading({Q.ACT_POW_POS: 3600})] * 3
    snapshot = folded(hourly(5000, FIVE, 3600), *minutes, hourly(5000, FIVE, 1800))
    assert snapshot.values[Q.ACT_POW_POS] == 1800
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.energies_clock) == (5000, FIVE)
    assert snapshot.estimates[Q.ACT_ENERGY_POS].wh == 5040
    later = fold(snapshot, hourly(6000, FIVE + 2 * HOUR), at(50))
    assert (later.values[Q.ACT_ENERGY_POS], later.energies_clock) == (6000, FIVE + 2 * HOUR)


def test_an_hour_that_comes_again_with_more_is_taken() -> None:
    """A clock set back does not stop the registers: what grew is believed."""
    snapshot = folded(hourly(5000, FIVE), hourly(5100, FIVE - HOUR))
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.energies_clock) == (5100, FIVE - HOUR)


def test_one_fallen_register_is_not_believed() -> None:
    """One telegram with a lower register, then a good one: nothing falls."""
    bad = folded(hourly(5000, FIVE), hourly(70, FIVE + HOUR))
    assert bad.values[Q.ACT_ENERGY_POS] == 5000
    assert bad.estimates[Q.ACT_ENERGY_POS].wh == 5000
    good = fold(bad, hourly(5900, FIVE + 2 * HOUR), at(20))
    assert (good.values[Q.ACT_ENERGY_POS], good.suspect) == (5900, {})


def test_fallen_registers_are_believed_when_confirmed() -> None:
    """Two hours in a row below what was known: the register began anew, and so does the estimate."""
    snapshot = folded(hourly(5000, FIVE), hourly(70, FIVE + HOUR), hourly(90, FIVE + 2 * HOUR))
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.energies_clock) == (90, FIVE + 2 * HOUR)
    assert (snapshot.estimates[Q.ACT_ENERGY_POS].wh, snapshot.suspect) == (90, {})


@pytest.mark.parametrize(
    ("second", "third"),
    [
        (hourly(70, FIVE + HOUR), hourly(60, FIVE + 2 * HOUR)),  # falls again
        (hourly(70, FIVE), hourly(90, FIVE)),  # no newer clock at all
    ],
)
def test_what_does_not_confirm(second: Reading, third: Reading) -> None:
    """A fall is confirmed by a newer hour that is not lower still."""
    snapshot = folded(hourly(5000, FIVE), second, third)
    assert snapshot.values[Q.ACT_ENERGY_POS] == 5000


def test_the_same_telegram_again_confirms_nothing() -> None:
    """A low telegram that a bridge sends twice is one telegram."""
    low = hourly(100, FIVE + HOUR)
    assert folded(hourly(5000, FIVE), low, low).values[Q.ACT_ENERGY_POS] == 5000


def test_zero_of_what_is_not_measured() -> None:
    """A zero that stands for "not measured" is absent; a value there is taken, a zero elsewhere too."""
    sent = {Q.VOLT_L1: 230_000, Q.VOLT_L2: 0, Q.CURR_L2: 0}
    fitting = Fitting(Net.IT, (Q.VOLT_L2,))
    snapshot = folded(replace(reading(sent), fitting=fitting))
    assert (snapshot.values, snapshot.net) == ({Q.VOLT_L1: 230_000, Q.CURR_L2: 0}, Net.IT)
    assert folded(replace(reading({Q.VOLT_L2: 7}), fitting=fitting)).values == {Q.VOLT_L2: 7}


def test_one_of_several_registers_fallen() -> None:
    """If one register of a list fell, none of that list is taken."""
    first = hourly(5000, FIVE, exported_wh=800)
    snapshot = folded(first, hourly(5100, FIVE + HOUR, exported_wh=1))
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.values[Q.ACT_ENERGY_NEG]) == (5000, 800)


def test_registers_without_a_clock() -> None:
    """A list without any clock is taken for new."""
    snapshot = folded(hourly(5000, None), hourly(5100, None))
    assert (snapshot.values[Q.ACT_ENERGY_POS], snapshot.energies_clock) == (5100, None)


def test_each_energy_is_filled_by_its_own_power() -> None:
    """1, 2, 3 and 4 x 3600 W for 10 s fill the four registers by 10, 20, 30 and 40 Wh (varh)."""
    powers = {power: 3600 * count for count, power in enumerate(POWER_OF_ENERGY.values(), 1)}
    snapshot = folded(reading({**powers, **dict.fromkeys(ENERGIES, 0)}, clock=FIVE), reading(powers))
    assert [snapshot.estimates[energy].wh for energy in ENERGIES] == [10, 20, 30, 40]


@pytest.mark.parametrize(
    ("values", "list_type"),
    [
        ({Q.ACT_POW_POS: 1}, ListType.FAST),
        ({Q.ACT_POW_POS: 1, Q.CURR_L1: 1}, ListType.FAST),
        ({Q.ACT_POW_POS: 1, Q.VOLT_L3: 1}, ListType.TEN_SECONDS),
        ({Q.REACT_ENERGY_NEG: 1}, ListType.HOURLY),
        ({Q.VOLT_L1: 1, Q.ACT_ENERGY_POS: 1}, ListType.HOURLY),
    ],
)
def test_the_list_that_values_make(values: dict[Q, int], list_type: ListType) -> None:
    """Energies make an hourly list, else voltages a ten-second list, else it is the fast one."""
    assert classify(values) is list_type


def test_the_keys_of_quantities() -> None:
    """Quantities are printed by the keys that the telegrams' index uses, energies last."""
    keys = """
        act_pow_pos_w act_pow_neg_w react_pow_pos_var react_pow_neg_var curr_l1_a curr_l2_a curr_l3_a
        volt_l1_v volt_l2_v volt_l3_v act_energy_pos_wh act_energy_neg_wh react_energy_pos_varh
        react_energy_neg_varh
    """
    assert [quantity.key for quantity in PRINCIPAL] == re.findall(r"\w+", keys)
    readme = Path(__file__).parents[3] / "shared" / "telegrams" / "README.md"
    if readme.is_file():
        said = readme.read_text("utf-8").replace("curr_l1_a … curr_l3_a", "curr_l1_a, curr_l2_a, curr_l3_a")
        said = said.replace("volt_l1_v … volt_l3_v", "volt_l1_v, volt_l2_v, volt_l3_v")
        assert ", ".join(quantity.key for quantity in PRINCIPAL) in said


@pytest.mark.parametrize(
    ("quantity", "value", "shown"),
    [
        (Q.ACT_POW_POS, 1234, "1234"),
        (Q.CURR_L1, 4224, "4.224"),
        (Q.CURR_L1, -1300, "-1.3"),
        (Q.CURR_L1, 10_000, "10"),
        (Q.CURR_L1, -1, "-0.001"),
        (Q.VOLT_L1, 231_200, "231.2"),
        (Q.VOLT_L2, 0, "0"),
        (Q.ACT_ENERGY_POS, 109_552_250, "109552250"),
    ],
)
def test_values_as_people_read_them(quantity: Q, value: int, shown: str) -> None:
    """Amperes and volts with their decimals, whole numbers without."""
    assert str(quantity.displayed(value)) == shown


_EVENTS = st.one_of(
    st.tuples(st.just("power"), st.integers(0, 100_000), st.integers(0, 50_000)),
    st.tuples(st.just("hour"), st.integers(0, 100_000), st.integers(0, 2000)),
    st.tuples(st.just("bad hour"), st.integers(0, 100_000), st.integers(0, 100)),
    st.tuples(st.just("repeat"), st.integers(0, 100_000), st.just(0)),
    st.tuples(st.just("restart"), st.just(0), st.just(0)),
)


@given(st.lists(_EVENTS, max_size=50))
def test_estimates_never_fall_for_one_meter(events: list[tuple[str, int, int]]) -> None:
    """Readings, gaps, repeated or lone bad hours and restarts from the stored form: nothing ever falls."""
    snapshot, now, register, hour, shown, bad = EMPTY, 0, 1000, FIVE, 0, False
    for kind, ms, value in events:
        now += ms
        moment = Instant(UNIX + now, now)
        if kind == "power":
            snapshot = fold(snapshot, reading({Q.ACT_POW_POS: value}), moment)
        elif kind == "hour":
            register, hour, bad = register + value, hour + HOUR, False
            snapshot = fold(snapshot, hourly(register, hour, 100), moment)
        elif kind == "bad hour" and not bad:
            hour, bad = hour + HOUR, True
            snapshot = fold(snapshot, hourly(value, hour, 100), moment)
            bad = snapshot.values[Q.ACT_ENERGY_POS] != value  # else it was the first: the truth
            register = register if bad else value
        elif kind == "repeat" and not bad:
            snapshot = fold(snapshot, hourly(register, hour, 100), moment)
        elif kind == "restart":
            stored = from_json(to_json(Stored(snapshot, 1000, 1000)))
            assert stored
            snapshot, now = stored.snapshot, 0
        estimate = snapshot.estimates.get(Q.ACT_ENERGY_POS)
        wh = estimate.wh if estimate else 0
        assert wh >= shown
        assert wh >= snapshot.values.get(Q.ACT_ENERGY_POS, 0)
        shown = wh


SETS = (Q.ACT_ENERGY_POS, Q.ACT_ENERGY_NEG, Q.REACT_ENERGY_POS, Q.REACT_ENERGY_NEG)


def four(hour: int, wrong: Q | None = None, value: int = 0, grown: int = 0) -> Reading:
    """An hourly list of a meter that uses 1 kWh an hour of everything; one energy may be another."""
    values = dict.fromkeys(SETS, 123_456_780 + hour * 1000 + grown)
    if wrong:
        values[wrong] = value
    return reading({Q.ACT_POW_POS: 1000, Q.VOLT_L1: 230_000, **values}, WHO, FIVE + hour * HOUR)


NONSENSE = [
    2**32 - 1,
    42_949_672_950,
    123_458_780 + 2**24,
    1_234_587_800,
    10**15,
    123_458_780 + 2**20,
    230,
    0,
]


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize("energy", SETS)
def test_register_that_cannot_be_is_held_back(energy: Q, value: int) -> None:
    """Nothing of its list is taken; the next good list is, and the one that was held is counted as wrong."""
    known = folded(four(0), four(1))
    held = fold(known, four(2, energy, value), at(20))
    assert {e: held.values[e] for e in SETS} == {e: known.values[e] for e in SETS}
    assert held.energies_clock == FIVE + HOUR
    assert held.suspect[energy] == value
    assert held.estimates[energy].wh < 123_460_780
    again = fold(held, four(3), at(30))
    assert again.values[energy] == 123_456_780 + 3000
    assert (again.suspect, again.refused) == ({}, 1)
    assert again.estimates[energy].wh < 123_461_780


@pytest.mark.parametrize("value", NONSENSE[:5])
def test_first_register_that_cannot_be_waits_for_a_second(value: int) -> None:
    """A meter that begins with nonsense shows no energy until a list that can be, or the same again."""
    first = folded(four(0, Q.ACT_ENERGY_POS, value))
    shown = first.values.get(Q.ACT_ENERGY_POS)
    assert shown in (None, value)
    assert shown is None or value <= 4_000_000_000
    if shown is None:
        assert fold(first, four(1), at(10)).values[Q.ACT_ENERGY_POS] == 123_457_780
        same = fold(first, four(1, Q.ACT_ENERGY_POS, value + 1000), at(10))
        assert same.values[Q.ACT_ENERGY_POS] == value + 1000


@pytest.mark.parametrize("leap", [10**9, 40_000_000])
def test_leap_that_the_next_register_confirms_is_true(leap: int) -> None:
    """What goes on from the suspect is believed: the register did leap."""
    snapshot = folded(four(0), four(1), four(2, grown=leap), four(3, grown=leap))
    assert snapshot.values[Q.ACT_ENERGY_POS] == 123_459_780 + leap
    assert (snapshot.suspect, snapshot.refused) == ({}, 0)


@pytest.mark.parametrize("days", [1, 30, 400, 3000])
def test_long_gap_is_no_leap(days: int) -> None:
    """A meter that was not heard for long has used 10 kW all the time: it is believed at once."""
    later = four(24 * days, grown=24 * days * 9000)
    snapshot = folded(four(0), later)
    assert snapshot.values[Q.ACT_ENERGY_POS] == later.values[Q.ACT_ENERGY_POS]


def test_power_that_was_known_is_the_stronger_witness() -> None:
    """An hour heard throughout at 1 kW cannot have used 20 kWh, whatever the fuse; at 20 kW it has."""
    for watts, believed in ((1000, False), (20_000, True)):
        snapshot = folded(four(0))
        for second in range(10, 3600, 10):
            snapshot = fold(snapshot, reading({Q.ACT_POW_POS: watts, Q.VOLT_L1: 1}), at(second))
        snapshot = fold(snapshot, four(1, Q.ACT_ENERGY_POS, 123_456_780 + 20_000), at(3600))
        assert (snapshot.values[Q.ACT_ENERGY_POS] == 123_476_780) is believed


def test_the_fuse_tells_what_can_be() -> None:
    """A 25 A fuse lets 15 kW through for an hour, and half as much again for a while; not 60 kWh."""
    known = folded(four(0))
    for wh, believed in ((14_000, True), (60_000, False)):
        after = fold(known, four(1, Q.ACT_ENERGY_POS, 123_456_780 + wh), at(10), limit_w=15_000)
        assert (after.values[Q.ACT_ENERGY_POS] == 123_456_780 + wh) is believed
