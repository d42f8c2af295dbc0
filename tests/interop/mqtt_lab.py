"""A broker, all that is said on it, a meter that can fall silent, and the program."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx2

from han2x.settings.source import SimulatedSource, parse_source
from han2x.simulator.meter import telegrams

from ..ports import free_port

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
[[meters]]
name = "main"
source = "tcp:127.0.0.1:{meter}"
main_topic = ""

[modbus_tcp]
enabled = false

[[mqtt]]
enabled = true
host = "127.0.0.1"
port = {broker}
discovery = "device"

[web]
host = "127.0.0.1"
port = {web}
"""
FIRST_OWNER = {"user": "bits", "password": "vari"}


class Broker:
    """Debian's Mosquitto on a port of loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        file = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        file.write_text(f"{user}listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self._command = ["mosquitto", "-c", str(file)]
        self.start()

    def start(self) -> None:
        """Come up, with nothing retained."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """By mosquitto_pub."""
        command = ["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic, "-m", payload]
        subprocess.run([*command, *(["-r"] if retain else [])], check=True)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)


class Message(NamedTuple):
    """A message as it was published."""

    at: float
    topic: str
    payload: str
    retained: bool


class Bus:
    """All that is said on a broker, by mosquitto_sub; `messages` is in order."""

    def __init__(self, broker: Broker) -> None:
        self.messages: list[Message] = []
        command = ["mosquitto_sub", "-p", str(broker.port), "-V", "5", "--retain-as-published", "-q", "1"]
        command += ["-t", "#", "-F", "%r %t %p"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            retained, topic, payload = line.rstrip("\n").split(" ", 2)
            self.messages.append(Message(time.monotonic(), topic, payload, retained == "1"))

    def last(self) -> dict[str, str]:
        """The newest payload of each topic."""
        return {message.topic: message.payload for message in self.messages}

    def retained(self, pattern: str) -> dict[str, str]:
        """What was last published to be kept on topics that match, and was not taken back."""
        kept = {message.topic: message.payload for message in self.messages if message.retained}
        return {topic: payload for topic, payload in kept.items() if payload and re.search(pattern, topic)}

    def quiet_s(self) -> float:
        """Seconds since the last message."""
        return time.monotonic() - self.messages[-1].at

    def stop(self) -> None:
        """Hear no more."""
        self._process.terminate()
        self._process.wait(20)
        self._thread.join()


class Meter:
    """A simulated meter behind a network bridge; while `silent` its line is cut."""

    def __init__(self, source: str) -> None:
        found = parse_source(source)
        assert isinstance(found, SimulatedSource)
        self.silent = False
        self._telegrams = telegrams(found, datetime.now(UTC))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._readers: list[socket.socket] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept), threading.Thread(target=self._send)]
        self._server.settimeout(0.2)
        for thread in self._threads:
            thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                self._readers.append(self._server.accept()[0])
            except TimeoutError:
                continue

    def _send(self) -> None:
        while not self._readers and not self._ended.wait(0.1):
            pass
        began = time.monotonic()
        for telegram in self._telegrams:
            if self._ended.wait(max(0.0, began + telegram.due_ms / 1000 - time.monotonic())):
                return
            for reader in () if self.silent else tuple(self._readers):
                try:
                    reader.sendall(telegram.data)
                except OSError:
                    self._readers.remove(reader)

    def stop(self) -> None:
        """Take the bridge away."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for reader in self._readers:
            reader.close()
        self._server.close()


class Program:
    """`han2x run` in a folder of its own; what it logs over all its starts is in `log`."""

    def __init__(self, folder: Path, meter: Meter, broker: Broker) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = folder / "settings.toml"
        self._web = free_port()
        self._settings.write_text(SETTINGS.format(meter=meter.port, broker=broker.port, web=self._web))

    def set(self, name: str, value: str, was: str = ".*") -> None:
        """Change a setting in the file; the rest is as the program left it. `was`: a pattern."""
        text = self._settings.read_text()
        pattern = rf'(?m)^{name} = "{was}"$'
        assert re.search(pattern, text), text
        self._settings.write_text(re.sub(pattern, f'{name} = "{value}"', text))

    def start(self, discovery: str) -> None:
        """Start it with this form of discovery."""
        self.set("discovery", discovery)
        command = [sys.executable, "-m", "han2x", "run", "--settings", str(self._settings)]
        command += ["--state", str(self._folder / "state")]
        with (self._folder / "program.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def change(self, **changes: object) -> None:
        """Change settings as its page does, while it runs; `__` stands for the dot."""
        with httpx2.Client(base_url=f"http://127.0.0.1:{self._web}/v1/") as browser:
            assert browser.post("session", json=FIRST_OWNER).status_code == 204
            browser.headers["X-CSRF"] = browser.get("session").json()["csrf"]
            named = {name.replace("__", "."): value for name, value in changes.items()}
            answer = browser.patch("settings", json={"changes": named})
            assert answer.status_code == 200, answer.text

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self._folder / "program.log").read_text()

    def stop(self) -> None:
        """End it as systemd does."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """End it without a word."""
        self._end(subprocess.Popen.kill)

    def _end(self, how: Callable[["subprocess.Popen[bytes]"], None]) -> None:
        if self._process:
            how(self._process)
            self._process.wait(20)
            self._process = None


def wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    for _ in _tries(20):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            continue
        return
    raise AssertionError(f"nobody listens on port {port}")


def _tries(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
