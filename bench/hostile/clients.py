"""Clients that mean harm to page and Modbus, from many loopback addresses: a table of attacks."""

import asyncio
import contextlib
import itertools
import json
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import NamedTuple

READ_ALL = bytes.fromhex("000100000006010300000033")
WRITE_SCALE = bytes.fromhex("00010000000b01100030000204000003e8")
HALF_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(64)
HOLD_S = 15.0
PAUSE_S = 0.2
LARGEST = 256 * 1024
_hosts = itertools.cycle(
    f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(9, 250), range(250), range(2, 250))
)


class Target(NamedTuple):
    """Where the gateway is. `read`, `write`: tokens. `source`, `broker`: ports of others that mean harm."""

    modbus: int
    modbus_tls: int
    rtu: int
    web: int
    read: str
    write: str
    source: int
    broker: int


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


CONTEXT = _context()


@contextlib.asynccontextmanager
async def connected(port: int, host: str = "", *, tls: bool = False) -> AsyncIterator[Ends]:
    """A connection from a loopback address, the next one by default; dropped in the end."""
    async with asyncio.timeout(HOLD_S):
        source = (host or next(_hosts), 0)
        ends = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=source, ssl=CONTEXT if tls else None
        )
    try:
        yield ends
    finally:
        ends[1].transport.abort()


def request(method: str, path: str, *headers: str, body: bytes | str = b"", token: str = "") -> bytes:
    """A request of HTTP/1.1."""
    octets = body.encode() if isinstance(body, str) else body
    lines = [f"{method} /{path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(octets)}"] if octets else []
    return "\r\n".join((*lines, "", "")).encode() + octets


async def held(ends: Ends, octets: bytes = b"", seconds: float = HOLD_S) -> None:
    """Send something, read nothing, and stay."""
    _, writer = ends
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            writer.write(octets)
            await writer.drain()
            await asyncio.sleep(seconds)


async def answered(ends: Ends, octets: bytes, seconds: float = HOLD_S) -> None:
    """Send something, and read what comes."""
    reader, writer = ends
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            writer.write(octets)
            await writer.drain()
            while await reader.read(65_536):
                pass


# -- the page ----------------------------------------------------------------------------------------


async def idle_page(to: Target) -> None:
    """A hundred connections of one address that say nothing."""
    await _crowd(100, to.web, next(_hosts))


async def idle_page_of_many(to: Target) -> None:
    """Three hundred connections of as many addresses, which shake hands and say nothing."""
    await _crowd(300, to.web, tls=True)


async def half_handshakes(to: Target) -> None:
    """A hundred clients that begin TLS and go no further."""
    await _crowd(100, to.web, octets=HALF_HELLO)


async def handshakes(to: Target) -> None:
    """TLS handshakes, one after the other."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            async with connected(to.web, tls=True):
                pass


async def handshake_noise(to: Target) -> None:
    """What is no TLS."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            async with connected(to.web) as ends:
                await answered(ends, os.urandom(3000), 0.2)


HUGE = (
    '{"user": "' + "x" * (LARGEST - 100) + '", "password": "y"}',
    '{"a":' * 50_000,
    json.dumps({"changes": {f"meters.{n:06}.scale": 1 for n in range(9000)}}),
    json.dumps({"changes": {"modbus_tcp.allow": "10.0.0.1," * 20_000}}),
    "[" + ",".join(["9" * 4000] * 60) + "]",
)


async def huge_bodies(to: Target) -> None:
    """Bodies as large as allowed, of a stranger and of a token that writes."""
    for body in HUGE:
        for octets in (
            request("POST", "v1/session", body=body),
            request("PATCH", "v1/settings", body=body, token=to.write),
            request("POST", "v1/prices", body=body, token=to.write),
        ):
            async with connected(to.web, tls=True) as ends:
                await answered(ends, octets, 2.0)


async def tiny_chunks(to: Target) -> None:
    """A body in chunks of a byte."""
    head = "POST /v1/session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    octets = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"1\r\nx\r\n" * 60_000
    async with connected(to.web, tls=True) as ends:
        await answered(ends, octets, 5.0)


async def slow_bodies(to: Target) -> None:
    """Bodies that come a byte a second."""
    async with connected(to.web, tls=True) as (_, writer):
        writer.write(
            b"POST /v1/session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            b"Content-Length: 200000\r\n\r\n"
        )
        for _ in range(60):
            writer.write(b"{")
            await writer.drain()
            await asyncio.sleep(1)


async def slow_headers(to: Target) -> None:
    """A header that never ends."""
    async with connected(to.web, tls=True) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        for _ in range(60):
            writer.write(b"A: b\r\n")
            await writer.drain()
            await asyncio.sleep(1)


async def pipelined_and_unread(to: Target) -> None:
    """Requests without end whose answers nobody reads."""
    async with connected(to.web, tls=True) as ends:
        await held(ends, request("GET", "v1/openapi.json") * 5000)


async def guesses(to: Target) -> None:
    """Passwords, from an address each."""
    body = '{"user": "bits", "password": "a guess of ten words"}'
    async with connected(to.web, tls=True) as ends:
        await answered(ends, request("POST", "v1/session", body=body), 2.0)


async def captures(to: Target) -> None:
    """Telegrams as they come, which nobody reads."""
    async with connected(to.web, tls=True) as ends:
        await held(ends, request("GET", "v1/meters/main/capture?seconds=600", token=to.read))


async def long_histories(to: Target) -> None:
    """A month by the minute, read and unread in turn."""
    span = "begin=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z"
    for take in (answered, held):
        for form in ("json", "csv"):
            octets = request("GET", f"v1/history/main?resolution=minute&format={form}&{span}", token=to.read)
            async with connected(to.web, tls=True) as ends:
                await take(ends, octets, 5.0)


async def event_streams(to: Target) -> None:
    """Live pages that nobody reads, with log and telegrams."""
    async with connected(to.web, tls=True) as ends:
        await held(ends, request("GET", "v1/events?log=1&telegrams=main", token=to.read))


async def live_pages(to: Target) -> None:
    """Live pages that are read, opened again and again."""
    async with connected(to.web, tls=True) as ends:
        await answered(ends, request("GET", "v1/events?log=1&telegrams=main", token=to.read), 3.0)


async def page_flood(to: Target) -> None:
    """All that is open to anybody, and what is not there, as fast as it is answered."""
    paths = ("", "index.html", "v1/openapi.json", "v1/meters", "metrics", "a" * 4000, "../" * 1000)
    octets = b"".join(request("GET", path) for path in paths) * 20
    async with connected(to.web, tls=True) as ends:
        await answered(ends, octets, 2.0)


async def trials(to: Target) -> None:
    """A token has the gateway try a source and a broker that mean harm."""
    source = json.dumps({"source": f"tcp:127.0.0.1:{to.source}", "seconds": 10})
    lists = json.dumps({"source": f"mqtt://127.0.0.1:{to.broker}/t", "seconds": 10})
    for body in (source, lists):
        async with connected(to.web, tls=True) as ends:
            await answered(ends, request("POST", "v1/try/source", body=body, token=to.write))


async def setting_changes(to: Target) -> None:
    """A token changes a setting again and again."""
    for number in range(20):
        body = json.dumps({"changes": {"web.name": f"name {number}", "meters.1.scale": 1000 + number}})
        async with connected(to.web, tls=True) as ends:
            await answered(ends, request("PATCH", "v1/settings", body=body, token=to.write), 1.0)


# -- Modbus ------------------------------------------------------------------------------------------


async def unread_reads(to: Target) -> None:
    """Requests as fast as they are taken, whose answers nobody reads; then anew."""
    async with connected(to.modbus) as ends:
        await held(ends, READ_ALL * 5000, 0.3)


async def read_flood(to: Target) -> None:
    """Requests as fast as they are answered."""
    async with connected(to.modbus) as ends:
        await answered(ends, READ_ALL * 20_000, 2.0)


async def write_flood(to: Target) -> None:
    """The scale factor written without end."""
    async with connected(to.modbus) as ends:
        await answered(ends, WRITE_SCALE * 2000, 2.0)


async def small_requests(to: Target) -> None:
    """Requests a byte at a time."""
    async with connected(to.modbus) as (_, writer):
        for octet in READ_ALL * 50:
            writer.write(bytes((octet,)))
            await writer.drain()
            await asyncio.sleep(0.001)


async def modbus_churn(to: Target) -> None:
    """Connections that come and go."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            async with connected(to.modbus):
                pass


async def modbus_noise(to: Target) -> None:
    """Chance, on every port of Modbus."""
    for port in (to.modbus, to.rtu, to.modbus_tls):
        with contextlib.suppress(OSError):
            async with connected(port) as ends:
                await answered(ends, os.urandom(100_000), 0.5)


async def idle_modbus(to: Target) -> None:
    """Six hundred connections that say nothing: more than there are places."""
    await _crowd(600, to.modbus)


async def frames_flood(to: Target) -> None:
    """RTU frames of other slaves and of ours without end."""
    async with connected(to.rtu) as ends:
        await answered(ends, bytes.fromhex("010300000002c40b63030000007d8da9") * 5000, 1.0)


async def modbus_handshakes(to: Target) -> None:
    """TLS handshakes without a certificate, and halves of them."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            async with connected(to.modbus_tls, tls=True) as ends:
                await answered(ends, READ_ALL, 0.2)
    await _crowd(100, to.modbus_tls, octets=HALF_HELLO, seconds=2.0)


async def _crowd(
    count: int, port: int, host: str = "", *, tls: bool = False, octets: bytes = b"", seconds: float = HOLD_S
) -> None:
    """Many connections at once, which are kept for a while."""

    async def one(number: int) -> None:
        await asyncio.sleep(number * 0.002)
        with contextlib.suppress(OSError, TimeoutError):
            async with connected(port, host, tls=tls) as ends:
                await held(ends, octets, seconds)

    await asyncio.gather(*(one(number) for number in range(count)))


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: dict[Attack, int] = {
    idle_page: 2,
    idle_page_of_many: 1,
    half_handshakes: 1,
    handshakes: 2,
    handshake_noise: 1,
    huge_bodies: 2,
    tiny_chunks: 2,
    slow_bodies: 20,
    slow_headers: 20,
    pipelined_and_unread: 5,
    guesses: 4,
    captures: 6,
    long_histories: 6,
    event_streams: 20,
    live_pages: 4,
    page_flood: 2,
    trials: 2,
    setting_changes: 1,
    unread_reads: 3,
    read_flood: 3,
    write_flood: 1,
    small_requests: 4,
    modbus_churn: 2,
    modbus_noise: 2,
    idle_modbus: 1,
    frames_flood: 1,
    modbus_handshakes: 2,
}
"""What is done, and by how many at once."""


async def attack(to: Target, done: Counter[str], only: Collection[str] = ()) -> None:
    """Everything at once, or `only` what is named, for ever; `done`: how often each was carried out."""

    async def again(one: Attack) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                await one(to)
            done[f"client: {one.__name__}"] += 1
            await asyncio.sleep(PAUSE_S)

    wanted = {one: count for one, count in ATTACKS.items() if not only or one.__name__ in only}
    await asyncio.gather(*(again(one) for one, count in wanted.items() for _ in range(count)))
