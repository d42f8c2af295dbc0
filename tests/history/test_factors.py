"""A scale factor that is changed in mid-hour: each part goes by its own, in hours, minutes, ten seconds."""

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from han2x.history import export, periods, service
from han2x.history.batch import Limits
from han2x.history.file import open_reading, transaction
from han2x.history.mending import mend
from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, Reading
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Archive, History, Meter, Settings

from .test_clocks import DAY, HOUR, WINTER, standard

A_POS, P_POS = Quantity.ACT_ENERGY_POS, Quantity.ACT_POW_POS
WATTS = 3600


async def _play(path: Path, factors: dict[int, int], hours: int) -> int:
    """A meter at 3600 W whose factor changes at some seconds. The running hour at half past two, Wh."""
    now = Instant(WINTER * 1000, 0)
    gateway = Gateway(Settings(meters=(Meter(name="main"),)), clock=lambda: now)
    history = History(path=str(path), write_every_s=5)
    archive = Archive(history=history, meters=("main",), time_zone="Europe/Oslo")
    task = asyncio.create_task(service.run(archive, gateway, "history"))
    while "history" not in gateway.health.value:
        await asyncio.sleep(0)
    used = 0
    for second in range(0, hours * HOUR + 20, 10):
        for at, factor in factors.items():
            if second - 10 < at <= second:
                now = Instant((WINTER + at) * 1000, at * 1000)
                assert gateway.amend({"meters.0.scale": factor}) is None
        now = Instant((WINTER + second) * 1000, second * 1000)
        full = second % HOUR == 0
        energy = {A_POS: 5_000_000 + second} if full else {}
        reading = Reading(
            vendor="aidon",
            list_type=ListType.HOURLY if full else ListType.TEN_SECONDS,
            values={P_POS: WATTS, Quantity.ACT_POW_NEG: 0, Quantity.VOLT_L1: 230_000, **energy},
            identity=Identity("AIDON_V0001", "1", "6525"),
            clock=standard(WINTER + second) if full else None,
        )
        gateway.received("main", reading)
        if full:
            await asyncio.sleep(0)
        if second == 2 * HOUR + 1800:
            used = gateway.view(gateway.settings.value.meters[0], now).hour[A_POS]
    task.cancel()
    await asyncio.wait([task])
    return used


FACTORS = {
    "half past": ({HOUR + 1800: 2000}, [3600, 5400, 7200]),
    "three times": ({600: 3000, 1200: 1000, 1803: 50_000}, [600 + 1800 + 603 + 50 * 1797, 180_000, 180_000]),
    "down": ({HOUR + 905: 500}, [3600, 905 + (3600 - 905) // 2, 1800]),
    "at the hour": ({HOUR: 2000}, [3600, 7200, 7200]),
    "never": ({}, [3600, 3600, 3600]),
}


@pytest.mark.parametrize("name", FACTORS)
def test_hour_is_the_sum_of_its_parts(tmp_path: Path, name: str) -> None:
    """By hand: 3600 W are 1 Wh a second, by the factor of that second."""
    factors, expected = FACTORS[name]
    asyncio.run(_play(tmp_path / "h.sqlite", factors, 3))
    with closing(open_reading(tmp_path / "h.sqlite")) as file:
        hours = [h for h in periods.hours(file, "main", 0, periods.EVER) if h.basis is Basis.METERED]
        minutes = list(periods.rows(file, "main", "minute", 0, periods.EVER))
        fine = list(periods.rows(file, "main", "10s", 0, periods.EVER))
    used = [export.scaled(hour.energies[A_POS], hour.scale) for hour in hours]
    assert used == pytest.approx(expected, abs=2)
    for rows in (minutes, fine):
        for number, wh in enumerate(used):
            begin = WINTER + number * HOUR
            inside = [row for row in rows if begin <= row.start < begin + HOUR]
            made = sum((row.means[0] or 0) * row.scale * row.covered_s for row in inside)
            assert made / (HOUR * 1000) == pytest.approx(wh, rel=0.002)


def test_running_hour_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    """At half past two the factor has been 1 for ten minutes and 2 for twenty: 600 and 2 x 1200 Wh."""
    used = asyncio.run(_play(tmp_path / "h.sqlite", {2 * HOUR + 600: 2000}, 3))
    assert used == pytest.approx(600 + 2400, abs=25)


IMPOSSIBLE = {
    "one": [(2, 1, 4_294_967_295), (3, 77, 5_010_800)],
    "two alike": [(1, 1, 4_294_967_295), (2, 1, 4_294_967_295), (3, 77, 5_010_800)],
    "two that fall": [(1, 1, 4_294_967_295), (2, 77, 2_147_483_648), (3, 78, 5_010_800)],
}
"""By the hour: series and register, as an earlier version has kept them; the right ones are 3600 Wh apart."""


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_hours_of_impossible_registers_are_made_again(tmp_path: Path, name: str) -> None:
    """What an earlier version made of nonsense, also in a row, is right once the file is opened."""
    path = tmp_path / "h.sqlite"
    asyncio.run(_play(path, {}, 3))
    store = Store(path)
    with closing(store):
        store.tidy(0, Limits(raw_s=400 * DAY, minute_s=400 * DAY, octets=10**9))
        file = store._file
        assert file
        with transaction(file):
            first = IMPOSSIBLE[name][0][0]
            file.execute("DELETE FROM register WHERE t >= ?", (WINTER + first * HOUR,))
            for series in (77, 78):
                copy = "SELECT ?, meter, identity FROM series WHERE id = 1"
                file.execute(f"INSERT INTO series (id, meter, identity) {copy}", (series,))
            for hour, series, wh in IMPOSSIBLE[name]:
                sql = "INSERT INTO register (meter, t, series, sure, a_pos) VALUES (1, ?, ?, 1, ?)"
                file.execute(sql, (WINTER + hour * HOUR, series, wh))
            file.execute("UPDATE hour SET a_pos = 4289963695 WHERE t = ?", (WINTER + (first - 1) * HOUR,))
            mend(file)
    with closing(open_reading(path)) as file:
        found: list[Hour] = list(periods.hours(file, "main", WINTER, WINTER + DAY))
    assert [hour.energies[A_POS] for hour in found][:3] == [3600, 3600, 3600]
