"""The outlets, read back by plain readers. Nothing here waits for time to pass: speed is 0 or enormous."""

import asyncio
import os
import socket
import tty
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, repeat
from pathlib import Path

import pytest

from han2x.settings.source import SimulatedSource
from han2x.simulator import outlets
from han2x.simulator.meter import telegrams
from han2x.simulator.outlets import Piece, at_line_rate, paced, to_pty, to_tcp, write

START = datetime(2025, 12, 2, 11, 59, 50, tzinfo=UTC)
STREAM = list(islice(telegrams(SimulatedSource("kaifa"), START), 200))
ALL = b"".join(telegram.data for telegram in STREAM)


@asynccontextmanager
async def running(coroutine: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def read_exactly(path: str, size: int) -> bytes:
    """What a plain program reads that opens the device and leaves its settings alone."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOCTTY)
    try:
        data = b""
        while len(data) < size:
            data += os.read(descriptor, size - len(data))
        return data
    finally:
        os.close(descriptor)


def test_paced_gives_every_telegram() -> None:
    """At speed 0 all come in their order."""

    async def main() -> list[bytes]:
        return [data async for data in paced(STREAM, 0)]

    assert asyncio.run(main()) == [telegram.data for telegram in STREAM]


class FakeLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only when it would wait, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@pytest.mark.parametrize("speed", [1, 10, 0.5])
def test_paced_keeps_time_without_drift(speed: float) -> None:
    """Each telegram leaves at its due time, however slow the one who fetches them."""
    left: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async for _ in paced(STREAM, speed):
            left.append(loop.time() - begin)
            await asyncio.sleep(0.3 / speed)

    with asyncio.Runner(loop_factory=FakeLoop) as runner:
        runner.run(main())
    assert left == pytest.approx([telegram.due_ms / 1000 / speed for telegram in STREAM])


def test_a_cancelled_fetch_loses_nothing() -> None:
    """A reader may give up waiting and come again; the telegram is still to come."""

    async def main() -> list[bytes]:
        stream = paced(STREAM[:20], 1)
        data: list[bytes] = []
        while len(data) < 20:
            with suppress(TimeoutError):
                data.append(await asyncio.wait_for(anext(stream), 0.7))
        return data

    with asyncio.Runner(loop_factory=FakeLoop) as runner:
        assert runner.run(main()) == [telegram.data for telegram in STREAM[:20]]


def test_at_line_rate() -> None:
    """The octets stay; those of a list 2 take the 0.564 s of 2400 Bd 8E1 (sheet 1.5)."""
    pieces = list(at_line_rate(STREAM))
    assert b"".join(piece.data for piece in pieces) == ALL
    assert max(piece.due_ms for piece in at_line_rate(STREAM[:1])) == STREAM[0].due_ms + 563
    assert max(len(piece.data) for piece in pieces) == 8


def test_write(tmp_path: Path) -> None:
    """A minute of the meter's own time, without waiting for it."""
    with (tmp_path / "dump.bin").open("wb") as file:
        write(telegrams(SimulatedSource("kaifa"), START), file, timedelta(minutes=1))
    assert (tmp_path / "dump.bin").read_bytes() == b"".join(t.data for t in STREAM if t.due_ms < 60_000)


def test_to_pty(tmp_path: Path) -> None:
    """A reader of the link gets every octet as it was sent, 0A and 0D included; the link goes at the end."""
    link = tmp_path / "ttyHAN"

    async def main() -> bytes:
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with running(to_pty(cycle(STREAM), 0, link, opened=opened.set_result)):
            return await asyncio.to_thread(read_exactly, await opened, len(ALL))

    assert asyncio.run(main()) == ALL
    assert not link.is_symlink()


def test_a_pty_survives_its_readers() -> None:
    """A second reader goes on where the first one left."""

    async def main() -> bytes:
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with running(to_pty(cycle(STREAM), 0, opened=opened.set_result)):
            first = await asyncio.to_thread(read_exactly, await opened, 5_000)
            return first + await asyncio.to_thread(read_exactly, opened.result(), len(ALL) - 5_000)

    assert asyncio.run(main()) == ALL


def test_a_pty_without_reader_keeps_only_what_is_new() -> None:
    """What nobody reads is lost, so that a late reader is not given old telegrams."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    unread = 0
    for number in range(200):
        unread = 100 if unread > outlets.PTY_UNREAD_MAX else unread + 100
        outlets._write_now(master, slave, bytes((number,)) * 100)
        while outlets._unread(slave) < unread:  # the kernel hands octets over in its own time
            os.sched_yield()
    assert read_exactly(os.ttyname(slave), 100)[0] > 160
    os.close(slave)
    os.close(master)


def test_a_link_is_replaced_but_a_file_is_not(tmp_path: Path) -> None:
    """An old simulator's link may be in the way; anything else is somebody's."""
    link = tmp_path / "ttyHAN"
    link.symlink_to("/dev/pts/987654")
    asyncio.run(to_pty([], 0, link))
    link.symlink_to("/dev/serial/by-id/mine")
    with pytest.raises(FileExistsError):
        asyncio.run(to_pty([], 0, link))
    link.unlink()
    link.write_text("mine")
    with pytest.raises(FileExistsError):
        asyncio.run(to_pty([], 0, link))
    assert link.read_text() == "mine"


def test_to_tcp() -> None:
    """Each client gets all that is sent from its coming on; no telegram is cut at its beginning."""

    async def main() -> list[bytes]:
        opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with running(to_tcp(cycle(STREAM), 0, "127.0.0.1", 0, opened=opened.set_result)):
            port = await opened
            return await asyncio.gather(*(from_port(port, 2 * len(ALL)) for _ in range(3)))

    for data in asyncio.run(main()):
        assert data in ALL * 4
        assert any(data.startswith(telegram.data) for telegram in STREAM)


async def from_port(port: int, size: int) -> bytes:
    """The first octets that a client gets, which then leaves."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = await reader.readexactly(size)
    writer.close()
    return data


def test_a_client_that_does_not_read_is_dropped() -> None:
    """The others go on, and the server does not keep what the slow one leaves."""
    blocks = repeat(Piece(0, bytes(8_192)))

    async def main() -> int:
        opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with running(to_tcp(blocks, 1e6, "127.0.0.1", 0, opened=opened.set_result)):
            with socket.create_connection(("127.0.0.1", await opened)) as slow:
                await from_port(opened.result(), 20_000_000)
                return await asyncio.to_thread(read_to_end, slow)

    assert asyncio.run(main()) < 20_000_000


def read_to_end(client: socket.socket) -> int:
    """How much is left for a client until it is told that it was dropped."""
    size = 0
    with suppress(ConnectionResetError):
        while data := client.recv(65_536):
            size += len(data)
    return size


def test_tcp_ends_with_a_stream_that_ends() -> None:
    """The client gets all of it, then the end."""

    async def main() -> bytes:
        opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with running(to_tcp(STREAM, 0, "127.0.0.1", 0, opened=opened.set_result)):
            reader, writer = await asyncio.open_connection("127.0.0.1", await opened)
            data = await reader.read()
            writer.close()
            return data

    assert asyncio.run(main()) == ALL


def test_a_taken_port_is_an_oserror() -> None:
    """It is for the command to say so."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        asyncio.run(to_tcp(STREAM, 0, "127.0.0.1", taken.getsockname()[1]))
