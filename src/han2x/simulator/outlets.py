"""Where a simulated meter's octets go: a pseudo terminal, a TCP port, a file, or another part of the program.

Telegrams leave at their due time, counted from the start on the event loop's clock, so that nothing adds up
to a drift. Nobody can make a meter wait: what a reader does not fetch in time is lost. Speed 0 is the
exception, as fast as possible: there the reader sets the pace and nothing is lost.
"""

import asyncio
import errno
import os
import sys
import termios
import tty
from asyncio import AbstractEventLoop, StreamReader, StreamWriter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from fcntl import ioctl
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

UNREAD_MAX = 65_536
"""Octets a TCP client may leave unread before it is dropped."""

PTYS = "/dev/pts/"
PTY_UNREAD_MAX = 3_072
"""The same for the reader of a pty, where the kernel keeps four kilooctets."""

BAUD = 2_400
BITS_8N1, BITS_8E1 = 10, 11
_PIECE = 8


class Timed(Protocol):
    """Octets and when they leave, in ms after the start; a `Telegram` is one."""

    @property
    def due_ms(self) -> int: ...

    @property
    def data(self) -> bytes: ...


class Piece(NamedTuple):
    """A few octets of a telegram."""

    due_ms: int
    data: bytes


def at_line_rate(telegrams: Iterable[Timed], *, bits: int = BITS_8E1) -> Iterator[Piece]:
    """The same octets a few at a time, as a line of 2400 Bd with `bits` for each octet carries them."""
    for telegram in telegrams:
        for first in range(0, len(telegram.data), _PIECE):
            piece = telegram.data[first : first + _PIECE]
            yield Piece(telegram.due_ms + (first + len(piece)) * bits * 1000 // BAUD, piece)


class Paced:
    """Asynchronous iterator over the octets of each telegram, each at its time.

    `speed` times the real pace, 0 for as fast as they are fetched. Time runs from the first one that is
    fetched. Fetching may be cancelled: the telegram is then the next to come.
    """

    def __init__(self, telegrams: Iterable[Timed], speed: float) -> None:
        self._telegrams = iter(telegrams)
        self._speed = speed
        self._next: Timed | None = None
        self._begin: float | None = None

    def __aiter__(self) -> "Paced":
        return self

    async def __anext__(self) -> bytes:
        loop = asyncio.get_running_loop()
        self._begin = loop.time() if self._begin is None else self._begin
        if self._next is None:
            self._next = next(self._telegrams, None)
        if self._next is None:
            raise StopAsyncIteration
        await asyncio.sleep(self._delay_s(self._next, loop.time() - self._begin))
        due, self._next = self._next, None
        return due.data

    def _delay_s(self, telegram: Timed, elapsed_s: float) -> float:
        return max(telegram.due_ms / 1000 / self._speed - elapsed_s, 0) if self._speed else 0


def paced(telegrams: Iterable[Timed], speed: float) -> Paced:
    """The octets of each telegram at its time; see `Paced`."""
    return Paced(telegrams, speed)


def write(telegrams: Iterable[Timed], file: BinaryIO, duration: timedelta) -> None:
    """Write what the meter sends in `duration` of its own time, at once; raises OSError."""
    until_ms = duration // timedelta(milliseconds=1)
    for telegram in telegrams:
        if telegram.due_ms >= until_ms:
            return
        file.write(telegram.data)


async def to_pty(
    telegrams: Iterable[Timed],
    speed: float,
    link: Path | None = None,
    *,
    opened: Callable[[str], None] = lambda path: None,
) -> None:
    """Send to a pseudo terminal that a reader opens like a serial adapter; readers may come and go.

    `link`: a symbolic link to make to it, removed at the end; one that an earlier simulator has left, to a
    pseudo terminal, is replaced, and nothing else. `opened` is told
    the path to open. What is unread when the telegrams end is lost. Raises OSError where there is no pty
    or the link cannot be made.
    """
    loop = asyncio.get_running_loop()
    with _pty() as (master, slave), _linked(os.ttyname(slave), link):
        opened(str(link or os.ttyname(slave)))
        async for data in paced(telegrams, speed):
            if speed == 0:
                await _write_all(loop, master, data)
            else:
                _write_now(master, slave, data)


async def to_tcp(
    telegrams: Iterable[Timed],
    speed: float,
    host: str,
    port: int,
    *,
    opened: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve any number of TCP clients, each with what is sent from its coming on, like a network bridge.

    A client that leaves too much unread is dropped. `port` 0 takes a free one; `opened` is told which.
    At speed 0 nothing is sent while there is no client. Raises OSError where the port is taken.
    """
    clients = _Clients()
    server = await asyncio.start_server(clients.serve, host, port)
    opened(server.sockets[0].getsockname()[1])
    try:
        async for data in paced(telegrams, speed):
            await clients.send(data, patiently=speed == 0)
    finally:
        server.close()
        clients.close()


class _Clients:
    """The TCP clients that are there."""

    def __init__(self) -> None:
        self._writers: set[StreamWriter] = set()
        self._came = asyncio.Event()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One client until it leaves; what it says is thrown away."""
        self._writers.add(writer)
        self._came.set()
        with suppress(OSError):
            while await reader.read(1024):
                pass
        self._writers.discard(writer)
        writer.close()

    async def send(self, data: bytes, *, patiently: bool) -> None:
        """To all; `patiently` waits for somebody to be there, and until each has taken it."""
        if patiently:
            await self._somebody()
        for writer in tuple(self._writers):
            writer.write(data)
            if patiently:
                with suppress(OSError):
                    await writer.drain()
            elif writer.transport.get_write_buffer_size() > UNREAD_MAX:
                writer.transport.abort()

    async def _somebody(self) -> None:
        while not self._writers:
            self._came.clear()
            await self._came.wait()

    def close(self) -> None:
        """Let all go."""
        for writer in self._writers:
            writer.close()


@contextmanager
def _pty() -> Iterator[tuple[int, int]]:
    """A pty in raw mode, both its ends.

    The end that is for readers is held open here too: otherwise writing fails once the last one has left.
    """
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        os.set_blocking(master, False)
        yield master, slave
    finally:
        os.close(slave)
        os.close(master)


@contextmanager
def _linked(path: str, link: Path | None) -> Iterator[None]:
    """While it lasts `link` leads to `path`."""
    if link is None:
        yield
        return
    if link.is_symlink() and os.readlink(link).startswith(PTYS):
        link.unlink()
    if os.path.lexists(link):
        raise FileExistsError(errno.EEXIST, "it exists, and is not the link of a simulator", str(link))
    link.symlink_to(path)
    try:
        yield
    finally:
        if link.is_symlink() and os.readlink(link) == path:
            link.unlink()


def _write_now(master: int, slave: int, data: bytes) -> None:
    """Write what fits. What nobody has read goes first, or a late reader would get hours of old telegrams."""
    if _unread(slave) > PTY_UNREAD_MAX:
        termios.tcflush(slave, termios.TCIFLUSH)
    with suppress(BlockingIOError):
        os.write(master, data)


def _unread(slave: int) -> int:
    return int.from_bytes(ioctl(slave, termios.FIONREAD, bytes(4)), sys.byteorder)


async def _write_all(loop: AbstractEventLoop, master: int, data: bytes) -> None:
    """All, waiting for the reader."""
    while data:
        try:
            data = data[os.write(master, data) :]
        except BlockingIOError:
            await _writable(loop, master)


async def _writable(loop: AbstractEventLoop, descriptor: int) -> None:
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)
