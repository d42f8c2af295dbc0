"""Shared by the database tests: a PostgreSQL of our own on loopback, started once, and a database a test.

PostgreSQL refuses to run as root, so it is given to another user then. Nothing waits for time to pass but for
what another process does.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from ..mqtt.conftest import free_port, mosquitto

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
