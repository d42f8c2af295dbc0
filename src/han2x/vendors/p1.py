"""P1 text of whatever maker: lines of OBIS code and value with its unit (DSMR 5.0.2; han-port sheet 6.2).

Widths, the case of units and whether they are kilo differ from maker to maker, so values are read as
decimals with the unit they carry. Only 1-0 (measurements) and 0-0 (clock, who it is) are this meter's:
0-1 and up are gas and water. Registers that come by tariff alone are summed.
"""

import re
from datetime import datetime
from typing import Any

from ..model.quantity import Detail, Quantity
from ..model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from ..wire.obis import cde
from ..wire.p1 import carries_check_sum
from .meanings import DETAILS, QUANTITIES
from .vendor import Mismatch

MAKERS = {
    "ADN": "aidon",
    "EGM": "elgama",
    "ELG": "elgama",
    "ESY": "easymeter",
    "FLU": "fluvius",
    "ISK": "iskraemeco",
    "KAM": "kamstrup",
    "KFM": "kaifa",
    "LGF": "landisgyr",
    "LGZ": "landisgyr",
    "NES": "nes",
    "SAG": "sagemcom",
    "XMX": "landisgyr",
}
"""By the three letters behind the slash (FLAG association); others go by these letters."""

UNITS: dict[str, dict[bytes, int]] = {
    "W": {b"w": 0, b"kw": 3},
    "var": {b"var": 0, b"kvar": 3, b"va": 0, b"kva": 3},  # some documents print kVA for reactive power
    "mA": {b"a": 3},
    "mV": {b"v": 3},
    "Wh": {b"wh": 0, b"kwh": 3},
    "varh": {b"varh": 0, b"kvarh": 3, b"vah": 0, b"kvah": 3},
    "PF": {b"": 3},
}
"""Our unit: the power of ten from each unit that is sent to it."""

METER_ID = (b"96.1.1", b"96.1.0", b"42.0.0")
"""In the order in which they are believed to name the meter."""

CLOCK, NET_POWER = b"1.0.0", cde("16.7.0")
TARIFFS = {
    cde(f"{c}.8.{tariff}"): quantity
    for c, quantity in (
        (1, Quantity.ACT_ENERGY_POS),
        (2, Quantity.ACT_ENERGY_NEG),
        (3, Quantity.REACT_ENERGY_POS),
        (4, Quantity.REACT_ENERGY_NEG),
    )
    for tariff in (1, 2, 3, 4)
}

NOT_CHECKED = "the text carries no check sum: damage cannot be told"

_LINE = re.compile(
    rb"^([01]-0:\d+\.\d+\.\d+)(?:[.*]\d+)?\((?:(-?\d{1,20})(?:\.(\d{1,20}))?(\*[A-Za-z]+)?\)|(.*)\))\r?$",
    re.MULTILINE,
)
"""A line of this meter: code, then a plain number in its parts and its unit, or whatever else there is."""

_ANY_LINE = re.compile(rb"(?:\d+-\d+:\d+\.\d+\.\d+(?:[.*]\d+)?)?(?:\([^()\r\n]*\))*")
_NUMBER = re.compile(rb"(-?\d{1,20})(?:\.(\d{1,20}))?(\*[A-Za-z]+)")
_CLOCK = re.compile(rb"(?:20)?(\d\d)-?(\d\d)-?(\d\d)[ T]?(\d\d):?(\d\d):?(\d\d)([WS]?)")


def read(octets: bytes) -> Reading:
    """What a whole text says, whose check sum, if it has one, is right; raises `Mismatch`."""
    body = octets.partition(b"\n")[2].rpartition(b"!")[0]
    notes = () if carries_check_sum(octets) else _unchecked(body)
    found = _Found()
    values, targets = found.values, _TARGETS
    for code, whole, fraction, unit, rest in _LINE.findall(body):
        kind, quantity, exponent = targets.get(code + unit) or _target(code, unit)
        if rest and kind in _NUMBERS:
            whole, fraction, unit = _last_with_unit(code, rest)
            kind, quantity, exponent = _target(code, unit)
        if kind == "value" and whole and exponent >= len(fraction):  # by far the most
            values[quantity] = int(whole + fraction) * _TENS[exponent - len(fraction)]
        elif kind == "other":
            found.others.setdefault(code[4:], rest or whole + (fraction and b"." + fraction))
        elif kind == "unknown":
            found.unknown.append(code.decode("ascii"))
        elif whole:
            _add(found, kind, quantity, exponent, whole, fraction)
    values = {**found.sums, **found.values} if found.sums else found.values
    if found.net is not None:
        values.setdefault(Quantity.ACT_POW_POS, max(found.net, 0))
        values.setdefault(Quantity.ACT_POW_NEG, max(-found.net, 0))
    if not values:
        raise Mismatch("carries no electricity reading")
    return Reading(
        vendor=maker(octets),
        list_type=ListType.OTHER,
        values=values,
        identity=Identity(meter_id=_meter_id(found.others)),
        clock=_clock(found.others.get(CLOCK, b"")),
        unknown=tuple(found.unknown),
        details=tuple(found.details.items()),
        finer=tuple(found.finer.items()),
        notes=notes,
    )


def maker(octets: bytes) -> str:
    """Who made the meter, by the text's first line."""
    letters = octets[1:4].decode("ascii", "replace").upper()
    return MAKERS.get(letters, letters.lower())


class _Found:
    """What the lines of a text say, as it is read."""

    __slots__ = ("details", "finer", "net", "others", "sums", "unknown", "values")

    def __init__(self) -> None:
        self.values: dict[Quantity, int] = {}
        self.sums: dict[Quantity, int] = {}
        self.details: dict[Detail, int] = {}
        self.finer: dict[Quantity, float] = {}
        self.others: dict[bytes, bytes] = {}
        self.unknown: list[str] = []
        self.net: int | None = None


_TENS: list[int] = [10**exponent for exponent in range(32)]
_NUMBERS = frozenset(("value", "tariff", "detail", "net"))
NO_UNIT = -99
"""For an exponent: the unit is none of the quantity's."""

Target = tuple[str, Any, int]
"""What a line's code and unit mean: what kind of line, its quantity or detail, and the power of ten."""

_TARGETS: dict[bytes, Target] = {}


def _target(code: bytes, unit: bytes) -> Target:
    """What a code with a unit means. A meter sends the same ones for years, so that is remembered."""
    kind, quantity = _look_up(code)
    exponent = UNITS[quantity.unit.symbol].get(unit[1:].lower(), NO_UNIT) if quantity else 0
    if len(_TARGETS) < 1024:
        _TARGETS[code + unit] = kind, quantity, exponent
    return kind, quantity, exponent


def _look_up(code: bytes) -> tuple[str, Quantity | Detail | None]:
    if code.startswith(b"0"):
        return "other", None
    numbers = [int(part) for part in code[4:].split(b".")]
    cde = bytes(numbers) if max(numbers) < 256 else b""
    if quantity := QUANTITIES.get(cde):
        return "value", quantity
    if quantity := TARIFFS.get(cde):
        return "tariff", quantity
    if detail := DETAILS.get(cde):
        return "detail", detail
    return ("net", Quantity.ACT_POW_POS) if cde == NET_POWER else ("unknown", None)


def _add(
    found: _Found, kind: str, quantity: Quantity | Detail, exponent: int, whole: bytes, fraction: bytes
) -> None:
    """One number to where it belongs, as an integer of its quantity's unit, rounded."""
    if exponent == NO_UNIT:
        if kind == "detail":
            return
        raise Mismatch(f"{quantity} is sent in another unit than its own")
    number, divisor = int(whole + fraction) * _TENS[exponent], _TENS[len(fraction)]
    value = (2 * number + divisor) // (2 * divisor)
    if isinstance(quantity, Detail):
        found.details[quantity] = value
    elif kind == "value":
        found.values[quantity] = value
        if value * divisor != number:
            found.finer[quantity] = number / (divisor * quantity.unit.per_display)
    elif kind == "tariff":
        found.sums[quantity] = found.sums.get(quantity, 0) + value
    else:
        found.net = value


def _last_with_unit(code: bytes, rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Of several brackets the last one with a unit, in its parts; raises `Mismatch`."""
    for group in reversed(rest.split(b")(")):
        if number := _NUMBER.fullmatch(group):
            return number.group(1), number.group(2) or b"", number.group(3)
    raise Mismatch(f"{code.decode('ascii')} carries no number with a unit")


def _unchecked(body: bytes) -> tuple[str, ...]:
    """Without a check sum, at least every line has to look like one."""
    for line in body.splitlines():
        if not _ANY_LINE.fullmatch(line):
            raise Mismatch("a line of the P1 text is damaged")
    return (NOT_CHECKED,)


def _meter_id(others: dict[bytes, bytes]) -> str | None:
    for code in METER_ID:
        if code in others:
            return others[code].decode("ascii", "replace")
    return None


def _clock(value: bytes) -> MeterClock | None:
    """The time in its several forms. W and S behind it are winter and summer; many send W all year."""
    found = _CLOCK.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    try:
        local = datetime(2000 + year, month, day, hour, minute, second)
    except ValueError:
        return None
    return MeterClock(local, True, TimeBase.STANDARD if found.group(7) == b"W" else TimeBase.CIVIL)
