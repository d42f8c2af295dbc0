"""A broker, a PostgreSQL and workers that collect, as processes of their own, for the benches of the fleet.

Messages are made by a rule, so that what must come to be in the database is known without keeping it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg

from han2x.model.record import ROW, Record, texts

from .harness import free_port

PATIENCE_S = 60.0
STALLED_S = 45.0
"""Workers pause for so long at most after a fault, and then something must come."""

T0 = 1_765_724_400
MINUTE_S = 60
METERS = 100
RAW = (10, 1000, 1210, 1400, 1300, None, 12, 0, 4224, 3000, 1019, 233_600, 234_000, 229_800, 1)
MINUTE = (MINUTE_S, *RAW[1 : len(ROW)])

TOPIC = "HAN2X_10000000/history/minute"
PUBLISHED_MAX = 50_000
"""Messages of one mosquitto_pub: it ends at the first answer to its last message's number, of 16 bits."""

MOSQUITTO = "allow_anonymous true\nuser root\nmax_queued_messages 0\nmax_queued_bytes 0\n"
OTHER = os.environ.get("HAN2X_BROKER", "")
"""A program that is another broker of MQTT 5: it is called with HOST:PORT."""


class Sent(NamedTuple):
    """What messages hold together: their number, their rows', and the sum of the rows' versions."""

    messages: int
    rows: int
    versions: int


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"never: {what}")
        time.sleep(0.02)


def messages(count: int, rows: int, begin: int = 0) -> Iterator[bytes]:
    """Messages of so many rows each; no row is like another's."""
    for index in range(begin, begin + count):
        meter, first = 10_000_000 + index % METERS, T0 + index // METERS * rows * MINUTE_S
        found = [
            Record(meter, "main", "minute", first + k * MINUTE_S, index * rows + k + 1, MINUTE)
            for k in range(rows)
        ]
        yield next(texts(found))[2].encode()


def sent(count: int, rows: int) -> Sent:
    """What `messages` sends; its rows have the versions 1 to their number."""
    total = count * rows
    return Sent(count, total, total * (total + 1) // 2)


class Cluster:
    """A PostgreSQL in a folder, as Debian installs it."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("initdb")
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self._binaries = Path(found).parent if found else folders[-1]
        self.folder, self.port = folder, free_port()
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._as *= os.geteuid() == 0  # it refuses to run as root
        if self._as:
            shutil.chown(folder, "postgres", "postgres")
        self._call("initdb", "-D", "data", "-N", "-E", "UTF8", "--locale=C", "-U", "owner", "-A", "trust")

    def start(self) -> None:
        """Up; a restart after a kill recovers first."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c max_wal_size=4GB"
        self._call("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """Killed."""
        self._call("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")

    def _call(self, program: str, *words: str) -> None:
        command = [*self._as, str(self._binaries / program), *words]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL, timeout=120)

    def dsn(self) -> str:
        """How to connect."""
        return f"host=127.0.0.1 port={self.port} dbname=postgres user=owner"

    def ask(self, question: str) -> tuple[int, ...]:
        """A row of numbers; nothing while the server or the table is away."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.dsn(), connect_timeout=5) as connection:
            row = connection.execute(question).fetchone()
            return tuple(int(value or 0) for value in row or ())
        return ()

    def rows(self) -> int:
        """How many are there."""
        return (self.ask("SELECT count(*) FROM han2x_minute") or (0,))[0]


class Fleet:
    """A broker and a database, and workers by their names."""

    def __init__(self, folder: Path, *, other: str = "") -> None:
        self.port = free_port()
        self.cluster = Cluster(folder / "pg")
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._folder, self._other = folder, other
        self._broker: subprocess.Popen[bytes] | None = None
        self._publishers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Broker and database up."""
        self.cluster.start()
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\n{MOSQUITTO}")
        command = ["mosquitto", "-c", str(config)]
        command = [self._other, f"127.0.0.1:{self.port}"] if self._other else command
        with (self._folder / "broker.log").open("ab") as log:
            self._broker = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._takes, "the broker listens")

    def end(self) -> None:
        """All gone."""
        for name in list(self.workers):
            self.stop(name)
        for process in self._publishers:
            process.kill()
            process.wait()
        if self._broker:
            self._broker.kill()
            self._broker.wait()
        self.cluster.stop()

    def _takes(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self, name: str) -> str:
        """What a worker has said."""
        path = self._folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def work(self, name: str) -> None:
        """A worker that collects, from when it has said so on."""
        before = self.log(name).count("collect: from")
        self.workers[name] = self._run(name)
        until(lambda: self.log(name).count("collect: from") > before, f"{name} collects")

    def leave(self, name: str) -> int:
        """Have a worker leave its place; the status it ends with."""
        return self._run(name, "--leave").wait(300)

    def stop(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a worker."""
        process = self.workers.pop(name)
        process.send_signal(how)
        process.wait(PATIENCE_S)

    def peak_mb(self, name: str) -> float:
        """The most memory that a worker has had."""
        status = Path(f"/proc/{self.workers[name].pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def _run(self, name: str, *more: str) -> "subprocess.Popen[bytes]":
        settings = self._folder / "collect.toml"
        settings.write_text(
            f'[[mqtt]]\nhost = "127.0.0.1"\nport = {self.port}\n[postgres]\ndsn = "{self.cluster.dsn()}"\n'
        )
        command = [sys.executable, "-m", "han2x", "collect", "--settings", str(settings), "--worker", name]
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen([*command, *more], stdout=log, stderr=log)

    def publish(self, count: int, rows: int) -> None:
        """Begin to publish messages with QoS 1, as fast as the broker takes them."""
        for begin in range(0, count, PUBLISHED_MAX):
            path = self._folder / f"messages-{begin}"
            with path.open("wb") as file:
                some = messages(min(PUBLISHED_MAX, count - begin), rows, begin)
                file.writelines(one + b"\n" for one in some)
            command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-t", TOPIC, "-q", "1", "-l"]
            with path.open("rb") as lines:
                self._publishers.append(subprocess.Popen(command, stdin=lines))

    def published(self) -> None:
        """Wait until the broker has all of it."""
        for process in self._publishers:
            assert process.wait(300) == 0


@contextlib.contextmanager
def fleet(other: str = "") -> Iterator[Fleet]:
    """A broker and a database of our own."""
    with tempfile.TemporaryDirectory(prefix="han2x-fleet-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "pg").mkdir()
        made = Fleet(folder, other=other)
        made.start()
        try:
            yield made
        finally:
            made.end()
