"""A-XDR: the encoding of COSEM data (Green Book; han-port sheet 3.2), big endian throughout.

Data become plain Python values: null None, integers and enums int, boolean bool, octet-string bytes,
visible- and utf8-string str, bit-string bytes, date-time, date and time bytes; array and structure are
tuples of their own classes, so that a layout can tell them apart.
"""

from struct import Struct, error
from typing import NamedTuple

DEPTH_MAX = 8


class AxdrError(ValueError):
    """The octets are no A-XDR. `incomplete`: they only end too early; `unsupported`: they have a form of the
    standard that is not read.
    """

    def __init__(self, reason: str, *, incomplete: bool = False, unsupported: bool = False) -> None:
        super().__init__(reason)
        self.incomplete, self.unsupported = incomplete, unsupported


class Array(tuple["Data", ...]):
    """Elements of one kind."""

    __slots__ = ()


class Structure(tuple["Data", ...]):
    """Elements of any kind."""

    __slots__ = ()


Data = None | bool | int | float | bytes | str | Array | Structure

ARRAY, STRUCTURE, BOOLEAN, BIT_STRING, OCTET_STRING = 0x01, 0x02, 0x03, 0x04, 0x09
VISIBLE_STRING, UTF8_STRING = 0x0A, 0x0C

NUMBERS = {
    0x05: "i",  # double-long
    0x06: "I",  # double-long-unsigned
    0x0F: "b",  # integer
    0x10: "h",  # long
    0x11: "B",  # unsigned
    0x12: "H",  # long-unsigned
    0x14: "q",  # long64
    0x15: "Q",  # long64-unsigned
    0x16: "B",  # enum
    0x17: "f",  # float32
    0x18: "d",  # float64
}
"""By tag, in the letters of `struct`."""

_NUMBERS = {
    tag: (layout.unpack_from, layout.size)
    for tag, layout in ((tag, Struct(f">{letter}")) for tag, letter in NUMBERS.items())
}
_SEQUENCES: dict[int, type[Array] | type[Structure]] = {ARRAY: Array, STRUCTURE: Structure}
_SIZED = frozenset((OCTET_STRING, VISIBLE_STRING, UTF8_STRING, BIT_STRING))
_FIXED_OCTETS = {0x19: 12, 0x1A: 5, 0x1B: 4}  # date-time, date, time


_UNREAD = {0x0D: "BCD", 0x13: "compact-array"}
"""Tags of the standard (Green Book 9.5) that no meter has been seen to send, and that are not read."""


def decode(data: bytes, position: int = 0) -> tuple[Data, int]:
    """The value that begins at `position`, and where it ends. Raises `AxdrError`."""
    try:
        return _value(data, position, 0)
    except (IndexError, error):
        raise AxdrError("A-XDR: the data end within a value", incomplete=True) from None


def _value(data: bytes, position: int, depth: int) -> tuple[Data, int]:
    tag = data[position]
    position += 1
    number = _NUMBERS.get(tag)
    if number:
        unpack, size = number
        return unpack(data, position)[0], position + size
    kind = _SEQUENCES.get(tag)
    if kind:
        return _sequence(data, position, depth + 1, kind)
    if tag == 0x00:
        return None, position
    if tag == BOOLEAN:
        return data[position] != 0, position + 1
    return _octets(data, position, tag)


def _sequence(
    data: bytes, position: int, depth: int, kind: type[Array] | type[Structure]
) -> tuple[Data, int]:
    if depth > DEPTH_MAX:
        raise AxdrError("A-XDR: nested too deep")
    count, position = length(data, position)
    items = []
    for _ in range(count):
        item, position = _value(data, position, depth)
        items.append(item)
    return kind(items), position


def _octets(data: bytes, position: int, tag: int) -> tuple[Data, int]:
    size = _FIXED_OCTETS.get(tag)
    if size is None:
        if tag not in _SIZED:
            named = _UNREAD.get(tag, "unknown")
            raise AxdrError(f"A-XDR: {named} tag 0x{tag:02X}", unsupported=tag in _UNREAD)
        size, position = length(data, position)
        if tag == BIT_STRING:
            size = (size + 7) // 8
    end = position + size
    octets = data[position:end]
    if len(octets) < size:
        raise IndexError
    if tag in (VISIBLE_STRING, UTF8_STRING):
        return octets.decode("utf-8" if tag == UTF8_STRING else "ascii", "replace"), end
    return octets, end


def length(data: bytes, position: int) -> tuple[int, int]:
    """A length or count field, and where it ends: one octet below 0x80, else 0x81 or 0x82 before it."""
    first = data[position]
    if first < 0x80:
        return first, position + 1
    if first == 0x81:
        return data[position + 1], position + 2
    if first == 0x82:
        return data[position + 1] << 8 | data[position + 2], position + 3
    raise AxdrError(f"A-XDR: length field 0x{first:02X}")


class Leaf(NamedTuple):
    """An encoded value, or the head of an array or structure: where its octets are, and what they say.

    `value`: as `decode` gives it, None for a head.
    """

    offset: int
    length: int
    kind: str
    text: str
    value: Data


def leaves(data: bytes, position: int) -> tuple[Data, list[Leaf], int]:
    """The value that begins at `position` with all its parts, and where it ends. Raises `AxdrError`.

    Every integer in the value is the offset of its octets instead, so that whoever picks values out of it
    by a vendor's layout can tell where they were.
    """
    found: list[Leaf] = []
    try:
        value, end = _traced(data, position, 0, found)
    except (IndexError, error):
        raise AxdrError("A-XDR: the data end within a value", incomplete=True) from None
    return value, found, end


def _traced(data: bytes, position: int, depth: int, found: list[Leaf]) -> tuple[Data, int]:
    tag = data[position]
    kind = _SEQUENCES.get(tag)
    if kind is None:
        value, end = _value(data, position, depth)
        text = value.hex() if isinstance(value, bytes) else str(value)
        found.append(Leaf(position, end - position, NAMES.get(tag, "value"), text, value))
        return (position if type(value) is int else value), end
    if depth > DEPTH_MAX:
        raise AxdrError("A-XDR: nested too deep")
    count, begin = length(data, position + 1)
    found.append(Leaf(position, begin - position, NAMES[tag], f"{count} elements", None))
    items = []
    position = begin
    for _ in range(count):
        item, position = _traced(data, position, depth + 1, found)
        items.append(item)
    return kind(items), position


NAMES = {
    0x00: "null",
    ARRAY: "array",
    STRUCTURE: "structure",
    BOOLEAN: "boolean",
    BIT_STRING: "bit string",
    0x05: "int32",
    0x06: "uint32",
    OCTET_STRING: "octet string",
    VISIBLE_STRING: "text",
    UTF8_STRING: "text",
    0x0F: "int8",
    0x10: "int16",
    0x11: "uint8",
    0x12: "uint16",
    0x14: "int64",
    0x15: "uint64",
    0x16: "enum",
    0x17: "float32",
    0x18: "float64",
    0x19: "date-time",
    0x1A: "date",
    0x1B: "time",
}
