"""P1 text (DSMR 5.0.2; IEC 62056-21 mode D style): from the slash to the check sum behind the `!`.

The check sum is CRC-16/ARC over everything from `/` to `!`, both included, in four hex digits; some meters
write it in lower case or without leading zeros, some end lines with CR alone.
Old meters send none (DSMR 2 and 3, Iskraemeco in Slovenia): then nothing tells damage, and whoever decodes
has to decide whether that is believed (han-port sheet 6.2).
A readout of IEC 62056-21 (mode A to C) has its lines between STX and ETX, and a block check behind them: all
octets after STX up to ETX, one over the other (XOR).
"""

import re
from functools import reduce
from operator import xor

from .candidate import NOTHING, Failed
from .other_protocols import HEADER_ONLY
from .result import Apdu, Framing, Kind

TEXT_MAX = 4096
HEADER_LINE_MAX = 96

_HEADER = re.compile(rb"/[A-Za-z]{3}[^\r\n\0\x80-\xff]{1,80}[\r\n]")
_HEADER_BEGUN = re.compile(rb"/(?:[A-Za-z]{0,3}|[A-Za-z]{3}[^\r\n\0\x80-\xff]{1,80})")
_NO_TEXT = re.compile(rb"[\0\x80-\xff]|[\r\n]/[A-Za-z]{3}")
_END = re.compile(rb"[\r\n]![ \t]*([0-9A-Fa-f]{1,4})?[ \t]*(?:\r{0,3}\n|(\r)(?=[^\n]))")
_END_BEGUN = re.compile(rb"[\r\n]![ \t]*(?:[0-9A-Fa-f]{0,4}|[0-9A-Fa-f]{4}[ \t][ -~]{0,40})\r{0,3}")
_END_UNENDED = re.compile(rb"[\r\n]![ \t]*(?:[0-9A-Fa-f]{1,4})?[ \t]*\r{0,3}\Z")
_LAST_LINE = re.compile(rb"[\r\n]!\r?\n\x03?\Z")
_END_FOLLOWED = re.compile(rb"([\r\n]![ \t]*[0-9A-Fa-f]{4})[ \t][ -~]{0,40}\r\n")
"""A check sum and something behind it in a line that is whole: the text ends there if it is the right one."""

_CHECKED_END = re.compile(rb"![ \t]*([0-9A-Fa-f]{1,4})[ \t]*(?:\r{0,3}\n|\r)?\Z")
_LINE_END = re.compile(rb"\r*\n|\r")
END_MAX = 64

_SEALED = re.compile(rb"[\r\n]+(?:\xdb\x08|\x00?[\x81\x82])")
"""Behind a header: an encrypted message, or what is left of one whose tag and title are not sent."""

_UNTITLED = re.compile(rb"[\r\n]+\x00(\x81(.)|\x82(..))", re.DOTALL)
_UNTITLED_BEGUN = re.compile(rb"[\r\n]+\x00(?:\x81|\x82.?)?", re.DOTALL)
_SEALED_END = re.compile(rb"(?:\r?\n)?![0-9A-Fa-f]{4}\r?\n")
SEALED_END_MIN, SEALED_END_MAX = 6, 9
NO_TITLE = b"\xdb\x08" + bytes(8)
"""Before an encrypted message that comes without its tag and its system title (Elgama GAMA 350 in Poland)."""

ENCRYPTED_TEXT = "P1 text whose lines are encrypted: needs the grid company's keys"

_CUT = "truncated: P1 text without its last line"
_END_DAMAGED = "P1 text whose last line is damaged"
_CHECK_SUM = "the P1 text's check sum is wrong"
_BLOCK_CHECK = "the readout's block check is wrong"
STX, ETX = b"\x02", b"\x03"
_OPENED = re.compile(rb"/[^\r\n]{4,90}[\r\n]+\x02")


def candidate(buffer: bytearray, start: int, offset: int) -> Apdu | Failed | int:
    """The text that begins at `start`, why there is none, or the buffer length needed to know."""
    header = _HEADER.match(buffer, start)
    if header is None:
        begun = buffer[start : start + HEADER_LINE_MAX]
        return len(buffer) + 1 if _HEADER_BEGUN.fullmatch(begun) else NOTHING
    limit = start + TEXT_MAX
    first = header.end() - 1  # the header's line end may be that of the last line, too
    mark = _mark(buffer, first, limit)
    body = buffer[first + 1 : mark if mark >= 0 else limit]
    alien = None if _is_plain(body) else _NO_TEXT.search(buffer, first + 1, mark if mark >= 0 else limit)
    if alien:
        return _untitled(buffer, header, offset) or _broken_off(
            buffer, header, alien.start() + (alien.group()[0] in b"\r\n")
        )
    if mark < 0:
        return len(buffer) + 1 if len(buffer) < limit else Failed(Kind.TRUNCATED, _CUT, TEXT_MAX)
    return _ended(buffer, start, mark, offset)


def _untitled(buffer: bytearray, header: re.Match[bytes], offset: int) -> Apdu | Failed | int | None:
    """A text whose lines are one encrypted message without tag and title, None for what is none.

    The title that is not sent is taken for zeros; the check sum vouches for what came, and the keys decide.
    """
    found = _UNTITLED.match(buffer, header.end() - 1)
    if found is None:
        return len(buffer) + 1 if _UNTITLED_BEGUN.fullmatch(buffer, header.end() - 1) else None
    end = found.end() + int.from_bytes(found.group(2) or found.group(3), "big")
    if end - header.start() > TEXT_MAX:
        return None
    tail = _SEALED_END.match(buffer, end)
    if tail is None:
        return max(len(buffer) + 1, end + SEALED_END_MIN) if len(buffer) < end + SEALED_END_MAX else None
    octets = bytes(buffer[header.start() : tail.end()])
    if not checked(octets):
        return Failed(Kind.CHECKSUM, _CHECK_SUM, len(octets))
    data = NO_TITLE + bytes(buffer[found.start(1) : end])
    return Apdu(data, Framing.P1, offset + header.start(), len(octets))


def _broken_off(buffer: bytearray, header: re.Match[bytes], end: int) -> Failed:
    """Why a text that stops at `end`, or never goes on, is none."""
    extent = end - header.start()
    if _SEALED.match(buffer, header.end() - 1):
        return Failed(Kind.ENCRYPTED, ENCRYPTED_TEXT, extent)
    bare = not buffer[header.end() : end].strip()
    return Failed(Kind.TRUNCATED, HEADER_ONLY if bare else _CUT, extent)


def _mark(buffer: bytearray, first: int, limit: int) -> int:
    """Where the line end before the last line is, -1 for nowhere."""
    bang = buffer.find(b"!", first, limit)
    if bang < 0:
        return -1
    if buffer[bang - 1] in b"\r\n":  # by far the most
        return bang - 1
    mark = buffer.find(b"\n!", first, limit)
    alone = buffer.find(b"\r!", first, mark if mark >= 0 else limit)
    return alone if alone >= 0 else mark


def _ended(buffer: bytearray, start: int, mark: int, offset: int) -> Apdu | Failed | int:
    """The text whose last line begins behind `mark`."""
    end = _END.match(buffer, mark)
    alone = end is not None and end.group(2) is not None
    if end is None or (alone and buffer.find(b"\n", start, mark) >= 0):  # such a text ends all lines so
        return _followed(buffer, start, mark, offset)
    if (stx := _stx(buffer, start)) >= 0:
        return _block(buffer, start, stx, end.end(), offset)
    octets = bytes(buffer[start : end.end()])
    if end.group(1) and not checked(octets) and not _checked_with_other_line_ends(octets):
        return Failed(Kind.CHECKSUM, _CHECK_SUM, len(octets))
    return Apdu(octets, Framing.P1, offset + start, len(octets))


def _stx(buffer: bytearray, start: int) -> int:
    """Where the STX of a readout is, which begins its first line; -1 for none."""
    found = _OPENED.match(buffer, start)
    return found.end() - 1 if found else -1


def _block(buffer: bytearray, start: int, stx: int, end: int, offset: int) -> Apdu | Failed | int:
    """The readout whose last line ends at `end`: its text without STX, and ETX and block check behind it."""
    if buffer[end : end + 1] not in (b"", ETX):
        return _read_out(buffer, start, stx, end, offset)
    if len(buffer) < end + 2:
        return end + 2
    if block_check(buffer[stx + 1 : end + 1]) != buffer[end + 1]:
        return Failed(Kind.CHECKSUM, _BLOCK_CHECK, end + 2 - start)
    return _read_out(buffer, start, stx, end + 2, offset)


def _read_out(buffer: bytearray, start: int, stx: int, end: int, offset: int) -> Apdu:
    return Apdu(bytes(buffer[start:stx] + buffer[stx + 1 : end]), Framing.P1, offset + start, end - start)


def block_check(octets: bytes | bytearray) -> int:
    """The block check character of what is between STX and ETX, which is among them (IEC 62056-21, 5.13)."""
    return reduce(xor, octets, 0) & 0x7F


def _followed(buffer: bytearray, start: int, mark: int, offset: int) -> Apdu | Failed | int:
    """The text whose last line is not ended, or ends with what does not belong to it."""
    if _END_BEGUN.fullmatch(buffer, mark) and len(buffer) - mark <= END_MAX:
        return len(buffer) + 1
    end = _END_FOLLOWED.match(buffer, mark)
    octets = bytes(buffer[start : end.end(1)]) if end else b""
    if end and (checked(octets) or _checked_with_other_line_ends(octets)):
        return Apdu(octets, Framing.P1, offset + start, end.end() - start)
    return Failed(Kind.CHECKSUM, _END_DAMAGED, mark + 2 - start)


def _is_plain(body: bytearray) -> bool:
    """Whether there is certainly nothing in a body that is no text, told quickly."""
    slashes = 0x2F in body and (b"\n/" in body or b"\r/" in body)
    return body.isascii() and 0 not in body and not slashes


def truncated(buffer: bytearray, start: int, offset: int) -> Apdu | Failed:
    """The verdict on a candidate that would have needed more octets; its last line end may be missing."""
    header = _HEADER.match(buffer, start)
    if header is None:
        return NOTHING
    if (stx := _stx(buffer, start)) >= 0 and _LAST_LINE.search(buffer, stx):
        return _read_out(buffer, start, stx, len(buffer), offset)
    end = _END_UNENDED.search(buffer, header.end() - 1)
    outcome = candidate(buffer + b"\r\n", start, offset) if end else None
    extent = len(buffer) - start
    if isinstance(outcome, Apdu):
        return Apdu(bytes(buffer[start:]), Framing.P1, offset + start, extent)
    if isinstance(outcome, Failed):
        return outcome._replace(extent=min(outcome.extent, extent))
    return _broken_off(buffer, header, len(buffer))


def _checked_with_other_line_ends(octets: bytes) -> bool:
    """Whether the check sum is right for the text as it was sent, before a bridge changed the line ends."""
    sent = _LINE_END.sub(b"\r\n", octets)
    return sent != octets and checked(sent)


def carries_check_sum(octets: bytes) -> bool:
    """Whether a whole text ends with a check sum; one that was found in a stream is then the right one."""
    return octets[-2:-1] == ETX or _CHECKED_END.search(octets, max(0, len(octets) - END_MAX)) is not None


def checked(octets: bytes) -> bool:
    """Whether a whole text carries a check sum, and the right one."""
    end = _CHECKED_END.search(octets, max(0, len(octets) - END_MAX))
    return end is not None and crc16(octets[: end.start() + 1]) == int(end.group(1), 16)


_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
_FOLDS = [(15 * n, (1 << 15 * n) - 1, n) for n in (2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1)]
_TRINOMIAL = 0x8003


def crc16(octets: bytes) -> int:
    """CRC-16/ARC of at most `TEXT_MAX` octets: 0xBB3D for b"123456789".

    The remainder by x^16 + x^15 + x^2 + 1 = (x + 1)(x^15 + x + 1). In powers of two, squares have no mixed
    terms: x^15n is the same as x^n + 1 for n = 1, 2, 4 …, so a text as one long integer is folded a few times
    instead of going through it octet by octet. The factor x + 1 says that ones stay even or odd in number.
    """
    text = int.from_bytes(octets.translate(_REVERSED), "big") << 16
    rest = text
    for bits, mask, n in _FOLDS:
        while high := rest >> bits:
            rest = rest & mask ^ high ^ high << n
    if (rest.bit_count() ^ text.bit_count()) & 1:
        rest ^= _TRINOMIAL
    return int(f"{rest:016b}"[::-1], 2)
