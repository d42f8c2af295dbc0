"""A telegram explained octet by octet: its anatomy, and what each value means by its vendor. Pure."""

from collections.abc import Iterator, Mapping

from ..model.explained import Part
from ..model.quantity import Quantity
from ..settings.lists import TaughtList
from ..vendors import sml as vendors_sml
from ..vendors import taught
from ..vendors.decoder import read
from ..vendors.dlms_clock import DATE, TIME
from ..vendors.layouts import as_text
from ..vendors.obis_quantities import CLOCK, DETAILS, QUANTITIES, TEXTS
from ..vendors.recognition import recognise
from ..vendors.vendor import Mismatch, Vendor
from ..wire import sml
from ..wire.anatomy import Anatomy, Piece, anatomy
from ..wire.axdr import Data, Structure
from ..wire.clock import cosem_time
from ..wire.dlms import Notification
from ..wire.obis import obis
from ..wire.sml_messages import SmlError

APART = {DATE: "date of the clock", TIME: "time of the clock"}
NAMES = {"list_version": "list version", "meter_id": "meter id", "meter_type": "meter type"}


def explain(octets: bytes, lists: tuple[TaughtList, ...] = ()) -> tuple[Part, ...]:
    """All octets of a telegram; what no table explains is named by its encoding alone."""
    if octets.startswith(sml.START):
        return _sml(octets)
    found = anatomy(octets)
    meanings = _meanings(found, taught.vendors(lists))
    return tuple(_part(piece, meanings, found) for piece in found.pieces)


def _sml(octets: bytes) -> tuple[Part, ...]:
    """The marks and messages of an SML telegram, and each entry of its lists."""
    parts = [Part(piece.offset, piece.length, piece.text, piece.value) for piece in anatomy(octets).pieces]
    messages, begin = sml.inside(octets), len(sml.START)
    if octets[begin : begin + len(messages)] != messages:
        return tuple(parts)  # escaped: the places in it are others
    try:
        entries = [
            Part(begin + found.begin, found.end - found.begin, *found[2:])
            for found in vendors_sml.meanings(messages)
        ]
    except SmlError:
        return tuple(parts)
    return tuple(sorted(_around(parts, entries)))


def _around(parts: list[Part], entries: list[Part]) -> Iterator[Part]:
    """Parts, those of which entries are a piece as what is left of them."""
    yield from entries
    for part in parts:
        at, end = part.offset, part.offset + part.length
        for entry in (one for one in entries if at <= one.offset < end):
            if at < entry.offset:
                yield part._replace(offset=at, length=entry.offset - at)
            at = entry.offset + entry.length
        if at < end:
            yield part._replace(offset=at, length=end - at)


def _part(piece: Piece, meanings: Mapping[int, Part], found: Anatomy) -> Part:
    leaf = piece.leaf
    if leaf is None:
        time = cosem_time(found.sent_at) if piece.text == "date-time" else None
        return Part(piece.offset, piece.length, piece.text, str(time.local) if time else piece.value)
    meaning = meanings.get(leaf.offset)
    if meaning is None:
        return Part(piece.offset, piece.length, piece.text, piece.value)
    return meaning._replace(offset=piece.offset, length=piece.length)


def _meanings(found: Anatomy, learnt: tuple[Vendor, ...]) -> dict[int, Part]:
    """What values mean, by their offset in the message."""
    codes = {
        piece.leaf.offset: Part(0, 0, "OBIS code", obis(value), obis(value))
        for piece in found.pieces
        if piece.leaf and isinstance(value := piece.leaf.value, bytes) and _is_code(value)
    }
    body = _plain(found)
    vendor = recognise(body, taught=learnt) if found.read else None
    if vendor is None:
        return codes
    try:
        values = read(vendor, vendor.name, Notification(found.sent_at, body)).values
        return codes | dict(_items(vendor, found, values))
    except Mismatch:
        return codes


def _is_code(value: bytes) -> bool:
    """Whether six octets are the code of electricity or of something abstract."""
    return len(value) == 6 and value[0] in (0, 1) and value[5] == 0xFF


def _plain(found: Anatomy) -> Data:
    """The body with its integers as they were sent."""
    sent = {piece.leaf.offset: piece.leaf.value for piece in found.pieces if piece.leaf}
    return _restored(found.body, sent)


class _Placed(int):
    """An integer as it was sent, that knows where its octets are."""

    offset: int


def _placed(found: Anatomy) -> Data:
    """The body for a layout that goes by its integers, which still tell where they are."""
    sent = {piece.leaf.offset: piece.leaf.value for piece in found.pieces if piece.leaf}
    return _marked(found.body, sent)


def _marked(value: Data, sent: Mapping[int, Data]) -> Data:
    if isinstance(value, tuple):
        return type(value)(_marked(one, sent) for one in value)
    if type(value) is not int:
        return value
    number = sent[value]
    assert isinstance(number, int)
    placed = _Placed(number)
    placed.offset = value
    return placed


def _offset(number: int) -> int | None:
    """Where an integer's octets are; in a body that was not placed, the integer itself says so."""
    if isinstance(number, bool):
        return None
    return number.offset if isinstance(number, _Placed) else number


def _restored(value: Data, sent: Mapping[int, Data]) -> Data:
    if isinstance(value, tuple):
        return type(value)(_restored(one, sent) for one in value)
    return sent[value] if type(value) is int else value


def _items(vendor: Vendor, found: Anatomy, values: Mapping[Quantity, int]) -> Iterator[tuple[int, Part]]:
    """The meaning of each item of a list, by where its value is."""
    where = {id(piece.leaf.value): piece.leaf.offset for piece in found.pieces if piece.leaf}
    body = _placed(found) if vendor.describes_itself else found.body
    for code, value, scaler_unit in vendor.items(body):
        offset = _offset(value) if isinstance(value, int) else where.get(id(value))
        if offset is not None:
            yield offset, _item(vendor, code, value, values)
        if isinstance(scaler_unit, Structure) and len(scaler_unit) == 2:
            for text, part in zip(("power of ten", "unit"), scaler_unit, strict=True):
                if isinstance(part, int) and (at := _offset(part)) is not None:
                    yield at, Part(0, 0, text, _number(found, at), obis(code))


def _number(found: Anatomy, offset: int) -> str:
    return next(piece.leaf.text for piece in found.pieces if piece.leaf and piece.leaf.offset == offset)


def _item(vendor: Vendor, code: bytes, value: Data, values: Mapping[Quantity, int]) -> Part:
    cde = code[2:5]
    quantity = QUANTITIES.get(cde) or DETAILS.get(cde)
    if quantity is not None:
        if quantity not in values:
            return Part(0, 0, quantity.label, "not sent", obis(code))
        shown = f"{quantity.displayed(values[quantity])} {quantity.unit.display}"
        return Part(0, 0, quantity.label, shown, obis(code))
    if text := vendor.texts.get(cde) or TEXTS.get(cde):
        return Part(0, 0, NAMES.get(text, text.replace("_", " ")), as_text(value), obis(code))
    if cde == CLOCK and isinstance(value, bytes):
        time = cosem_time(value)
        return Part(0, 0, "clock", str(time.local) if time else value.hex(), obis(code))
    if cde in APART:
        return Part(0, 0, APART[cde], value.hex() if isinstance(value, bytes) else str(value), obis(code))
    return Part(0, 0, "not explained by any table", "" if type(value) is int else str(value), obis(code))
