"""The running hour (model/running.py, view.py): from telegrams to energy so far, pace and budget.

Power is a plain 3600 W unless said otherwise, so that a second makes 1 Wh.
"""

from datetime import datetime, timedelta

import pytest

from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import ListType, MeterClock, Reading, TimeBase
from han2x.model.state import EMPTY, Snapshot, fold
from han2x.model.view import View, view
from han2x.runtime.stored_state import Stored, from_json, to_json
from han2x.tariff.account import Account
from han2x.tariff.capacity import Capacity

NOON = 1_795_438_800_000  # a full hour in Unix ms
MONO = 77_000_000  # the monotonic clock then
CLOCK = datetime(2026, 11, 23, 14, 0)


def at(s: float) -> Instant:
    """A moment some seconds after the full hour."""
    return Instant(NOON + round(s * 1000), MONO + round(s * 1000))


def fast(power: int = 3_600) -> Reading:
    return Reading(vendor="aidon", list_type=ListType.FAST, values={Q.ACT_POW_POS: power})


def hourly(wh: int, hour: int = 0, *, power: int = 3_600, age_s: int = 10, late_s: int = 0) -> Reading:
    """Registers of a full hour, sent some seconds after they were true."""
    clock = CLOCK + timedelta(hours=hour, seconds=late_s)
    return Reading(
        vendor="aidon",
        list_type=ListType.HOURLY,
        values={Q.ACT_POW_POS: power, Q.ACT_ENERGY_POS: wh},
        clock=MeterClock(clock, True, TimeBase.STANDARD),
        mark_age_ms=age_s * 1000,
    )


def run(snapshot: Snapshot, begin_s: int, end_s: int, power: int = 3_600) -> Snapshot:
    """A telegram every ten seconds, from the first moment until before the last."""
    for s in range(begin_s, end_s, 10):
        snapshot = fold(snapshot, fast(power), at(s))
    return snapshot


def seen(
    snapshot: Snapshot, s: float, *, scale: int = 1000, headroom: int | None = None, limit_w: int = 0
) -> View:
    step = Capacity(tariff="t", month=CLOCK.date(), rule="days", price=1, billed_price=1, headroom=headroom)
    account = Account(step if headroom is not None else None)
    return view(snapshot, scale=scale, now=at(s), uptime_s=0, account=account, limit_w=limit_w)


def first_hour() -> Snapshot:
    """A meter that is heard from a minute before the hour, whose registers come 10 s after it."""
    return fold(run(EMPTY, -60, 10), hourly(50_000), at(10))


def test_an_hour_begins_at_the_meters_mark() -> None:
    """Ten seconds after the mark, when the registers arrive, ten seconds' energy is this hour's."""
    assert seen(first_hour(), 10).hour == {Q.ACT_ENERGY_POS: 10}
    budget = seen(first_hour(), 10).budget
    assert budget
    assert (budget.pace.elapsed_ms, budget.used, budget.rest_s) == (10_000, 10, 3_590)


def test_before_an_hour_has_begun_nothing_is_said() -> None:
    """Without registers nothing is known of the hour, and no budget is made up."""
    heard = seen(run(EMPTY, 0, 600), 595)
    assert (heard.hour, heard.budget) == ({}, None)


def test_half_an_hour() -> None:
    """1800 s at 3600 W are 1800 Wh; the rest at the same pace makes 3600 Wh."""
    heard = seen(run(first_hour(), 20, 1_801), 1_800, limit_w=5_400)
    assert heard.hour == {Q.ACT_ENERGY_POS: 1_800}
    assert heard.budget
    assert (heard.budget.forecast, heard.budget.limit, heard.budget.left) == (3_600, 5_400, 7_200)
    assert (heard.budget.pace.power, heard.budget.pace.rests_on_ms) == (3_600, 600_000)


def test_the_next_hour_begins_before_its_registers_come() -> None:
    """From the full hour on the new hour counts from nothing, and the registers set it right to the Wh."""
    snapshot = run(first_hour(), 20, 3_611)
    assert seen(snapshot, 3_610).hour == {Q.ACT_ENERGY_POS: 10}
    budget = seen(snapshot, 3_610).budget
    assert budget
    assert budget.pace.elapsed_ms == 10_000
    corrected = fold(snapshot, hourly(53_700, 1), at(3_610))  # 100 Wh more than power made
    assert seen(corrected, 3_610).hour == {Q.ACT_ENERGY_POS: 10}


def test_a_register_that_never_comes_does_not_make_one_long_hour() -> None:
    """A missed hourly list is what puts two hours into one elsewhere; here each hour is its own."""
    snapshot = run(first_hour(), 20, 3_600 + 1_801)
    assert seen(snapshot, 5_400).hour == {Q.ACT_ENERGY_POS: 1_800}
    snapshot = run(snapshot, 5_410, 2 * 3_600 + 21)
    assert seen(snapshot, 7_220).hour == {Q.ACT_ENERGY_POS: 20}


def test_a_repeated_old_hour_changes_nothing() -> None:
    """An Aidon that sends the hour before once more does not begin an hour (han-port sheet 5.1)."""
    snapshot = run(first_hour(), 20, 1_801)
    again = fold(snapshot, hourly(50_000), at(1_805))
    assert seen(again, 1_805).hour == {Q.ACT_ENERGY_POS: 1_805}


def test_a_late_list() -> None:
    """Registers twenty minutes late begin the hour at their mark; what is not known is told as a gap."""
    snapshot = run(first_hour(), 20, 3_600 + 1_200)
    late = fold(snapshot, hourly(53_600, 1, age_s=1_200), at(4_800))
    budget = seen(late, 4_800).budget
    assert budget
    assert (budget.pace.elapsed_ms, budget.rest_s) == (1_200_000, 2_400)
    # samples reach 30 s back: 1170 s are a gap, counted at the recent power, so that nothing is lost
    assert (budget.used, budget.pace.gap_ms) == (30, 1_170_000)
    assert budget.forecast == 3_600


def test_registers_with_every_list_begin_no_new_hour() -> None:
    """A meter that sends registers every ten seconds has hours too, from those of the full hour."""
    snapshot = EMPTY
    for s in range(-60, 1_801, 10):
        snapshot = fold(snapshot, hourly(50_000 + s, age_s=0, late_s=s), at(s))
    assert seen(snapshot, 1_800).hour == {Q.ACT_ENERGY_POS: 1_800}


def test_a_gap_in_the_hour_is_told() -> None:
    """Ten minutes without telegrams: power is held for 30 s, the rest of that time is a gap."""
    snapshot = run(run(first_hour(), 20, 601), 1_200, 1_801)
    budget = seen(snapshot, 1_800).budget
    assert budget
    assert (budget.pace.gap_ms, budget.used) == (570_000, 1_230)
    assert budget.forecast == 3_600  # 1230 used, 570 in the gap, 1800 for the rest


def test_a_gap_over_the_hour() -> None:
    """When no telegram tells how the hour began, nothing is said until registers do."""
    snapshot = run(run(first_hour(), 20, 3_500), 3_700, 3_800)
    assert (seen(snapshot, 3_790).hour, seen(snapshot, 3_790).budget) == ({}, None)
    snapshot = fold(snapshot, hourly(53_600, 1, age_s=200), at(3_800))
    assert seen(snapshot, 3_800).budget is not None


def test_silence_ends_the_budget() -> None:
    """A budget on old powers would be acted upon: after 30 s of silence there is none."""
    snapshot = run(first_hour(), 20, 1_801)
    assert seen(snapshot, 1_830).budget is not None
    assert seen(snapshot, 1_830.001).budget is None
    assert seen(snapshot, 1_831).hour == {Q.ACT_ENERGY_POS: 1_800}  # what was used stays true
    assert seen(snapshot, 65 * 60 + 1).hour == {}


def test_the_pace_is_of_the_last_ten_minutes() -> None:
    """One minute of a kettle among nine is left out; until there are five minutes all count."""
    snapshot = run(first_hour(), 20, 600, 1_000)
    snapshot = run(run(snapshot, 600, 660, 4_000), 660, 1_100, 1_000)
    budget = seen(snapshot, 1_090).budget
    assert budget
    assert (budget.pace.power, budget.pace.rests_on_ms) == (1_000, 600_000)
    young = seen(run(first_hour(), 20, 200, 1_000), 190).budget
    assert young
    assert young.pace.rests_on_ms < 300_000
    assert 1_000 <= young.pace.power < 1_200  # the first seconds were 3600 W


def test_without_minutes_the_latest_power_is_the_pace() -> None:
    """Right after the start the forecast rests on one telegram, and says so."""
    snapshot = fold(EMPTY, hourly(50_000, power=2_000), at(10))
    snapshot = fold(snapshot, fast(2_000), at(12.5))
    budget = seen(snapshot, 12.5).budget
    assert budget
    assert (budget.pace.rests_on_ms, budget.pace.power) == (0, 2_000)


@pytest.mark.parametrize(
    ("headroom", "limit_w", "limit"),
    [(None, 0, None), (7_000, 0, 7_000), (7_000, 5_000, 5_000), (None, 5_000, 5_000), (0, 0, 0)],
)
def test_whose_limit(headroom: int | None, limit_w: int, limit: int | None) -> None:
    """The chosen limit counts, else what the capacity step leaves, else there is none."""
    budget = seen(run(first_hour(), 20, 600), 590, headroom=headroom, limit_w=limit_w).budget
    assert budget
    assert budget.limit == limit


def test_the_factor_is_applied_once() -> None:
    """Behind current transformers all figures of the hour are scaled, the limit is what was chosen."""
    heard = seen(run(first_hour(), 20, 1_801), 1_800, scale=50_000, limit_w=270_000)
    assert heard.hour == {Q.ACT_ENERGY_POS: 90_000}
    assert heard.budget
    assert (heard.budget.pace.power, heard.budget.forecast, heard.budget.left) == (180_000, 180_000, 360_000)


def test_after_a_restart_the_next_hour_is_known() -> None:
    """Estimates are stored, and the machine's clock tells of the next hour, before its registers come."""
    stored = first_hour().estimates[Q.ACT_ENERGY_POS].settled()
    restarted = Snapshot(values={Q.ACT_ENERGY_POS: 50_000}, estimates={Q.ACT_ENERGY_POS: stored})
    restarted = run(restarted, 3_500, 3_621)
    assert seen(restarted, 3_620).hour == {Q.ACT_ENERGY_POS: 20}


def stopped(s: int, down_s: float) -> tuple[Snapshot, Instant]:
    """Stopped at a moment, and started again so much later by the machine's clock, from its stored form."""
    ran = run(first_hour(), 20, s + 1)
    kept = from_json(to_json(Stored(ran, 1000, 1000)))
    assert kept
    return kept.snapshot, Instant(NOON + round((s + down_s) * 1000), 55)


def test_a_restart_within_the_hour() -> None:
    """The hour goes on after a restart; the time it took is a gap, at the pace that is seen then."""
    snapshot, again = stopped(1_200, 60)
    snapshot = fold(snapshot, fast(), again)
    budget = view(snapshot, scale=1000, now=again, uptime_s=0).budget
    assert budget
    assert (budget.pace.elapsed_ms, budget.used, budget.pace.gap_ms) == (1_260_000, 1_200, 60_000)
    assert budget.forecast == 3_600


@pytest.mark.parametrize("down_s", [2_400, 86_400, -1, -10_000])
def test_a_restart_in_another_hour(down_s: float) -> None:
    """After the hour has ended, or when the machine's clock was set back, it does not go on."""
    snapshot, again = stopped(1_200, down_s)
    snapshot = fold(snapshot, fast(), again)
    assert view(snapshot, scale=1000, now=again, uptime_s=0).budget is None


def test_a_restart_before_any_telegram_keeps_the_hour() -> None:
    """Two restarts in a row, with no telegram in between, are like one."""
    snapshot, again = stopped(1_200, 60)
    kept = from_json(to_json(Stored(snapshot, 1000, 1000)))
    assert kept
    assert fold(kept.snapshot, fast(), again).running == fold(snapshot, fast(), again).running


def test_another_meter_has_its_own_hour() -> None:
    """Counters that began anew begin no hour of their own, until the next full one."""
    snapshot = run(first_hour(), 20, 3_611)
    for hour in (1, 2):
        snapshot = fold(snapshot, hourly(100 + hour, hour), at(3_600 * hour + 10))
        snapshot = run(snapshot, 3_600 * hour + 20, 3_600 * (hour + 1) + 11)
    assert seen(snapshot, 10_810).hour == {Q.ACT_ENERGY_POS: 10}
