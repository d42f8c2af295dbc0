"""Lists whose layout is known from an earlier telegram: of the next ones only numbers and times are read.

A meter sends the same few lists for years. Once a list has been read, it is known which of its octets its
table read as numbers or times. A message of the same length that is the same in all its other octets has the
same layout, and means the same: it is neither parsed nor recognised again.

What describes itself is not remembered: there a number may decide what another one is.
"""

from collections.abc import Callable
from functools import partial
from struct import Struct, calcsize
from typing import NamedTuple

from ..model.quantity import Quantity
from ..wire.axdr import NUMBERS, AxdrError, Data, Leaf, leaves
from ..wire.dlms import INVOKE_ID, TIME_SIZE, date_time
from . import sums
from .layout_memory import LayoutMemory
from .vendor import Mismatch, Vendor

Number = tuple[Quantity, bytes, Data, Data]
"""A quantity with its code as sent, its raw value and its scaler_unit."""

Part = tuple[sums.Part, bytes, Data, Data]
"""A part of a quantity, the same way."""


class Sorted(NamedTuple):
    """The items of a list by what they mean: texts by name, numbers, and the codes that no table explains."""

    texts: dict[str, str]
    numbers: list[Number]
    details: list[Number]
    parts: list[Part]
    unknown: list[str]
    clock: bytes | None


Sorter = Callable[[Vendor, Data], Sorted]
Unpack = Callable[[bytes], tuple[int, ...]]


class KnownList(NamedTuple):
    """A list's layout. `fixed`: the octets that `mask` keeps. `numbers` and so on: the items, each with its
    place in what `unpack` gives. `sent_at`, `clock`: where these times are.
    """

    vendor: Vendor
    mask: int
    fixed: int
    unpack: Unpack
    texts: dict[str, str]
    numbers: list[tuple[Quantity, bytes, int, Data]]
    details: list[tuple[Quantity, bytes, int, Data]]
    parts: list[tuple[sums.Part, bytes, int, Data]]
    unknown: list[str]
    sent_at: slice
    clock: slice | None


class KnownLists:
    """The lists of one stream, by their length."""

    def __init__(self) -> None:
        self._lists = LayoutMemory[KnownList]()

    def find(self, data: bytes) -> tuple[Vendor, Sorted, bytes] | None:
        """Who sent a message, what its list says and when it was sent, if its layout is known."""
        known = self._lists.get(len(data))
        if known is None or int.from_bytes(data, "big") & known.mask != known.fixed:
            return None
        vendor, _, _, unpack, texts, numbers, details, parts, unknown, sent_at, clock = known
        raws = unpack(data)
        sent = Sorted(
            texts,
            [(what, code, raws[place], scaler_unit) for what, code, place, scaler_unit in numbers],
            [(what, code, raws[place], scaler_unit) for what, code, place, scaler_unit in details],
            [(what, code, raws[place], scaler_unit) for what, code, place, scaler_unit in parts],
            unknown,
            data[clock] if clock else None,
        )
        return vendor, sent, data[sent_at]

    def learn(self, data: bytes, vendor: Vendor, sent: Sorted, sort: Sorter) -> None:
        """Take in the layout of a message that was read."""
        if not vendor.describes_itself:
            self._lists.miss(len(data), partial(_certain, data, vendor, sent, sort))


def _certain(data: bytes, vendor: Vendor, sent: Sorted, sort: Sorter) -> KnownList | None:
    """A message's layout; None where it is not certain which octets say what."""
    try:
        return _known(data, vendor, sent, sort)
    except (AxdrError, Mismatch):
        return None


def _known(data: bytes, vendor: Vendor, sent: Sorted, sort: Sorter) -> KnownList:
    """The same; raises `AxdrError` or `Mismatch`."""
    sent_at, begin = date_time(data)
    shadow, found, _ = leaves(data, begin)  # in which integers are the offsets of what they stand for
    offsets, raws = _raws(sort(vendor, shadow)), _raws(sent)
    in_order = sorted(offsets)
    unpack, variable = _numbers(data, in_order)
    places = [in_order.index(offset) for offset in offsets]
    if [unpack(data)[place] for place in places] != raws:
        raise Mismatch("the layout says other values")
    if sent.clock:
        variable += _only(found, sent.clock)
    told = slice(begin - len(sent_at), begin)
    mask = bytearray(b"\xff" * len(data))
    for piece in (INVOKE_ID, told, *variable):
        mask[piece] = bytes(piece.stop - piece.start)
    kept = int.from_bytes(mask, "big")
    place = iter(places)
    return KnownList(
        vendor,
        kept,
        int.from_bytes(data, "big") & kept,
        unpack,
        sent.texts,
        [(a, b, next(place), d) for a, b, raw, d in sent.numbers if raw is not None],
        [(a, b, next(place), d) for a, b, raw, d in sent.details if raw is not None],
        [(a, b, next(place), d) for a, b, raw, d in sent.parts if raw is not None],
        sent.unknown,
        told,
        variable[-1] if sent.clock else None,
    )


def _raws(sent: Sorted) -> list[int]:
    """The raw values of all items that have one; raises `Mismatch` where one is no integer."""
    raws = [item[2] for item in (*sent.numbers, *sent.details, *sent.parts) if item[2] is not None]
    if not all(type(raw) is int for raw in raws):
        raise Mismatch("a number is no integer")
    return raws  # type: ignore[return-value]


def _numbers(data: bytes, offsets: list[int]) -> tuple[Unpack, list[slice]]:
    """What reads the numbers at these rising offsets, each behind its tag, and where their octets are."""
    layout, pieces, position = ">", [], 0
    for offset in offsets:
        letter = NUMBERS.get(data[offset], "")
        begin = offset + 1
        if begin < position or not letter:
            raise Mismatch("a value is no number")
        position, passed = begin + calcsize(f">{letter}"), begin - position
        layout += f"{passed}x{letter}"
        pieces.append(slice(begin, position))
    return Struct(f"{layout}{len(data) - position}x").unpack, pieces


def _only(found: list[Leaf], clock: bytes) -> list[slice]:
    """Where the octets of a clock are; raises `Mismatch` if something else in the message is the same."""
    ends = [leaf.offset + leaf.length for leaf in found if leaf.value == clock]
    if len(ends) != 1 or len(clock) != TIME_SIZE:
        raise Mismatch("it is not certain where the clock is")
    return [slice(ends[0] - TIME_SIZE, ends[0])]
