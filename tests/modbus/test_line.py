"""The RTU service on a pty, and over TCP: answers, timing, unplugging; echoes and silences by themselves.

What is heard as a request is in test_rtu.py; other programs as masters are in test_rtu_interop.py. The
service runs in a thread, the master is the test. Waiting is always for the device, and has a deadline.
"""

import asyncio
import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from han2x.app import SERVICES
from han2x.modbus import line, rtu_tcp
from han2x.modbus.line import FAST_T35_S, LATENT_GAP_S, PROMPT_GAP_S, Echo, Silences
from han2x.modbus.rtu import BROADCAST, frame
from han2x.model.instant import ZERO
from han2x.model.quantity import Quantity
from han2x.model.state import Snapshot
from han2x.runtime import tty as device
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.runtime.tty import Framing
from han2x.settings.modbus import ModbusRtu, ModbusRtuTcp
from han2x.settings.schema import Meter, Settings

DEADLINE_S = 60
SILENCE_S = 0.2
"""Longer than any silence that the service waits for."""

VOLTAGE = frame(1, bytes.fromhex("03 000E 0002"))
VOLTAGE_ANSWER = frame(1, bytes.fromhex("03 04 0000 0956"))
SCALE = frame(1, bytes.fromhex("03 0030 0002"))
METERS = (Meter(), Meter(name="garage", unit_id=7))


def scale_is(value: int, unit: int = 1) -> bytes:
    """The answer to a read of the scale factor."""
    return frame(unit, b"\x03\x04" + value.to_bytes(4, "big"))


class Adapter:
    """A pty under a path of its own, its other end in the master's hand; unplugging takes both away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug_in()

    def plug_in(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.master)

    def send(self, octets: bytes) -> None:
        os.write(self.master, octets)

    def receive(self, count: int, within_s: float = DEADLINE_S) -> bytes:
        """So many octets, or what of them came within the time."""
        octets, end = b"", time.monotonic() + within_s
        while len(octets) < count and (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                octets += os.read(self.master, count - len(octets))
        return octets

    def ask(self, request: bytes, count: int = 9) -> bytes:
        self.send(request)
        return self.receive(count)

    def is_silent(self) -> bool:
        return self.receive(1, SILENCE_S) == b""


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    adapter = Adapter(tmp_path / "ttyRS485")
    yield adapter
    with contextlib.suppress(OSError):
        adapter.unplug()


class Serving:
    """A service in a thread with a loop of its own."""

    def __init__(self, run: Callable[..., Any], section: object, meters: tuple[Meter, ...]) -> None:
        self.gateway = Gateway(Settings(meters=meters), clock=lambda: ZERO)
        for meter in meters:
            self.gateway.snapshot(meter.name).set(Snapshot(values={Quantity.VOLT_L1: 239_000}))
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(run(section, self.gateway, "line"))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has stopped already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(DEADLINE_S)

    def becomes(self, condition: Condition, text: str) -> str:
        """Wait for a state of health whose text has these words."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            health = self.gateway.health.value.get("line")
            if health and health.condition is condition and text in health.text:
                return health.text
            time.sleep(0.01)
        raise TimeoutError(str(self.gateway.health.value))


Serve = Callable[..., Serving]


@pytest.fixture
def serve(adapter: Adapter) -> Iterator[Serve]:
    """Starts the service on the adapter with the given settings; stops it after the test."""
    started: list[Serving] = []

    def start(*, meters: tuple[Meter, ...] = METERS, **settings: Any) -> Serving:
        section = replace(ModbusRtu(enabled=True, device=str(adapter.path)), **settings)
        started.append(Serving(line.run, section, meters))
        return started[-1]

    yield start
    for serving in started:
        serving.stop()


@pytest.fixture
def served(serve: Serve) -> Serving:
    """The service with its default settings, listening."""
    serving = serve()
    serving.becomes(Condition.OK, "serving")
    return serving


@pytest.mark.usefixtures("served")
def test_example_of_the_manual(adapter: Adapter) -> None:
    """The manual's request in RTU gets the manual's answer, octet by octet (M11, M14)."""
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
    assert adapter.is_silent()


@pytest.mark.usefixtures("served")
def test_octet_by_octet(adapter: Adapter) -> None:
    """A request may come in any number of lumps."""
    for octet in VOLTAGE:
        adapter.send(bytes((octet,)))
    assert adapter.receive(9) == VOLTAGE_ANSWER


@pytest.mark.usefixtures("served")
def test_each_meter_is_a_slave(adapter: Adapter) -> None:
    """Each meter answers at its unit id; there is nobody at any other, 0 and 255 included (SER 2.2)."""
    request = bytes.fromhex("03 000E 0002")
    assert adapter.ask(frame(7, request)) == frame(7, bytes.fromhex("03 04 0000 0956"))
    for unit in (0, 2, 247, 248, 255):
        adapter.send(frame(unit, request))
        assert adapter.is_silent()


@pytest.mark.usefixtures("served")
def test_broadcast(adapter: Adapter) -> None:
    """A broadcast changes every meter, and nothing answers."""
    adapter.send(frame(BROADCAST, bytes.fromhex("10 0030 0002 04 0000 1388")))
    assert adapter.is_silent()
    assert adapter.ask(SCALE) == scale_is(5000)
    assert adapter.ask(frame(7, bytes.fromhex("03 0030 0002"))) == scale_is(5000, unit=7)


def test_not_writable(adapter: Adapter, serve: Serve) -> None:
    """With writes off the scale factor is as read-only as the rest."""
    serve(writable=False).becomes(Condition.OK, "serving")
    assert adapter.ask(frame(1, bytes.fromhex("06 0031 0001")), 5) == frame(1, b"\x86\x02")


def test_the_master_is_counted(adapter: Adapter, served: Serving) -> None:
    """Requests, exceptions and the last exception's code are there to be shown."""
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
    adapter.ask(frame(1, bytes.fromhex("03 FFFF 0002")), 5)
    (master,) = served.gateway.clients["line"]().connected
    assert (master.peer, master.requests, master.exceptions) == (str(adapter.path), 2, 1)
    assert master.last_exception == 2


@pytest.mark.usefixtures("served")
def test_the_newest_values(adapter: Adapter, served: Serving) -> None:
    """An answer has the values of the moment it was asked for."""
    served.gateway.snapshot("main").set(Snapshot(values={Quantity.VOLT_L1: 231_500}))
    assert adapter.ask(VOLTAGE) == frame(1, b"\x03\x04" + (2315).to_bytes(4, "big"))


@pytest.mark.parametrize("baud_rate", device.BAUD_RATES)
def test_no_sooner_than_the_standard_allows(adapter: Adapter, serve: Serve, baud_rate: int) -> None:
    """Between a request and its answer there are 3.5 characters, above 19200 Bd 1.75 ms (SER 2.5.1.1)."""
    serve(baud_rate=baud_rate).becomes(Condition.OK, f"{baud_rate} Bd 8E1")
    sent = time.monotonic()
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
    assert time.monotonic() - sent >= (3.5 * 11 / baud_rate if baud_rate <= 19200 else 0.00175)
    assert termios.tcgetattr(adapter.master)[4] == device.BAUD_RATES[baud_rate]


@pytest.mark.usefixtures("served")
def test_a_request_that_is_given_up(adapter: Adapter) -> None:
    """A master that says something else before the answer has begun gets the answer to that alone."""
    adapter.send(SCALE + VOLTAGE)
    assert adapter.receive(9) == VOLTAGE_ANSWER
    adapter.send(SCALE + frame(5, bytes.fromhex("03 0000 0001")))
    assert adapter.is_silent()


@pytest.mark.usefixtures("served")
def test_noise(adapter: Adapter) -> None:
    """After any noise and a silence the next request is answered."""
    for noise in (
        b"\0",
        b"\xff" * 20,
        VOLTAGE[:5],
        VOLTAGE[1:],
        bytes(range(256)) * 8,
        b"\x01\x10" + bytes(100),
    ):
        adapter.send(noise)
        assert adapter.is_silent()
        assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER


def test_an_echo_is_no_request(adapter: Adapter, served: Serving) -> None:
    """Where the receiver stays on while sending, answers come back, and none is taken for a request."""
    single = frame(1, bytes.fromhex("06 0031 07D0"))
    for request, count in ((single, 8), (VOLTAGE, 9), (single, 8), (single, 8)):
        answer = adapter.ask(request, count)
        adapter.send(answer)
        assert adapter.is_silent()
    assert served.gateway.settings.value.meters[0].scale == 2000


@pytest.mark.usefixtures("served")
def test_the_same_write_again_and_again(adapter: Adapter) -> None:
    """Where nothing comes back, a master that repeats itself at once is not taken for an echo."""
    single = frame(1, bytes.fromhex("06 0031 07D0"))
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
    assert adapter.ask(SCALE) == scale_is(1000)
    for _ in range(5):
        assert adapter.ask(single, 8) == single


def test_unplugged_and_plugged_in(adapter: Adapter, served: Serving) -> None:
    """An adapter that is unplugged is missed aloud, and serves again by itself when it is back."""
    for _ in range(2):
        assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
        adapter.unplug()
        served.becomes(Condition.FAILING, "ttyRS485 is gone: was the adapter unplugged?")
        served.becomes(Condition.FAILING, "is not there: is the adapter plugged in?")
        adapter.plug_in()
        served.becomes(Condition.OK, "serving")


def test_a_device_in_use(adapter: Adapter, serve: Serve) -> None:
    """A device that another program has is said to be taken, and served when it is let go of."""
    with adapter.path.open("rb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        serving = serve()
        serving.becomes(Condition.FAILING, "is in use by another program")
        fcntl.flock(other, fcntl.LOCK_UN)
        serving.becomes(Condition.OK, "serving")
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"device": ""}, "set modbus_rtu.device"),
        ({"device": "/dev/null"}, "is no serial device"),
        ({"rs485": "on"}, "cannot switch RS485: set modbus_rtu.rs485 to auto"),
    ],
)
def test_settings_that_cannot_work(serve: Serve, settings: dict[str, str], text: str) -> None:
    """What cannot be applied is shown with what to do about it."""
    serve(**settings).becomes(Condition.FAILING, text)


def test_wrong_baud_rate(adapter: Adapter, served: Serving) -> None:
    """Octets that never make a frame are said to be the sign of wrong settings, until a frame comes."""
    adapter.send(b"\x55\xaa\x12" * 80)
    adapter.is_silent()
    adapter.send(b"\x55\xaa\x12" * 80)
    served.becomes(Condition.FAILING, "no frame has a right checksum: are baud rate, parity")
    assert adapter.ask(VOLTAGE) == VOLTAGE_ANSWER
    served.becomes(Condition.OK, "serving")


def test_descriptors_and_watchers_are_let_go_of(adapter: Adapter, serve: Serve) -> None:
    """A service that was stopped leaves nothing open and nobody watching."""
    before = set(os.listdir("/proc/self/fd"))
    serving = serve()
    serving.becomes(Condition.OK, "serving")
    serving.stop()
    assert set(os.listdir("/proc/self/fd")) == before


def test_off_is_not_imported() -> None:
    """The services cost nothing while they are off, as they are unless set otherwise."""
    rtu = [
        service for service in SERVICES if service.entry.split(":")[0] in (line.__name__, rtu_tcp.__name__)
    ]
    assert [service.sections(Settings()) for service in rtu] == [{}, {}]
    code = "import sys, han2x.app, han2x.modbus.tcp; print([name for name in sys.modules if 'rtu' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("framing", "gap_ms", "prompt", "t35", "gap"),
    [
        (Framing(9600, "E", 1), 0, True, 38.5 / 9600, PROMPT_GAP_S),
        (Framing(9600, "N", 1), 0, False, 35 / 9600, LATENT_GAP_S),
        (Framing(1200, "E", 1), 0, True, 38.5 / 1200, 38.5 / 1200),
        (Framing(115200, "N", 2), 0, True, FAST_T35_S, PROMPT_GAP_S),
        (Framing(115200, "N", 2), 1, False, FAST_T35_S, FAST_T35_S),
        (Framing(19200, "E", 1), 50, True, 38.5 / 19200, 0.05),
    ],
)
def test_silences(framing: Framing, gap_ms: int, prompt: bool, t35: float, gap: float) -> None:
    """The gap is the standard's, or longer where the adapter is slow or the settings want it so."""
    silences = Silences(framing, gap_ms=gap_ms, prompt=prompt)
    assert (silences.t35, silences.gap) == pytest.approx((t35, gap))
    assert silences.quiet > silences.gap


def test_echo_in_lumps() -> None:
    """An echo is taken out however it is cut; what follows it is not."""
    echo = Echo()
    echo.sent(VOLTAGE_ANSWER, VOLTAGE[1:-2])
    assert [echo.strip(VOLTAGE_ANSWER[:4]), echo.strip(VOLTAGE_ANSWER[4:] + SCALE)] == [b"", SCALE]
    assert echo.strip(VOLTAGE_ANSWER) == VOLTAGE_ANSWER


def test_a_beginning_like_an_echo() -> None:
    """A request that begins like the answer before it is whole again as soon as it differs."""
    echo = Echo()
    echo.sent(VOLTAGE_ANSWER, VOLTAGE[1:-2])
    assert [echo.strip(VOLTAGE[:2]), echo.strip(VOLTAGE[2:])] == [b"", VOLTAGE]


def test_a_damaged_echo_proves_nothing() -> None:
    """An echo with a wrong octet does not make the line one without echoes: the next one is taken out."""
    echo, single = Echo(), frame(1, bytes.fromhex("06 0031 07D0"))
    echo.sent(VOLTAGE_ANSWER, VOLTAGE[1:-2])
    assert echo.strip(b"\x55" + VOLTAGE_ANSWER[1:])
    echo.gap()
    assert echo.strip(single) == single
    echo.heard()
    echo.sent(single, single[1:-2])
    assert echo.strip(single) == b""


class Driver:
    """A serial driver with RS485 and latency flags, in place of `fcntl.ioctl`."""

    def __init__(self, *, obeys: bool) -> None:
        self.obeys = obeys
        self.rs485 = bytes(32)
        self.serial = bytearray(128)

    def ioctl(self, fd: int, request: int, argument: Any) -> Any:
        if request == 0x542F and self.obeys:
            self.rs485 = argument
        if request == 0x542E:
            return self.rs485
        if request == termios.TIOCGSERIAL:
            argument[:] = self.serial
        if request == termios.TIOCSSERIAL and self.obeys:
            self.serial[:] = argument
        return 0


@pytest.mark.parametrize("obeys", [True, False])
def test_what_the_driver_does_is_read_back(monkeypatch: pytest.MonkeyPatch, obeys: bool) -> None:
    """RS485 direction and low latency are on if the driver says so afterwards, not because it was asked."""
    driver = Driver(obeys=obeys)
    monkeypatch.setattr("han2x.runtime.tty.fcntl.ioctl", driver.ioctl)
    assert device.set_rs485(0, enabled=True) is obeys
    assert driver.rs485[0] == (3 if obeys else 0)
    assert device.set_rs485(0, enabled=False) is False
    assert device.set_low_latency(0) is obeys
    assert int.from_bytes(driver.serial[16:20], sys.byteorder) == (0x2000 if obeys else 0)


def test_a_driver_that_switches_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polarity and delays of a device tree stay as they are."""
    driver = Driver(obeys=True)
    driver.rs485 = known = bytes((5, *[0] * 3, 7, *[0] * 27))
    monkeypatch.setattr("han2x.runtime.tty.fcntl.ioctl", driver.ioctl)
    assert device.set_rs485(0, enabled=True)
    assert driver.rs485 == known


@pytest.fixture
def device_server() -> Iterator[tuple[socket.socket, Serving]]:
    """A serial device server that has connected to the RTU-over-TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = Serving(rtu_tcp.run, ModbusRtuTcp(enabled=True, host="127.0.0.1", port=port), METERS)
    serving.becomes(Condition.OK, f"listening on 127.0.0.1:{port}")
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
        yield client, serving
    serving.stop()


def taken(client: socket.socket, count: int) -> bytes:
    """Exactly so many octets."""
    octets = b""
    while len(octets) < count and (more := client.recv(count - len(octets))):
        octets += more
    return octets


def test_over_tcp(device_server: tuple[socket.socket, Serving]) -> None:
    """Requests in any pieces are answered; others' traffic, broadcasts and noise are not."""
    client, _ = device_server
    client.sendall(
        frame(5, b"\x03\0\0\0\1") + frame(5, b"\x03\2\0\0") + frame(BROADCAST, b"\x06\0\x31\7\xd0")
    )
    for octet in VOLTAGE:
        client.sendall(bytes((octet,)))
    assert taken(client, 9) == VOLTAGE_ANSWER
    client.sendall(SCALE)
    assert taken(client, 9) == scale_is(2000)


def test_over_tcp_by_silence(device_server: tuple[socket.socket, Serving]) -> None:
    """What only silence can end is answered after it, and noise is forgotten with it."""
    client, _ = device_server
    mask = frame(1, bytes.fromhex("16 0031 FF00 0001"))
    client.sendall(mask)
    assert taken(client, 10) == mask
    client.sendall(b"\x01\x41\x55")
    client.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(DEADLINE_S)
    client.sendall(VOLTAGE)
    assert taken(client, 9) == VOLTAGE_ANSWER


def test_over_tcp_many_at_once(device_server: tuple[socket.socket, Serving]) -> None:
    """Thousands of requests in one go are all answered, in order, in turns of a frame's size."""
    client, _ = device_server
    single = frame(1, bytes.fromhex("06 0031 07D0"))
    sender = threading.Thread(target=client.sendall, args=((VOLTAGE + single) * 2000,))
    sender.start()
    assert taken(client, 2000 * 17) == (VOLTAGE_ANSWER + single) * 2000
    sender.join(DEADLINE_S)


def test_over_tcp_only_from_allowed_networks() -> None:
    """A client from elsewhere is closed at once, as on the other port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    section = ModbusRtuTcp(enabled=True, host="127.0.0.1", port=port, allow="192.0.2.0/24")
    serving = Serving(rtu_tcp.run, section, METERS)
    try:
        serving.becomes(Condition.OK, "listening")
        client = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        with client, contextlib.suppress(ConnectionError):
            assert client.recv(1) == b""
        assert serving.gateway.clients["line"]().refused == 1
    finally:
        serving.stop()


def test_over_tcp_port_taken() -> None:
    """A taken port is trouble that names the settings of this service."""
    with socket.create_server(("127.0.0.1", 0)) as taken_port:
        section = ModbusRtuTcp(enabled=True, host="127.0.0.1", port=taken_port.getsockname()[1])
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        with pytest.raises(Trouble, match=r"set modbus_rtu_tcp\.port"):
            asyncio.run(rtu_tcp.run(section, gateway, "line"))
