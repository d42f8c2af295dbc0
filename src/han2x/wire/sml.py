"""SML telegrams of German meters (SML 1.04, transport protocol version 1), from start mark to checksum.

    1B1B1B1B 01010101  messages, padded to four octets  1B1B1B1B 1A padding CRC-16

Four octets 1B of the messages are sent as eight. The checksum is CRC-16/X-25, low octet first; some meters of
Holley and Itron send CRC-16/KERMIT, high octet first, for the telegram and for each message. A change of few
octets could make one of the two out of the other, so a telegram with the second is believed only if all its
messages have it too.
"""

import re

from .candidate import NOTHING, Failed
from .crc import RESIDUE, check_sequence, kermit, remainder
from .other_protocols import SML_CHECKSUM, SML_TRUNCATED
from .result import Apdu, Framing, Kind
from .sml_messages import SmlError, Sum, messages, resealed

START = b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01"
END_MARK, END_SIZE = b"\x1b\x1b\x1b\x1b\x1a", 8
TELEGRAM_MAX = 4096

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_RUN = re.compile(rb"\x1b{4,}")
_PADDING_MAX = 3


def candidate(buffer: bytearray, start: int, offset: int) -> Apdu | Failed | int:
    """The telegram that begins at `start`, why there is none, or the buffer length needed to know."""
    begun = buffer[start : start + len(START)]
    if begun != START:
        return len(buffer) + 1 if START.startswith(begun) and start + len(begun) == len(buffer) else NOTHING
    limit = start + TELEGRAM_MAX
    end = _end(buffer, start + len(START), min(limit, len(buffer)))
    if end < 0:
        return Failed(Kind.TRUNCATED, SML_TRUNCATED, -end - start)
    if end > len(buffer):
        return end if len(buffer) < limit else Failed(Kind.TRUNCATED, SML_TRUNCATED, TELEGRAM_MAX)
    octets = bytes(buffer[start:end])
    outcome = _checked(octets)
    return outcome if isinstance(outcome, Failed) else Apdu(outcome, Framing.SML, offset + start, len(octets))


def truncated(buffer: bytearray, start: int, _: int) -> Failed:
    """The verdict on a candidate that would have needed more octets."""
    whole = buffer.startswith(START, start)
    return Failed(Kind.TRUNCATED, SML_TRUNCATED, len(buffer) - start) if whole else NOTHING


def _end(buffer: bytearray, begin: int, stop: int) -> int:
    """Where the telegram ends, above the buffer's length where that needs more octets.

    Negative: where what is no telegram stops, as another mark than its end stands there.
    """
    position = begin
    while run := _RUN.search(buffer, position, stop):
        length, after = run.end() - run.start(), run.end()
        if after == len(buffer):
            break
        # Of eight octets four are meant, so an end mark is what four octets are left for.
        ends = length % 8 >= 4
        if ends and buffer[after] != END_MARK[-1]:
            return -(after - len(_ESCAPE))
        if ends:
            return after + END_SIZE - len(_ESCAPE)
        position = after
    return len(buffer) + 1


def _checked(octets: bytes) -> bytes | Failed:
    """The messages of a whole telegram whose checksums are right."""
    by = Sum.X25 if remainder(octets) == RESIDUE else Sum.KERMIT
    if by is Sum.KERMIT and kermit(octets[:-2]) != int.from_bytes(octets[-2:], "big"):
        return Failed(Kind.CHECKSUM, SML_CHECKSUM, len(octets))
    if octets[-3] > _PADDING_MAX:
        return Failed(Kind.UNKNOWN, f"an SML telegram with {octets[-3]} octets of padding", len(octets))
    found = inside(octets)
    try:
        sums = {message.sum for message in messages(found)}
    except SmlError as error:
        return Failed(Kind.UNKNOWN, f"SML that cannot be read: {error}", len(octets))
    if sums not in ({Sum.KERMIT}, {by}):
        return Failed(Kind.CHECKSUM, SML_CHECKSUM, len(octets))
    return found


def inside(octets: bytes) -> bytes:
    """The messages of a whole telegram."""
    messages = octets[len(START) : len(octets) - END_SIZE].replace(_ESCAPE * 2, _ESCAPE)
    return messages[: len(messages) - octets[-3]]


def framed(messages: bytes) -> bytes:
    """The telegram of some messages, whose checksums are made right; raises `SmlError`."""
    escaped = resealed(messages).replace(_ESCAPE, _ESCAPE * 2)
    padding = -len(escaped) % 4
    octets = START + escaped + bytes(padding) + END_MARK + bytes((padding,))
    return octets + check_sequence(octets)
