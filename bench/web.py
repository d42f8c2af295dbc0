"""What the page costs: the start of Modbus with and without it, resident memory, and fifty live pages.

Whole programs in processes of their own, on loopback. The memory row has Modbus, MQTT (to a broker that is
not there, unless mosquitto is), the history and the page on.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

REQUEST = bytes.fromhex("000100000006010300300002")
RUNS, PAGES, SECONDS = 9, 50, 20.0
SETTINGS = """\
[[meters]]
name = "main"
source = "simulate:kaifa"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[web]
enabled = {enabled}
host = "127.0.0.1"
port = {web}
[[mqtt]]
enabled = {mqtt}
host = "127.0.0.1"
port = {broker}
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class _Program:
    """`han2x run` with a page or without."""

    def __init__(self, folder: Path, *, enabled: bool, broker: int = 0) -> None:
        self.modbus, self.web = _free_port(), _free_port()
        file = folder / "han2x.toml"
        flags = {"enabled": str(enabled).lower(), "mqtt": str(bool(broker)).lower()}
        file.write_text(SETTINGS.format(modbus=self.modbus, web=self.web, broker=broker or 1883, **flags))
        words = ["run", "--settings", str(file), "--state", str(folder / "state")]
        self.began = monotonic()
        self._process = subprocess.Popen([sys.executable, "-m", "han2x", *words], stderr=subprocess.DEVNULL)

    def first_answer_ms(self) -> float:
        """Milliseconds from the start to the first Modbus answer."""
        while monotonic() - self.began < 20:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.modbus)) as client:
                client.sendall(REQUEST)
                if client.recv(64):
                    return (monotonic() - self.began) * 1000
            sleep(0.002)
        raise SystemExit("han2x did not answer")

    def page_ms(self) -> float:
        """Milliseconds from the start to the first answer of the page."""
        while monotonic() - self.began < 20:
            with contextlib.suppress(OSError):
                client = http.client.HTTPConnection("127.0.0.1", self.web, timeout=5)
                client.request("GET", "/v1/openapi.json")
                client.getresponse().read()
                client.close()
                return (monotonic() - self.began) * 1000
            sleep(0.002)
        raise SystemExit("the page did not answer")

    @property
    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        return float(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[0]) / 1e9

    def log_in(self) -> str:
        client = http.client.HTTPConnection("127.0.0.1", self.web)
        body = json.dumps({"user": "bits", "password": "vari"})
        client.request("POST", "/v1/session", body, {"Content-Type": "application/json"})
        response = client.getresponse()
        response.read()
        return (response.getheader("set-cookie") or "").partition(";")[0]

    def listen(self, cookie: str) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.web))
        client.sendall(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
        return client

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


@contextlib.contextmanager
def _program(*, enabled: bool, broker: int = 0) -> Iterator[_Program]:
    with tempfile.TemporaryDirectory() as folder:
        program = _Program(Path(folder), enabled=enabled, broker=broker)
        try:
            yield program
        finally:
            program.end()


@contextlib.contextmanager
def _broker() -> Iterator[int]:
    """The port of a mosquitto, 0 where there is none."""
    command = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if command is None:
        yield 0
        return
    port = _free_port()
    process = subprocess.Popen([command, "-p", str(port)], stderr=subprocess.DEVNULL)
    sleep(0.5)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def _starts(*, enabled: bool) -> tuple[float, float]:
    first, page = [], []
    for _ in range(RUNS):
        with _program(enabled=enabled) as program:
            first.append(program.first_answer_ms())
            page.append(program.page_ms() if enabled else 0.0)
    return statistics.median(first), statistics.median(page)


def main() -> None:
    """Measure, and print a line each."""
    without, _ = _starts(enabled=False)
    with_page, page = _starts(enabled=True)
    print(
        f"first Modbus answer, median of {RUNS}: {without:.0f} ms without the page, "
        f"{with_page:.0f} ms with it"
    )
    print(f"first answer of the page: {page:.0f} ms")
    with _broker() as port, _program(enabled=True, broker=port) as program:
        program.page_ms()
        sleep(12)
        quiet = program.resident_mb
        cookie = program.log_in()
        began = program.cpu_s
        sleep(SECONDS)
        alone = (program.cpu_s - began) / SECONDS
        pages = [program.listen(cookie) for _ in range(PAGES)]
        sleep(2)
        began = program.cpu_s
        sleep(SECONDS)
        many = (program.cpu_s - began) / SECONDS
        what = "Modbus, MQTT, history, page" if port else "Modbus, history, page"
        print(f"resident, {what}: {quiet:.1f} MB; with {PAGES} live pages {program.resident_mb:.1f} MB")
        print(f"CPU of the main thread: {100 * alone:.2f} %; with {PAGES} live pages {100 * many:.2f} %")
        for client in pages:
            client.close()


if __name__ == "__main__":
    main()
