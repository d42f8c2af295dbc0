"""`run` and `demo` as processes that are told to stop: quickly, with status 0, and without a traceback."""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from ..ports import free_port

DEADLINE_S = 60


class Process:
    """A command that serves; what it prints is gathered in `text`."""

    def __init__(self, *words: str) -> None:
        self.text = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "han2x", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def until(self, text: str) -> None:
        """Read until a text has been printed."""
        assert self._process.stdout
        deadline = monotonic() + DEADLINE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while text not in self.text:
                assert selector.select(deadline - monotonic()), f"{text!r} was not printed:\n{self.text}"
                octets = os.read(self._process.stdout.fileno(), 65536)
                assert octets, f"ended before {text!r}:\n{self.text}"
                self.text += octets.decode()

    def stopped_by(self, number: signal.Signals, times: int = 1) -> tuple[int, float]:
        """The exit status after a signal, and the seconds that took."""
        began = monotonic()
        for _ in range(times):
            self._process.send_signal(number)
        rest, _ = self._process.communicate(timeout=DEADLINE_S)
        self.text += rest.decode()
        return self._process.returncode, monotonic() - began

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def serving(*words: str) -> Iterator[Process]:
    process = Process(*words)
    try:
        yield process
    finally:
        process.end()


def connected(port: int) -> socket.socket:
    """A connection, as soon as one is taken: on a busy machine a meter may be opened before the port is."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_demo_tells_how_to_read_it_and_ends(number: signal.Signals) -> None:
    """The demo says how to read it as soon as it can be read, answers, and stops when told to."""
    port, web_port = free_port(), free_port()
    with serving("demo", "--port", str(port), "--web-port", str(web_port)) as demo:
        demo.until("Ctrl-C ends it.")
        assert f"mbpoll -m tcp -p {port} " in demo.text
        assert f"http://127.0.0.1:{web_port}/ for user bits, password vari" in demo.text
        with socket.create_connection(("127.0.0.1", web_port), timeout=5) as client:
            client.sendall(b"GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 401"
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(bytes.fromhex("000100000006010300300002"))
            assert client.recv(100).hex() == "0001000000070103" + "04" + "000003e8"
        status, seconds = demo.stopped_by(number)
    assert status == 0
    assert seconds < 15
    assert "Traceback" not in demo.text


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("times", [1, 3])
def test_run_ends(tmp_path: Path, number: signal.Signals, times: int) -> None:
    """A gateway with a reading meter, a waiting one and a client stops at the first word, or the third."""
    port = free_port()
    settings = tmp_path / "han2x.toml"
    settings.write_text(
        f'[modbus_tcp]\nhost = "127.0.0.1"\nport = {port}\n'
        '[[meters]]\nsource = "simulate:kaifa?speed=100"\n'
        '[[meters]]\nname = "gone"\nunit_id = 2\nsource = "serial:/no/tty"\n'
    )
    with serving("run", "--settings", str(settings), "--state", str(tmp_path / "state"), "--verbose") as run:
        run.until("meter gone: /no/tty is not there")
        with connected(port):
            status, seconds = run.stopped_by(number, times)
    assert status == 0
    assert seconds < 15
    assert "Traceback" not in run.text


def test_the_demo_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is made, wherever the demo is started."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "STATE_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with serving("demo", "--port", str(free_port())) as demo:
        demo.until("Ctrl-C ends it.")
        demo.stopped_by(signal.SIGTERM)
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_said_by_the_demo() -> None:
    """Where the port is taken the log says so, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving("demo", "--port", str(port)) as demo:
            demo.until(
                f"TCP port {port} is in use by another program: stop that, or set modbus_tcp.port to a"
            )
            assert demo.stopped_by(signal.SIGINT)[0] == 0
    assert "A simulated meter answers" not in demo.text
    assert "Traceback" not in demo.text


def test_listening_is_interrupted_with_its_diagnosis() -> None:
    """Ctrl-C while listening prints what was found, and good telegrams are status 0."""
    with serving("listen", "simulate:kaifa?speed=100") as listen:
        listen.until("kaifa list 1")
        status, _ = listen.stopped_by(signal.SIGINT)
    assert status == 0
    assert "-- Good telegrams arrive" in listen.text
    assert "Traceback" not in listen.text
