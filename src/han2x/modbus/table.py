"""A register map as a table: rows, and the image that is cut from them.

A row knows its address, how its value is found in a `View`, and nothing of functions or transports. A map
is contiguous blocks of rows; between blocks there is nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ..model.view import View
from .types import UINT16, Known, Type

Value = Callable[[View], Known | None]


class Register(NamedTuple):
    """A row: `address` counts from 0 (40001); `setting` is the meter's setting that a write changes.

    `interval`: how often a new value may be seen.
    """

    address: int
    type: Type
    name: str
    unit: str
    meaning: str
    value: Value
    interval: str = "10 s"
    setting: str = ""

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return self.type.words

    @property
    def access(self) -> str:
        """`R` or `R/W`."""
        return "R/W" if self.setting else "R"

    @property
    def addresses(self) -> range:
        """The zero-based addresses it takes."""
        return range(self.address, self.address + self.words)


class Image:
    """A view as octets, two for each register, big-endian (M13).

    Each block is cut when it is first read, and kept: all are of the one view, and few readers want all.
    """

    __slots__ = ("_cut", "_map", "_view")

    def __init__(self, map: "Map", view: View) -> None:
        self._map, self._view = map, view
        self._cut: dict[range, bytes] = {}

    def read(self, address: int, quantity: int) -> bytes | None:
        """The octets of registers that all exist, None where one does not."""
        for addresses in self._map.blocks:
            if addresses.start <= address and address + quantity <= addresses.stop:
                begin = 2 * (address - addresses.start)
                return self._block(addresses)[begin : begin + 2 * quantity]
        return None

    def _block(self, addresses: range) -> bytes:
        octets = self._cut.get(addresses)
        if octets is None:
            octets = self._cut[addresses] = self._map.block(addresses, self._view)
        return octets


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Map:
    """A register map. `low_word_first`: numbers of several words begin with their lowest word.

    `blocks`: the rows of each block, by the addresses it takes. `writable`: the rows that take writes, by
    theirs.
    """

    name: str
    title: str
    rows: tuple[Register, ...]
    low_word_first: bool = False
    blocks: dict[range, tuple[Register, ...]] = field(init=False)
    writable: dict[range, Register] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", _blocks(self.rows))
        object.__setattr__(self, "writable", {row.addresses: row for row in self.rows if row.setting})

    def image(self, view: View) -> Image:
        """All registers of a view."""
        return Image(self, view)

    def block(self, addresses: range, view: View) -> bytes:
        """The octets of one block."""
        return b"".join([self.octets(row, row.value(view)) for row in self.blocks[addresses]])

    def octets(self, row: Register, value: Known | None) -> bytes:
        """A row's octets for a value, in this map's word order."""
        octets = row.type.octets(value)
        return self.in_order(row.type, octets) if self.low_word_first else octets

    def in_order(self, type: Type, octets: bytes) -> bytes:
        """Octets of a type, from high word first to this map's word order or back; text has none."""
        if not self.low_word_first or type.words == 1 or type.name.startswith("text"):
            return octets
        return b"".join(octets[at : at + 2] for at in range(len(octets) - 2, -1, -2))


def _blocks(rows: tuple[Register, ...]) -> dict[range, tuple[Register, ...]]:
    """Rows in runs without a gap; they must be in order and not overlap."""
    blocks: list[list[Register]] = [[rows[0]]]
    for before, row in pairwise(rows):
        assert row.address >= before.addresses.stop, f"{row.name} overlaps {before.name}"
        if row.address == before.addresses.stop:
            blocks[-1].append(row)
        else:
            blocks.append([row])
    return {range(block[0].address, block[-1].addresses.stop): tuple(block) for block in blocks}


def reserved(address: int, count: int) -> tuple[Register, ...]:
    """Registers within a block that mean nothing and read 0."""
    return tuple(
        Register(address + index, UINT16, "reserved", "", "reserved; 0", lambda _: 0, "never")
        for index in range(count)
    )
