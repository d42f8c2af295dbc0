"""A recorded file at the pace at which its meter sent it.

A recording carries no times of its own, but most telegrams do: a telegram is due when its clock says so;
one without a clock is due a fast list's period after the one before. What lies between telegrams goes
with the next.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ..model.reading import Reading
from ..runtime.files import open_regular
from ..runtime.gateway import Trouble
from ..vendors.decoder import Decoder
from ..vendors.decoding_options import PLAIN, Manner
from ..wire.dump import Dump
from ..wire.result import Apdu
from ..wire.stream import Stream
from .link import PIECE, Take

CHUNK = 65_536
FAST_LIST_MS = 2_500
GAP_MAX_MS = 3_600_000


class ReplayLink:
    """A file, replayed once. `speed` times its own pace, 0 for as fast as it is read."""

    idle_s = 0.0

    def __init__(self, path: str, speed: float, manner: Manner = PLAIN) -> None:
        found = Path(path)
        if found.exists() and not (found.is_file() or found.is_dir()):
            raise Trouble(f"{path} is no file")
        try:
            open_regular(found).close()
        except OSError as error:
            raise Trouble(f"{path} cannot be read: {error.strerror}") from None
        self._path, self._speed = path, speed
        self._pieces = paced(read_chunks(found), manner)
        self._next: asyncio.Future[tuple[int, bytes] | None] | None = None
        self._began = asyncio.get_running_loop().time()
        self._closed = False

    async def read(self, take: Take) -> None:
        """Hand on each telegram's octets when they are due; raises `Trouble` if the file fails."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            self._next = self._next or loop.run_in_executor(None, next, self._pieces, None)
            try:
                piece = await asyncio.shield(self._next)  # a thread reads and looks for telegrams
            except OSError as error:
                raise Trouble(f"{self._path} cannot be read: {error.strerror}") from None
            if piece is None:
                return
            due_ms, octets = piece
            due = self._began + due_ms / 1000 / self._speed if self._speed else 0.0
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._next = None
            for begin in range(0, len(octets), PIECE):
                take(octets[begin : begin + PIECE])
                if begin:
                    await asyncio.sleep(0)

    def set_line(self, line: str) -> None:
        """A file has no serial line."""

    def close(self) -> None:
        """Let go of the file."""
        self._closed = True


def read_chunks(path: Path) -> Iterator[bytes]:
    """A recorded file's octets, raw or from hex text; raises OSError."""
    dump = Dump()
    with open_regular(path) as file:
        while chunk := file.read(CHUNK):
            yield dump.feed(chunk)
    yield dump.flush()


def paced(chunks: Iterator[bytes], manner: Manner = PLAIN) -> Iterator[tuple[int, bytes]]:
    """Pieces of a recording that each end with a telegram, and when they are due (ms from the start)."""
    keyring = manner.keyring()
    stream, pace, octets, begin = Stream(keyring), _Pace(Decoder(keyring, manner)), bytearray(), 0
    for chunk in chunks:
        octets += chunk
        for item in stream.feed(chunk):
            end = item.offset + item.length
            if isinstance(item, Apdu) and end > begin:
                yield pace.due_ms(item), bytes(octets[: end - begin])
                del octets[: end - begin]
                begin = end
        if len(octets) > 2 * CHUNK:  # nothing but noise: it goes on at once
            yield pace.now_ms, bytes(octets)
            begin += len(octets)
            octets.clear()
    yield pace.now_ms, bytes(octets)


class _Pace:
    """When each telegram of a recording is due."""

    def __init__(self, decoder: Decoder) -> None:
        self.now_ms = 0
        self._decoder = decoder
        self._before: datetime | None = None
        self._begun = False

    def due_ms(self, apdu: Apdu) -> int:
        """The moment of the next telegram; clocks that jump count as no time."""
        reading = self._decoder.decode(apdu)
        local = reading.clock.local if isinstance(reading, Reading) and reading.clock else None
        gap_ms = FAST_LIST_MS
        if local and self._before:
            gap_ms = int((local - self._before).total_seconds() * 1000)
        if self._begun and 0 < gap_ms <= GAP_MAX_MS:
            self.now_ms += gap_ms
        self._before, self._begun = local, True
        return self.now_ms
