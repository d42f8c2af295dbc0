"""Shared by the MQTT tests: a real Mosquitto on a free port, mosquitto_sub, and a gateway that publishes.

Nothing waits for time to pass but for what another process does. Certificates are made by openssl.
"""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from han2x.app import clock
from han2x.model.quantity import ENERGIES, Quantity
from han2x.model.reading import Fitting, Identity, ListType, MeterClock, Net, Reading, TimeBase
from han2x.runtime.gateway import Gateway
from han2x.settings.amend import Refused, from_table
from han2x.settings.schema import Settings

from ..ports import free_port

DEADLINE_S = 60.0
IDENTITY = Identity("KFM_001", "6970631400000000", "MA304H3E")
MISSING = [name for name in ("mosquitto", "mosquitto_sub", "mosquitto_pub") if not shutil.which(name)]


def poll(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_S) -> None:
    """Wait until something that another process does has happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.01)


def takes(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something takes connections at a port."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


class Mosquitto:
    """A broker of our own, with the given lines of configuration; `port` is its first listener."""

    def __init__(self, folder: Path, *lines: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        text = [f"listener {self.port} 127.0.0.1", "user root", *(lines or ("allow_anonymous true",))]
        self._config.write_text("\n".join(text) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        """Up, and taking connections."""
        with self.log.open("ab") as log:
            command = ["mosquitto", "-c", str(self._config), "-v"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        poll(self._listens, "mosquitto listens")
        return self

    def _listens(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log.read_text()
        return takes(self.port)

    def send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Gone."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(10)
            self._process = None


class Line(NamedTuple):
    """A message as mosquitto_sub prints it: whether the broker had kept it, QoS, topic, payload."""

    retained: bool
    qos: int
    topic: str
    payload: str


class Listener:
    """mosquitto_sub, and the messages it has printed so far."""

    def __init__(self, port: int, file: Path, *options: str) -> None:
        self._file = file
        command = [
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-q",
            "2",
            "-F",
            "%r %q %t %p",
            *options,
        ]
        with file.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def lines(self) -> list[Line]:
        found = []
        whole, _, _ = self._file.read_text("utf-8").rpartition("\n")  # the last may be on its way
        for text in whole.splitlines():
            parts = text.split(" ", 3)
            assert len(parts) == 4, text
            found.append(Line(parts[0] == "1", int(parts[1]), parts[2], parts[3]))
        return found

    def payloads(self, topic: str) -> list[str]:
        return [line.payload for line in self.lines if line.topic == topic]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts brokers; they end with the test."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    started: list[Mosquitto] = []

    def start(*lines: str, port: int = 0) -> Mosquitto:
        folder = tmp_path / f"broker{len(started)}"
        folder.mkdir()
        started.append(Mosquitto(folder, *lines, port=port).start())
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[..., Listener]]:
    """Starts mosquitto_sub; what it says ends with the test."""
    started: list[Listener] = []

    def start(broker: Mosquitto, *options: str) -> Listener:
        wanted = options or ("-t", "#")
        before = broker.log.read_text().count("Sending SUBACK")
        started.append(Listener(broker.port, tmp_path / f"heard{len(started)}", *wanted))
        poll(lambda: broker.log.read_text().count("Sending SUBACK") > before, "mosquitto_sub listens")
        return started[-1]

    yield start
    for listener in started:
        listener.stop()


class Authority(NamedTuple):
    """Certificates: who vouches, the broker's for localhost and 127.0.0.1, a client's, and a stranger's."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    stranger: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Made once, by openssl."""
    if not shutil.which("openssl"):
        pytest.skip("not installed: openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    def self_made(name: str) -> None:
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-subj", f"/CN={name}")  # fmt: skip

    def signed(name: str) -> None:
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")  # fmt: skip
        (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", f"{name}.pem")  # fmt: skip

    self_made("ca")
    self_made("stranger")
    signed("server")
    signed("client")
    names = ("ca.pem", "server.pem", "server.key", "client.pem", "client.key", "stranger.pem")
    return Authority(*(folder / name for name in names))


def settings(port: int, **more: object) -> Settings:
    """One meter, and one broker on loopback with `more` settings."""
    table = {"mqtt": [{"enabled": True, "host": "127.0.0.1", "port": port, **more}]}
    result = from_table(table)
    assert not isinstance(result, Refused), str(result)
    return result


def reading(kind: ListType = ListType.TEN_SECONDS, net: Net = Net.IT, **values: int) -> Reading:
    """A Kaifa telegram with these values, by the names of quantities."""
    moment = MeterClock(datetime(2026, 11, 26, 12, 0, 10), True, TimeBase.CIVIL)
    return Reading(
        vendor="kaifa",
        list_type=kind,
        values={quantity: values[quantity] for quantity in Quantity if quantity in values},
        identity=IDENTITY if kind is not ListType.FAST else Identity(),
        clock=moment if kind is ListType.HOURLY else None,
        fitting=Fitting(net),
    )


EVERYTHING: Mapping[str, int] = {
    "act_pow_pos": 1234,
    "act_pow_neg": 0,
    "react_pow_pos": 12,
    "react_pow_neg": 0,
    "curr_l1": 4224,
    "curr_l2": 3000,
    "curr_l3": 1019,
    "volt_l1": 233_600,
    "volt_l2": 234_000,
    "volt_l3": 229_800,
    "act_energy_pos": 12_345_678,
    "act_energy_neg": 5_000,
    "react_energy_pos": 79_233,
    "react_energy_neg": 2_059_951,
}


def everything(**changes: int) -> Reading:
    """An hourly telegram with every quantity."""
    return reading(ListType.HOURLY, Net.IT, **{**EVERYTHING, **changes})


def instant(**changes: int) -> Reading:
    """A ten-second telegram: all but the energies."""
    values = {name: value for name, value in EVERYTHING.items() if name not in ENERGIES}
    return reading(ListType.TEN_SECONDS, Net.IT, **{**values, **changes})


@asynccontextmanager
async def publishing(wanted: Settings, state: Path | None = None) -> AsyncIterator[Gateway]:
    """A gateway whose MQTT service runs, as the program runs it."""
    from han2x.app import SERVICES
    from han2x.runtime.service import keep

    gateway = Gateway(wanted, clock=clock, state_dir=state)
    mqtt = next(one for one in SERVICES if one.entry.startswith("han2x.mqtt"))
    keeping = asyncio.create_task(keep(mqtt, gateway))
    try:
        yield gateway
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_S) -> None:
    """Wait, with the loop running, until something that another process does has happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.01)


def health(gateway: Gateway, name: str = "mqtt") -> str:
    """What there is to say of a service."""
    found = gateway.health.value.get(name)
    return f"{found.condition}: {found.text}" if found else ""


def play(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene to its end."""
    asyncio.run(asyncio.wait_for(scene, 180))


OSLO = ZoneInfo("Europe/Oslo")
MAIN_TOPIC = re.compile(r"HAN2X_[1-9]\d{7}")
