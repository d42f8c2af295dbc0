"""The lines of P1 text: code, brackets, number and unit (IEC 62056-21; DSMR 5.0.2 P1, 6.12).

Widths, the case of units, their prefixes and blanks differ from maker to maker, so a value is read as a
decimal with the unit it carries.
"""

import re

from ..model.quantity import Quantity
from .meter_number import P1_CODES as NUMBER_CODES
from .obis_quantities import DETAILS, QUANTITIES
from .p1_clock import CODES as CLOCK_CODES
from .sums import PARTS, Number, Part, quotient

LINE = re.compile(
    rb"^([^(\n]+)\((?:([-+]?\d{1,20})(?:[.,](\d{1,20}))?(\*[A-Za-z]+)?\)|(.*)\))$", re.MULTILINE
)
"""What should be a code, then a number in its parts and its unit, or whatever else is in the brackets."""

ANY_LINE = re.compile(rb"^.+$", re.MULTILINE)

_CODE = re.compile(r"(?:(\d+)-(\d+):)?(\d+|[CFLP])\.(\d+|F)(?:\.(\d+))?(?:[.*&](\d+))?")
_LETTERS = {"C": 96, "F": 97, "L": 98, "P": 99}
"""What letters stand for in short codes."""

_NUMBER = re.compile(rb"([-+]?\d{1,20})(?:[.,](\d{1,20}))?(\*[A-Za-z]+)")
_BLANKS = re.compile(rb"[ \t]*([(*)])[ \t]*")
_BEHIND = re.compile(rb"(?P<line>.*\))[^()]*")
_GOES_ON = re.compile(rb"(?:\([^()]*\))+")

BASES: dict[str, tuple[tuple[str, int], ...]] = {
    "W": (("w", 0),),
    "var": (("var", 0), ("va", 0)),  # some documents print kVA for reactive power
    "mA": (("a", 3),),
    "mV": (("v", 3),),
    "Wh": (("wh", 0),),
    "varh": (("varh", 0), ("vah", 0)),
    "mHz": (("hz", 3),),
    "PF": (("", 3),),
}
"""Our unit: the units that are sent for it without a prefix, and the power of ten from that to ours."""

PREFIXES = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9, "g": 9, "m": -3}
_NEVER_MEGA = ("mA", "mV", "PF")
"""Nobody's meter shows a megavolt: an M may be a printer's way to write m."""

NO_UNIT = -99
"""For an exponent: the unit is none of the quantity's."""

VALUE, PART, DETAIL, TEXT, UNKNOWN, FOREIGN, STRANGE = range(7)

Key = Quantity | Part | str


Target = tuple[int, Key, int]
"""What a line's code and unit mean: the kind of line, what it is of, and the power of ten to its unit."""

TARGETS: dict[bytes, Target] = {}
"""By code and unit. A meter sends the same ones for years, so they are remembered."""

INSTANTANEOUS, NO_TARIFF = 7, 255
"""Group D of momentary values, and group E that some meters send with them for 0 (EasyMeter: 1.7.255)."""

REMEMBERED_MAX = 1024
TENS: list[int] = [10**exponent for exponent in range(40)]


def target(code: bytes, unit: bytes) -> Target:
    """What a code with a unit means."""
    kind, key = _meaning(code.decode("ascii", "replace"))
    of = key.quantity if isinstance(key, Part) else key
    exponent = 0
    if isinstance(of, Quantity):
        exponent = exponent_of(of.unit.symbol, unit[1:].decode("ascii"))
    found = kind, key, exponent
    if kind != STRANGE and len(TARGETS) < REMEMBERED_MAX:
        TARGETS[code + unit] = found
    return found


def _meaning(code: str) -> tuple[int, Key]:
    """A register is of this meter's own channel (1-0, or a short code) and no past value (group F)."""
    found = _CODE.fullmatch(code)
    if found is None:
        return STRANGE, code
    a, b, c, d, e, f = found.groups()
    tariff = int(e or 0)
    numbers = [_LETTERS.get(c) or int(c), _LETTERS.get(d) or int(d), tariff]
    if tariff == NO_TARIFF and numbers[1] == INSTANTANEOUS:
        numbers[2] = 0
    past = f is not None and int(f) != 255
    name = (f"{int(a)}-{int(b)}:" if a else "") + ".".join(map(str, numbers))
    if not past and (name in NUMBER_CODES or name in CLOCK_CODES):
        return TEXT, name
    if a and (int(a) > 1 or int(b)):
        return FOREIGN, code
    cde = bytes(numbers) if max(numbers) < 256 else b""
    if past or (a and not int(a)):
        return (UNKNOWN if past else FOREIGN), code
    for kind, table in ((VALUE, QUANTITIES), (PART, PARTS), (DETAIL, DETAILS)):
        if cde in table:
            return kind, table[cde]
    return UNKNOWN, code


def exponent_of(symbol: str, unit: str) -> int:
    """The power of ten from a unit as it is sent to ours; `NO_UNIT` if it is none of it."""
    for base, exponent in BASES.get(symbol, ()):
        if unit.lower().endswith(base):
            prefix = unit[: len(unit) - len(base)]
            may_be_mega = prefix == "m" and unit.islower() and exponent == 0  # mwh: of either case
            if prefix in PREFIXES and not may_be_mega and not (prefix == "M" and symbol in _NEVER_MEGA):
                return exponent + PREFIXES[prefix] if base or not prefix else NO_UNIT
    return NO_UNIT


def number_of(whole: bytes, fraction: bytes, exponent: int) -> Number:
    """A decimal times a power of ten, exactly."""
    places = exponent - len(fraction)
    digits = int(whole + fraction)
    return digits * TENS[places] if places >= 0 else quotient(digits, TENS[-places])


def number_in(rest: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Of several brackets the number with a unit, in its parts; None without one, or with two that differ."""
    rest = _BLANKS.sub(rb"\1", b"(" + rest + b")")[1:-1]
    found = {number.groups() for group in rest.split(b")(") if (number := _NUMBER.fullmatch(group))}
    if len(found) != 1:
        return None
    whole, fraction, unit = found.pop()
    return whole, fraction or b"", unit


def understood(line: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes] | None:
    """A line's code, number, unit and whatever else it holds; None for what is no such line."""
    found = LINE.fullmatch(line)
    if found is None or target(found.group(1), b"")[0] == STRANGE:
        return None
    code, whole, fraction, unit, rest = (group or b"" for group in found.groups())
    return code, whole, fraction, unit, rest


def tidied(line: bytes) -> bytes:
    """A line without blanks at its ends and brackets, and without what stands behind its last bracket."""
    line = _BLANKS.sub(rb"\1", line.strip())
    behind = _BEHIND.fullmatch(line)
    return behind["line"] if behind else line


def is_tidy(line: bytes) -> bool:
    """Whether a line is one but for blanks: nothing stands behind its last bracket."""
    line = _BLANKS.sub(rb"\1", line.strip())
    return not line or line.endswith(b")")


def goes_on(line: bytes) -> bool:
    """Whether a line holds brackets alone: what belongs to the line before (DSMR 2.2, gas)."""
    return _GOES_ON.fullmatch(line) is not None
