"""SML lists of whatever maker: entries of OBIS code, status, time, unit, scaler and value (SML 1.04, 6.6).

A meter that counts both ways sends its net power with a sign (16.7.0). Older ones send its size alone
(15.7.0, EMH ED300L and eHZ): the sign is then in the status word of the energy (libsml issue 101, vzlogger
pull 476; SmlLib issue 22 for the newer word), and where no word tells it, the power is not used.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple, cast

from ..model.quantity import Quantity
from ..model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from ..wire.obis import cde, obis
from ..wire.sml_messages import GET_LIST_RESPONSE, Number, Tree, messages, rows
from .makers import by_letters
from .obis_quantities import DETAILS, QUANTITIES, UNITS, own
from .sums import (
    HELD_BACK,
    NET_POWER,
    PARTS,
    TWICE,
    Part,
    add_up,
    in_whole_units,
    is_held_back,
    rounded,
    signed,
)
from .sums import Number as Value
from .vendor import Mismatch

NO_CLOCK = "the meter sends no time: hours are dated by this machine's clock"
NO_DIRECTION = "power without a direction, which its status word does not tell either"
UNKNOWN_VENDOR = "unknown vendor, SML"

ROW_SIZE = 7
SCALER_MAX = 9
TENS: tuple[int, ...] = tuple(10**exponent for exponent in range(SCALER_MAX + 4))
MAKER = (b"\x81\x81\xc7\x82\x03\xff", b"\x01\x00\x60\x32\x01\x01")
MAKER_SIZE = 3
IDS = (b"\x01\x00\x60\x01\x00\xff", b"\x01\x00\x00\x00\x09\xff", b"\x01\x00\x00\x00\x00\xff")
ABSOLUTE_POWER = cde("15.7.0")
SERVER_ID_SIZE = 10

_ELSEWHERE = {
    b"\x01\x02\x02\x08\x00\xff": b"\x01\x00\x02\x08\x00\xff",
    b"\x01\x00\x01\x07\x01\xff": b"\x01\x00\x01\x07\x00\xff",
}
"""What stands for another: 1-2:2.8.0 of an EasyMeter Q3C (its channel is the direction), 1.7.1 of a Hager."""

_DIRECTIONS = {0x82: 1 << 5, 0xA2: 1 << 5, 0x90: 1 << 5, 0xB0: 1 << 5, 0x04: 1 << 11}
"""By its low octet: the bit of a status word that says "export" (FNN EDL 1.0, with 0xB0 where an EMH ED300L
exports and its register stands still; FNN basic meter)."""

_SHORT_UNSIGNED = ((b"\x0a\x01DZG", ((42_000_000, 48_999_999), (55_000_000, 58_999_999))),)
"""Meters (DZG DVS74) whose positive net power lacks the octet that tells it from a negative one: in less than
four octets it has no sign (libsml pull 66)."""

_FIRST, _LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
TIMESTAMPS = (2, 3)
"""Forms of a time that are no count of seconds since the meter was started."""


class _Entry(NamedTuple):
    """One entry of a list."""

    code: bytes
    status: Tree
    unit: Tree
    scaler: Tree
    value: Tree


class _Found:
    """What the entries say together. `refused`: by what it would be, why it is not used."""

    def __init__(self, short_unsigned: bool) -> None:
        self.values: dict[Quantity, Value] = {}
        self.parts: dict[Part, Value] = {}
        self.details: dict[Quantity, Value] = {}
        self.refused: dict[object, str] = {}
        self.unknown: list[str] = []
        self.absolute: _Entry | None = None
        self._short_unsigned = short_unsigned

    def add(self, entry: _Entry) -> None:
        """One more entry."""
        meaning = own(_ELSEWHERE.get(entry.code, entry.code))
        if quantity := QUANTITIES.get(meaning):
            self._put(self.values, quantity, quantity, entry)
        elif part := PARTS.get(meaning):
            if part == NET_POWER and self._short_unsigned:
                entry = entry._replace(value=_unsigned(entry.value))
            self._put(self.parts, part, part.quantity, entry)
        elif detail := DETAILS.get(meaning):
            self._put(self.details, detail, detail, entry)
        elif meaning == ABSOLUTE_POWER:
            self.absolute = entry
        elif entry.code not in (*IDS, *MAKER):
            self.unknown.append(obis(entry.code))

    def direct(self, export: bool | None) -> None:
        """Give the power of a meter that sends its size alone its sign; `export` None: not known."""
        powers = {Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG}
        if export and (net := self.parts.get(NET_POWER, 0)) > 0:
            self.parts[NET_POWER] = -net
        if self.absolute is None or NET_POWER in self.parts or powers & self.values.keys():
            return
        if export is None and self._counts_export():
            self.refused[NET_POWER] = f"{obis(self.absolute.code)}: {NO_DIRECTION}"
            return
        self._put(self.parts, NET_POWER, NET_POWER.quantity, self.absolute)
        if export and (net := self.parts.get(NET_POWER, 0)) > 0:
            self.parts[NET_POWER] = -net

    def _counts_export(self) -> bool:
        energy = Quantity.ACT_ENERGY_NEG
        return energy in self.values or any(part.quantity is energy for part in self.parts)

    def _put(
        self, numbers: dict[Any, Value], key: Quantity | Part, quantity: Quantity, entry: _Entry
    ) -> None:
        if entry.value is None:
            return
        try:
            number = _number(quantity, entry)
        except Mismatch as mismatch:
            self.refused[key] = f"{obis(entry.code)}: {mismatch}"
            return
        if numbers.setdefault(key, number) != number:
            self.refused[key] = f"{obis(entry.code)}: {TWICE}"

    def drop_refused(self) -> None:
        """What was refused is no value."""
        for key in self.refused:
            for numbers in cast("tuple[dict[object, Value], ...]", (self.values, self.parts, self.details)):
                numbers.pop(key, None)


def read(octets: bytes) -> Reading:
    """What the messages of a telegram say; raises `Mismatch`."""
    lists = [_as_list(message.body) for message in messages(octets) if message.kind == GET_LIST_RESPONSE]
    entries = [entry for one in lists for entry in _entries(one[4])]
    ids = [entry.value for code in IDS for entry in entries if entry.code == code]
    ids += [one[1] for one in lists]
    found = _Found(any(map(_sends_short_unsigned, ids)))
    for entry in entries:
        found.add(entry)
    found.direct(_export(entries))
    found.drop_refused()
    signed(found.values, found.refused)
    signed(found.details, found.refused)
    made = add_up(found.values, found.parts, found.details, frozenset(found.refused))
    if not found.values:
        raise Mismatch("; ".join(("carries no electricity reading", *found.refused.values())))
    number = next(filter(None, map(_meter_number, ids)), None)
    clock = next(filter(None, (_clock(one[3]) for one in lists)), None)
    values = {**found.values, **found.details}
    numbers, exact = in_whole_units(values)
    reduced = is_held_back(values) and found.absolute is None
    return Reading(
        vendor=_maker(entries, number),
        list_type=ListType.OTHER,
        values=numbers,
        identity=Identity(meter_id=number),
        clock=clock,
        unknown=tuple(dict.fromkeys(found.unknown)),
        finer=exact,
        refused=tuple(found.refused.values()),
        parts=tuple(made.items()),
        notes=((HELD_BACK,) if reduced else ()) + ((NO_CLOCK,) if clock is None else ()),
        reduced=reduced,
    )


class Meaning(NamedTuple):
    """What octets of the messages are: their place, what they mean, the value and the OBIS code."""

    begin: int
    end: int
    text: str
    value: str
    code: str


def meanings(octets: bytes) -> Iterator[Meaning]:
    """What each entry of the lists means, for people; raises `SmlError`."""
    for begin, end, row in rows(octets):
        for entry in _entries((row,)):
            yield Meaning(begin, end, *_meaning(entry), obis(entry.code))


def _meaning(entry: _Entry) -> tuple[str, str]:
    """What an entry is of, and its value as people read it."""
    meaning = own(_ELSEWHERE.get(entry.code, entry.code))
    part = PARTS.get(meaning)
    quantity = part.quantity if part else QUANTITIES.get(meaning) or DETAILS.get(meaning)
    if quantity is None:
        return _besides(entry)
    told = f", tariff {part.number}" if part and part.number else ", net" if part else ""
    if entry.value is None:
        return quantity.label + told, "not sent"
    try:
        number = rounded(_number(quantity, entry))
    except Mismatch as mismatch:
        return quantity.label + told, str(mismatch)
    return quantity.label + told, f"{quantity.displayed(number)} {quantity.unit.display}".strip()


def _besides(entry: _Entry) -> tuple[str, str]:
    """Of an entry that is no measured value."""
    value = entry.value
    if entry.code in IDS:
        return "meter id", _meter_number(value) or ""
    if entry.code in MAKER and isinstance(value, bytes):
        return "maker", value.decode("ascii", "replace")
    shown = value.hex() if isinstance(value, bytes) else str(value.value) if isinstance(value, Number) else ""
    return "not explained by any table", shown


def _as_list(body: Tree) -> Sequence[Tree]:
    """The elements of a list: client, server, name, time, entries, and what signs them."""
    if isinstance(body, tuple) and len(body) >= 5:
        return body
    raise Mismatch("a list of another form")


def _entries(rows: Tree) -> Iterator[_Entry]:
    for row in rows if isinstance(rows, tuple) else ():
        if isinstance(row, tuple) and len(row) == ROW_SIZE and isinstance(row[0], bytes) and len(row[0]) == 6:
            yield _Entry(row[0], row[1], row[3], row[4], row[5])


def _number(quantity: Quantity, entry: _Entry) -> Value:
    """A value in its quantity's unit, as exact as it was sent; raises `Mismatch`."""
    code, exponent = UNITS[quantity.unit.symbol]
    unit, scaler = entry.unit, entry.scaler or Number(0, 1)
    if not isinstance(entry.value, Number):
        raise Mismatch("no integer")
    if not isinstance(unit, Number) or unit.value != code:
        sent = unit.value if isinstance(unit, Number) else None
        raise Mismatch(f"in unit {sent}, not {code}")
    if not isinstance(scaler, Number) or abs(scaler.value) > SCALER_MAX:
        raise Mismatch("with a scaler out of range")
    exponent += scaler.value
    number = entry.value.value
    if exponent >= 0:
        return number * TENS[exponent]
    exact = Fraction(number, TENS[-exponent])
    return exact.numerator if exact.denominator == 1 else exact


def _unsigned(value: Tree) -> Tree:
    """What a meter meant that leaves out the octet which tells a positive number from a negative one."""
    if isinstance(value, Number) and value.value < 0 and value.size < 4:
        return value._replace(value=value.value + (1 << 8 * value.size))
    return value


def _sends_short_unsigned(server_id: Tree) -> bool:
    if not isinstance(server_id, bytes) or len(server_id) != SERVER_ID_SIZE:
        return False
    serial = int.from_bytes(server_id[5:], "big")
    return any(
        server_id.startswith(mark) and any(first <= serial <= last for first, last in ranges)
        for mark, ranges in _SHORT_UNSIGNED
    )


def _export(entries: Sequence[_Entry]) -> bool | None:
    """What the status word of an energy says of the power's direction; None for nothing."""
    for entry in entries:
        if isinstance(entry.status, Number) and own(entry.code)[:2] in (b"\x01\x08", b"\x02\x08"):
            status = entry.status.value
            if bit := _DIRECTIONS.get(status & 0xFF):
                return bool(status & bit)
    return None


def _meter_number(sent: Tree) -> str | None:
    """A server's id as the number on the meter (DIN 43863-5), or whatever it is as hex digits or text."""
    if not isinstance(sent, bytes) or not any(sent):
        return None
    if sent.isascii() and sent.decode("ascii").isalnum() and len(sent) > 4:
        return sent.decode("ascii")
    medium, letters = sent[1:2], sent[2:5]
    if len(sent) == SERVER_ID_SIZE and medium[0] < 10 and letters.isalpha() and letters.isupper():
        serial = int.from_bytes(sent[6:], "big")
        return f"{medium[0]}{letters.decode('ascii')}{sent[5]:02X}{serial:08}"
    return sent.hex().upper()


def _maker(entries: Sequence[_Entry], number: str | None) -> str:
    for entry in entries:
        if entry.code in MAKER and isinstance(entry.value, bytes) and len(entry.value) == MAKER_SIZE:
            return by_letters(entry.value.decode("ascii", "replace")) or UNKNOWN_VENDOR
    return by_letters((number or "")[1:4]) or UNKNOWN_VENDOR


def _clock(sent: Tree) -> MeterClock | None:
    """The time of a list where it is one; most meters send the seconds since they were started."""
    if not isinstance(sent, tuple) or len(sent) != 2 or not isinstance(sent[0], Number):
        return None
    form, value = sent[0], sent[1]
    if form.value not in TIMESTAMPS:
        return None
    seconds = value if isinstance(value, Number) or not isinstance(value, tuple) or not value else value[0]
    if not isinstance(seconds, Number) or not 0 <= seconds.value < 1 << 32:
        return None
    moment = datetime.fromtimestamp(seconds.value, UTC)
    if not _FIRST <= moment < _LAST:
        return None
    return MeterClock((moment + timedelta(hours=1)).replace(tzinfo=None), True, TimeBase.STANDARD)
