"""A write is answered when it is on the disk, and not before: over TCP, RTU over TCP and a serial line.

The disk is a sync that ends when the test lets it, in a thread of its own as ever; the loop must go on.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from han2x.modbus import line, rtu_tcp, tcp
from han2x.modbus.rtu import frame
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway
from han2x.runtime.state_file import StateFile
from han2x.settings.modbus import ModbusRtu, ModbusRtuTcp, ModbusTcp
from han2x.settings.schema import Meter, Settings

from ..ports import free_port

READ = bytes.fromhex("0300300002")
WRITE = bytes.fromhex("100030000204000007d0")
"""Reads and sets the scale factor: 2.000."""

DONE, FAILED = bytes.fromhex("1000300002"), bytes.fromhex("9004")
DEADLINE_S = 20


class Disk:
    """Syncs wait until `let`, and fail where it says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self._go, self._fails = threading.Event(), threading.Event(), False
        monkeypatch.setattr(StateFile, "sync", lambda _: self._sync())

    def _sync(self) -> None:
        self.asked.set()
        assert self._go.wait(DEADLINE_S)
        if self._fails:
            raise OSError(5, "Input/output error")

    def let(self, *, fail: bool) -> None:
        self._fails = fail
        self._go.set()


class Master:
    """A client of one kind: `ask` sends a PDU, `hear` awaits one."""

    def __init__(self, reader: asyncio.StreamReader, write: Callable[[bytes], object], *, rtu: bool) -> None:
        self._reader, self._write, self._rtu = reader, write, rtu

    def ask(self, pdu: bytes) -> None:
        head = b"\0\1\0\0" + (len(pdu) + 1).to_bytes(2, "big") + b"\1"
        self._write(frame(1, pdu) if self._rtu else head + pdu)

    async def hear(self, count: int) -> bytes:
        octets = await self._reader.readexactly(count + (3 if self._rtu else 7))
        return octets[1:-2] if self._rtu else octets[7:]


async def serial_master(folder: Path, gateway: Gateway) -> tuple[Awaitable[None], Master]:
    ours, theirs = os.openpty()
    (folder / "tty").symlink_to(os.ttyname(theirs))
    serving = line.run(ModbusRtu(enabled=True, device=str(folder / "tty")), gateway, "modbus")
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    protocol = asyncio.StreamReaderProtocol(reader)
    await loop.connect_read_pipe(lambda: protocol, os.fdopen(ours, "rb", buffering=0))
    return serving, Master(reader, lambda octets: os.write(ours, octets), rtu=True)


async def master(kind: str, folder: Path, gateway: Gateway) -> tuple[asyncio.Task[None], Master]:
    if kind == "serial":
        serving, found = await serial_master(folder, gateway)
        task = asyncio.ensure_future(serving)
        while "modbus" not in gateway.health.value:
            await gateway.health.changed(gateway.health.value)
        return task, found
    port = free_port()
    running = (
        tcp.run(ModbusTcp(host="127.0.0.1", port=port), gateway, "modbus")
        if kind == "tcp"
        else rtu_tcp.run(ModbusRtuTcp(enabled=True, host="127.0.0.1", port=port), gateway, "modbus")
    )
    task = asyncio.ensure_future(running)
    while "modbus" not in gateway.health.value:
        await gateway.health.changed(gateway.health.value)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return task, Master(reader, writer.write, rtu=kind != "tcp")


@pytest.mark.parametrize("fail", [False, True], ids=["disk takes it", "disk fails"])
@pytest.mark.parametrize("kind", ["tcp", "rtu over tcp", "serial"])
def test_a_write_is_answered_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fail: bool
) -> None:
    """No answer while the disk syncs, and the loop turns; then success, or exception 04 and what was."""
    state = tmp_path / "state"
    state.mkdir()

    async def run() -> None:
        gateway = Gateway(Settings(meters=(Meter(),)), clock=lambda: Instant(0, 0), state_dir=state)
        serving, client = await master(kind, tmp_path, gateway)
        disk = Disk(monkeypatch)
        client.ask(WRITE)
        await asyncio.to_thread(disk.asked.wait, DEADLINE_S)
        answer = asyncio.ensure_future(client.hear(len(FAILED if fail else DONE)))
        for _ in range(200):  # the loop turns, and nothing is answered
            await asyncio.sleep(0.001)
        assert not answer.done()
        assert gateway.settings.value.meters[0].scale == 2000
        disk.let(fail=fail)
        async with asyncio.timeout(DEADLINE_S):
            assert await answer == (FAILED if fail else DONE)
            client.ask(READ)
            assert await client.hear(6) == b"\3\4" + (1000 if fail else 2000).to_bytes(4, "big")
        assert gateway.settings.value.meters[0].scale == (1000 if fail else 2000)
        serving.cancel()
        await asyncio.wait([serving])

    asyncio.run(run())


def test_requests_behind_a_write_wait_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they came; another client is served meanwhile."""

    async def run() -> None:
        gateway = Gateway(Settings(meters=(Meter(),)), clock=lambda: Instant(0, 0), state_dir=tmp_path)
        serving, client = await master("tcp", tmp_path, gateway)
        port = int(gateway.health.value["modbus"].text.rpartition(":")[2])
        disk = Disk(monkeypatch)
        for request in (READ, WRITE, READ, READ):
            client.ask(request)
        await asyncio.to_thread(disk.asked.wait, DEADLINE_S)
        async with asyncio.timeout(DEADLINE_S):
            assert await client.hear(6) == b"\3\4" + (1000).to_bytes(4, "big")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            other = Master(reader, writer.write, rtu=False)
            other.ask(READ)
            await other.hear(6)
            disk.let(fail=False)
            assert await client.hear(5) == DONE
            for _ in range(2):
                assert await client.hear(6) == b"\3\4" + (2000).to_bytes(4, "big")
        serving.cancel()
        await asyncio.wait([serving])

    asyncio.run(run())
