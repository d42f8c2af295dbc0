"""A gateway that copies its own history to a PostgreSQL, which comes and goes meanwhile.

The database must come to hold what the history file holds, no more and no less; both are read whole.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.quantity import Quantity

from ..mqtt.conftest import play, until
from ..ports import free_port
from .conftest import HOUR, T0, Base, Site, written


def copying(base: Base) -> dict[str, object]:
    return {"postgres": {"enabled": True, "dsn": base.dsn()}}


def some_hours(site: Site, first: int, last: int) -> None:
    """Power for a minute and counters at each hour mark: 100 Wh more each hour than in the one before."""
    for hour in range(first, last):
        for second in range(20, 90, 10):
            site.power(hour * HOUR + second, 100 + hour)
        site.energy(hour + 1, 100 * (hour + 1) * (hour + 2) // 2)


def corrected(path: Path, energies: Mapping[int, int]) -> None:
    """What the grid company says of spread hours, as `han2x history import` puts it in."""
    store = Store(path)
    hours = [
        Hour(start=T0 + hour * HOUR, energies={Quantity.ACT_ENERGY_POS: wh}, basis=Basis.IMPORTED, drift={})
        for hour, wh in energies.items()
    ]
    assert store.adopt("main", hours) == []
    store.close()


def hours(base: Base) -> list[object]:
    if base.query("SELECT to_regclass('han2x_schema')") == [None]:
        return []
    return base.query("SELECT a_pos FROM han2x_hour ORDER BY t")


def test_a_server_that_comes_and_goes_gets_all(base: Base, tmp_path: Path) -> None:
    """Ended in the midst of it, the server gets what it has missed, and what was corrected meanwhile."""

    async def scene() -> None:
        site = Site(tmp_path, copying(base))
        await until(lambda: site.health("history").startswith("ok"), "history runs")
        await until(lambda: site.health("postgres").startswith("ok: connected to 127.0.0.1"), "connected")
        site.energy(0, 0)
        some_hours(site, 0, 3)
        await until(lambda: hours(base) == [100, 200, 300], "the first hours")
        base.cluster.stop()
        try:
            some_hours(site, 3, 4)
            site.energy(6, 2500)  # the mark at 5 was missed: 1500 in two hours
            kept = "SELECT a_pos FROM hour WHERE basis < 2 ORDER BY t"
            await until(lambda: site.ask(kept) == [100, 200, 300, 400, 750, 750], "hours kept all the same")
            await until(
                lambda: "refuses: does PostgreSQL run there?" in site.health("postgres"), "a complaint"
            )
        finally:
            base.cluster.start()
        corrected(site.path, {4: 500, 5: 1000})
        site.energy(7, 3200)
        await until(lambda: hours(base) == [100, 200, 300, 400, 500, 1000, 700], "all hours, corrected")
        await until(lambda: set(written(base)) == site.kept(), "the same as in the file")
        assert len(written(base)) == len(site.kept())
        await site.end()

    play(scene())


def test_a_new_start_takes_over_only_what_is_new(base: Base, tmp_path: Path) -> None:
    """After a restart of the gateway what the database has is left alone, and what is new follows."""

    async def first() -> None:
        site = Site(tmp_path, copying(base))
        await until(lambda: site.health("history").startswith("ok"), "history runs")
        site.energy(0, 0)
        some_hours(site, 0, 2)
        await until(lambda: hours(base) == [100, 200], "two hours")
        await until(lambda: not site.ask("SELECT n FROM journal"), "the cursor is kept")
        await site.end()

    async def second() -> None:
        base.query("UPDATE han2x_hour SET a_pos = 1")
        site = Site(tmp_path, copying(base))
        await until(lambda: site.health("history").startswith("ok"), "history runs")
        some_hours(site, 2, 4)
        await until(lambda: hours(base) == [1, 1, 300, 400], "two more")
        await site.end()

    play(first())
    play(second())


OFF = """
import asyncio, sys, time
from pathlib import Path
from han2x import app
from han2x.runtime.gateway import Gateway
from han2x.settings.amend import from_table

async def main():
    meter = {"source": "simulate:aidon?speed=60"}
    settings = from_table({"meters": [meter], "modbus_tcp": {"port": int(sys.argv[2])}})
    gateways = []
    task = asyncio.create_task(
        app.run(settings, settings_file=None, state_dir=Path(sys.argv[1]), ready=gateways.append)
    )
    while not gateways or "history" not in gateways[0].health.value:
        await asyncio.sleep(0.01)
    while gateways[0].health.value["history"].condition != "ok":
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
print([name for name in sys.modules if "psycopg" in name or "postgres" in name])
"""


def test_what_is_off_is_not_imported(tmp_path: Path) -> None:
    """A gateway that keeps a history but copies it nowhere has no part of psycopg in it."""
    command = [sys.executable, "-c", OFF, str(tmp_path), str(free_port())]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.stdout == "[]\n", result.stderr
