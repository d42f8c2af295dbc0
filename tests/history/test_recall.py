"""Accounts and history together: what the file holds is in the account after a start, and stays right."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

import pytest

from han2x.history.batch import Batch, Mark
from han2x.history.recall import recall, run
from han2x.history.store import Store
from han2x.model.hour import HOUR_S
from han2x.model.hours import Register
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.settings.schema import Archive, History, Meter, Settings
from han2x.tariff.capacity import Capacity
from han2x.tariff.reading import tariff

BEGIN = 1_796_079_600  # 2026-12-01 00:00 in Oslo
NOW = Instant((BEGIN + 100 * HOUR_S) * 1000, 0)
METER = Meter(tariff="grid")
TABLE = {"from": date(2026, 1, 1), "steps": [{"from_kw": 0, "price": 1}]}


def gateway(rule: str = "days") -> Gateway:
    found = Gateway(Settings(meters=(METER,)), clock=lambda: NOW)
    found.accounts.tariffs.set({"grid": tariff("grid", {"periods": [{**TABLE, "rule": rule}]})[0]})
    return found


def written(path: Path, registers: dict[int, int]) -> Path:
    """A history of registers (Wh), by the hour of the month."""
    store = Store(path)
    marks = [
        Mark("main", "1", Register(BEGIN + hour * HOUR_S, {Q.ACT_ENERGY_POS: wh}), 1000)
        for hour, wh in registers.items()
    ]
    store.write(Batch((), tuple(marks)))
    store.close()
    return path


def capacity(gateway: Gateway) -> Capacity:
    found = gateway.view(METER, NOW).capacity
    assert found
    return found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def kept(path: Path, gateway: Gateway, check: Callable[[], Awaitable[None]]) -> None:
    """Run the service while something is checked."""

    async def both() -> None:
        section = Archive(history=History(path=str(path)), meters=("main",), time_zone="Europe/Oslo")
        task = asyncio.create_task(run(section, gateway, "accounts"))
        try:
            await check()
        finally:
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(both())


def test_after_a_start_the_account_is_what_the_history_holds(tmp_path: Path) -> None:
    """Hours from before the start are peaks, and those of other months are left where they are."""
    path = written(tmp_path / "h", {-5: 0, -4: 90_000, 0: 91_000, 1: 96_000, 30: 96_000, 31: 99_000})
    found = gateway()

    async def check() -> None:
        await until(lambda: capacity(found).mean is not None)
        assert [peak.power for peak in capacity(found).peaks] == [5_000, 3_000]

    kept(path, found, check)


def test_more_is_read_when_more_is_asked_for(tmp_path: Path) -> None:
    """A tariff that looks back a year gets its hours without a restart."""
    path = written(tmp_path / "h", {-1000: 0, -999: 70_000, 0: 70_000, 1: 75_000})
    found = gateway()

    async def check() -> None:
        await until(lambda: capacity(found).mean is not None)
        assert len(capacity(found).peaks) == 1
        found.accounts.tariffs.set(gateway("weeks").accounts.tariffs.value)
        await until(lambda: len(capacity(found).peaks) > 1)
        assert capacity(found).peaks[0].power == 70_000

    kept(path, found, check)


def test_hours_that_another_program_wrote(tmp_path: Path) -> None:
    """When history tells that the file was written to from outside, all of it is read again."""
    path = written(tmp_path / "h", {0: 0, 1: 5_000})
    found = gateway()

    async def check() -> None:
        await until(lambda: capacity(found).mean == 5_000)
        await asyncio.to_thread(written, path, {2: 14_000})
        found.hours.set({})
        await until(lambda: capacity(found).mean == 9_000)

    kept(path, found, check)


def test_a_history_that_is_not_there_yet(tmp_path: Path) -> None:
    """Until there is a file, the account goes without, and the service says why it waits."""
    found = gateway()

    async def check() -> None:
        await until(lambda: "accounts" in found.health.value)
        assert "there is no history in" in found.health.value["accounts"].text
        assert found.health.value["accounts"].condition is Condition.STARTING

    kept(tmp_path / "none", found, check)


def test_what_is_no_history_is_a_trouble(tmp_path: Path) -> None:
    """A file of something else is named, and not a traceback."""
    path = tmp_path / "h"
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(Trouble, match="cannot be used"):
        asyncio.run(recall(path, gateway(), {"main": 0}))


def test_hours_corrected_while_it_reads_stay_corrected(tmp_path: Path) -> None:
    """What history writes during the reading is not put back to what was read before."""
    path = written(tmp_path / "h", {0: 0, 1: 5_000})
    found = gateway()

    async def race() -> None:
        task = asyncio.create_task(recall(path, found, found.accounts.asking.value))
        await asyncio.sleep(0)
        store = Store(path)
        better = Mark("main", "1", Register(BEGIN + HOUR_S, {Q.ACT_ENERGY_POS: 6_000}), 1000)
        found.hours.set(store.write(Batch((), (better,))))
        store.close()
        await task

    asyncio.run(race())
    expected = capacity(found).mean
    fresh = gateway()
    asyncio.run(recall(path, fresh, fresh.accounts.asking.value))
    assert expected == capacity(fresh).mean
    assert capacity(found) == capacity(fresh)
