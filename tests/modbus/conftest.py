"""Shared by the Modbus tests: views made by hand, and han2x servers in a process of their own.

A server takes any free port and says where it listens; nothing waits for time to pass.
"""

import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from han2x.model.instant import ZERO
from han2x.model.state import EMPTY
from han2x.model.view import View, view

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "bench" / "peers" / "han2x_server.py"


@pytest.fixture(scope="session")
def seen() -> Callable[..., View]:
    """Makes views: that before the first telegram, with whatever differs from it."""

    def make(**changes: Any) -> View:
        return replace(view(EMPTY, scale=1000, now=ZERO, uptime_s=0), **changes)

    return make


class Served(NamedTuple):
    """A han2x server process."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    def connect(self) -> socket.socket:
        """A new connection."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client


def start(folder: Path, *words: str) -> Served:
    """A server process that listens, on a port of its own."""
    log = folder / "server.log"
    command = [sys.executable, str(SERVER), "modbus_tcp.host=127.0.0.1", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], 20)
    line = process.stdout.readline() if ready else ""
    found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
    assert found, f"{line!r} {log.read_text()}"
    return Served(int(found[1]), process, log)


@pytest.fixture(params=["asyncio", "uvloop"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers with the given `setting=value` words, on each event loop; stops them after the test."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    words = ["--uvloop"] if request.param == "uvloop" else []
    started: list[Served] = []

    def make(*more: str) -> Served:
        started.append(start(tmp_path, *words, *more))
        return started[-1]

    yield make
    for served in started:
        served.process.kill()
        served.process.communicate()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A server with the default settings."""
    return serve()
