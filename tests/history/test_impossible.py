"""Registers that cannot be, from telegram to hours: also the first of all, and with restarts between."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from han2x.history import periods, service
from han2x.history.file import open_reading
from han2x.model.hour import Basis
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, Reading
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Archive, History, Meter, Settings

from .test_clocks import HOUR, SUMMER, WINTER, civil, standard

A_POS, P_POS = Quantity.ACT_ENERGY_POS, Quantity.ACT_POW_POS
WATTS, BASE = 3600, 5_000_000

NONSENSE = {
    "all bits": 2**32 - 1,
    "high": 3_900_000_000,
    "a bit more": BASE + 2**20,
    "zero": 0,
    "low": 17,
    "another quantity": 230,
}


def true_wh(hour: int) -> int:
    return BASE + WATTS * hour


async def _run(folder: Path, start: int, registers: dict[int, int]) -> list[int]:
    """A process that receives hourly lists; what it shows as energy after each."""
    now = Instant(start * 1000, 0)
    meter = Meter(name="main", fuse_a=25)
    gateway = Gateway(Settings(meters=(meter,)), clock=lambda: now, state_dir=folder)
    history = History(path=str(folder / "h.sqlite"), write_every_s=5)
    archive = Archive(history=history, meters=("main",), time_zone="Europe/Oslo")
    task = asyncio.create_task(service.run(archive, gateway, "history"))
    while "history" not in gateway.health.value:
        await asyncio.sleep(0)
    shown = []
    for hour, wh in registers.items():
        now = Instant((start + hour * HOUR) * 1000, hour * HOUR * 1000)
        reading = Reading(
            vendor="aidon",
            list_type=ListType.HOURLY,
            values={P_POS: WATTS, A_POS: wh},
            identity=Identity("AIDON_V0001", "1", "6525"),
            clock=(civil if start == SUMMER else standard)(start + hour * HOUR),
        )
        gateway.received("main", reading)
        shown.append(gateway.snapshot("main").value.values.get(A_POS, 0))
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return shown


def hours(folder: Path, start: int) -> dict[int, tuple[int, Basis]]:
    with closing(open_reading(folder / "h.sqlite")) as file:
        found = periods.hours(file, "main", 0, periods.EVER)
        return {
            (hour.start - start) // HOUR: (hour.energies[A_POS], hour.basis)
            for hour in found
            if hour.basis is not Basis.ESTIMATED
        }


@pytest.mark.parametrize("cuts", [(), (3,), (4,), (3, 4), (1, 2, 3, 4, 5)])
@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_among_good_ones_makes_no_hour(tmp_path: Path, name: str, cuts: tuple[int, ...]) -> None:
    """The register at three is nonsense; restarts before it, after it, or each hour change nothing."""
    registers = {hour: true_wh(hour) for hour in range(7)} | {3: NONSENSE[name]}
    shown = []
    for begin, end in zip((0, *cuts), (*cuts, 7), strict=True):
        part = {hour: wh for hour, wh in registers.items() if begin <= hour < end}
        shown += asyncio.run(_run(tmp_path, WINTER, part))
    assert shown == [true_wh(hour) for hour in (0, 1, 2, 2, 4, 5, 6)]
    found = hours(tmp_path, WINTER)
    assert {hour: found[hour] for hour in (0, 1, 4, 5)} == dict.fromkeys((0, 1, 4, 5), (WATTS, Basis.METERED))
    assert found[2][0] + found[3][0] == 2 * WATTS
    assert found.keys() == set(range(6))


@pytest.mark.parametrize("start", [WINTER, SUMMER])
@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2, 3)])
@pytest.mark.parametrize("name", NONSENSE)
def test_first_register_that_is_nonsense_is_put_right(
    tmp_path: Path, name: str, cuts: tuple[int, ...], start: int
) -> None:
    """The second and third agree against the first: their hour is metered, none is made with it."""
    registers = {hour: true_wh(hour) for hour in range(5)} | {0: NONSENSE[name]}
    shown = []
    for begin, end in zip((0, *cuts), (*cuts, 5), strict=True):
        part = {hour: wh for hour, wh in registers.items() if begin <= hour < end}
        shown += asyncio.run(_run(tmp_path, start, part))
    assert shown[2:] == [true_wh(hour) for hour in (2, 3, 4)]
    assert hours(tmp_path, start) == dict.fromkeys((1, 2, 3), (WATTS, Basis.METERED))


@pytest.mark.parametrize("cuts", [(), (4,), (3, 4, 5)])
@pytest.mark.parametrize("nonsense", [2**32 - 1, 2**63 - 1, 2**64 - 1])
def test_same_nonsense_again_and_again_is_never_believed(
    tmp_path: Path, nonsense: int, cuts: tuple[int, ...]
) -> None:
    """Three hours of all bits set: what was right is shown on, and the hours are shared out of what is."""
    registers = {hour: true_wh(hour) for hour in range(8)} | dict.fromkeys((3, 4, 5), nonsense)
    shown = []
    for begin, end in zip((0, *cuts), (*cuts, 8), strict=True):
        part = {hour: wh for hour, wh in registers.items() if begin <= hour < end}
        shown += asyncio.run(_run(tmp_path, WINTER, part))
    assert shown == [true_wh(hour) for hour in (0, 1, 2, 2, 2, 2, 6, 7)]
    found = hours(tmp_path, WINTER)
    assert sum(wh for wh, _ in found.values()) == 7 * WATTS
    assert [basis for _, basis in found.values()].count(Basis.SPREAD) == 4
