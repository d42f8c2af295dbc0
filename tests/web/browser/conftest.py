"""A real Chromium that looks at real gateways. Tests are skipped, visibly, where it is not installed.

Every page that a test opens is watched: a request to another host, an exception in a script or a refusal
by the content policy fails the test.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ...ports import free_port

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None
)
HERE = Path(__file__).parent
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SOON_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CHROMIUM is None and HERE in item.path.parents and "browser" in item.fixturenames:  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@dataclass
class Running:
    """A gateway as `han2x run` starts it, with a state directory of its own."""

    folder: Path
    web: int
    modbus: int
    program: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}/"

    def start(self) -> None:
        command = [sys.executable, "-m", "han2x", "run", "--settings", str(self.folder / "han2x.toml")]
        log = (self.folder / "log").open("ab")
        self.program = subprocess.Popen([*command, "--state", str(self.folder / "state")], stderr=log)
        until = time.monotonic() + 60
        while not answers(self.web):
            assert self.program.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "the page did not come up"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.program:
            self.program.send_signal(signal.SIGTERM)
            self.program.wait(30)
            self.program = None


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a gateway with meters by name and source, and further lines of its settings file."""
    started: list[Running] = []

    def begin(*, more: str = "", before: Callable[[Path], None] = lambda _: None, **sources: str) -> Running:
        folder = tmp_path_factory.mktemp("gateway")
        (folder / "state").mkdir()
        running = Running(folder, free_port(), free_port())
        meters = "".join(
            f"[[meters]]\nname = {name!r}\nsource = {source!r}\nunit_id = {number}\nfuse_a = 40\n"
            for number, (name, source) in enumerate(sources.items(), 1)
        )
        ports = f"[modbus_tcp]\nhost = '127.0.0.1'\nport = {running.modbus}\n"
        web = f"[web]\nhost = '127.0.0.1'\nport = {running.web}\n"
        (folder / "han2x.toml").write_text(meters + ports + web + more)
        before(folder / "state")
        running.start()
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium. While it is there a loop runs in this thread, which other files' tests could not stand."""
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if Path("/").owner() == "root" else []
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """What a page did that it should not have done."""

    faults: list[str] = field(default_factory=list)

    def request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.hostname != "127.0.0.1":
            self.faults.append(f"a request to {request.url}")

    def console(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)


Open = Callable[..., Any]


@pytest.fixture
def browse(browser: Any) -> Iterator[Open]:
    """Opens a gateway's page: `browse(running, phone=…, language=…, dark=…, log_in=…)`."""
    contexts, watched = [], Watched()

    def visit(
        running: Running,
        *,
        phone: bool = False,
        language: str = "en-GB",
        dark: bool = False,
        log_in: bool = True,
    ) -> Any:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            is_mobile=phone,
            has_touch=phone,
            locale=language,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.on("request", watched.request)
        page.on("console", watched.console)
        page.on("pageerror", lambda error: watched.faults.append(str(error)))
        page.goto(running.url)
        if log_in:
            enter(page)
            go(page, "now")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert watched.faults == []


def enter(page: Any, user: str = "bits", password: str = "vari") -> None:
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_selector("header.head")


def go(page: Any, name: str) -> None:
    """To another page of the same gateway."""
    page.evaluate("name => { location.hash = '#/' + name; }", name)
    page.wait_for_selector(f"main[data-page={name.split('/')[0]}]")


@pytest.fixture(scope="session")
def texts() -> dict[str, dict[str, str]]:
    """The catalogues by language."""
    return catalogues()


def catalogues() -> dict[str, dict[str, str]]:
    import han2x.web

    folder = Path(han2x.web.__file__).parent / "static" / "locales"
    return {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


class Line:
    """A TCP bridge on which a test says what the meter's line carries."""

    def __init__(self, octets: bytes, pause_s: float = 0.25) -> None:
        self._octets, self._pause_s = octets, pause_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def source(self) -> str:
        return f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._ended.set()
        self._listener.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._send, args=(peer,), daemon=True).start()

    def _send(self, peer: socket.socket) -> None:
        with peer:
            while not self._ended.wait(self._pause_s):
                try:
                    peer.sendall(self._octets)
                except OSError:
                    return


@pytest.fixture(scope="session")
def line() -> Iterator[Callable[[bytes], Line]]:
    """Opens lines that carry the same octets again and again; none for silence."""
    lines: list[Line] = []

    def opened(octets: bytes) -> Line:
        lines.append(Line(octets))
        return lines[-1]

    yield opened
    for one in lines:
        one.close()
