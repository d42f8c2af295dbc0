"""Many gateways, a Mosquitto, workers that collect as processes of their own, and one PostgreSQL.

The database must come to hold what the gateways' history files hold, each row once, whatever is killed.
"""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.history.batch import Batch, Mark
from han2x.history.rows import MINUTE_S, RAW_S, Row
from han2x.history.store import Store
from han2x.model.hours import Register
from han2x.model.quantity import Quantity
from han2x.model.record import MEANS
from han2x.mqtt import history

from ..mqtt.conftest import Mosquitto, play, poll, until
from .conftest import HOUR, LASTING, T0, Base, Site, Starting, collecting, send, written


def filled(folder: Path, minutes: int, watts: int) -> Path:
    """A history of minutes and of their hours, and of a few ten seconds."""
    folder.mkdir()
    store = Store(folder / "history.sqlite")
    rows = [("main", _row(T0 + 60 * index, MINUTE_S, watts + index)) for index in range(minutes)]
    rows += [("main", _row(T0 + 10 * index, RAW_S, watts + index)) for index in range(50)]
    marks = [
        Mark("main", "m", Register(T0 + hour * HOUR, {Quantity.ACT_ENERGY_POS: 7 * hour * hour}), 1000)
        for hour in range(minutes // 60)
    ]
    store.write(Batch(rows, marks))
    store.close()
    return folder


def _row(start: int, span_s: int, watts: int) -> Row:
    means = tuple(watts if name == "p_pos" else None for name in MEANS)
    return Row(start, span_s, span_s, 1000, watts, watts, means)


def publishing(broker: Mosquitto, extent: str = "all") -> dict[str, object]:
    entry = {"enabled": True, "host": "127.0.0.1", "port": broker.port, "discovery": "off", "history": extent}
    return {"mqtt": [entry]}


def count(base: Base) -> int:
    if base.query("SELECT to_regclass('han2x_schema')") == [None]:
        return 0
    return int(base.query("SELECT count(*) FROM han2x_minute")[0])


def over(site: Site) -> set[tuple[object, ...]]:
    """What a gateway has to pass on: the last hour is an estimate that still runs."""
    kept = site.kept()
    last = max(row[2] for row in kept if row[0] == "hour")
    return {row for row in kept if row[:3:2] != ("hour", last)}


def test_two_workers_one_killed(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """With two workers on one subscription, one killed and back later, each row is there once."""
    broker = mosquitto(*LASTING)
    first, _ = collecting(worker(broker, "first")), collecting(worker(broker, "second"))

    async def scene() -> None:
        folders = [filled(tmp_path / f"g{index}", 6000, 1000 * index) for index in range(3)]
        sites = [Site(folder, publishing(broker)) for folder in folders]
        await until(lambda: count(base) > 0, "something arrives")
        first.end(signal.SIGKILL)
        assert count(base) < 18_000
        wanted = set[tuple[object, ...]]()
        await until(lambda: all(not site.ask("SELECT n FROM journal") for site in sites), "all is passed on")
        collecting(worker(broker, "first"))
        for site in sites:
            wanted |= over(site)
        await until(lambda: len(written(base)) >= len(wanted), "all has arrived")
        found = written(base)
        assert len(found) == len(wanted) == 3 * (6000 + 50 + 99)
        assert set(found) == wanted
        for site in sites:
            await site.end()

    play(scene())


def test_a_worker_that_leaves_gives_its_share_back(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """With --leave a worker writes what waited for it, ends, and from then on the others get everything."""
    broker = mosquitto(*LASTING)
    killed, other = collecting(worker(broker, "killed")), collecting(worker(broker, "other"))
    killed.end(signal.SIGKILL)

    async def scene() -> None:
        site = Site(filled(tmp_path / "g", 3000, 1), publishing(broker))
        await until(lambda: site.ask("SELECT count(*) FROM target") == [1], "the history runs")
        await until(lambda: not site.ask("SELECT n FROM journal"), "all is passed on")
        assert count(base) < 3000
        leaving = worker(broker, "killed", leave=True)
        await until(lambda: leaving.process.poll() == 0, "it has left")
        await until(lambda: set(written(base)) == over(site), "all has arrived")
        await site.end()
        more = Site(filled(tmp_path / "g2", 600, 1), publishing(broker))
        await until(lambda: count(base) == 3600, "the other gets all")
        await more.end()

    play(scene())
    assert other.process.poll() is None
    assert count(base) == 3600


def test_the_database_comes_and_goes(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """While the database is away the broker keeps what gateways publish; the worker says so, and goes on."""
    broker = mosquitto(*LASTING)
    one = collecting(worker(broker, "one"))

    async def scene() -> None:
        base.cluster.stop()
        try:
            site = Site(filled(tmp_path / "g", 600, 5), publishing(broker))
            await until(lambda: site.ask("SELECT count(*) FROM target") == [1], "the history runs")
            await until(lambda: not site.ask("SELECT n FROM journal"), "all is passed on")
            await until(lambda: "does PostgreSQL run there?" in one.log, "the worker complains")
        finally:
            base.cluster.start()
        await until(lambda: set(written(base)) == over(site), "all has arrived")
        await site.end()

    play(scene())
    assert "Traceback" not in one.log
    assert one.end(signal.SIGTERM) == 0


def test_the_history_waits_until_somebody_collects(
    mosquitto: Callable[..., Mosquitto],
    worker: Starting,
    base: Base,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker with no worker gets nothing to forget: the history waits, and the health says so."""
    monkeypatch.setattr(history, "AGAIN_S", 0.05)
    broker = mosquitto(*LASTING)

    async def scene() -> None:
        site = Site(filled(tmp_path / "g", 600, 5), publishing(broker, "hours"))
        await until(lambda: "nobody collects it" in site.health("mqtt"), "the health says so")
        assert len(site.ask("SELECT n FROM journal")) == 9
        worker(broker, "one")
        await until(lambda: not site.ask("SELECT n FROM journal"), "all is passed on")
        await until(lambda: site.health("mqtt").endswith(str(broker.port)), "the health is plain again")
        hours = {row for row in over(site) if row[0] == "hour"}
        await until(lambda: set(written(base)) == hours, "the hours, and nothing else")
        await site.end()

    play(scene())


def test_a_broker_that_comes_and_goes_loses_nothing(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """A broker ended in the midst of it keeps what it has taken, and then gets what it has not."""
    broker = mosquitto(*LASTING, "persistence true", f"persistence_location {tmp_path}/")
    collecting(worker(broker, "one"))

    async def scene() -> None:
        site = Site(filled(tmp_path / "g", 9000, 5), publishing(broker))
        await until(lambda: count(base) > 0, "something arrives")
        broker.stop(signal.SIGTERM)
        assert count(base) < 9000
        broker.start()
        refused_and_again_s = 120.0  # the gateway may be back first, and be told that nobody collects
        await until(lambda: set(written(base)) == over(site), "all has arrived", refused_and_again_s)
        await until(lambda: not site.ask("SELECT n FROM journal"), "all is passed on")
        await site.end()

    play(scene())


def test_a_flood_crowds_nothing_out(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """Thousands of a stranger's messages that nobody acknowledges leave a gateway's in their places."""
    broker = mosquitto(*LASTING)
    collecting(worker(broker, "one"))
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "x/history/y", "-l"]
    flood = subprocess.Popen(command, stdin=subprocess.PIPE)

    async def scene() -> None:
        assert flood.stdin
        site = Site(filled(tmp_path / "g", 3000, 1), publishing(broker))
        for _ in range(100):
            flood.stdin.write(b"{}\n" * 200)
            flood.stdin.flush()
            await asyncio.sleep(0)
        await until(lambda: set(written(base)) == over(site), "all has arrived")
        await site.end()

    play(scene())
    flood.communicate(timeout=10)


def test_what_is_no_history_is_left(
    mosquitto: Callable[..., Mosquitto], worker: Starting, base: Base, tmp_path: Path
) -> None:
    """Messages of strangers stop nothing: they are told of and left, and what follows is written."""
    broker = mosquitto(*LASTING)
    one = collecting(worker(broker, "one"))
    row = {"meter": 12_345_678, "name": "x", "resolution": "minute",
           "columns": ["start", "version", "covered", "scale", "p_pos", "new"]}  # fmt: skip
    texts = ["[", "{}", "[" * 50_000, "\0", "9" * 60_000]
    wrong = ([T0, 1], [T0 + 1, 1, 60, 1000, 5, 0], [T0, 2**63, 60, 1000, 5, 0], [T0, 1, 60, 1000, "5", 0])
    texts += [json.dumps({**row, "rows": [values]}) for values in wrong]
    texts += [json.dumps({**row, "rows": [[T0, 1, 60, 1000, 5, 0]]})]
    for options in (["-q", "0"], ["-q", "1", "-r"], ["-q", "2"]):
        send(broker, "not history", *options)
    for text in texts:
        send(broker, text, "-q", "1")
    poll(lambda: count(base) == 1, "the one that is right")
    assert base.query("SELECT meter, version, p_pos, u1 FROM han2x_minute") == [(12_345_678, 1, 5, None)]
    assert "messages held no history" in one.log
    assert "Traceback" not in one.log
    assert "trying again" not in one.log


def test_what_is_wrong_is_said(mosquitto: Callable[..., Mosquitto], worker: Starting) -> None:
    """A broker set to an older MQTT is refused with a sentence, and the worker goes on trying."""
    broker = mosquitto(*LASTING)
    one = worker(broker, "old", protocol="3.1.1")
    poll(lambda: "are of MQTT 5: set protocol of [[mqtt]] 'main' to it" in one.log, "a sentence")
    assert one.process.poll() is None
