"""The watchdog: a socket in place of systemd, a real Modbus server, and a clock moved by hand."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from han2x.board.watchdog import Probe, check, period_s, run, tell
from han2x.modbus import tcp
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType, Reading
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.settings.device import Watched
from han2x.settings.modbus import ModbusTcp
from han2x.settings.schema import Meter, Settings

from ..ports import free_port

READING = Reading(vendor="kaifa", list_type=ListType.FAST, values={Quantity.ACT_POW_POS: 1})


class Clock:
    now = Instant(0, 1_000)

    def __call__(self) -> Instant:
        return self.now


class Manager:
    """Where the service manager would listen."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")

    async def told(self) -> str:
        async with asyncio.timeout(60):
            return (await asyncio.get_running_loop().sock_recv(self.socket, 1000)).decode()


@asynccontextmanager
async def serving(gateway: Gateway, port: int) -> AsyncIterator[None]:
    section = ModbusTcp(host="127.0.0.1", port=port)
    server = asyncio.create_task(tcp.run(section, gateway, "modbus tcp"))
    try:
        yield
    finally:
        server.cancel()
        await asyncio.wait([server])


def test_ready_when_modbus_answers_and_fed_while_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is told before the server runs; then READY, then food; and none when the server is gone."""
    manager = Manager(tmp_path / "notify", monkeypatch)

    async def main() -> None:
        gateway, port = Gateway(Settings(), clock=Clock()), free_port()
        watched = Watched(server="modbus tcp", host="127.0.0.1", port=port)
        watchdog = asyncio.create_task(run(watched, gateway, "watchdog"))
        await asyncio.sleep(0)
        with pytest.raises(BlockingIOError):
            manager.socket.recv(100)
        async with serving(gateway, port):
            assert [await manager.told() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
            assert gateway.health.value["watchdog"].condition is Condition.OK
            assert len(gateway.clients["modbus tcp"]().connected) == 1, "one connection, kept"
        with pytest.raises(Trouble, match=f"the Modbus server does not answer on port {port}"):
            await asyncio.wait_for(watchdog, 60)

    asyncio.run(main())


def test_a_server_that_hangs_is_not_fed() -> None:
    """A port that accepts and never answers is no server."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            probe = Probe(Watched(server="", host="", port=silent.getsockname()[1]))
            with pytest.raises(Trouble, match="does not answer"):
                await probe.ask()

    asyncio.run(main())


def test_without_a_server_there_is_nothing_to_ask() -> None:
    """Modbus turned off, or closed to this machine: the loop's running is the proof."""
    asyncio.run(Probe(Watched(server="", host="", port=0)).ask())


def test_a_meter_that_falls_silent_stops_the_feeding_once() -> None:
    """Ten minutes after its last telegram; a meter that never sent, and a recording, do not."""
    clock = Clock()
    meters = (
        Meter(),
        Meter(name="never", unit_id=2),
        Meter(name="recording", unit_id=3, source="replay:/tmp/a"),
    )
    gateway = Gateway(Settings(meters=meters), clock=clock)
    check(gateway)
    gateway.received("main", READING)
    gateway.received("recording", READING)
    clock.now = clock.now.plus_ms(599_999)
    check(gateway)
    clock.now = clock.now.plus_ms(1)
    with pytest.raises(Trouble, match="meter main has been silent for ten minutes"):
        check(gateway)
    check(Gateway(Settings(meters=meters), clock=clock))


class Hanging(ThreadPoolExecutor):
    """An executor whose jobs wait until they are let go, as on a disk that does not answer."""

    def __init__(self) -> None:
        super().__init__(1)
        self.waiting: list[Future[object]] = []

    def submit(self, *_: object, **__: object) -> Future[object]:  # type: ignore[override]
        job: Future[object] = Future()
        self.waiting.append(job)
        return job

    def release(self) -> None:
        for job in self.waiting:
            job.set_result(None)


def test_a_disk_that_hangs_stops_the_feeding(tmp_path: Path) -> None:
    """A sync that has not returned for a minute; one that has is forgotten."""

    async def main() -> None:
        clock = Clock()
        gateway = Gateway(Settings(), clock=clock, state_dir=tmp_path)
        disk = Hanging()
        asyncio.get_running_loop().set_default_executor(disk)
        gateway.number("main")
        clock.now = clock.now.plus_ms(59_999)
        check(gateway)
        clock.now = clock.now.plus_ms(1)
        with pytest.raises(Trouble, match="the disk has not taken"):
            check(gateway)
        disk.release()
        while gateway.stuck_ms(clock.now):
            await asyncio.sleep(0)
        check(gateway)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [({}, 10.0), ({"WATCHDOG_USEC": "30000000"}, 30.0), ({"WATCHDOG_USEC": "x"}, 10.0)],
)
def test_the_period_is_the_service_managers(environment: dict[str, str], seconds: float) -> None:
    """Microseconds in the environment, ten seconds without."""
    assert period_s(environment) == seconds


def test_an_abstract_socket_is_told() -> None:
    """A name that begins with @ is abstract; no name, nobody to tell; a dead one is a sentence."""
    name = f"han2x-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        tell({"NOTIFY_SOCKET": f"@{name}"}, "READY=1")
        assert listener.recv(100) == b"READY=1"
    tell({}, "READY=1")
    with pytest.raises(Trouble, match="the service manager cannot be told"):
        tell({"NOTIFY_SOCKET": f"@{name}"}, "READY=1")
