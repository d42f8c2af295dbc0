"""Slow senders and slow readers are cut off, in this process, with the limits made short."""

import asyncio
import contextlib
import gc
import logging
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition
from han2x.settings.page import Web
from han2x.settings.schema import Page, Settings
from han2x.web import answering, events, protocol
from han2x.web.service import run
from han2x.web.state import state_of

Scene = Callable[[Gateway, int], Awaitable[None]]
LOGIN = b'{"user": "bits", "password": "vari"}'


def clock() -> Instant:
    return Instant(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)


def play(scene: Scene) -> None:
    """A scene with a page that is served by this process."""

    async def whole() -> None:
        gateway = Gateway(Settings(web=Web(host="127.0.0.1")), clock=clock)
        page = Page(host="127.0.0.1", port=0, tls=False, cert_file="", key_file="")
        serving = asyncio.create_task(run(page, gateway, "web"))
        while gateway.health.value.get("web") is None:
            await asyncio.sleep(0.01)
        health = gateway.health.value["web"]
        assert health.condition is Condition.OK
        try:
            async with asyncio.timeout(60):
                await scene(gateway, int(health.text.rpartition(":")[2]))
        finally:
            serving.cancel()
            began = time.monotonic()
            await asyncio.wait((serving,))
            assert time.monotonic() - began < 10

    asyncio.run(whole())


async def until(reader: asyncio.StreamReader, words: bytes) -> None:
    """Read up to some words, however much comes before them."""
    came = b""
    while words not in came:
        piece = await reader.read(65536)
        assert piece, "the server has ended the stream"
        came = came[-len(words) :] + piece


async def ended(reader: asyncio.StreamReader) -> float:
    """Seconds until the server lets go of a connection."""
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    return time.monotonic() - began


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_S", 0.4)
    monkeypatch.setattr(protocol, "READ_S", 0.4)
    monkeypatch.setattr(answering, "BODY_S", 0.4)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("drip", [b"", b"X-A: b\r\n"])
def test_a_header_that_does_not_come_is_not_waited_for(drip: bytes) -> None:
    """Neither of one who says nothing nor of one who drips line after line."""

    async def scene(_: Gateway, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" if drip else b"")

        async def dripping() -> None:
            while drip:
                await asyncio.sleep(0.1)
                writer.write(drip)

        task = asyncio.create_task(dripping())
        assert 0.2 < await ended(reader) < 8
        task.cancel()
        writer.close()

    play(scene)


@pytest.mark.usefixtures("hasty")
def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    """It is refused with 408, and the connection ends."""

    async def scene(_: Gateway, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50"
        writer.write(f"{head}\r\n\r\n{{".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        assert await ended(reader) < 8
        writer.close()

    play(scene)


@pytest.mark.usefixtures("hasty")
def test_a_connection_is_kept_between_requests_but_not_for_ever() -> None:
    """Two requests pass on one connection; then silence ends it."""

    async def scene(_: Gateway, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _turn in range(4):
            writer.write(b"GET /v1/session HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
            body = await reader.readuntil(b"}")
            assert b"login" in body
            await asyncio.sleep(0.15)
        assert await ended(reader) < 8
        writer.close()

    play(scene)


async def listening(
    port: int, path: str, limit: int = 65_536
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A page with a session that listens to live events, with room for so many bytes that are not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limit)
    client.connect(("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=client, limit=limit)
    head = "POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(LOGIN)}\r\n\r\n".encode() + LOGIN)
    answer = await reader.readuntil(b"\r\n\r\n")
    cookie = answer.partition(b"set-cookie: ")[2].partition(b";")[0]
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n".encode() + b"Cookie: " + cookie + b"\r\n\r\n")
    return reader, writer


def test_a_page_that_does_not_read_is_cut_off_and_holds_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded all the while; then it is let go of."""
    monkeypatch.setattr(protocol, "READ_S", 1.5)

    async def scene(gateway: Gateway, port: int) -> None:
        reader, writer = await listening(port, "/v1/events?log=1", 4096)
        await reader.readuntil(b"event: hello")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        hub = state_of(gateway).hub
        assert len(hub) == 1
        log = logging.getLogger("han2x.test")
        record = log.makeRecord(log.name, logging.INFO, "", 0, "x" * 2000, (), None)
        waiting = 0
        while len(hub):
            for _ in range(2 * events.LINES):
                gateway.logbook.emit(record)
            await asyncio.sleep(0.02)
            waiting = max(waiting, *(len(page._waiting) for page in hub._pages), 0)
        assert 0 < waiting <= events.LINES + 10
        writer.close()

    play(scene)


def test_many_pages_are_told_and_let_go() -> None:
    """Each of fifty pages gets what every page gets; when they go nothing of them is left."""

    async def scene(gateway: Gateway, port: int) -> None:
        pages = [await listening(port, "/v1/events") for _ in range(50)]
        for reader, _ in pages:
            await until(reader, b"event: settings")
        gateway.report("somebody", Condition.FAILING, "is ill")
        for reader, _ in pages:
            await until(reader, b"is ill")
        hub = state_of(gateway).hub
        assert len(hub) == 50
        for _, writer in pages:
            writer.close()
        while len(hub):
            gateway.report("somebody", Condition.OK)
            await asyncio.sleep(0.05)
        assert not hub._feeds

    play(scene)


@pytest.mark.parametrize("unread", [False, True])
def test_who_is_gone_is_freed_without_the_collector_of_garbage(unread: bool) -> None:
    """Connections that were answered, were cut amid an answer or said nothing leave nothing behind."""

    async def scene(gateway: Gateway, port: int) -> None:
        def left() -> int:
            return sum(isinstance(one, protocol.Connection) for one in gc.get_objects())

        for _ in range(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * (40 if unread else 1))
            if not unread:
                await reader.readuntil(b"}")
            writer.transport.abort()
        _, silent = await asyncio.open_connection("127.0.0.1", port)
        silent.transport.abort()
        while left():
            await asyncio.sleep(0.05)

    gc.collect()
    gc.disable()
    try:
        play(scene)
    finally:
        gc.enable()
