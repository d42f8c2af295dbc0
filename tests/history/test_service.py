"""The history service in a gateway: what it follows, what it says of trouble, and that it disturbs nobody.

Time is handed in; the file, its thread and the loop are real.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from han2x.history import periods, service
from han2x.history.file import open_reading
from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition
from han2x.settings.schema import Archive, History, Meter, Settings

HOUR = 3600
T0 = 1_765_724_400
A_POS, P_POS = Quantity.ACT_ENERGY_POS, Quantity.ACT_POW_POS


class Site:
    """A gateway with its history, and time that passes when told to."""

    def __init__(self, path: Path, *names: str, state: Path | None = None) -> None:
        self.names = names or ("main",)
        meters = tuple(Meter(name=name, unit_id=index + 1) for index, name in enumerate(self.names[:240]))
        self.now = Instant(T0 * 1000, 1000)
        self.gateway = Gateway(Settings(meters=meters), clock=lambda: self.now, state_dir=state)
        self.archive = Archive(
            history=History(path=str(path), write_every_s=5), meters=self.names, time_zone="Europe/Oslo"
        )
        self.task = asyncio.create_task(service.run(self.archive, self.gateway, "history"))

    async def until(self, condition: Condition) -> str:
        """Wait for the service to say so; its text."""
        async with asyncio.timeout(60):
            while True:
                health = self.gateway.health.value
                if "history" in health and health["history"].condition is condition:
                    return health["history"].text
                await self.gateway.health.changed(health)

    def at(self, second: int) -> None:
        self.now = Instant((T0 + second) * 1000, 1000 + second * 1000)

    def power(self, second: int, watts: int, name: str = "main") -> None:
        self.at(second)
        values = {P_POS: watts, Quantity.ACT_POW_NEG: 0, Quantity.VOLT_L1: 230_000}
        self.gateway.received(name, Reading(vendor="aidon", list_type=ListType.TEN_SECONDS, values=values))

    def energy(self, hour: int, wh: int, name: str = "main") -> None:
        self.at(hour * HOUR + 12)
        local = datetime(1970, 1, 1) + timedelta(seconds=T0 + (hour + 1) * HOUR)
        reading = Reading(
            vendor="aidon",
            list_type=ListType.HOURLY,
            values={A_POS: wh, P_POS: 100},
            identity=Identity("AIDON_V0001", "1", "6525"),
            clock=MeterClock(local, True, TimeBase.STANDARD),
        )
        self.gateway.received(name, reading)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene()

    asyncio.run(run())


def hours(path: Path, name: str = "main") -> list[tuple[str, int]]:
    with closing(open_reading(path)) as file:
        found = periods.hours(file, name, 0, periods.EVER)
        return [(hour.basis.name[0], hour.energies[A_POS]) for hour in found if A_POS in hour.energies]


def test_hours_are_written_at_once_and_told(tmp_path: Path) -> None:
    """The registers of an hour are in the file, and told in the gateway, long before a write is due."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        site.archive = replace(site.archive, history=replace(site.archive.history, write_every_s=600))
        told: list[Hour] = []

        def note(changed: Mapping[str, Sequence[Hour]]) -> None:
            told.extend(changed["main"])

        site.gateway.hours.watch(note)
        await site.until(Condition.OK)
        site.energy(0, 100)
        site.energy(1, 350)
        async with asyncio.timeout(60):
            while not told:
                await asyncio.sleep(0.001)
        assert [(hour.start, hour.energies[A_POS], hour.basis) for hour in told] == [(T0, 250, Basis.METERED)]
        assert hours(tmp_path / "h.sqlite") == [("M", 250)]
        await site.end()

    play(scene)


def test_import_beside_it_is_told(tmp_path: Path) -> None:
    """When another program has written to the history, who keeps sums of it is told to read it again."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        told: list[Mapping[str, Sequence[Hour]]] = []
        site.gateway.hours.watch(told.append)
        await site.until(Condition.OK)
        site.energy(0, 100)
        site.energy(1, 350)
        while not told:
            await asyncio.sleep(0.001)
        told.clear()
        other = Store(tmp_path / "h.sqlite")
        other.adopt("main", [Hour(start=T0 - HOUR, energies={A_POS: 7}, basis=Basis.IMPORTED, drift={})])
        other.close()
        site.energy(2, 400)
        await site.end()
        assert told[0] == {}
        assert [hour.energies[A_POS] for hour in told[1]["main"]] == [50]

    async def patiently() -> None:
        async with asyncio.timeout(60):
            await scene()

    play(patiently)


def test_what_waits_is_written_at_the_end(tmp_path: Path) -> None:
    """Rows that were not due yet are in the file when the service has ended, the last ones cut short."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        await site.until(Condition.OK)
        for second in range(0, 30, 10):
            site.power(second, 1000)
        site.at(35)
        await site.end()

    play(scene)
    with closing(open_reading(tmp_path / "h.sqlite")) as file:
        rows = list(periods.rows(file, "main", "10s", 0, periods.EVER))
    assert [(row.start - T0, row.covered_s) for row in rows] == [(0, 10), (10, 10), (20, 10), (30, 5)]


def test_trouble_is_said_and_what_waits_is_written_after_it(tmp_path: Path) -> None:
    """While the place cannot be written the gateway serves on; when it can, all that came is there."""
    blocked = tmp_path / "folder"
    blocked.write_text("a file where a folder is needed")

    async def scene() -> None:
        site = Site(blocked / "h.sqlite")
        assert "cannot be used" in await site.until(Condition.FAILING)
        site.energy(0, 100)
        site.energy(1, 350)
        site.power(HOUR + 20, 4000)
        site.power(HOUR + 30, 4000)
        assert site.gateway.snapshot("main").value.values[A_POS] == 350
        blocked.unlink()
        site.energy(2, 400)
        assert await site.until(Condition.OK) == ""
        await site.end()

    play(scene)
    assert hours(blocked / "h.sqlite")[:2] == [("M", 250), ("M", 50)]
    with closing(open_reading(blocked / "h.sqlite")) as file:
        assert periods.extent(file, "raw", "main")[0] > 0


def test_what_cannot_be_written_at_the_end_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is lost for a place that cannot be written is in the log: six rows of 10 s, two of a minute."""
    blocked = tmp_path / "folder"
    blocked.write_text("a file where a folder is needed")

    async def scene() -> None:
        site = Site(blocked / "h.sqlite")
        await site.until(Condition.FAILING)
        site.energy(0, 100)
        for second in (20, 30, 40):
            site.power(HOUR + second, 1000)
        await site.end()

    play(scene)
    assert "held back" not in caplog.text
    assert "8 rows and 1 hourly registers could not be written before the end and are lost" in caplog.text


def test_damaged_file_is_told_in_health(tmp_path: Path) -> None:
    """A damaged history is set aside; the service fares well, and says what it did."""
    path = tmp_path / "h.sqlite"
    store = Store(path)
    store.open()
    store.close()
    os.truncate(path, path.stat().st_size // 2)

    async def scene() -> None:
        site = Site(path)
        assert "h.sqlite was damaged: it is now h.damaged-1.sqlite" in await site.until(Condition.OK)
        await site.end()

    play(scene)


def test_what_was_stored_before_is_no_new_register(tmp_path: Path) -> None:
    """Counters known from the state file do not pass for those of the hour in which the program starts."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite", state=tmp_path)
        await site.until(Condition.OK)
        site.energy(0, 100)
        site.energy(1, 350)
        await site.end()
        again = Site(tmp_path / "h.sqlite", state=tmp_path)
        await again.until(Condition.OK)
        again.power(3 * HOUR + 5, 1000)  # within the time in which a register would be that hour's
        again.energy(4, 1000)
        await again.end()

    play(scene)
    (_, first), *spread = hours(tmp_path / "h.sqlite")[:4]
    assert first == 250
    assert {basis for basis, _ in spread} == {"S"}
    assert sum(wh for _, wh in spread) == 650


def test_registers_that_came_before_it_followed_are_taken(tmp_path: Path) -> None:
    """An hourly list that comes while the program is still starting is not lost to the history."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        site.energy(0, 100)  # in the turn in which the service was made: it has not run yet
        await site.until(Condition.OK)
        site.energy(1, 350)
        await site.end()

    play(scene)
    assert hours(tmp_path / "h.sqlite")[0] == ("M", 250)


def test_meter_that_sends_its_counters_with_each_list(tmp_path: Path) -> None:
    """Of counters that come every ten seconds the first of an hour count; a gap there spreads two hours."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        await site.until(Condition.OK)
        for second in range(10, 4 * HOUR, 10):
            if not 2 * HOUR <= second < 2 * HOUR + 600:
                site.at(second)
                clock = datetime(1970, 1, 1) + timedelta(seconds=T0 + second + HOUR)
                reading = Reading(
                    vendor="kaifa",
                    list_type=ListType.OTHER,
                    values={A_POS: 1_000_000 + second, P_POS: 3600},
                    clock=MeterClock(clock, True, TimeBase.STANDARD),
                )
                site.gateway.received("main", reading)
        await site.end()

    play(scene)
    (m, first), (_, two), (_, three), (e, _) = hours(tmp_path / "h.sqlite")
    assert (m, first, two + three, e) == ("M", 3590, 7200, "E")  # the first counters came ten seconds late
    assert abs(two - three) <= 1


def test_scale_factor_in_force_is_kept(tmp_path: Path) -> None:
    """A factor that is changed while it runs is with what comes after, without a restart."""

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite")
        await site.until(Condition.OK)
        site.power(0, 10)
        site.power(20, 10)
        site.gateway.amend({"meters.0.scale": 50_000})
        site.power(40, 10)
        await site.end()

    play(scene)
    with closing(open_reading(tmp_path / "h.sqlite")) as file:
        rows = list(periods.rows(file, "main", "10s", 0, periods.EVER))
    assert [row.scale for row in rows] == [1000, 1000, 50_000, 50_000]


def test_without_a_place_nothing_is_kept_and_nothing_said(tmp_path: Path) -> None:
    """A gateway without a state directory, as of `demo`, has no history and no complaint."""

    async def scene() -> None:
        gateway = Gateway(Settings(), clock=lambda: Instant(0, 0))
        archive = Archive(history=History(), meters=("main",), time_zone="UTC")
        task = asyncio.create_task(service.run(archive, gateway, "history"))
        await asyncio.sleep(0)
        assert not task.done()
        assert "history" not in gateway.health.value
        task.cancel()
        await asyncio.wait([task])

    play(scene)


def test_thousand_meters_are_followed(tmp_path: Path) -> None:
    """A telegram of one of a thousand meters costs what it costs of one: all hours are there."""
    names = [f"m{number}" for number in range(1000)]

    async def scene() -> None:
        site = Site(tmp_path / "h.sqlite", *names)
        await site.until(Condition.OK)
        for hour in range(3):
            for number, name in enumerate(names):
                site.energy(hour, hour * (number + 1), name)
            await asyncio.sleep(0)
        await site.end()

    play(scene)
    for number in (0, 500, 999):
        assert hours(tmp_path / "h.sqlite", names[number])[:2] == [("M", number + 1), ("M", number + 1)]


@pytest.mark.parametrize(
    ("path", "state", "expected"),
    [
        ("", "/s", "/s/history.sqlite"),
        ("/d/h.db", "/s", "/d/h.db"),
        ("/d/h.db", None, "/d/h.db"),
        ("", None, None),
    ],
)
def test_where_it_is_kept(path: str, state: str | None, expected: str | None) -> None:
    """In the state directory unless a path is set; nowhere if there is neither."""
    found = service.path_of(History(path=path), Path(state) if state else None)
    assert found == (Path(expected) if expected else None)
