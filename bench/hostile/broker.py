"""A broker that means harm: it takes any client, grants any subscription, and then attacks.

Attacks are generators of bytes. Those of `ENDURED` leave the connection open, those of `FATAL` end with it;
a connection endures all, then meets one that is fatal, another each time.
"""

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import os
import ssl
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

CONNACK = {4: b"\x20\x02\x00\x00", 5: b"\x20\x03\x00\x00\x00"}
SUBACK, PINGRESP = 0x90, b"\xd0\x00"
MQTT_5 = 5
PIECE = 65_536
LARGE = 90_000_000
HANDSHAKE = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""


class Scene(NamedTuple):
    """A client that has connected: its version of MQTT, and a topic that it has subscribed to."""

    version: int
    topic: str


def varint(value: int) -> bytes:
    """A length as MQTT writes it (1.5.5)."""
    found = b""
    while value > 127:
        found, value = found + bytes((value & 127 | 128,)), value >> 7
    return found + bytes((value,))


def publish(
    scene: Scene, payload: bytes, *, topic: str = "", properties: bytes = b"", flags: int = 0
) -> bytes:
    """A PUBLISH (3.3); with QoS in its flags it has the packet identifier 1."""
    name = (topic or scene.topic).encode()
    head = len(name).to_bytes(2, "big") + name + (b"\x00\x01" if flags & 0x06 else b"")
    if scene.version == MQTT_5:
        head += varint(len(properties)) + properties
    return bytes((0x30 | flags,)) + varint(len(head) + len(payload)) + head + payload


# -- attacks -----------------------------------------------------------------------------------------


def large_message(scene: Scene) -> Iterator[bytes]:
    """90 MB in one message."""
    whole = publish(scene, b"")
    head = whole[2:]  # its length fits a byte
    yield whole[:1] + varint(len(head) + LARGE) + head
    yield from itertools.repeat(bytes(PIECE), LARGE // PIECE)
    yield bytes(LARGE % PIECE)


def in_pieces(scene: Scene) -> Iterator[bytes]:
    """A message a byte at a time."""
    for octet in publish(scene, b"x" * 3000):
        yield bytes((octet,))


def many_messages(scene: Scene) -> Iterator[bytes]:
    """As many small messages as are taken."""
    yield from itertools.repeat(publish(scene, b"7ea0") * 500, 200)


def largest_messages(scene: Scene) -> Iterator[bytes]:
    """Messages as large as are taken, of noise."""
    yield from (publish(scene, os.urandom(65_000)) for _ in range(200))


def envelopes(scene: Scene) -> Iterator[bytes]:
    """JSON in JSON, base64, compressed zeros: what a source may be wrapped in."""
    bodies = (
        b'{"data":' * 8000,
        json.dumps({"data": "7e" * 30_000}).encode(),
        base64.b64encode(b"\x7e\xa0" * 20_000),
        zlib.compress(bytes(30_000_000)),
        b"7ea0" * 16_000,
        b"/" + b"1-0:1.7.0(" * 6000,
    )
    for body in bodies * 30:
        yield publish(scene, body)


def properties(scene: Scene) -> Iterator[bytes]:
    """Twenty thousand properties in a message."""
    many = b"\x26\x00\x00\x00\x00" * 20_000
    yield from itertools.repeat(publish(scene, b"x", properties=many), 50)


def kept_and_unwanted(scene: Scene) -> Iterator[bytes]:
    """Retained messages, and topics that nobody has subscribed to."""
    for number in range(500):
        pieces = (publish(scene, b"x" * 50, flags=1, topic=f"t/{number}/{n}") for n in range(50))
        yield b"".join(pieces)


def answers_to_nothing(scene: Scene) -> Iterator[bytes]:
    """Acknowledgements of what was never sent, and signs of life."""
    one = b"\x40\x02\x12\x34" + PINGRESP
    yield from itertools.repeat(one * 5000, 20)


def large_answer(scene: Scene) -> Iterator[bytes]:
    """A packet that is no message, as large as can be."""
    yield b"\x90" + varint(268_435_455)
    yield from itertools.repeat(bytes(PIECE), 1000)


def endless_length(scene: Scene) -> Iterator[bytes]:
    """A length that never ends."""
    yield b"\x30" + b"\xff" * 100_000


def exactly_once(scene: Scene) -> Iterator[bytes]:
    """QoS 2, which nobody has asked for."""
    yield publish(scene, b"x" * 60_000, flags=4) * 20


def second_answer(scene: Scene) -> Iterator[bytes]:
    """Another CONNACK, and packets that only clients send."""
    yield CONNACK[scene.version] * 1000 + b"\xc0\x00" * 1000 + b"\x10\x00" * 1000


def noise(scene: Scene) -> Iterator[bytes]:
    """Chance."""
    yield from (os.urandom(PIECE) for _ in range(100))


def endless_frame(scene: Scene) -> Iterator[bytes]:
    """A websocket frame of 2 ** 63 bytes, as far as it is taken."""
    yield b"\x82\x7f" + (1 << 63).to_bytes(8, "big")
    yield from itertools.repeat(bytes(PIECE), 1000)


def small_frames(scene: Scene) -> Iterator[bytes]:
    """Empty websocket frames and pings without end."""
    yield from itertools.repeat((frame(b"") + frame(b"x" * 125, 0x89)) * 300, 1000)


Attack = Callable[[Scene], Iterator[bytes]]
ENDURED: tuple[Attack, ...] = (
    large_message,
    in_pieces,
    many_messages,
    largest_messages,
    envelopes,
    properties,
    kept_and_unwanted,
    answers_to_nothing,
)
FATAL: tuple[Attack, ...] = (large_answer, endless_length, exactly_once, second_answer, noise)
WEBSOCKET: tuple[Attack, ...] = (endless_frame, small_frames)
"""Bytes that are frames themselves."""


# -- the broker --------------------------------------------------------------------------------------


def frame(octets: bytes, opcode: int = 0x82) -> bytes:
    """A websocket frame of a server (RFC 6455, 5.2)."""
    size = len(octets)
    if size < 126:
        length = bytes((size,))
    else:
        length = b"\x7e" + size.to_bytes(2, "big") if size < 1 << 16 else b"\x7f" + size.to_bytes(8, "big")
    return bytes((opcode,)) + length + octets


class Wire:
    """A client's connection: MQTT, or MQTT in websocket frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self.frames = False
        self._ahead = b""

    async def upgraded(self) -> None:
        """Answer a websocket's handshake (RFC 6455, 4.2.2)."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = (line.partition(":") for line in head.split("\r\n"))
        key = next(value.strip() for name, _, value in lines if name.lower() == "sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        self.writer.write(f"{HANDSHAKE}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self.frames = True

    async def packet(self) -> tuple[int, bytes]:
        """The next packet: its first byte and its body."""
        kind, size = (await self._exactly(1))[0], 0
        for shift in range(0, 28, 7):
            octet = (await self._exactly(1))[0]
            size |= (octet & 127) << shift
            if octet < 128:
                break
        return kind, await self._exactly(size)

    async def send(self, octets: bytes) -> None:
        """Send bytes of MQTT, as fast as they are taken."""
        self.writer.write(frame(octets) if self.frames else octets)
        await self.writer.drain()

    async def _exactly(self, count: int) -> bytes:
        while len(self._ahead) < count:
            self._ahead += await self._frame() if self.frames else await self._some()
        found, self._ahead = self._ahead[:count], self._ahead[count:]
        return found

    async def _some(self) -> bytes:
        found = await self._reader.read(4096)
        if not found:
            raise ConnectionResetError("the client is gone")
        return found

    async def _frame(self) -> bytes:
        """A client's frame, whose bytes are masked (5.3)."""
        _, size = await self._reader.readexactly(2)
        size &= 127
        if size > 125:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self._reader.readexactly(4)
        octets = await self._reader.readexactly(size)
        return bytes(octet ^ mask[n & 3] for n, octet in enumerate(octets))


class HostileBroker:
    """`done`: how often each attack was carried out. `seconds`: how long one may take."""

    def __init__(
        self,
        *,
        websocket: bool = False,
        context: ssl.SSLContext | None = None,
        seconds: float = 10.0,
        done: Counter[str] | None = None,
    ) -> None:
        self.done: Counter[str] = Counter() if done is None else done
        self.port = 0
        self._websocket, self._context, self._seconds = websocket, context, seconds
        self._fatal = itertools.cycle(FATAL + (WEBSOCKET if websocket else ()))

    async def open(self, port: int = 0) -> None:
        """Listen."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        try:
            if self._websocket:
                await wire.upgraded()
            _, connect = await wire.packet()
            version = connect[6]
            await wire.send(CONNACK[version])
            topics: asyncio.Queue[str] = asyncio.Queue()
            answering = asyncio.create_task(_answer(wire, version, topics))
            try:
                await self._attack(wire, Scene(version, await topics.get()))
            finally:
                answering.cancel()
        except (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError, StopIteration, RuntimeError):
            pass
        finally:
            writer.transport.abort()

    async def _attack(self, wire: Wire, scene: Scene) -> None:
        for attack in ENDURED:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    for octets in attack(scene):
                        await wire.send(octets)
            self.done[f"broker: {attack.__name__}"] += 1
            await asyncio.sleep(0)
        attack = next(self._fatal)
        self.done[f"broker: {attack.__name__}"] += 1
        async with asyncio.timeout(self._seconds):
            for octets in attack(scene):
                if attack in WEBSOCKET:
                    wire.writer.write(octets)
                    await wire.writer.drain()
                else:
                    await wire.send(octets)
            await asyncio.sleep(self._seconds)


async def _answer(wire: Wire, version: int, topics: "asyncio.Queue[str]") -> None:
    """Grant all subscriptions and answer signs of life; what is published is thrown away."""
    with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
        while True:
            kind, body = await wire.packet()
            if kind >> 4 == 8:
                at = 2 + (1 + body[2] if version == MQTT_5 else 0)
                size = int.from_bytes(body[at : at + 2], "big")
                granted = body[:2] + (b"\0" if version == MQTT_5 else b"") + b"\0"
                await wire.send(bytes((SUBACK,)) + varint(len(granted)) + granted)
                topics.put_nowait(body[at + 2 : at + 2 + size].decode())
            elif kind >> 4 == 12:
                await wire.send(PINGRESP)
            elif kind >> 4 == 3 and kind & 0x06:
                size = int.from_bytes(body[:2], "big")
                await wire.send(b"\x40\x02" + body[2 + size : 4 + size])
