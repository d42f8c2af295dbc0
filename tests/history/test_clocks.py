"""A machine's clock that is wrong, and a meter's: every hour is right or marked, and nothing is lost for it.

A meter that uses `hour index + 1` kWh in each true hour runs through the gateway and the history for some
hours; the machine's clock, and then the meter's, is wrong by a table. True time is the monotonic clock's.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from han2x.history import periods, service
from han2x.history.file import open_reading
from han2x.history.rows import Row
from han2x.model.hour import Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Archive, History, Meter, Settings

HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400
OSLO = ZoneInfo("Europe/Oslo")
A_POS, P_POS = Quantity.ACT_ENERGY_POS, Quantity.ACT_POW_POS
MARKED = {Basis.UNCERTAIN, Basis.SPREAD, Basis.ESTIMATED}


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


WINTER, SUMMER = utc("2027-01-14T09:00"), utc("2027-07-14T09:00")
SPRING, AUTUMN = utc("2027-03-27T22:00"), utc("2027-10-30T21:00")
"""The night switches two hours (spring: 01:00 UTC) and four (autumn: 01:00 UTC) after these."""

STEP_S = 300
"""Between two telegrams: a value holds for 30 s, so each leaves three rows of ten seconds and a minute."""

Error = Callable[[int], int]
"""By how much a clock is ahead, in seconds, so many seconds after the start."""


def standard(at: int) -> MeterClock:
    local = datetime.fromtimestamp(at, timezone(timedelta(hours=1))).replace(tzinfo=None)
    return MeterClock(local, True, TimeBase.STANDARD)


def civil(at: int) -> MeterClock:
    return MeterClock(datetime.fromtimestamp(at, OSLO).replace(tzinfo=None), True, TimeBase.CIVIL)


def exact(_: int) -> int:
    return 0


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory: hours are synced to the disk, which is no part of what is tried here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


class Run:
    """A meter that is read for some hours, with clocks that may be wrong."""

    def __init__(self, path: Path, start: int, shown: Callable[[int], MeterClock | None] = standard) -> None:
        self.path, self.start, self.shown = path, start, shown

    def play(
        self,
        machine: Error,
        hours: float = 7,
        *,
        meter: Error = exact,
        first: int = 0,
        until: Callable[[], bool] = lambda: True,
    ) -> None:
        asyncio.run(self._play(machine, meter, first, hours, until))

    async def _play(
        self, machine: Error, meter: Error, first: int, hours: float, until: Callable[[], bool]
    ) -> None:
        now = Instant(0, 0)
        gateway = Gateway(Settings(meters=(Meter(name="main"),)), clock=lambda: now)
        archive = Archive(
            history=History(path=str(self.path), write_every_s=5),
            meters=("main",),
            time_zone="Europe/Oslo",
        )
        now = Instant((self.start + machine(0)) * 1000, 0)
        task = asyncio.create_task(service.run(archive, gateway, "history"))
        while "history" not in gateway.health.value:
            await gateway.health.changed(gateway.health.value)
        for second in range(first * HOUR + 1800, int((first + hours) * HOUR) + STEP_S, STEP_S):
            now = Instant((self.start + second + machine(second)) * 1000, second * 1000)
            hour, within = divmod(second, HOUR)
            values = {P_POS: (hour + 1) * 1000, Quantity.ACT_POW_NEG: 0, Quantity.VOLT_L1: 230_000}
            kind, clock = ListType.TEN_SECONDS, None
            if within == 0:
                values[A_POS] = 1_000_000 + sum(1000 * (n + 1) for n in range(hour))
                kind, clock = ListType.HOURLY, self.shown(self.start + second + meter(second))
            reading = Reading(
                vendor="aidon",
                list_type=kind,
                values=values,
                identity=Identity("AIDON_V0001", "1", "6525"),
                clock=clock,
            )
            gateway.received("main", reading)
            if within == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while not until():
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])

    @property
    def hours(self) -> list[Hour]:
        with closing(open_reading(self.path)) as file:
            return list(periods.hours(file, "main", 0, periods.EVER))

    def rows(self, resolution: str = "10s") -> list[Row]:
        with closing(open_reading(self.path)) as file:
            return list(periods.rows(file, "main", resolution, 0, periods.EVER))

    def is_right(self, hour: Hour) -> bool:
        index = (hour.start - self.start) // HOUR
        return hour.energies.get(A_POS) == (index + 1) * 1000

    def check(self, *, metered: int) -> None:
        """Each hour is right or marked, none is of another time than the run, and so many are metered."""
        hours = self.hours
        assert [hour for hour in hours if not self.is_right(hour) and hour.basis not in MARKED] == []
        assert sum(hour.basis is Basis.METERED for hour in hours) >= metered


WRONG = {
    **{f"{seconds} s": seconds for seconds in (0, 3, -3, 59, -61, 120, -300, 1799, -1801)},
    **{f"{hours} h": hours * HOUR for hours in (1, -1, 2, -2, 5, -13)},
    **{f"{days} d": days * DAY for days in (1, -1, 20, -20, 200, 450, -450)},
    **{f"{years} y": years * YEAR for years in (4, -20, 30, 69)},
}
STARTS = {"winter": WINTER, "summer": SUMMER, "spring": SPRING, "autumn": AUTUMN}
SHOWN = {"standard": standard, "civil": civil}
GUESSES = {(-HOUR, "summer", "standard"), (HOUR, "summer", "civil"), (HOUR, "autumn", "civil")}
"""Machines that cannot be told from a meter with, or without, summer time: then all may be marked."""


@pytest.mark.parametrize(
    ("wrong", "start", "shown"),
    [
        (wrong, start, shown)
        for index, wrong in enumerate(WRONG)
        for start in STARTS
        for shown in (
            SHOWN if abs(WRONG[wrong]) in (0, HOUR, 2 * HOUR) else [("standard", "civil")[index % 2]]
        )
    ],
)
def test_machine_that_is_wrong_at_the_start(tmp_path: Path, wrong: str, start: str, shown: str) -> None:
    """Whatever the machine's clock shows, hours are the meter's, and minutes are of the time they were.

    In summer a clock that is an hour late cannot be told from a meter that has summer time: then all may be
    marked.
    """
    run = Run(tmp_path / "h.sqlite", STARTS[start], SHOWN[shown])
    run.play(lambda _: WRONG[wrong])
    guess = (WRONG[wrong], start, shown) in GUESSES
    run.check(metered=0 if guess else 5)
    if guess:
        return
    late = 60
    minutes = run.rows("minute")
    assert all(row.sure for row in minutes)
    assert STARTS[start] + 1800 - late <= minutes[0].start
    assert minutes[-1].start <= STARTS[start] + 7 * HOUR + late
    assert len(minutes) >= 6 * 12 + 6


@pytest.mark.parametrize(
    ("wrong", "start"),
    [(wrong, (*STARTS,)[index % 4]) for index, wrong in enumerate(WRONG)]
    + [("1 h", "spring"), ("1 h", "winter"), ("-1 h", "autumn"), ("-1 h", "summer"), ("-1 h", "winter")],
)
def test_machine_that_is_set_while_it_runs(tmp_path: Path, wrong: str, start: str) -> None:
    """Its clock jumps in mid-run, from right to wrong and from wrong to right: hours and rows stay theirs."""
    for name, error in (
        ("to wrong", lambda second: WRONG[wrong] if second > 3 * HOUR + 1234 else 0),
        ("to right", lambda second: WRONG[wrong] if second < 3 * HOUR + 1234 else 0),
        ("soon", lambda second: WRONG[wrong] if second < 2000 else 0),
    ):
        run = Run(tmp_path / f"{name}.sqlite", STARTS[start])
        run.play(error)
        run.check(metered=5)
        starts = [row.start - STARTS[start] for row in run.rows()]
        assert min(starts) >= 1800 - 70, name
        assert max(starts) <= 7 * HOUR + 130, name
        assert all(row.sure for row in run.rows()), name


EARLIER = {name: WRONG[name] for name in ("0 s", "-61 s", "1799 s", "-1 h", "5 h", "-1 d", "450 d")}
EARLIER |= {"never set": 0, "of 1970": 0}


def machine_of(name: str, start: int) -> Error:
    """A clock that is wrong by a table, or that was never set: it begins in 1970, or before the release."""
    unset = {"never set": utc("2001-01-01T00:00") - start, "of 1970": -start}
    return lambda _: unset.get(name, EARLIER[name])


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("wrong", EARLIER)
def test_what_an_earlier_process_has_dated_is_put_right(tmp_path: Path, wrong: str, start: str) -> None:
    """It ended before the meter told the time: its rows are where they belong when the next one is told."""
    run = Run(tmp_path / "h.sqlite", STARTS[start])
    run.play(machine_of(wrong, STARTS[start]), hours=0.75)
    assert not any(row.sure for row in run.rows())
    run.play(exact, first=1, hours=3)
    minutes = run.rows("minute")
    assert all(row.sure for row in (*minutes, *run.rows()))
    first = [row for row in minutes if row.start < STARTS[start] + HOUR - 60]
    assert sum(row.covered_s for row in first) == 90  # of 30, 35 and 40 minutes past; at 45 it ends
    assert first[0].start - STARTS[start] >= 1800 - 60
    assert first[-1].start - STARTS[start] <= 2400 + 60
    run.check(metered=2)


@pytest.mark.parametrize("wrong", ["-1 h", "never set", "-1 d"])
def test_processes_that_end_too_soon_hide_none_of_each_others_rows(tmp_path: Path, wrong: str) -> None:
    """Four times a clock starts at the same moment, as one does that is stored at a shutdown."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    machine = machine_of(wrong, WINTER)
    for hour in range(4):
        run.play(lambda second, by=hour * HOUR: machine(second) - by, first=hour, hours=0.75)  # type: ignore[misc]
    run.play(exact, first=5, hours=2)
    minutes = [row.start - WINTER for row in run.rows("minute") if row.sure]
    for hour in range(4):
        assert sum(hour * HOUR + 1740 <= at < hour * HOUR + HOUR for at in minutes) == 3
    assert all(row.sure for row in run.rows("minute"))


def test_hours_of_an_earlier_process_are_put_right(tmp_path: Path) -> None:
    """A clock an hour late in summer, which looks like a meter with summer time, until a right one comes."""
    run = Run(tmp_path / "h.sqlite", SUMMER)
    run.play(lambda _: -HOUR, hours=4)
    run.check(metered=0)
    run.play(exact, first=4, hours=3)
    run.check(metered=6)
    assert all(row.sure for row in run.rows("minute"))


@pytest.mark.parametrize(
    ("wrong", "stays"), [(-900, True), (-DAY, False), (DAY, False), (450 * DAY, False), (-57 * YEAR, False)]
)
def test_what_an_earlier_start_of_the_machine_has_dated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: int, stays: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can tell by how much: what can have been then stays and says so; what cannot be is removed."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    run.play(exact, hours=2)
    before = run.rows("minute")
    monkeypatch.setattr(service, "_boot", lambda: "another")
    run.play(lambda _: wrong, first=3, hours=0.75)
    monkeypatch.undo()
    run.play(exact, first=6, hours=2)
    after = run.rows("minute")
    assert [row for row in after if row.start < WINTER + 2 * HOUR + 600] == before
    doubted = [row for row in after if not row.sure]
    assert bool(doubted) is stays
    assert all(before[-1].start < row.start < WINTER + 6 * HOUR for row in doubted)
    assert ("a wrong clock has dated them" in caplog.text) is not stays
    run.check(metered=2)


def test_rows_that_wait_for_the_time_outlive_a_kill(tmp_path: Path) -> None:
    """A machine's clock that was never set dates nothing that is shown; the rows are in the file."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    run.play(lambda _: -WINTER, hours=0.75)
    assert run.rows("minute") == []
    assert run.hours == []
    with closing(open_reading(run.path)) as file:
        (waiting,) = file.execute("SELECT count(*) FROM undated WHERE span = 60").fetchone()
    assert waiting == 3


@pytest.mark.parametrize("wrong", [450 * DAY, -450 * DAY, 20 * DAY, 30 * YEAR, -56 * YEAR])
def test_nothing_is_deleted_for_a_clock_that_is_wrong(tmp_path: Path, wrong: int) -> None:
    """A start with a clock far ahead or behind leaves the rows of the days before where they are."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    run.play(exact)
    before = len(run.rows()), len(run.rows("minute"))
    run.play(lambda _: wrong, first=24)
    within = [row for row in run.rows() if row.start < WINTER + DAY]
    assert len(within) == before[0]
    assert len([row for row in run.rows("minute") if row.start < WINTER + DAY]) == before[1]
    run.check(metered=11)


def test_old_rows_go_when_the_meters_have_told_the_time(tmp_path: Path) -> None:
    """Rows of ten seconds that are older than two weeks by the meter's clock are deleted, minutes stay."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    run.play(exact)
    count = len(run.rows("minute"))
    run.play(exact, first=20 * 24)
    gone = WINTER + 20 * DAY
    run.play(exact, first=20 * 24 + 8, hours=4, until=lambda: run.rows()[0].start > gone)
    assert run.rows("minute")[0].start < WINTER + DAY
    assert len(run.rows("minute")) > 2 * count


@pytest.mark.parametrize("unset", [None, datetime(1970, 1, 1), datetime(2000, 1, 1), datetime(2100, 1, 1)])
def test_meter_that_was_never_set(tmp_path: Path, unset: datetime | None) -> None:
    """The machine's clock stands in for it, and its hours say that they rest on that alone."""
    shown = None if unset is None else MeterClock(unset, True, TimeBase.STANDARD)
    start = MeterClock(datetime(2000, 1, 1), True, TimeBase.STANDARD)

    def show(at: int) -> MeterClock | None:
        passed = timedelta(seconds=at - WINTER)
        return shown and start._replace(local=shown.local + passed)

    run = Run(tmp_path / "h.sqlite", WINTER, show)
    run.play(exact)
    run.check(metered=0)
    assert sum(hour.basis is Basis.UNCERTAIN and run.is_right(hour) for hour in run.hours) >= 5


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("wrong", [-20 * YEAR, -DAY, -2 * HOUR, 2 * HOUR, DAY, 450 * DAY, 80 * YEAR])
def test_meter_whose_clock_jumps(tmp_path: Path, wrong: int, start: str) -> None:
    """A meter's clock that jumps against itself is not believed for it; nor is it when it comes back."""
    run = Run(tmp_path / "h.sqlite", STARTS[start])
    run.play(exact, meter=lambda second: wrong if 2 * HOUR + 60 < second < 5 * HOUR + 60 else 0)
    run.check(metered=2)


def test_meter_on_summer_time_that_should_have_none(tmp_path: Path) -> None:
    """An hour ahead in summer is believed to be summer time, and said to be a guess; in winter it is not."""
    for start, bases in ((SUMMER, {Basis.UNCERTAIN}), (WINTER, {Basis.METERED})):
        run = Run(tmp_path / f"{start}.sqlite", start)
        run.play(exact, meter=lambda _: HOUR)
        assert {hour.basis for hour in run.hours} - {Basis.ESTIMATED} == bases
        hours = [hour for hour in run.hours if hour.basis is not Basis.ESTIMATED]
        if start == SUMMER:
            assert all(run.is_right(hour) for hour in hours)


def test_hours_that_an_earlier_program_left_in_the_future_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Hours that were filed years ahead as metered are removed when meter and machine agree on the time."""
    run = Run(tmp_path / "h.sqlite", WINTER)
    run.play(lambda _: 0, hours=3, meter=lambda _: 6 * YEAR)
    assert any(hour.start > WINTER + YEAR for hour in run.hours)
    with caplog.at_level(logging.WARNING, "han2x"):
        run.play(exact, first=3)
    run.check(metered=5)
    future = [hour for hour in run.hours if hour.start > WINTER + YEAR and hour.basis is not Basis.ESTIMATED]
    assert future == []
    assert "dated by a clock that was wrong" in caplog.text


@pytest.mark.parametrize("wrong", [0, 1799, -13 * HOUR, 20 * DAY])
def test_small_pieces_make_the_same_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    """Written one row and one register at a time, or all at once: rows and hours are the same."""
    whole, pieces = Run(tmp_path / "whole.sqlite", WINTER), Run(tmp_path / "pieces.sqlite", WINTER)
    whole.play(lambda _: wrong, hours=3)
    monkeypatch.setattr(service, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(service, "MARKS_AT_ONCE", 1)
    pieces.play(lambda _: wrong, hours=3)
    assert pieces.rows() == whole.rows()
    assert pieces.rows("minute") == whole.rows("minute")
    assert pieces.hours == whole.hours


def test_times_are_as_in_the_calendar() -> None:
    """The four starts are where their names say."""
    moments = [datetime.fromtimestamp(start, UTC).astimezone(OSLO) for start in STARTS.values()]
    offsets = [moment.utcoffset() for moment in moments]
    assert offsets == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=1), timedelta(hours=2)]
