"""HDLC frames (IEC 62056-46, format type 3).

The frame is not escaped: a flag inside it is an ordinary octet, so its length field alone says where it
ends, and there the closing flag must stand (han-port sheet 2.5).
"""

from functools import lru_cache
from typing import NamedTuple

from .candidate import NOTHING, Failed
from .crc import RESIDUE, remainder
from .result import Kind

FLAG = 0x7E
FORMAT_TYPE_3, SEGMENTED = 0xA0, 0x08
CHECK_SIZE = 2
LENGTH_MIN = 7
ADDRESS_MAX = 4
HEADER_MAX = 2 + 2 * ADDRESS_MAX + 1 + CHECK_SIZE
"""Octets of format, two addresses, control and check sequence at the most."""


class Frame(NamedTuple):
    """A frame with right checksums; `header` from destination address to control, `offset` of its flag."""

    header: bytes
    information: bytes
    segmented: bool
    offset: int
    length: int


class _Header(NamedTuple):
    """A plausible header: where its check sequence begins behind the flag, and the frame's length field."""

    end: int
    length: int
    segmented: bool


_HCS = "the header check sequence (HCS) is wrong"
_FCS = "the frame check sequence (FCS) is wrong"
_CLOSING = "no closing flag where the length field says: octets were lost, changed or added"


def frame(buffer: bytearray, start: int, offset: int) -> Frame | Failed | int:
    """The frame that opens at `start`, why there is none, or the buffer length needed to know.

    `offset`: of the buffer's first octet in the stream.
    """
    header = _read_header(bytes(buffer[start + 1 : start + 1 + HEADER_MAX]))
    if isinstance(header, int):
        return start + 1 + header
    if isinstance(header, Failed):
        return header
    closing = start + 1 + header.length
    if len(buffer) <= closing:
        return closing + 1
    if buffer[closing] != FLAG:
        return Failed(Kind.CHECKSUM, _CLOSING, header.length + 2)
    if remainder(buffer[start + 1 : closing]) != RESIDUE:
        return Failed(Kind.CHECKSUM, _FCS, header.length + 2)
    end = start + 1 + header.end
    return Frame(
        bytes(buffer[start + 3 : end]),
        bytes(buffer[end + CHECK_SIZE : closing - CHECK_SIZE]),
        header.segmented,
        offset + start,
        header.length + 2,
    )


def truncated(buffer: bytearray, start: int, _: int) -> Failed:
    """The verdict on a candidate that would have needed more octets."""
    have = len(buffer) - start
    if have < 3:
        return NOTHING
    length = (buffer[start + 1] & 0x07) << 8 | buffer[start + 2]
    return Failed(Kind.TRUNCATED, f"truncated: a frame of {length + 2} octets ends after {have}", have)


@lru_cache(maxsize=64)
def _read_header(octets: bytes) -> _Header | Failed | int:
    """The header in the octets behind a flag, why there is none, or how many octets are needed to know.

    A meter sends a handful of headers for years, so what they say is remembered. `HEADER_MAX` octets are
    always enough.
    """
    size = len(octets)
    if size < 2:
        return NOTHING if size and octets[0] & 0xF0 != FORMAT_TYPE_3 and octets[0] != FLAG else 2
    length = (octets[0] & 0x07) << 8 | octets[1]
    end = header_end(octets, 2, size)
    if octets[0] & 0xF0 != FORMAT_TYPE_3 or length < LENGTH_MIN or end is None:
        return NOTHING
    if size < end + CHECK_SIZE:
        return min(end + CHECK_SIZE, length + 1)
    if length != end + CHECK_SIZE:  # else there is no information field, hence no HCS
        if length < end + 2 * CHECK_SIZE:
            return NOTHING
        if remainder(octets[: end + CHECK_SIZE]) != RESIDUE:
            return Failed(Kind.CHECKSUM, _HCS, end + CHECK_SIZE + 1)
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
