"""What tests of the page share: a gateway in a process of its own, and browsers with addresses of their own.

Each test's browser comes from its own loopback address, so that one test's wrong passwords throttle no other.
"""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

from ..ports import free_port

DEADLINE_S = 60
SETTINGS = """\
[[meters]]
name = "main"
source = "simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z"
float_unit_id = 2

[modbus_tcp]
host = "127.0.0.1"
port = {modbus_port}

[web]
host = "127.0.0.1"
port = {web_port}
"""
_hosts = (f"127.0.{high}.{low}" for high, low in itertools.product(range(1, 250), range(2, 250)))


class Browser(httpx2.Client):
    """A client with a cookie jar that says the CSRF word of its session by itself."""

    def __init__(self, port: int, **headers: str) -> None:
        self.host = next(_hosts)
        transport = httpx2.HTTPTransport(local_address=self.host)
        super().__init__(
            base_url=f"http://127.0.0.1:{port}/", transport=transport, headers=headers, timeout=DEADLINE_S
        )

    def log_in(self, password: str = "vari", user: str = "bits") -> httpx2.Response:
        response = self.post("v1/session", json={"user": user, "password": password})
        if response.status_code == 204:
            self.headers["X-CSRF"] = self.get("v1/session").json()["csrf"]
        return response


class Gateway:
    """A gateway that runs until told to stop, and may be started again."""

    def __init__(
        self, folder: Path, settings: str = SETTINGS, program: Sequence[str] = ("-m", "han2x")
    ) -> None:
        self.program = program
        self.folder, self.state = folder, folder / "state"
        self.modbus_port, self.web_port = free_port(), free_port()
        self.file = folder / "han2x.toml"
        self.file.write_text(settings.format(modbus_port=self.modbus_port, web_port=self.web_port))
        self.browsers: list[Browser] = []
        self.start()

    def start(self) -> None:
        words = ["run", "--settings", str(self.file), "--state", str(self.state)]
        self.log = self.folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.program, *words], stderr=log)
        self.until(lambda: self.anybody().get("v1/openapi.json").status_code == 200)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        for browser in self.browsers:
            browser.close()
        self.process.kill()
        self.process.wait()

    def anybody(self, **headers: str) -> Browser:
        """A browser that is not logged in."""
        self.browsers.append(Browser(self.web_port, **headers))
        return self.browsers[-1]

    def owner(self, password: str = "vari", user: str = "bits") -> Browser:
        """A browser that is logged in."""
        browser = self.anybody()
        assert browser.log_in(password, user).status_code == 204
        return browser

    def until(self, holds: Callable[[], Any], seconds: float = DEADLINE_S) -> Any:
        """Wait for something to hold; a server that is not there yet does not."""
        deadline = monotonic() + seconds
        while True:
            try:
                if found := holds():
                    return found
            except (OSError, httpx2.HTTPError):
                pass
            assert monotonic() < deadline, f"did not come to hold:\n{self.log.read_text()}"
            sleep(0.05)

    def modbus(self, request: str = "000100000006010300300002", port: int = 0) -> str:
        """The hex of an answer to a Modbus request; the scale factor's registers without one."""
        with socket.create_connection(("127.0.0.1", port or self.modbus_port), timeout=5) as client:
            client.sendall(bytes.fromhex(request))
            return client.recv(300).hex()

    @property
    def resident_kb(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") // 1024


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for tests that leave it as it was: user bits, password vari."""
    gateway = Gateway(tmp_path_factory.mktemp("shared"))
    yield gateway
    gateway.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway of a test's own."""
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.close()


@pytest.fixture(scope="session")
def gateway() -> Callable[[Path], Gateway]:
    """A gateway in a folder, which its maker ends."""
    return Gateway


def events(browser: Browser, query: str = "") -> Iterator[tuple[str, str]]:
    """Server-sent events, name and data, until the server ends them."""
    with browser.stream("GET", f"v1/events{query}") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in response.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, line[6:]


@pytest.fixture(scope="session")
def listen() -> Callable[..., Iterator[tuple[str, str]]]:
    return events
