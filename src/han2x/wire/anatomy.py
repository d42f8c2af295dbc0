"""A telegram taken apart octet by octet, for people: flags, header, checks, LLC, APDU, values.

It takes what `stream` takes, and damaged frames too; nothing here raises. Each octet is in one piece.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from . import sml
from .assemble import LLC
from .axdr import AxdrError, Data, Leaf, leaves
from .crc import RESIDUE, remainder
from .dlms import DATA_NOTIFICATION, GENERAL_BLOCK_TRANSFER, GENERAL_GLO_CIPHERING, TIME_SIZE
from .hdlc import CHECK_SIZE, FLAG, FORMAT_TYPE_3, SEGMENTED, header_end


class Piece(NamedTuple):
    """Octets of a telegram and what they are. `leaf`: the value they encode, where they do."""

    offset: int
    length: int
    text: str
    value: str = ""
    leaf: Leaf | None = None


@dataclass(slots=True)
class Anatomy:
    """A telegram's pieces in order. `body`: its A-XDR values, None where they cannot be read."""

    pieces: list[Piece] = field(default_factory=list)
    sent_at: bytes = b""
    body: Data | None = None
    read: bool = False


def anatomy(octets: bytes) -> Anatomy:
    """All of a telegram."""
    found = Anatomy()
    if octets.startswith(sml.START):
        found.pieces = list(_sml(octets))
        return found
    places: list[int] = []
    if octets[:1] == bytes((FLAG,)):
        found.pieces, places = _frames(octets)
    elif octets.startswith(LLC):
        found.pieces, places = [_llc(0)], list(range(len(LLC), len(octets)))
    else:
        places = list(range(len(octets)))
    message = bytes(octets[place] for place in places)
    for piece in _message(message, found):
        found.pieces += _placed(piece, places)
    found.pieces.sort()
    return found


def _sml(octets: bytes) -> Iterator[Piece]:
    """The marks of an SML telegram, and what is between them."""
    begin = len(sml.START)
    end = max(begin, len(octets) - sml.END_SIZE)
    yield Piece(0, begin, "start mark", "SML, transport version 1")
    if not octets.startswith(sml.END_MARK, end):
        yield from _rest(octets, begin, "SML messages, cut off")
        return
    yield from _rest(octets[:end], begin, "SML messages")
    mark = len(sml.END_MARK)
    yield Piece(end, mark, "end mark")
    yield Piece(end + mark, 1, "octets of padding", str(octets[end + mark]))
    yield Piece(end + mark + 1, CHECK_SIZE, "checksum")


def _llc(offset: int) -> Piece:
    return Piece(offset, len(LLC), "LLC header", "destination, source, quality")


def _placed(piece: Piece, places: list[int]) -> Iterator[Piece]:
    """A piece of the message where its octets are; in two where frames come between."""
    where = places[piece.offset : piece.offset + piece.length]
    begin = 0
    for index in range(1, len(where) + 1):
        if index == len(where) or where[index] != where[index - 1] + 1:
            text = piece.text if not begin else f"{piece.text} (continued)"
            yield Piece(where[begin], index - begin, text, piece.value, piece.leaf)
            begin = index


def _frames(octets: bytes) -> tuple[list[Piece], list[int]]:
    """The frames' own octets as pieces, and where those of the message are."""
    pieces: list[Piece] = []
    places: list[int] = []
    at = 0
    while at < len(octets):
        if octets[at] == FLAG and (
            at + 1 == len(octets) or octets[at + 1] == FLAG or (pieces and _closes(pieces))
        ):
            pieces.append(Piece(at, 1, "flag", "end of the frame"))
            at += 1
            continue
        at = _frame(octets, at, pieces, places)
    return pieces, places


def _closes(pieces: list[Piece]) -> bool:
    return pieces[-1].text.startswith("frame check")


def _frame(octets: bytes, at: int, pieces: list[Piece], places: list[int]) -> int:
    """One frame's pieces, from `at`; where it ends. What is no frame is one piece to the end."""
    begin = at
    if octets[at] == FLAG:
        pieces.append(Piece(at, 1, "flag", "begin of a frame"))
        at += 1
    head = octets[at:]
    end = header_end(head, 2, len(head)) if len(head) > 2 else None
    length = (head[0] & 0x07) << 8 | head[1] if end else 0
    if end is None or head[0] & 0xF0 != FORMAT_TYPE_3 or not end + 2 * CHECK_SIZE <= length:
        end = len(head)  # or it would end before its own header does
    if end + CHECK_SIZE > len(head):
        if at < len(octets):
            pieces.append(Piece(at, len(octets) - at, "octets that are no frame"))
        return len(octets)
    more = ", more segments follow" if head[0] & SEGMENTED else ""
    pieces.append(Piece(at, 2, "frame format", f"type 3, {length} octets{more}"))
    pieces += _addresses(octets, at + 2, at + end - 1)
    pieces.append(Piece(at + end - 1, 1, "control", f"0x{octets[at + end - 1]:02X}"))
    good = remainder(head[: end + CHECK_SIZE]) == RESIDUE
    pieces.append(Piece(at + end, CHECK_SIZE, "header check sequence", "right" if good else "wrong"))
    return _information(octets, at, at + end + CHECK_SIZE, at + length, begin, pieces, places)


def _addresses(octets: bytes, begin: int, end: int) -> Iterator[Piece]:
    for name in ("destination address", "source address"):
        at = begin
        while at < end - 1 and not octets[at] & 1:
            at += 1
        yield Piece(begin, at + 1 - begin, name, octets[begin : at + 1].hex())
        begin = at + 1


def _information(
    octets: bytes, at: int, begin: int, end: int, opened: int, pieces: list[Piece], places: list[int]
) -> int:
    """From the end of a header to that of its frame, as far as there are octets."""
    stop = min(end - CHECK_SIZE, len(octets))
    if octets[begin:stop].startswith(LLC):
        pieces.append(_llc(begin))
        begin += len(LLC)
    places += range(begin, max(begin, stop))
    if end > len(octets):
        rest = range(max(begin, stop), len(octets))
        if rest:
            pieces.append(Piece(rest.start, len(rest), "frame check sequence", "cut off"))
        return len(octets)
    good = remainder(octets[at:end]) == RESIDUE
    pieces.append(Piece(end - CHECK_SIZE, CHECK_SIZE, "frame check sequence", "right" if good else "wrong"))
    return end


def _message(message: bytes, found: Anatomy) -> Iterator[Piece]:
    """The pieces of an APDU, offsets in it."""
    tag = message[0] if message else -1
    if tag == GENERAL_GLO_CIPHERING:
        yield Piece(0, 1, "APDU tag", "general-glo-ciphering: encrypted")
        yield from _rest(message, 1, "encrypted octets")
    elif tag == GENERAL_BLOCK_TRANSFER:
        yield Piece(0, 1, "APDU tag", "general-block-transfer")
        yield from _rest(message, 1, "a block of a message")
    elif tag == DATA_NOTIFICATION and len(message) > 5:
        yield Piece(0, 1, "APDU tag", "data-notification")
        yield Piece(1, 4, "long invoke id and priority", message[1:5].hex())
        yield from _notification(message, found)
    else:
        yield from _rest(message, 0, "octets that are no data-notification")


def _notification(message: bytes, found: Anatomy) -> Iterator[Piece]:
    """Date-time and body; the date-time has the four forms of `dlms`."""
    prefix = {0x00: 1, 0x09: 2, 0x0C: 1, 0x19: 1}.get(message[5], 0)
    size = 0 if message[5] == 0x00 else TIME_SIZE
    at = 5 + prefix + size
    if not prefix or at > len(message):
        yield from _rest(message, 5, "octets that cannot be read")
        return
    found.sent_at = message[5 + prefix : at]
    yield Piece(5, prefix + size, "date-time", "" if size else "not sent")
    try:
        found.body, nodes, end = leaves(message, at)
    except AxdrError as error:
        yield from _rest(message, at, "values that cannot be read", str(error))
        return
    found.read = True
    yield from (Piece(node.offset, node.length, node.kind, node.text, node) for node in nodes)
    yield from _rest(message, end, "octets after the end of the message")


def _rest(message: bytes, begin: int, text: str, value: str = "") -> Iterator[Piece]:
    if begin < len(message):
        yield Piece(begin, len(message) - begin, text, value)
