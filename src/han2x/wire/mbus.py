"""Wired M-Bus long frames that carry DLMS (EN 13757-2 and -3; han-port sheet 6.3).

68 L L 68 C A CI STSAP DTSAP data CS 16. The checksum is the sum of the octets that L counts, modulo 256.
"""

from .candidate import NOTHING, Failed
from .result import Kind, Segment

START, STOP = 0x68, 0x16
SEND_USER_DATA = (0x53, 0x73)
AROUND = 6
"""Octets that the length does not count: start, length twice, start, checksum, stop."""

HEADER = 5
"""Octets that the length counts before the data: C, A, CI, STSAP, DTSAP."""

WRAPPED = 256
FINAL, SEQUENCE = 0x10, 0x0F


def candidate(buffer: bytearray, start: int, offset: int) -> Segment | Failed | int:
    """The long frame that begins at `start`, why there is none, or the buffer length needed to know."""
    head = bytes(buffer[start : start + 7])
    if not _begins(head):
        return NOTHING
    if len(head) < 7:
        return start + 7
    for size in _sizes(head):
        end = start + size + AROUND
        if len(buffer) < end:
            return end
        if buffer[end - 1] == STOP and sum(buffer[start + 4 : end - 2]) & 0xFF == buffer[end - 2]:
            return _segment(bytes(buffer[start:end]), offset + start)
    return Failed(Kind.CHECKSUM, "wired M-Bus: checksum or stop octet is wrong", size + AROUND)


def _begins(head: bytes) -> bool:
    """Whether the first octets, as far as they are there, can begin a long frame."""
    return (
        head[2:3] in (b"", head[1:2])
        and head[3:4] in (b"", b"\x68")
        and (len(head) < 5 or head[4] in SEND_USER_DATA)
        and (len(head) < 7 or head[6] & 0xE0 == 0)
    )


def _sizes(head: bytes) -> list[int]:
    """What the length field can mean: Sagemcom sends 257 as 1, in segments that are not the last."""
    length, ci = head[1], head[6]
    plain = [length] if length > HEADER else []
    return plain if ci & FINAL and plain else [*plain, length + WRAPPED]


def _segment(octets: bytes, offset: int) -> Segment:
    ci = octets[6]
    header = octets[4:6] + octets[7:9]
    return Segment(header, octets[9:-2], ci & SEQUENCE, bool(ci & FINAL), offset, len(octets))


def truncated(buffer: bytearray, start: int, _: int) -> Failed:
    """The verdict on a candidate that would have needed more octets."""
    have = len(buffer) - start
    if have < 5:
        return NOTHING
    return Failed(Kind.TRUNCATED, f"truncated: a wired M-Bus frame ends after {have} octets", have)
