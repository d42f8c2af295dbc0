"""HDLC frames (IEC 62056-46, format type 3) out of a byte stream cut anywhere.

The frame is not escaped: a flag inside it is an ordinary octet, so its length field alone says where it
ends, and there the closing flag must stand. When a candidate fails, only its opening flag is dropped and
the search goes on in what is buffered, so that damage never costs the telegram behind it (han-port
sheet 2.5, 2.6). What was skipped is reported once, octet for octet, never raised.
"""

from functools import lru_cache
from typing import NamedTuple

from .crc import RESIDUE, remainder
from .foreign import describe
from .result import Discarded, Kind

FLAG = 0x7E
FORMAT_TYPE_3, SEGMENTED = 0xA0, 0x08
CHECK_SIZE = 2
LENGTH_MIN = 7
ADDRESS_MAX = 4
HEADER_MAX = 2 + 2 * ADDRESS_MAX + 1 + CHECK_SIZE
"""Octets of format, two addresses, control and check sequence at the most."""

NOISE_MAX = 2048
"""Skipped octets kept to tell what they are; longer noise is reported in pieces."""


class Frame(NamedTuple):
    """A frame with right checksums; `header` from destination address to control, `offset` of its flag."""

    header: bytes
    information: bytes
    segmented: bool
    offset: int
    length: int


class _Failed(NamedTuple):
    """A candidate that is no frame. `extent` octets are blamed on it; 0: it never looked like one."""

    kind: Kind
    reason: str
    extent: int


class _Header(NamedTuple):
    """A plausible header: where its check sequence begins behind the flag, and the frame's length field."""

    end: int
    length: int
    segmented: bool


_NO_FRAME = _Failed(Kind.NOISE, "no frame begins here", 0)
_HCS = "the header check sequence (HCS) is wrong"
_FCS = "the frame check sequence (FCS) is wrong"
_CLOSING = "no closing flag where the length field says: octets were lost, changed or added"


class Deframer:
    """Bytes in any cut to frames and discarded stretches. Holds at most one frame and some noise."""

    def __init__(self, offset: int = 0) -> None:
        self._buffer = bytearray()
        self._offset = offset  # of the buffer's first octet in the stream
        self._accounted = offset  # stream offset up to which every octet is in a frame or blamed
        self._noise = bytearray()
        self._enough = 0  # buffer length below which a waiting candidate cannot get further

    def feed(self, data: bytes) -> list[Frame | Discarded]:
        """What the octets complete."""
        self._buffer += data
        return self._scan(final=False) if len(self._buffer) >= self._enough else []

    @property
    def waiting(self) -> bool:
        """Whether octets are held beyond a closing flag."""
        return len(self._buffer) > 1

    def flush(self) -> list[Frame | Discarded]:
        """What is left, when no more octets belong to it: the line fell silent, or the input ended."""
        found = self._scan(final=True)
        self._report_noise(found)
        return found

    def _scan(self, *, final: bool) -> list[Frame | Discarded]:
        found: list[Frame | Discarded] = []
        buffer, position, self._enough = self._buffer, 0, 0
        while (start := buffer.find(FLAG, position)) >= 0:
            self._skip(position, start, found)
            outcome = self._candidate(start)
            if isinstance(outcome, Frame):
                self._report_noise(found)
                found.append(outcome)
                self._accounted = self._offset + start + outcome.length
                position = start + outcome.length - 1  # its closing flag may open the next …
                position += buffer.startswith(b"\x7e\x7e", position)  # … unless that has its own
            elif isinstance(outcome, int) and not final:
                self._enough = outcome - start
                position = start
                break
            else:
                failed = self._truncated(start) if isinstance(outcome, int) else outcome
                self._blame(start, failed, found)
                position = start + 1
                self._skip(start, position, found)
        else:
            self._skip(position, len(buffer), found)
            position = len(buffer)
        del buffer[:position]
        self._offset += position
        return found

    def _candidate(self, start: int) -> Frame | _Failed | int:
        """The frame that opens at `start`, why there is none, or the buffer length needed to know."""
        buffer = self._buffer
        header = _read_header(bytes(buffer[start + 1 : start + 1 + HEADER_MAX]))
        if isinstance(header, int):
            return start + 1 + header
        if isinstance(header, _Failed):
            return header
        closing = start + 1 + header.length
        if len(buffer) <= closing:
            return closing + 1
        if buffer[closing] != FLAG:
            return _Failed(Kind.CHECKSUM, _CLOSING, header.length + 2)
        if remainder(buffer[start + 1 : closing]) != RESIDUE:
            return _Failed(Kind.CHECKSUM, _FCS, header.length + 2)
        end = start + 1 + header.end
        return Frame(
            bytes(buffer[start + 3 : end]),
            bytes(buffer[end + CHECK_SIZE : closing - CHECK_SIZE]),
            header.segmented,
            self._offset + start,
            header.length + 2,
        )

    def _truncated(self, start: int) -> _Failed:
        """The verdict on a candidate that would have needed more octets."""
        have = len(self._buffer) - start
        if have < 3:
            return _NO_FRAME
        length = (self._buffer[start + 1] & 0x07) << 8 | self._buffer[start + 2]
        return _Failed(Kind.TRUNCATED, f"truncated: a frame of {length + 2} octets ends after {have}", have)

    def _blame(self, start: int, failed: _Failed, found: list[Frame | Discarded]) -> None:
        """Report a failed frame, unless it lies within one that has been reported."""
        offset = self._offset + start
        if failed.extent and offset >= self._accounted:
            self._report_noise(found)
            found.append(Discarded(failed.kind, failed.reason, offset, failed.extent))
            self._accounted = offset + failed.extent

    def _skip(self, begin: int, end: int, found: list[Frame | Discarded]) -> None:
        """Octets that belong to no frame: noise, as far as nothing has accounted for them."""
        begin = max(begin, self._accounted - self._offset)
        while begin < end:
            piece = self._buffer[begin : min(end, begin + NOISE_MAX - len(self._noise))]
            self._noise += piece
            begin += len(piece)
            self._accounted = self._offset + begin
            if len(self._noise) >= NOISE_MAX:
                self._report_noise(found)

    def _report_noise(self, found: list[Frame | Discarded]) -> None:
        """The noise up to here as one stretch; flags between frames are none."""
        if self._noise.strip(b"\x7e"):
            kind, reason = describe(bytes(self._noise))
            found.append(Discarded(kind, reason, self._accounted - len(self._noise), len(self._noise)))
        self._noise.clear()


@lru_cache(maxsize=64)
def _read_header(octets: bytes) -> _Header | _Failed | int:
    """The header in the octets behind a flag, why there is none, or how many octets are needed to know.

    A meter sends a handful of headers for years, so what they say is remembered. `HEADER_MAX` octets are
    always enough.
    """
    size = len(octets)
    if size < 2:
        return _NO_FRAME if size and octets[0] & 0xF0 != FORMAT_TYPE_3 and octets[0] != FLAG else 2
    length = (octets[0] & 0x07) << 8 | octets[1]
    end = header_end(octets, 2, size)
    if octets[0] & 0xF0 != FORMAT_TYPE_3 or length < LENGTH_MIN or end is None:
        return _NO_FRAME
    if size < end + CHECK_SIZE:
        return min(end + CHECK_SIZE, length + 1)
    if length != end + CHECK_SIZE:  # else there is no information field, hence no HCS
        if length < end + 2 * CHECK_SIZE:
            return _NO_FRAME
        if remainder(octets[: end + CHECK_SIZE]) != RESIDUE:
            return _Failed(Kind.CHECKSUM, _HCS, end + CHECK_SIZE + 1)
    return _Header(end, length, bool(octets[0] & SEGMENTED))


def header_end(buffer: bytes, position: int, size: int) -> int | None:
    """Where the header check sequence begins, behind two addresses and the control octet.

    An address ends at the first octet with its low bit set, after 1, 2 or 4 octets. None: no header.
    Octets that have not arrived are taken to end their address.
    """
    for _ in range(2):
        begin = position
        while position < size and not buffer[position] & 1:
            position += 1
            if position - begin >= ADDRESS_MAX:
                return None
        position += 1
    return position + 1
