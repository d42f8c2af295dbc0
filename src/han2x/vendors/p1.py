"""P1 text of whatever maker: lines of OBIS code and value with its unit (DSMR 5.0.2; han-port sheet 6.2).

Widths, the case of units and whether they are kilo differ from maker to maker, so values are read as
decimals with the unit they carry. Only 1-0 (measurements) and 0-0 (clock, who it is) are this meter's:
0-1 and up are gas and water. Registers that come by tariff alone are summed.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from ..model.quantity import Detail, Quantity
from ..model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from ..wire.obis import cde
from ..wire.p1 import checked
from .meanings import CLOCK, DETAILS, QUANTITIES
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

METER_ID = tuple(map(cde, ("96.1.1", "96.1.0", "42.0.0")))
"""In the order in which they are believed to name the meter."""

NET_POWER = cde("16.7.0")
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

_LINE = re.compile(rb"^(\d+-\d+):(\d+\.\d+\.\d+)(?:[.*]\d+)?((?:\([^()\r\n]*\))+)\r?$", re.MULTILINE)
_ANY_LINE = re.compile(rb"(?:\d+-\d+:\d+\.\d+\.\d+(?:[.*]\d+)?)?(?:\([^()\r\n]*\))*")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_CLOCK = re.compile(rb"(?:20)?(\d\d)-?(\d\d)-?(\d\d)[ T]?(\d\d):?(\d\d):?(\d\d)([WS]?)")


def read(octets: bytes) -> Reading:
    """What a text says; raises `Mismatch`."""
    body = octets.partition(b"\n")[2].rpartition(b"!")[0]
    notes = () if checked(octets) else _unchecked(body)
    values: dict[Quantity, int] = {}
    finer: dict[Quantity, float] = {}
    details: dict[Detail, int] = {}
    sums: dict[Quantity, int] = {}
    unknown: list[str] = []
    others: dict[bytes, bytes] = {}
    for channel, code, value in _lines(body):
        if channel == b"0-0":
            others.setdefault(code, value)
        elif quantity := QUANTITIES.get(code):
            values[quantity] = _integer(quantity, value, finer)
        elif quantity := TARIFFS.get(code):
            sums[quantity] = sums.get(quantity, 0) + _integer(quantity, value, {})
        elif detail := DETAILS.get(code):
            details[detail] = _integer(detail, value, {})
        elif code == NET_POWER:
            _net(_integer(Quantity.ACT_POW_POS, value, {}), values)
        else:
            unknown.append("1-0:" + ".".join(map(str, code)))
    values = {**sums, **values}
    if not values:
        raise Mismatch("carries no electricity reading")
    return Reading(
        vendor=maker(octets),
        list_type=ListType.OTHER,
        values=values,
        identity=Identity(meter_id=_meter_id(others)),
        clock=_clock(others.get(CLOCK, b"")),
        unknown=tuple(unknown),
        details=tuple(details.items()),
        finer=tuple(finer.items()),
        notes=notes,
    )


def maker(octets: bytes) -> str:
    """Who made the meter, by the text's first line."""
    letters = octets[1:4].decode("ascii", "replace").upper()
    return MAKERS.get(letters, letters.lower())


def _lines(body: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Channel, C.D.E and value with unit of each line that has one of this meter's."""
    for channel, code, value in _LINE.findall(body):
        if channel in (b"1-0", b"0-0"):
            inner = value[1:-1]
            if b")(" in inner:
                groups = inner.split(b")(")
                inner = next((group for group in reversed(groups) if b"*" in group), groups[-1])
            if inner:
                yield channel, _code(code), inner


_TENS: list[int] = [10**exponent for exponent in range(25)]
_CODES: dict[bytes, bytes] = {}


def _code(text: bytes) -> bytes:
    """C, D and E in three octets; what is no such code, as it is. A meter sends the same ones for years."""
    code = _CODES.get(text)
    if code is None:
        numbers = [int(part) for part in text.split(b".")]
        code = bytes(numbers) if max(numbers) < 256 else text
        if len(_CODES) < 1024:
            _CODES[text] = code
    return code


def _integer(quantity: Quantity | Detail, value: bytes, finer: dict[Quantity, float]) -> int:
    """A decimal with its unit as the quantity's integer unit, rounded; more exact in `finer` where it is."""
    number, _, unit = value.partition(b"*")
    exponent = UNITS[quantity.unit.symbol].get(unit.lower())
    if exponent is None or not _NUMBER.fullmatch(number) or len(number) > 24:
        raise Mismatch(f"{quantity} is sent as {value.decode('ascii', 'replace')}")
    whole, _, fraction = number.partition(b".")
    scaled, exponent = int(whole + fraction), exponent - len(fraction)
    if exponent >= 0:
        return scaled * _TENS[exponent]
    divisor = _TENS[-exponent]
    rounded = (2 * scaled + divisor) // (2 * divisor)
    if rounded * divisor != scaled and isinstance(quantity, Quantity):
        finer[quantity] = scaled / (divisor * quantity.unit.per_display)
    return rounded


def _net(watts: int, values: dict[Quantity, int]) -> None:
    """Import and export of a meter that sends only their difference."""
    values.setdefault(Quantity.ACT_POW_POS, max(watts, 0))
    values.setdefault(Quantity.ACT_POW_NEG, max(-watts, 0))


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
