"""Telegrams to rows: means by the time that each value held, gaps, and what a fast list tells."""

from collections.abc import Iterable

import pytest

from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Recorder, Row
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType, Reading
from han2x.model.state import EMPTY, fold

P_POS, P_NEG, U1 = Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG, Quantity.VOLT_L1
T0 = 1_765_724_400
FAST, FULL = ListType.FAST, ListType.TEN_SECONDS


def at(second: float) -> Instant:
    """So many seconds after T0; the monotonic clock has its own zero."""
    return Instant(T0 * 1000 + int(second * 1000), 5_000 + int(second * 1000))


def recorded(telegrams: Iterable[tuple[float, ListType, dict[Quantity, int]]], end: float) -> list[Row]:
    recorder, snapshot, rows = Recorder(), EMPTY, []
    for second, kind, values in telegrams:
        snapshot = fold(snapshot, Reading(vendor="kaifa", list_type=kind, values=values), at(second))
        rows += recorder.take(snapshot, at(second), 1000)
    return rows + recorder.close(at(end), 1000)


def of(rows: list[Row], span_s: int) -> dict[int, Row]:
    return {row.start - T0: row for row in rows if row.span_s == span_s}


def mean(row: Row, quantity: Quantity) -> int | None:
    return row.means[MEASURED.index(quantity)]


def full(watts: int, volts: int = 230_000) -> dict[Quantity, int]:
    return {P_POS: max(watts, 0), P_NEG: max(-watts, 0), U1: volts}


def test_mean_is_by_time() -> None:
    """1000 W for two seconds and 2000 W for eight are 1800 W; the extremes are both there."""
    rows = of(recorded([(0, FULL, full(1000)), (2, FAST, {P_POS: 2000})], 10), RAW_S)
    assert mean(rows[0], P_POS) == 1800
    assert (rows[0].low, rows[0].high, rows[0].covered_s) == (1000, 2000, 10)


def test_value_goes_on_into_the_next_ten_seconds() -> None:
    """A list at 8 s holds for two seconds of its period and for five of the next."""
    rows = of(recorded([(8, FULL, full(600)), (15, FULL, full(1800))], 20), RAW_S)
    assert [(start, row.covered_s, mean(row, P_POS)) for start, row in rows.items()] == [
        (0, 2, 600),
        (10, 10, 1200),
    ]


def test_silence_leaves_a_gap() -> None:
    """A value holds for thirty seconds; the periods after it are not there, and no zero stands for them."""
    rows = of(recorded([(0, FULL, full(500)), (100, FULL, full(700))], 110), RAW_S)
    assert list(rows) == [0, 10, 20, 100]
    assert {mean(row, P_POS) for row in rows.values()} == {500, 700}


def test_minute_is_the_mean_of_what_was_known_of_it() -> None:
    """Forty seconds at 300 W and twenty at 600 W are 400 W; a minute half unheard says so."""
    lists = [(s, FULL, full(300 if s < 40 else 600)) for s in range(0, 60, 10)]
    rows = of(recorded([*lists, (60, FULL, full(900)), (150, FULL, full(900))], 150), MINUTE_S)
    assert [(mean(row, P_POS), row.covered_s) for row in rows.values()] == [(400, 60), (900, 30)]


def test_minute_is_over_when_the_next_begins() -> None:
    """With the first telegram of the next minute the last one is complete: an hour's end waits for it."""
    recorder, snapshot = Recorder(), EMPTY
    done: list[Row] = []
    for second in range(0, 70, 10):
        snapshot = fold(snapshot, Reading(vendor="kaifa", list_type=FULL, values=full(100)), at(second))
        done += recorder.take(snapshot, at(second), 1000)
    assert of(done, MINUTE_S) == {}
    done += recorder.take(snapshot, at(61), 1000)
    assert of(done, MINUTE_S)[0].covered_s == 60


def test_fast_lists_alone_tell_import_alone() -> None:
    """When full lists have failed for thirty seconds, their voltages are unknown, not what they were."""
    lists = [(0.0, FULL, full(500)), *((s, FAST, {P_POS: 800}) for s in range(2, 72, 2))]
    rows = of(recorded(lists, 72), RAW_S)
    assert mean(rows[20], U1) == 230_000
    assert mean(rows[50], U1) is None
    assert (mean(rows[50], P_POS), mean(rows[50], P_NEG)) == (800, 0)


def test_fast_list_without_import_does_not_tell_of_export() -> None:
    """Import 0 may be export: without a full list the export is unknown."""
    rows = of(recorded([(0, FAST, {P_POS: 0}), (10, FAST, {P_POS: 0})], 20), RAW_S)
    assert (mean(rows[0], P_POS), mean(rows[0], P_NEG)) == (0, None)


def test_net_extremes_are_signed() -> None:
    """A house that exports within ten seconds has a low below zero."""
    rows = of(recorded([(0, FULL, full(200)), (5, FULL, full(-700))], 10), RAW_S)
    assert (rows[0].low, rows[0].high) == (-700, 200)
    assert (mean(rows[0], P_POS), mean(rows[0], P_NEG)) == (100, 350)


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_machine_clock_that_jumps_makes_no_energy(jump_s: int) -> None:
    """After a jump rows go on at the new time, and none covers more than its ten seconds."""
    recorder, snapshot, rows = Recorder(), EMPTY, []
    for second in range(0, 100, 10):
        now = at(second)
        now = Instant(now.unix_ms + (jump_s * 1000 if second >= 50 else 0), now.mono_ms)
        snapshot = fold(snapshot, Reading(vendor="kaifa", list_type=FULL, values=full(100)), now)
        rows += recorder.take(snapshot, now, 1000)
    rows += recorder.close(now, 1000)
    raw = of(rows, RAW_S)
    assert sum(row.covered_s for row in raw.values()) == 90
    assert max(row.covered_s for row in raw.values()) == 10
    assert {start // 1800 * 1800 for start in raw} == {0, jump_s}
