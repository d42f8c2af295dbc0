"""P1 text (DSMR 5.0.2; IEC 62056-21 mode D style): from the slash to the check sum behind the `!`.

The check sum is CRC-16/ARC over everything from `/` to `!`, both included, in four upper-case hex digits.
Old meters send none (DSMR 2 and 3, Iskraemeco in Slovenia): then nothing tells damage, and whoever decodes
has to decide whether that is believed (han-port sheet 6.2).
"""

import re

from .candidate import NOTHING, Failed
from .result import Apdu, Framing, Kind

TEXT_MAX = 4096
HEADER_LINE_MAX = 96

_HEADER = re.compile(rb"/[A-Za-z]{3}[^\r\n\0\x80-\xff]{1,80}\r?\n")
_HEADER_BEGUN = re.compile(rb"/(?:[A-Za-z]{0,3}|[A-Za-z]{3}[^\r\n\0\x80-\xff]{1,80}\r?)")
_NO_TEXT = re.compile(rb"[\0\x80-\xff]|\n/[A-Za-z]{3}")
_END = re.compile(rb"\n!(?:([0-9A-F]{4})?\r?\n)?")
_END_BEGUN = re.compile(rb"\n!(?:[0-9A-F]{0,4}|[0-9A-F]{4}\r|\r)")
_END_UNENDED = re.compile(rb"\n!(?:[0-9A-F]{4})?\Z")
_CHECKED_END = re.compile(rb"!([0-9A-F]{4})(?:\r?\n)?\Z")
END_MAX = 8

_CUT = "truncated: P1 text without its last line"
_END_DAMAGED = "P1 text whose last line is damaged"


def candidate(buffer: bytearray, start: int, offset: int) -> Apdu | Failed | int:
    """The text that begins at `start`, why there is none, or the buffer length needed to know."""
    header = _HEADER.match(buffer, start)
    if header is None:
        begun = buffer[start : start + HEADER_LINE_MAX]
        return len(buffer) + 1 if _HEADER_BEGUN.fullmatch(begun) else NOTHING
    limit = start + TEXT_MAX
    end = _END.search(buffer, header.end() - 1, limit)
    alien = _NO_TEXT.search(buffer, header.end() - 1, end.start() if end else limit)
    if alien:
        return Failed(Kind.TRUNCATED, _CUT, alien.start() - start + alien.group().startswith(b"\n"))
    if end is None:
        return len(buffer) + 1 if len(buffer) < limit else Failed(Kind.TRUNCATED, _CUT, TEXT_MAX)
    if end.end() - end.start() == 2:
        begun = buffer[end.start() : end.start() + END_MAX]
        whole = _END_BEGUN.fullmatch(begun)
        return len(buffer) + 1 if whole else Failed(Kind.CHECKSUM, _END_DAMAGED, end.end() - start)
    octets = bytes(buffer[start : end.end()])
    if end.group(1) and not checked(octets):
        return Failed(Kind.CHECKSUM, "the P1 text's check sum is wrong", len(octets))
    return Apdu(octets, Framing.P1, offset + start, len(octets))


def truncated(buffer: bytearray, start: int, offset: int) -> Apdu | Failed:
    """The verdict on a candidate that would have needed more octets; its last line end may be missing."""
    header = _HEADER.match(buffer, start)
    if header is None:
        return NOTHING
    end = _END_UNENDED.search(buffer, header.end() - 1)
    outcome = candidate(buffer + b"\r\n", start, offset) if end else None
    extent = len(buffer) - start
    if isinstance(outcome, Apdu):
        return Apdu(bytes(buffer[start:]), Framing.P1, offset + start, extent)
    if isinstance(outcome, Failed):
        return outcome._replace(extent=min(outcome.extent, extent))
    return Failed(Kind.TRUNCATED, _CUT, extent)


def checked(octets: bytes) -> bool:
    """Whether a text carries a check sum, and the right one."""
    end = _CHECKED_END.search(octets)
    return end is not None and b"%04X" % crc16(octets[: end.start() + 1]) == end.group(1)


def _table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [value >> 1 ^ (value & 1 and 0xA001) for value in table]
    return table


_TABLE = _table()


def crc16(octets: bytes) -> int:
    """CRC-16/ARC: 0xBB3D for b"123456789"."""
    table, crc = _TABLE, 0
    for octet in octets:
        crc = crc >> 8 ^ table[(crc ^ octet) & 0xFF]
    return crc
