"""The messages of an SML telegram: type, length and value of each element (SML 1.04, 6), and their checksums.

An element begins with octets of type and length: bit 7 says that another one follows, bits 6 to 4 are the
type, bits 3 to 0 are four bits of the length, which counts these octets too, or of a list its elements.
"""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from .crc import check_sequence, kermit

GET_LIST_RESPONSE = 0x0701
DEPTH_MAX = 8
LENGTH_OCTETS_MAX = 3
INTEGER_MAX = 8
LIST = 7
ELEMENTS = 6
"""Of a message: transaction, group, abort on error, body, checksum, end mark."""


class SmlError(ValueError):
    """Octets that are no message; says why."""


class Sum(Enum):
    """How a checksum is made."""

    X25 = "x25"
    KERMIT = "kermit"
    WRONG = "wrong"


class Number(NamedTuple):
    """An integer, and how many octets it was sent in."""

    value: int
    size: int


Tree = None | bool | bytes | Number | tuple["Tree", ...]
"""An element; None is one that is left out."""


class Message(NamedTuple):
    """What a message says: the number of its kind, and its elements."""

    kind: int
    body: Tree
    sum: Sum


class Row(NamedTuple):
    """An entry of a list of values, and where it is."""

    begin: int
    end: int
    content: Tree


ROWS_AT = (3, 1, 4)
"""How many elements come before the body, before its content, and before the list of values in that."""


class _Placed(NamedTuple):
    message: Message
    begin: int
    sum_at: int
    end: int


def messages(octets: bytes) -> list[Message]:
    """All messages; raises `SmlError`."""
    return [placed.message for placed in _placed(octets)]


def rows(octets: bytes) -> Iterator[Row]:
    """The entries of all lists of values, with their places; raises `SmlError`."""
    for message, begin, _, _ in _placed(octets):
        if message.kind == GET_LIST_RESPONSE:
            at = begin + 1
            for inside in ROWS_AT:
                for _ in range(inside):
                    _, at = _element(octets, at, 0)
                kind, count, at = _head(octets, at)
                if kind != LIST:
                    return
            for _ in range(count):
                row, end = _element(octets, at, 0)
                yield Row(at, end, row)
                at = end


def resealed(octets: bytes) -> bytes:
    """Messages whose content was changed, with the right checksums; raises `SmlError`."""
    done = bytearray(octets)
    for _, begin, sum_at, end in _placed(octets):
        done[sum_at:end] = b"\x63" + check_sequence(bytes(done[begin:sum_at])) + b"\x00"
    return bytes(done)


def _placed(octets: bytes) -> list[_Placed]:
    found: list[_Placed] = []
    at = 0
    while at < len(octets):
        found.append(_message(octets, at))
        at = found[-1].end
    if not found:
        raise SmlError("no message in it")
    return found


def _message(octets: bytes, begin: int) -> _Placed:
    if octets[begin] != 0x70 | ELEMENTS:
        raise SmlError("a message does not begin as one")
    at, elements = begin + 1, list[Tree]()
    for _ in range(ELEMENTS - 2):
        element, at = _element(octets, at, 0)
        elements.append(element)
    sent, end = _element(octets, at, 0)
    if octets[end : end + 1] != b"\x00":
        raise SmlError("a message does not end where it should")
    kind, body = _choice(elements[-1])
    return _Placed(Message(kind, body, _sum(octets[begin:at], sent)), begin, at, end + 1)


def _choice(element: Tree) -> tuple[int, Tree]:
    if isinstance(element, tuple) and len(element) == 2 and isinstance(element[0], Number):
        return element[0].value, element[1]
    raise SmlError("a message without body")


def _sum(octets: bytes, sent: Tree) -> Sum:
    """Which checksum of the octets was sent; zeros before it may be left out."""
    if not isinstance(sent, Number):
        return Sum.WRONG
    if sent.value == int.from_bytes(check_sequence(octets), "big"):
        return Sum.X25
    return Sum.KERMIT if sent.value == kermit(octets) else Sum.WRONG


def _element(octets: bytes, at: int, depth: int) -> tuple[Tree, int]:
    """The element at a place, and where the next one begins."""
    kind, length, begin = _head(octets, at)
    if kind == LIST:
        return _list(octets, begin, length, depth)
    size = length - (begin - at)
    value, end = octets[begin : begin + size], begin + size
    if size < 0 or len(value) < size:
        raise SmlError("an element is cut off")
    if kind == 0:
        return value or None, end
    if kind == 4 and size == 1:
        return value != b"\x00", end
    if kind in (5, 6) and 1 <= size <= INTEGER_MAX:
        return Number(int.from_bytes(value, "big", signed=kind == 5), size), end
    raise SmlError(f"an element of type {kind} in {size} octets")


def _head(octets: bytes, at: int) -> tuple[int, int, int]:
    """Type and length of the element at a place, and where its content begins."""
    length = 0
    for index, octet in enumerate(octets[at : at + LENGTH_OCTETS_MAX], 1):
        length = length << 4 | octet & 0x0F
        if not octet & 0x80:
            return octets[at] >> 4 & 7, length, at + index
    raise SmlError("an element without length")


def _list(octets: bytes, at: int, count: int, depth: int) -> tuple[Tree, int]:
    if depth >= DEPTH_MAX:
        raise SmlError("lists within lists without end")
    elements: list[Tree] = []
    for _ in range(count):
        element, at = _element(octets, at, depth + 1)
        elements.append(element)
    return tuple(elements), at
