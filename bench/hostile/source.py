"""A network bridge that means harm: whoever connects is sent bytes without end, of another kind each time."""

import asyncio
import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator

PIECE = 65_536
FRAME_START = b"\x7e\xa7\xff\x03\x21\x13"


def _bytes() -> Iterator[bytes]:
    for octet in itertools.cycle(b"\x7e\xa0\x27/0"):
        yield bytes((octet,))


STREAMS: dict[str, Callable[[], Iterator[bytes]]] = {
    "noise": lambda: iter(lambda: os.urandom(PIECE), b""),
    "flags": lambda: itertools.repeat(b"\x7e" * PIECE),
    "frames that never end": lambda: itertools.repeat(FRAME_START * (PIECE // len(FRAME_START))),
    "M-Bus starts": lambda: itertools.repeat(b"\x68\xfa\xfa\x68" * (PIECE // 4)),
    "P1 that never ends": lambda: itertools.repeat(b"/SIM5\r\n" + b"1-0:1.7.0(00.100*kW)\r\n" * 2000),
    "hex": lambda: itertools.repeat(b"7ea07f" * (PIECE // 6)),
    "notifications": lambda: itertools.repeat(b"\x0f\x40\x00\x00\x00\x00\x02\xff" * (PIECE // 8)),
    "ciphered starts": lambda: itertools.repeat(b"\xdb\x08SYSTITLE\x82\x07\xd0\x30" * (PIECE // 14)),
    "arrays in arrays": lambda: itertools.repeat(
        b"\x7e\xa7\xff\x03\x21\x13\xe6\xe7\x00\x0f" + b"\x01\x01" * 32_000
    ),
    "zeros": lambda: itertools.repeat(bytes(PIECE)),
    "one byte at a time": _bytes,
}


class HostileSource:
    """`done`: how often each stream was begun. `seconds`: how long one lasts."""

    def __init__(self, *, seconds: float = 5.0, done: Counter[str] | None = None) -> None:
        self.done: Counter[str] = Counter() if done is None else done
        self._streams, self._seconds = itertools.cycle(STREAMS.items()), seconds

    async def open(self, port: int) -> None:
        """Listen."""
        await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                name, stream = next(self._streams)
                self.done[f"source: {name}"] += 1
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        for octets in stream():
                            writer.write(octets)
                            await writer.drain()
                            await asyncio.sleep(0)
        writer.transport.abort()
