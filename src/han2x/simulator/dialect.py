"""How each vendor puts a list into octets, as tables (han-port sheet 2.3, 3.1, 4.1-4.3 and 8).

All vendors send the same quantities in the same order (`OBIS`); they differ in what stands around each
value. Aidon wraps each in a structure with its OBIS code, scaler and unit; Kaifa sends bare values;
Kamstrup sends pairs of OBIS code and value. So a vendor is a `Dialect`: the octets before and after each
element, and what stands in for a quantity that the meter does not measure.
"""

from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from ..model.quantity import (
    ENERGIES,
    MILLIAMPERE,
    MILLIVOLT,
    VAR,
    VAR_HOUR,
    WATT,
    WATT_HOUR,
    Quantity,
    Unit,
)
from ..model.reading import TimeBase
from .clock import ClockStyle

OBIS: dict[Quantity, tuple[int, int]] = {
    Quantity.ACT_POW_POS: (1, 7),
    Quantity.ACT_POW_NEG: (2, 7),
    Quantity.REACT_POW_POS: (3, 7),
    Quantity.REACT_POW_NEG: (4, 7),
    Quantity.CURR_L1: (31, 7),
    Quantity.CURR_L2: (51, 7),
    Quantity.CURR_L3: (71, 7),
    Quantity.VOLT_L1: (32, 7),
    Quantity.VOLT_L2: (52, 7),
    Quantity.VOLT_L3: (72, 7),
    Quantity.ACT_ENERGY_POS: (1, 8),
    Quantity.ACT_ENERGY_NEG: (2, 8),
    Quantity.REACT_ENERGY_POS: (3, 8),
    Quantity.REACT_ENERGY_NEG: (4, 8),
}
"""C and D of each quantity's OBIS code, in the order in which every vendor sends them."""


class Form(NamedTuple):
    """A number on the wire: A-XDR tag, `struct` code, and the steps of the quantity's unit in one count.

    `scaler_unit` holds the two octets of value that Aidon sends along.
    """

    tag: int
    code: str
    step: int
    scaler_unit: tuple[int, int] = (0, 0xFF)


FORMS: dict[str, dict[Unit, Form]] = {
    "aidon": {
        WATT: Form(0x06, ">I", 1, (0x00, 0x1B)),
        VAR: Form(0x06, ">I", 1, (0x00, 0x1D)),
        MILLIAMPERE: Form(0x10, ">h", 100, (0xFF, 0x21)),
        MILLIVOLT: Form(0x12, ">H", 100, (0xFF, 0x23)),
        WATT_HOUR: Form(0x06, ">I", 10, (0x01, 0x1E)),
        VAR_HOUR: Form(0x06, ">I", 10, (0x01, 0x20)),
    },
    "kaifa": {
        WATT: Form(0x06, ">I", 1),
        VAR: Form(0x06, ">I", 1),
        MILLIAMPERE: Form(0x06, ">I", 1),
        MILLIVOLT: Form(0x06, ">I", 100),
        WATT_HOUR: Form(0x06, ">I", 1),
        VAR_HOUR: Form(0x06, ">I", 1),
    },
    "kamstrup": {
        WATT: Form(0x06, ">I", 1),
        VAR: Form(0x06, ">I", 1),
        MILLIAMPERE: Form(0x06, ">I", 10),
        MILLIVOLT: Form(0x12, ">H", 1000),
        WATT_HOUR: Form(0x06, ">I", 10),
        VAR_HOUR: Form(0x06, ">I", 10),
    },
}
"""Sheet 4.1 to 4.3: the number formats, by vendor and unit."""


class Element(NamedTuple):
    """One quantity of a vendor, ready to be sent: octets before the count, after it, and instead of it."""

    quantity: Quantity
    head: bytes
    pack: Callable[[int], bytes]
    tail: bytes
    missing: bytes
    step: int
    half: int

    def encode(self, value: int | None) -> bytes:
        """The element's octets for a value in the quantity's unit, None where it is not measured."""
        if value is None:
            return self.missing
        return self.head + self.pack((value + self.half) // self.step) + self.tail

    def rounded(self, value: int) -> int:
        """What a receiver reads back: energies rounded down, as counters are, others to the nearest."""
        return (value + self.half) // self.step * self.step


class Dialect(NamedTuple):
    """What a vendor's lists have in common.

    `address`: HDLC destination, source and control. `dated`: what precedes the header's date-time, empty
    where there is none. `opening`: array or structure. `texts`: what precedes list version, meter id and
    meter type; `clock_head` the same for the clock. `paired`: each element but the first counts as two.
    """

    address: bytes
    invoke: bytes
    dated: bytes
    clock: ClockStyle
    opening: int
    list_version: str
    texts: tuple[bytes, bytes, bytes]
    clock_head: bytes
    paired: bool
    elements: tuple[Element, ...]


def _obis(code: str) -> bytes:
    """An OBIS code in hex as an octet-string."""
    return b"\x09\x06" + bytes.fromhex(code)


def _element(vendor: str, quantity: Quantity, before: bytes, tail: bytes, missing: bytes) -> Element:
    form = FORMS[vendor][quantity.unit]
    half = 0 if quantity in ENERGIES else form.step // 2
    head = before + bytes((form.tag,))
    return Element(quantity, head, Struct(form.code).pack, tail, missing, form.step, half)


def _aidon(quantity: Quantity) -> Element:
    c, d = OBIS[quantity]
    scaler, unit = FORMS["aidon"][quantity.unit].scaler_unit
    before = b"\x02\x03" + _obis(f"0100{c:02X}{d:02X}00FF")
    return _element("aidon", quantity, before, bytes((2, 2, 0x0F, scaler, 0x16, unit)), b"")


def _kaifa(quantity: Quantity) -> Element:
    return _element("kaifa", quantity, b"", b"", b"")


def _kamstrup(quantity: Quantity) -> Element:
    c, d = OBIS[quantity]
    return _element("kamstrup", quantity, _obis(f"0101{c:02X}{d:02X}00FF"), b"", b"\x00\x00")


DIALECTS: dict[str, Dialect] = {
    "aidon": Dialect(
        address=b"\x41\x08\x83\x13",
        invoke=b"\x40\x00\x00\x00",
        dated=b"",
        clock=ClockStyle(TimeBase.STANDARD, sunday=0, deviation=0),
        opening=0x01,
        list_version="AIDON_V0001",
        texts=(
            b"\x02\x02" + _obis("0101000281FF") + b"\x0a",
            b"\x02\x02" + _obis("0000600100FF") + b"\x0a",
            b"\x02\x02" + _obis("0000600107FF") + b"\x0a",
        ),
        clock_head=b"\x02\x02" + _obis("0000010000FF") + b"\x09\x0c",
        paired=False,
        elements=tuple(map(_aidon, OBIS)),
    ),
    "kaifa": Dialect(
        address=b"\x01\x02\x01\x10",
        invoke=b"\x40\x00\x00\x00",
        dated=b"\x09\x0c",
        clock=ClockStyle(TimeBase.CIVIL, sunday=7, deviation=0x8000),
        opening=0x02,
        list_version="KFM_001",
        texts=(b"\x09", b"\x09", b"\x09"),
        clock_head=b"\x09\x0c",
        paired=False,
        elements=tuple(map(_kaifa, OBIS)),
    ),
    "kamstrup": Dialect(
        address=b"\x2b\x21\x13",
        invoke=b"\x00\x00\x00\x00",
        dated=b"\x0c",
        clock=ClockStyle(TimeBase.STANDARD, sunday=7, deviation=0x8000),
        opening=0x02,
        list_version="Kamstrup_V0001",
        texts=(b"\x0a", _obis("0101000005FF") + b"\x0a", _obis("0101600101FF") + b"\x0a"),
        clock_head=_obis("0001010000FF") + b"\x09\x0c",
        paired=True,
        elements=tuple(map(_kamstrup, OBIS)),
    ),
}
"""The vendors that can be simulated."""
