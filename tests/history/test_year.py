"""A year on the real path: octets of a simulated meter, pipeline, gateway, history; time is handed in.

The expected figures are worked out here, from the counters that were sent and nothing else: differences by
the hour, local days by a calendar. Damage that is put in: lists that never come, a program that is off, one
that is killed and started again, hours that repeat, a meter that is changed. What the lists hold is in
`tests/simulator`; single rules of the hours are in `tests/model/test_hours.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from han2x.history import periods
from han2x.history.file import open_reading
from han2x.model.hour import Basis, Hour
from han2x.model.quantity import ENERGIES, Quantity
from han2x.model.reading import Identity, ListType
from han2x.runtime.gateway import Gateway
from han2x.simulator.encode import frame
from han2x.simulator.telegram import Message

OSLO = ZoneInfo("Europe/Oslo")
HOUR = 3600
A_POS, A_NEG, R_POS, R_NEG = ENERGIES
MARK_S = {"kaifa": 10, "aidon": 0, "kamstrup": 5}
SENT_S = {"kaifa": 10, "aidon": 10, "kamstrup": 5}
LIST_VERSION = {"kaifa": "KFM_001", "aidon": "AIDON_V0001", "kamstrup": "Kamstrup_V0001"}


def at(text: str) -> int:
    """Unix seconds of a local time in Oslo, or of a time with its offset."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=OSLO)).timestamp())


def watts(hour: int) -> int:
    """The net power in an hour, counted from 1970: two in nine export."""
    size = 300 + (hour * hour * 7919 + hour * 104_729) % 7001
    return -size if hour % 9 < 2 else size


class Counters:
    """Import and export in Wh at any moment after `begin`, exact; reactive import is a third of import."""

    def __init__(self, begin: int, offset_wh: int = 0) -> None:
        self._hour = begin // HOUR
        self._sums = [(offset_wh * HOUR, offset_wh * HOUR)]

    def __call__(self, second: int) -> tuple[int, int]:
        hour, rest = divmod(second, HOUR)
        while self._hour + len(self._sums) <= hour:
            power = watts(self._hour + len(self._sums) - 1)
            pos, neg = self._sums[-1]
            self._sums.append((pos + max(power, 0) * HOUR, neg + max(-power, 0) * HOUR))
        pos, neg = self._sums[hour - self._hour]
        power = watts(hour)
        return (pos + max(power, 0) * rest) // HOUR, (neg + max(-power, 0) * rest) // HOUR


@dataclass(frozen=True)
class House:
    """A meter of a vendor: what its lists say at a moment."""

    vendor: str
    counters: Counters
    meter_id: str = "6970631400000017"

    def local(self, second: int) -> datetime:
        zone = OSLO if self.vendor == "kaifa" else UTC
        local = datetime.fromtimestamp(second, zone).replace(tzinfo=None)
        return local if self.vendor == "kaifa" else local + timedelta(hours=1)

    def list(self, second: int, kind: ListType, mark: int | None = None) -> bytes:
        """The octets of a list sent at a moment; an hourly one with the clock and counters of `mark`."""
        power = watts(second // HOUR)
        values = {quantity: 0 for quantity in Quantity if quantity not in ENERGIES}
        values |= {Quantity.ACT_POW_POS: max(power, 0), Quantity.ACT_POW_NEG: max(-power, 0)}
        values |= {Quantity.VOLT_L1: 230_000, Quantity.CURR_L1: 4_000}
        if mark is not None:
            values |= self.registers(mark)
        message = Message(
            vendor=self.vendor,
            list_type=kind,
            identity=Identity(LIST_VERSION[self.vendor], self.meter_id, "MA304H4"),
            values=values,
            sent=self.local(second),
            clock=None if mark is None else self.local(mark),
        )
        return frame(message)

    def registers(self, mark: int) -> dict[Quantity, int]:
        """What the counters say, in the steps of 10 Wh that all but Kaifa's have."""
        step = 1 if self.vendor == "kaifa" else 10
        pos, neg = self.counters(mark)
        return {
            A_POS: pos // step * step,
            A_NEG: neg // step * step,
            R_POS: pos // 3 // step * step,
            R_NEG: 0,
        }


Telegram = tuple[int, bytes]
Play = Callable[..., Gateway]


def hourly(house: House, hours: Iterable[int]) -> Iterator[Telegram]:
    """The hourly list after each full hour (Unix seconds)."""
    for hour in hours:
        mark = hour + MARK_S[house.vendor]
        sent = hour + SENT_S[house.vendor]
        yield sent, house.list(sent, ListType.HOURLY, mark)


def every_ten(house: House, begin: int, end: int) -> Iterator[Telegram]:
    """List 2 every ten seconds."""
    return ((second, house.list(second, ListType.TEN_SECONDS)) for second in range(begin, end, 10))


def hours(path: Path) -> dict[int, Hour]:
    with closing(open_reading(path)) as file:
        return {hour.start: hour for hour in periods.hours(file, "main", 0, periods.EVER)}


def differences(house: House, marks: list[int]) -> dict[int, dict[Quantity, int]]:
    """By the hour's beginning: what the counters sent at both its ends differ by."""
    found = {}
    for before, after in pairwise(marks):
        if after - before == HOUR:
            one, other = (house.registers(mark + MARK_S[house.vendor]) for mark in (before, after))
            found[before] = {energy: other[energy] - one[energy] for energy in ENERGIES}
    return found


YEAR = range(at("2025-01-01"), at("2026-01-01") + HOUR, HOUR)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, play: Play) -> Path:
    """A year of a Kaifa meter on civil time without any fault, with list 2 over both nights of the switch."""
    path = tmp_path_factory.mktemp("year") / "history.sqlite"
    house = House("kaifa", Counters(YEAR[0], 1_000_000))
    nights = [
        (at("2025-03-30T00:00"), at("2025-03-30T06:00")),
        (at("2025-10-26T00:00"), at("2025-10-26T06:00")),
    ]
    lists = list(hourly(house, YEAR))
    for begin, end in nights:
        lists += [(second, octets) for second, octets in every_ten(house, begin, end) if second % HOUR != 10]
    play(path, sorted(lists))
    return path


def test_year_of_hours_is_the_differences_of_the_counters(year: Path) -> None:
    """All 8760 hours of a civil clock, the repeated one of October too, are the counters' differences."""
    expected = differences(House("kaifa", Counters(YEAR[0], 1_000_000)), list(YEAR))
    found = hours(year)
    assert len(expected) == 8760
    assert {start: hour.energies for start, hour in found.items() if hour.basis is Basis.METERED} == expected


@pytest.mark.parametrize(("resolution", "count"), [("day", 365), ("month", 12), ("year", 1)])
def test_local_periods_are_the_sums_of_their_hours(year: Path, resolution: str, count: int) -> None:
    """Days, months and the year sum up to what a calendar makes of the same differences, to the watt hour."""
    cut = {"day": 10, "month": 7, "year": 4}[resolution]
    expected: dict[str, int] = {}
    for start, used in differences(House("kaifa", Counters(YEAR[0], 1_000_000)), list(YEAR)).items():
        key = datetime.fromtimestamp(start, OSLO).isoformat()[:cut]
        expected[key] = expected.get(key, 0) + used[A_POS]
    with closing(open_reading(year)) as file:
        sums = list(periods.periods(file, "main", resolution, YEAR[0], YEAR[-1], OSLO))
    found = {}
    for period in sums:
        assert isinstance(period, periods.Sum)
        assert period.missing == 0
        found[datetime.fromtimestamp(period.start, OSLO).isoformat()[:cut]] = period.energies[A_POS]
    assert found == expected
    assert len(found) == count


@pytest.mark.parametrize(("day", "length"), [("2025-03-30", 23), ("2025-10-26", 25), ("2025-06-01", 24)])
def test_days_of_the_switch_have_their_hours(year: Path, day: str, length: int) -> None:
    """The day that loses an hour has 23 metered hours, the one that gains one has 25."""
    begin = at(day)
    with closing(open_reading(year)) as file:
        (period,) = periods.periods(file, "main", "day", begin, begin + length * HOUR, OSLO)
    assert isinstance(period, periods.Sum)
    assert (period.end - period.start) // HOUR == length
    assert period.hours == {Basis.METERED: length}


def test_drift_of_an_hour_is_told_where_power_was_known(year: Path) -> None:
    """In the night with list 2 power makes what the registers say, but for ten seconds at each end."""
    found = hours(year)
    night = [found[start] for start in range(at("2025-10-26T00:00"), at("2025-10-26T05:00"), HOUR)]
    assert len(night) == 6
    for hour in night[1:]:
        here, after = (max(watts(hour.start // HOUR + step), 0) for step in (0, 1))
        assert hour.drift[A_POS] == pytest.approx((here - after) * 10 / HOUR, abs=2)
    assert found[at("2025-06-01")].drift == {}


def without(house: House, begin: int, end: int, missed: set[int]) -> list[Telegram]:
    """Hourly lists and list 2 of a period, without the hourly lists of some hours."""
    marks = [hour for hour in range(begin, end, HOUR) if hour not in missed]
    lists = [*hourly(house, marks), *every_ten(house, begin, end)]
    hourly_at = {hour + SENT_S[house.vendor] for hour in range(begin, end, HOUR)}
    fast = [one for one in lists if one[0] not in hourly_at]
    return sorted(fast + list(hourly(house, marks)))


def repeating(house: House, begin: int, end: int, repeats: set[int]) -> list[Telegram]:
    """As `without`, but in place of a missed list comes one with the hour before it."""
    lists = without(house, begin, end, repeats)
    for hour in repeats:
        sent = hour + SENT_S[house.vendor]
        lists.append((sent, house.list(sent, ListType.HOURLY, hour - HOUR + MARK_S[house.vendor])))
    return sorted(lists)


@pytest.mark.parametrize("kind", [without, repeating])
@pytest.mark.parametrize("vendor", ["aidon", "kaifa", "kamstrup"])
def test_missed_or_repeated_hour_is_spread_by_power(
    tmp_path: Path,
    play: Play,
    vendor: str,
    kind: Callable[[House, int, int, set[int]], list[Telegram]],
) -> None:
    """Two hours whose mark between them is missed share the counters' difference as power says."""
    begin = at("2025-07-01T00:00")
    house = House(vendor, Counters(begin - 2 * HOUR, 5_000_000))
    missed = begin + 2 * HOUR
    play(tmp_path / "h.sqlite", kind(house, begin, begin + 4 * HOUR, {missed}))
    found = hours(tmp_path / "h.sqlite")
    one, two = found[begin + HOUR], found[missed]
    assert [found[begin + n * HOUR].basis for n in range(3)] == [Basis.METERED, Basis.SPREAD, Basis.SPREAD]
    ends = [house.registers(mark + MARK_S[vendor]) for mark in (begin + HOUR, begin + 3 * HOUR)]
    assert one.energies[A_POS] + two.energies[A_POS] == ends[1][A_POS] - ends[0][A_POS]
    for hour in (one, two):
        assert hour.energies[A_POS] == pytest.approx(max(watts(hour.start // HOUR), 0), abs=25)


def test_running_hour_is_an_estimate_until_its_register_comes(tmp_path: Path, play: Play) -> None:
    """Half an hour of power is half an hour's energy, marked as estimated."""
    begin = at("2025-07-01T00:00")
    house = House("kaifa", Counters(begin - HOUR))
    play(tmp_path / "h.sqlite", without(house, begin, begin + HOUR // 2, set()))
    (hour,) = hours(tmp_path / "h.sqlite").values()
    assert hour.basis is Basis.ESTIMATED
    assert hour.energies[A_POS] == pytest.approx(max(watts(begin // HOUR), 0) / 2, abs=10)


def test_outage_of_the_program_becomes_spread_hours(tmp_path: Path, play: Play) -> None:
    """The program is off for five hours: the sum is exact, each is marked, none is lost or twice there."""
    begin = at("2025-07-01T00:00")
    house = House("aidon", Counters(begin - HOUR))
    marks = [begin, begin + HOUR, begin + 6 * HOUR, begin + 7 * HOUR]
    play(tmp_path / "h.sqlite", hourly(house, marks[:2]), tmp_path)
    play(tmp_path / "h.sqlite", hourly(house, marks[2:]), tmp_path)
    found = hours(tmp_path / "h.sqlite")
    assert [hour.basis for hour in found.values()] == [Basis.METERED, *[Basis.SPREAD] * 5, Basis.METERED]
    spread = sum(hour.energies[A_POS] for hour in found.values() if hour.basis is Basis.SPREAD)
    assert spread == house.registers(marks[2])[A_POS] - house.registers(marks[1])[A_POS]
    assert all(wh >= 0 for hour in found.values() for wh in hour.energies.values())


def test_changed_meter_begins_anew(tmp_path: Path, play: Play) -> None:
    """Between the last register of the old meter and the first of the new one nothing is made up."""
    begin = at("2025-07-01T00:00")
    old = House("aidon", Counters(begin - HOUR, 9_000_000))
    new = replace(old, counters=Counters(begin + 2 * HOUR), meter_id="6970631400000025")
    lists = [
        *hourly(old, [begin, begin + HOUR]),
        *hourly(new, range(begin + 3 * HOUR, begin + 6 * HOUR, HOUR)),
    ]
    play(tmp_path / "h.sqlite", lists, tmp_path)
    found = hours(tmp_path / "h.sqlite")
    metered = {start: hour.energies for start, hour in found.items() if hour.basis is Basis.METERED}
    expected = differences(old, [begin, begin + HOUR])
    expected |= differences(new, list(range(begin + 3 * HOUR, begin + 6 * HOUR, HOUR)))
    assert metered == expected
    assert all(wh >= 0 for hour in found.values() for wh in hour.energies.values())
    assert not {begin + HOUR, begin + 2 * HOUR} & metered.keys()


def test_same_telegrams_twice_change_nothing(tmp_path: Path, play: Play) -> None:
    """A restart that hears a day again adds no row and changes no hour."""
    begin = at("2025-10-26T00:00")
    house = House("kamstrup", Counters(begin - HOUR))
    lists = without(house, begin, begin + 5 * HOUR, {begin + 3 * HOUR})
    play(tmp_path / "h.sqlite", lists)
    before = hours(tmp_path / "h.sqlite")
    play(tmp_path / "h.sqlite", lists)
    assert hours(tmp_path / "h.sqlite") == before


def broken(house: House, begin: int, end: int, chance: Random) -> tuple[list[Telegram], list[int]]:
    """Hourly lists of a period with outages and repeated hours, and the hours whose registers did come."""
    lists: list[Telegram] = []
    marks: list[int] = []
    silent_until = 0
    for hour in range(begin, end, HOUR):
        if chance.random() < 0.004:
            silent_until = hour + chance.randint(1, 50) * HOUR
        if hour < silent_until:
            continue
        repeats = bool(marks) and marks[-1] == hour - HOUR and chance.random() < 0.01
        sent = hour + SENT_S[house.vendor]
        mark = hour - HOUR if repeats else hour
        lists.append((sent, house.list(sent, ListType.HOURLY, mark + MARK_S[house.vendor])))
        marks += [] if repeats else [hour]
    return lists, marks


def test_broken_year_is_what_its_counters_allow(tmp_path: Path, play: Play) -> None:
    """Outages, restarts, repeated hours and a changed meter: each hour is metered where both its ends are
    known, else spread so that every gap sums up exactly; months are the sums of what is known."""
    chance = Random(4)
    change = at("2025-08-13T14:00")
    old = House("aidon", Counters(YEAR[0], 7_000_000))
    new = House("aidon", Counters(change), "6970631400000025")
    runs = [broken(old, YEAR[0], change, chance), broken(new, change + 2 * HOUR, YEAR[-1] + HOUR, chance)]
    lists = [one for told, _ in runs for one in told]
    cuts = sorted({0, len(lists), *(chance.randrange(len(lists)) for _ in range(12))})
    for one, other in pairwise(cuts):
        play(tmp_path / "h.sqlite", lists[one:other], tmp_path)

    found = hours(tmp_path / "h.sqlite")
    assert {s: hour.energies for s, hour in found.items() if hour.basis is Basis.METERED} == {
        start: used
        for house, (_, marks) in zip((old, new), runs, strict=True)
        for start, used in differences(house, marks).items()
    }
    gaps = 0
    months: dict[str, int] = {}
    for house, (_, marks) in zip((old, new), runs, strict=True):
        for before, after in pairwise(marks):
            inside = [found[start] for start in range(before, after, HOUR)]
            used = house.registers(after)[A_POS] - house.registers(before)[A_POS]
            assert sum(hour.energies[A_POS] for hour in inside) == used
            assert min(hour.energies[A_POS] for hour in inside) >= 0
            if len(inside) > 1:
                gaps += 1
                assert {hour.basis for hour in inside} == {Basis.SPREAD}
            for hour in inside:
                key = datetime.fromtimestamp(hour.start, OSLO).isoformat()[:7]
                months[key] = months.get(key, 0) + hour.energies[A_POS]
    assert gaps > 50
    between = range(runs[0][1][-1], runs[1][1][0], HOUR)
    estimated = {start for start, hour in found.items() if hour.basis is Basis.ESTIMATED}
    assert estimated <= set(between)
    for start in estimated:  # what power made in the half minute after the last list, and no more
        assert found.pop(start).energies[A_POS] <= 70
    assert len(found) == sum((marks[-1] - marks[0]) // HOUR for _, marks in runs)
    with closing(open_reading(tmp_path / "h.sqlite")) as file:
        sums = list(periods.periods(file, "main", "month", YEAR[0], YEAR[-1], OSLO))
    for month, (key, used) in zip(sums, months.items(), strict=True):
        assert isinstance(month, periods.Sum)
        assert used <= month.energies[A_POS] <= used + 140 * month.hours.get(Basis.ESTIMATED, 0), key
