"""The simulated meters: rhythm, clocks, identities, and counters that are the integral of the power.

Real decoding of what they send is judged in `test_decoded.py`, their faults in `test_faults.py`.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest

from han2x.model.estimate import WMS_PER_WH
from han2x.model.quantity import ENERGIES, POWER_OF_ENERGY, PRINCIPAL
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import ListType
from han2x.settings.source import NETS, VENDORS, SimulatedSource, SourceError
from han2x.simulator.meter import identity, telegrams
from han2x.simulator.telegram import Telegram

HOUR = datetime(2025, 6, 2, 10, tzinfo=UTC)
FAST, TEN, HOURLY = ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY
ALL = [(vendor, net) for vendor in VENDORS for net in NETS]


def during(source: SimulatedSource, start: datetime, duration: timedelta) -> Iterator[Telegram]:
    end_ms = duration // timedelta(milliseconds=1)
    return takewhile(lambda telegram: telegram.due_ms < end_ms, telegrams(source, start))


def an_hour(vendor: str, net: str = "it", **options: int) -> list[Telegram]:
    source = SimulatedSource(vendor, net, **options)  # type: ignore[arg-type]
    return list(during(source, HOUR, timedelta(hours=1)))


@pytest.mark.parametrize(
    ("vendor", "counts"),
    [
        ("aidon", {FAST: 1080, TEN: 359, HOURLY: 1}),
        ("kaifa", {FAST: 1440, TEN: 359, HOURLY: 1}),
        ("kamstrup", {TEN: 360, HOURLY: 1}),
    ],
)
def test_an_hour_has_its_telegrams(vendor: str, counts: dict[ListType, int]) -> None:
    """1440, 1800 and 361 telegrams an hour, of the right lists."""
    assert Counter(telegram.message.list_type for telegram in an_hour(vendor)) == counts


@pytest.mark.parametrize(
    ("vendor", "begins"),
    [
        ("aidon", [(0, TEN), (2.5, FAST), (5, FAST), (7.5, FAST), (10, HOURLY), (12.5, FAST), (15, FAST)]),
        ("kaifa", [(0, TEN), (2, FAST), (4, FAST), (6, FAST), (8, FAST), (10, HOURLY), (12, FAST)]),
        ("kamstrup", [(0, TEN), (5, HOURLY), (10, TEN), (20, TEN), (30, TEN)]),
    ],
)
def test_the_first_seconds_of_an_hour(vendor: str, begins: list[tuple[float, ListType]]) -> None:
    """Which list leaves at which second."""
    seen = [(telegram.due_ms / 1000, telegram.message.list_type) for telegram in an_hour(vendor)]
    assert seen[: len(begins)] == begins


@pytest.mark.parametrize(("vendor", "wait_ms"), [("aidon", 800), ("kaifa", 300), ("kamstrup", 3_300)])
def test_the_first_telegram_is_the_next_on_the_grid(vendor: str, wait_ms: int) -> None:
    """Sending is locked to the real minute, whenever the simulator is started."""
    start = HOUR + timedelta(minutes=30, seconds=1, milliseconds=700)
    start += timedelta(seconds=5) if vendor == "kamstrup" else timedelta()
    first = next(telegrams(SimulatedSource(vendor), start))
    assert first.due_ms == wait_ms


@pytest.mark.parametrize(
    ("vendor", "clock", "sent"),
    [
        ("aidon", (11, 0, 0), (11, 0, 10)),
        ("kaifa", (12, 0, 10), (12, 0, 10)),
        ("kamstrup", (11, 0, 5), (11, 0, 5)),
    ],
)
def test_the_clock_of_an_hourly_list(vendor: str, clock: tuple[int, ...], sent: tuple[int, ...]) -> None:
    """10:00 UTC in June is noon for Kaifa and eleven for the others; Aidon's clock is the hour's."""
    message = next(telegram.message for telegram in an_hour(vendor) if telegram.message.list_type is HOURLY)
    assert message.clock is not None
    assert message.clock.timetuple()[3:6] == clock
    assert message.sent.timetuple()[3:6] == sent


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        (datetime(2025, 3, 29, 23, tzinfo=UTC), {"kaifa": [0, 1, 3, 4], "aidon": [0, 1, 2, 3]}),
        (datetime(2025, 10, 25, 23, tzinfo=UTC), {"kaifa": [1, 2, 2, 3], "aidon": [0, 1, 2, 3]}),
    ],
)
def test_clocks_over_the_switch(start: datetime, hours: dict[str, list[int]]) -> None:
    """Kaifa skips and repeats an hour; Aidon never notices."""
    for vendor, expected in hours.items():
        seen = during(SimulatedSource(vendor), start, timedelta(hours=4))
        assert [telegram.message.clock.hour for telegram in seen if telegram.message.clock] == expected


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("solar_w", [0, 8_000])
def test_import_is_the_exact_integral_of_the_power_sent(vendor: str, solar_w: int) -> None:
    """Over half a day A+ rises by just what the import powers of the telegrams, fast lists included, make."""
    day = list(during(SimulatedSource(vendor, solar_w=solar_w), HOUR, timedelta(hours=12)))
    made = sum(
        before.message.values[Q.ACT_POW_POS] * (after.at_ms - before.at_ms) for before, after in pairwise(day)
    )
    assert day[-1].counters.act_pos - day[0].counters.act_pos == made > 0


@pytest.mark.parametrize("energy", ENERGIES)
def test_every_counter_is_the_exact_integral_of_its_power(energy: Q) -> None:
    """Kamstrup, whose lists are all complete, shows it for export and reactive energy too."""
    day = list(during(SimulatedSource("kamstrup", solar_w=8_000), HOUR, timedelta(days=1)))
    made = sum(
        before.message.values[POWER_OF_ENERGY[energy]] * (after.at_ms - before.at_ms)
        for before, after in pairwise(day)
    )
    index = ENERGIES.index(energy)
    assert day[-1].counters[index] - day[0].counters[index] == made > 0


def test_a_house_without_solar_plant_exports_nothing() -> None:
    """P- and A- stay zero."""
    hour = an_hour("kamstrup")
    assert {telegram.message.values[Q.ACT_POW_NEG] for telegram in hour} == {0}
    assert {telegram.counters.act_neg for telegram in hour} == {0}


@pytest.mark.parametrize(("vendor", "mark_ms"), [("aidon", 0), ("kaifa", 10_000), ("kamstrup", 5_000)])
def test_the_registers_are_those_of_the_clock_in_the_list(vendor: str, mark_ms: int) -> None:
    """Aidon's registers are ten seconds old, the others' are of the moment of sending."""
    by_time = {telegram.due_ms: telegram for telegram in an_hour(vendor, solar_w=8_000)}
    hourly = next(telegram for telegram in by_time.values() if telegram.message.list_type is HOURLY)
    true = [counter // WMS_PER_WH for counter in by_time[mark_ms].counters]
    assert [hourly.message.values[energy] for energy in ENERGIES] == true


@pytest.mark.parametrize("vendor", VENDORS)
def test_counters_go_on_where_an_earlier_run_was(vendor: str) -> None:
    """A meter started later in the same month has counted as if it had run all the time."""
    source = SimulatedSource(vendor, solar_w=4_000)
    late = HOUR + timedelta(hours=14, minutes=7, seconds=10)
    first = next(telegrams(source, late))
    earlier = next(telegram for telegram in telegrams(source, HOUR) if telegram.at_ms == first.at_ms)
    assert first._replace(due_ms=0) == earlier._replace(due_ms=0)


@pytest.mark.parametrize(("vendor", "net"), ALL)
def test_same_seed_same_bytes_other_seed_other_bytes(vendor: str, net: str) -> None:
    """The stream is a pure function of source and start."""
    one, again, other = (
        [telegram.data for telegram in islice(telegrams(SimulatedSource(vendor, net, seed=seed), HOUR), 300)]
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


@pytest.mark.parametrize(("vendor", "net"), ALL)
def test_what_each_meter_measures(vendor: str, net: str) -> None:
    """One phase has one current and voltage; a 3-wire Aidon lacks I L2; Kaifa's U2 is zero there."""
    values = an_hour(vendor, net)[0].message.values
    missing = {Q.CURR_L2, Q.CURR_L3, Q.VOLT_L2, Q.VOLT_L3} if net == "1" else set()
    missing |= {Q.CURR_L2} if (vendor, net) == ("aidon", "it") else set()
    assert {quantity for quantity in PRINCIPAL if quantity not in values} - set(ENERGIES) == missing
    zero = {quantity for quantity in values if quantity.startswith("volt") and values[quantity] == 0}
    assert zero == ({Q.VOLT_L2} if (vendor, net) == ("kaifa", "it") else set())


def test_an_exporting_element_of_an_aidon_has_a_negative_current() -> None:
    """Aidon's currents are signed; the others' never are."""
    for vendor, negative in (("aidon", True), ("kaifa", False), ("kamstrup", False)):
        noon = an_hour(vendor, "tn", solar_w=15_000)[0].message.values
        assert (noon[Q.CURR_L1] < 0) == negative


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_identity_has_the_vendors_form(vendor: str) -> None:
    """Sixteen digits that begin as the vendor's do."""
    begins = {"aidon": "735999", "kaifa": "69706314", "kamstrup": "5706567"}
    who = identity(SimulatedSource(vendor))
    assert who.meter_id is not None
    assert who.meter_id.startswith(begins[vendor])
    assert who.meter_id.isdecimal()
    assert len(who.meter_id) == 16


def test_a_source_may_bring_its_own_start() -> None:
    """`start=` goes before the moment handed in; without a time zone it is UTC."""
    for own in ("2025-12-14T16:00:02+01:00", "2025-12-14T15:00:02"):
        first = next(telegrams(SimulatedSource("kaifa", start=own), HOUR))
        assert first.message.sent == datetime(2025, 12, 14, 16, 0, 2)


def test_a_start_that_is_no_time_is_refused_at_once() -> None:
    """The sentence shows how to write one."""
    with pytest.raises(SourceError, match="2025-12-14T15:59:50Z"):
        telegrams(SimulatedSource("kaifa", start="soon"), HOUR)
