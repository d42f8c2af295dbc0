"""Shared by the database tests: a PostgreSQL of our own on loopback, started once, and a database a test.

PostgreSQL refuses to run as root, so it is given to another user then. Nothing waits for time to pass but for
what another process does.
"""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from han2x.app import SERVICES
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.model.record import HOUR as HOUR_COLUMNS
from han2x.model.record import ROW
from han2x.runtime.gateway import Gateway
from han2x.runtime.service import keep
from han2x.settings.amend import Refused, from_table

from ..mqtt.conftest import Mosquitto, mosquitto, poll
from ..ports import free_port

__all__ = ["mosquitto"]

PASSWORD = "correct horse"


def _binaries() -> Path | None:
    """Where initdb is: Debian keeps each version's programs in a folder of its own."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


class Cluster:
    """A PostgreSQL server with its files in a folder; role `owner` owns what tests make."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = free_port()
        self._binaries, self._folder = binaries, folder
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        else:
            self._as = []
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._call("initdb", "-D", "data", "-N", "-E", "UTF8", "--locale=C", "-U", "owner",
                   "-A", "scram-sha-256", "--pwfile", "secret")  # fmt: skip

    def _call(self, program: str, *words: str) -> None:
        subprocess.run(
            [*self._as, str(self._binaries / program), *words],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self._folder} -c fsync=off"
        self._call("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        self._call("pg_ctl", "stop", "-w", "-D", "data", "-m", mode)


class Base(NamedTuple):
    """A database of one test."""

    cluster: Cluster
    name: str

    def dsn(self, user: str = "owner", password: str = PASSWORD, name: str = "") -> str:
        return (
            f"host=127.0.0.1 port={self.cluster.port} dbname={name or self.name} user={user} "
            f"password='{password}'"
        )

    def query(self, statement: str) -> list[Any]:
        """The rows of a question, asked on a connection of our own; single columns as they are."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            cursor = connection.execute(statement)
            rows: Sequence[Any] = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Started when first wanted; skipped where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("not installed: postgresql")
    folder = Path(tempfile.mkdtemp(prefix="han2x-pg-"))
    try:
        made = Cluster(binaries, folder)
        made.start()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def base(cluster: Cluster, request: pytest.FixtureRequest) -> Base:
    """A database that nothing is in."""
    name = "t" + str(abs(hash(request.node.nodeid)) % 10**9)
    Base(cluster, "postgres").query(f"CREATE DATABASE {name}")
    return Base(cluster, name)


HOUR = 3600
T0 = 1_765_724_400
"""2025-12-14 15:00:00 UTC."""


class Site:
    """A gateway whose services keep its history and pass it on, as the program does; time is handed in."""

    def __init__(self, folder: Path, table: Mapping[str, Any]) -> None:
        settings = from_table(table)
        assert not isinstance(settings, Refused), str(settings)
        self.now = Instant(T0 * 1000, 1000)
        self.path = folder / "history.sqlite"
        self.gateway = Gateway(settings, clock=lambda: self.now, state_dir=folder)
        wanted = ("han2x.history.service", "han2x.postgres", "han2x.mqtt")
        services = [one for one in SERVICES if one.entry.startswith(wanted)]
        self.tasks = [asyncio.create_task(keep(one, self.gateway)) for one in services]

    def at(self, second: int) -> None:
        self.now = Instant((T0 + second) * 1000, 1000 + second * 1000)

    def power(self, second: int, watts: int, name: str = "main") -> None:
        self.at(second)
        values = {Quantity.ACT_POW_POS: watts, Quantity.VOLT_L1: 230_000}
        self.gateway.received(name, Reading(vendor="aidon", list_type=ListType.TEN_SECONDS, values=values))

    def energy(self, hour: int, wh: int, name: str = "main") -> None:
        """The list of the counters at the end of an hour, which may come late."""
        self.at(max(hour * HOUR + 12, self.now.unix_ms // 1000 - T0))
        reading = Reading(
            vendor="aidon",
            list_type=ListType.HOURLY,
            values={Quantity.ACT_ENERGY_POS: wh, Quantity.ACT_POW_POS: 100},
            identity=Identity("AIDON_V0001", "1", "6525"),
            clock=MeterClock(_standard_time(hour), True, TimeBase.STANDARD),
        )
        self.gateway.received(name, reading)

    def health(self, service: str) -> str:
        found = self.gateway.health.value.get(service)
        return f"{found.condition}: {found.text}" if found else ""

    def ask(self, question: str) -> list[Any]:
        """A column of the history file."""
        with closing(sqlite3.connect(self.path)) as file:
            return [value for (value,) in file.execute(question)]

    def kept(self) -> set[tuple[Any, ...]]:
        """All that is in the history file of what is over: table, meter's number, time, and the values."""
        found = set()
        with closing(sqlite3.connect(self.path)) as file:
            names = dict(file.execute("SELECT id, name FROM meter"))
            for name, columns in TABLES.items():
                for meter, start, *values in file.execute(f"SELECT meter, t, {columns} FROM {name}"):
                    found.add((name, self.gateway.number(names[meter]), start, *values))
        return found

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


def _standard_time(hour: int) -> datetime:
    """Norway's, which some meters keep all year."""
    return datetime.fromtimestamp(T0 + (hour + 1) * HOUR, UTC).replace(tzinfo=None)


TABLES = {"hour": ", ".join(HOUR_COLUMNS), "minute": ", ".join(ROW), "raw": ", ".join(ROW)}


def written(base: Base) -> list[tuple[Any, ...]]:
    """All that is in the database, as `Site.kept` has it; a list, so that doubles show."""
    found = []
    for name, columns in TABLES.items():
        rows = base.query(f"SELECT meter, extract(epoch FROM t)::bigint, {columns} FROM han2x_{name}")
        found += [(name, *row) for row in rows]
    return found


LASTING = ("allow_anonymous true", "max_queued_messages 0", "max_queued_bytes 0")
"""What docs/fleet.md tells to set in Mosquitto, but for persistence: this one is not ended."""

Starting = Callable[..., "Worker"]


class Worker:
    """`han2x collect` in a process of its own."""

    def __init__(
        self,
        folder: Path,
        base: Base,
        broker: Mosquitto,
        name: str,
        *,
        leave: bool = False,
        dsn: str = "",
        **more: str,
    ) -> None:
        settings = folder / f"{name}.toml"
        lines = [
            "[[mqtt]]",
            'host = "127.0.0.1"',
            f"port = {broker.port}",
            *(f'{key} = "{value}"' for key, value in more.items()),
            "[postgres]",
            f'dsn = "{dsn or base.dsn()}"',
        ]
        settings.write_text("\n".join(lines))
        self._log = folder / f"{name}.log"
        command = [sys.executable, "-m", "han2x", "collect", "--settings", str(settings), "--worker", name]
        command += ["--leave"] if leave else []
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def worker(base: Base, tmp_path: Path) -> Iterator[Starting]:
    """Starts workers; they end with the test."""
    started: list[Worker] = []

    def start(broker: Mosquitto, name: str, **more: Any) -> Worker:
        started.append(Worker(tmp_path, base, broker, name, **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


def collecting(one: Worker) -> Worker:
    poll(lambda: "INFO    collect: from" in one.log, "the worker collects")
    return one


def send(broker: Mosquitto, text: str, *options: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), *options]
    subprocess.run([*command, "-s", "-t", "x/history/y"], input=text.encode(), check=True, timeout=10)
