"""APDUs of one stream to readings: recognise the vendor, then decode by its table and let it fail loudly.

The only memory is which vendor spoke last, for the fast lists that several vendors send alike.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from ..model.quantity import Quantity
from ..model.reading import NO_IDENTITY, Identity, ListType, MeterClock, Reading, classify
from ..settings.lists import VALUES_MAX
from ..wire.axdr import Array, Data, Structure
from ..wire.cipher import Keyring, Opened
from ..wire.clock import cosem_time
from ..wire.dlms import GENERAL_GLO_CIPHERING, Malformed, Notification, parse
from ..wire.obis import obis
from ..wire.result import Apdu, Discarded, Framing, Kind
from . import aidon, iskraemeco, kaifa, kamstrup, landisgyr, selfdescribing, taught, wienernetze
from .decoding_options import PLAIN, Manner
from .layouts import as_text, pattern_of
from .makers import by_letters
from .meter_number import chosen
from .obis_quantities import (
    CLOCK,
    DETAILS,
    DEVICE_NAME,
    LIST_VERSION,
    METER_ID,
    METER_TYPE,
    QUANTITIES,
    TEXTS,
    UNITS,
    own,
)
from .sums import PARTS, TWICE, Number, Part, add_up, rounded
from .vendor import Factor, Mismatch, Vendor

VENDORS: tuple[Vendor, ...] = (
    kaifa.NORWAY,
    aidon.FAST,
    aidon.NORWAY,
    kamstrup.KAMSTRUP,
    landisgyr.EMBRIQ,
    kaifa.SWEDEN,
    aidon.SWEDEN,
)
"""Those whose lists bear a mark, in the order they are tried: the first whose mark is there."""

BY_PLACE: tuple[Vendor, ...] = (iskraemeco.POSITIONAL, landisgyr.AUSTRIA, wienernetze.WIENER_NETZE)
"""Those whose lists say nothing: they are told by how many values of which kinds there are."""

VENDORS_1_WH = tuple(kamstrup.ONE_WH if vendor is kamstrup.KAMSTRUP else vendor for vendor in VENDORS)

NUMBER_MAX = 2.0**63
MARK_AGE_MAX_MS = 600_000
SCALER_MAX = 9  # powers of ten; meters send -3 to 1


NO_CHECK_SUM = "P1 text without a check sum; set unchecked = true to believe it"


class Decoder:
    """The APDUs of one stream to readings. `keyring`: that of `manner`, shared with the stream."""

    def __init__(self, keyring: Keyring | None = None, manner: Manner = PLAIN) -> None:
        self._keyring, self._unchecked = keyring, manner.unchecked
        self._vendors = VENDORS if manner.kamstrup_energy_wh == 10 else VENDORS_1_WH
        self._taught = taught.vendors(manner.lists) if manner.lists else ()
        self._speaker = ""

    def decode(self, apdu: Apdu, title: bytes = b"") -> Reading | Discarded:
        """The reading in an APDU, or why there is none. `title`: the system title it was encrypted with."""
        if apdu.framing is not Framing.HDLC and (form := _FORMS.get(apdu.framing)):
            return form(self, apdu)
        notification = parse(apdu)
        if isinstance(notification, Discarded):
            return self._encrypted(apdu, notification)
        vendor = recognise(notification.body, self._vendors, title, self._taught)
        if vendor is None:
            return Discarded(Kind.UNKNOWN, _unexplained(notification.body), apdu.offset, apdu.length)
        name = vendor.name
        if vendor.anonymous:
            name = (title and by_letters(as_text(title[:3]))) or self._speaker or name
        try:
            reading = read(vendor, name, notification)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"{vendor.name}: {mismatch}", apdu.offset, apdu.length)
        self._speaker = name
        return reading

    def _text(self, apdu: Apdu) -> Reading | Discarded:
        """P1 text, plain or encrypted."""
        if apdu.data[0] == GENERAL_GLO_CIPHERING:
            return self._encrypted(apdu, Discarded(Kind.ENCRYPTED, "encrypted", apdu.offset, apdu.length))
        from ..wire.p1 import carries_check_sum
        from . import p1  # most meters send none: not imported for them

        if not self._unchecked and not carries_check_sum(apdu.data):
            return Discarded(Kind.UNKNOWN, NO_CHECK_SUM, apdu.offset, apdu.length)
        try:
            return p1.read(apdu.data)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"P1 text: {mismatch}", apdu.offset, apdu.length)

    def _sml(self, apdu: Apdu) -> Reading | Discarded:
        """The messages of an SML telegram."""
        from . import sml  # German meters only

        try:
            return sml.read(apdu.data)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"SML: {mismatch}", apdu.offset, apdu.length)

    def _opened_text(self, apdu: Apdu) -> Reading | Discarded:
        """P1 text that was encrypted: nobody has looked at its check sum yet."""
        from ..wire.p1 import carries_check_sum, checked

        if carries_check_sum(apdu.data) and not checked(apdu.data):
            return Discarded(Kind.CHECKSUM, "the P1 text's check sum is wrong", apdu.offset, apdu.length)
        return self._text(apdu)

    def _encrypted(self, apdu: Apdu, otherwise: Discarded) -> Reading | Discarded:
        """The reading in an APDU that is not plain, with the keys; `otherwise` where they do not fit."""
        if self._keyring is None:
            return otherwise
        opened: Opened | Malformed | None = None
        if apdu.data[:1] == bytes((GENERAL_GLO_CIPHERING,)):
            opened = self._keyring.open(apdu.data)
        if not isinstance(opened, Opened) and apdu.framing is Framing.HDLC:  # ECB may begin with any octet
            opened = self._keyring.electronic_codebook(apdu.data) or opened
        if not isinstance(opened, Opened):
            return opened.discarded(apdu) if opened else otherwise
        plain = apdu._replace(data=opened.plain, framing=Framing.APDU)
        outcome = self._opened_text(plain) if opened.plain[:1] == b"/" else self.decode(plain, opened.title)
        if isinstance(outcome, Discarded):
            return outcome
        self._keyring.accept(opened)
        return replace(outcome, notes=(*opened.notes, *outcome.notes)) if opened.notes else outcome


_FORMS = {Framing.P1: Decoder._text, Framing.SML: Decoder._sml}
"""What is no DLMS message."""


def recognise(
    body: Data, vendors: tuple[Vendor, ...] = VENDORS, title: bytes = b"", taught: tuple[Vendor, ...] = ()
) -> Vendor | None:
    """The vendor whose list a body is: by its mark, by what it says itself, by the places of its values."""
    for vendor in vendors:
        if vendor.recognise(body):
            return vendor
    by_place = (vendor for vendor in (*BY_PLACE, *taught) if vendor.recognise(body))
    return selfdescribing.vendor_of(body, title) or next(by_place, None)


def _unexplained(body: Data) -> str:
    count = f" of {len(body)} values" if isinstance(body, Array | Structure) else ""
    pattern = pattern_of(body)
    taught = (
        f"; it can be taught in the settings, pattern {pattern}" if 0 < len(pattern) <= VALUES_MAX else ""
    )
    return f"a list{count} that no table explains{taught}"


def read(vendor: Vendor, name: str, notification: Notification) -> Reading:
    """A notification by its vendor's table; raises `Mismatch`."""
    texts: dict[str, str] = {}
    numbers: list[_Number] = []
    unknown: list[str] = []
    details: list[tuple[Quantity, Data, Data]] = []
    tariffs: list[_Part] = []
    clock = None
    for code, value, scaler_unit in vendor.items(notification.body):
        cde = own(code)
        quantity = QUANTITIES.get(cde)
        if quantity is not None:
            numbers.append((quantity, code, value, scaler_unit))
        elif text := vendor.texts.get(cde) or TEXTS.get(cde):
            texts.setdefault(text, str(value) if type(value) is int else as_text(value))
        elif cde == CLOCK and isinstance(value, bytes):
            clock = clock or value
        elif (detail := DETAILS.get(cde)) is not None:
            details.append((detail, value, scaler_unit))
        elif (part := PARTS.get(cde)) is not None:
            tariffs.append((part, code, value, scaler_unit))
        else:
            unknown.append(obis(code))
    values, refused = _values(vendor, texts.get(METER_TYPE), numbers)
    parts = _in_parts(vendor, values, tariffs, refused) if tariffs else ()
    if not values:
        raise Mismatch(next(iter(refused.values()), "carries no electricity reading"))
    if refused:
        unknown += map(obis, refused)
    return Reading(
        vendor=name,
        list_type=classify(values) if vendor.norwegian else ListType.OTHER,
        values={**values, **_details(vendor, details)} if details else values,
        identity=_identity(texts) if texts else NO_IDENTITY,
        clock=_clock(vendor, clock or notification.sent_at),
        mark_age_ms=_mark_age_ms(vendor, clock, notification.sent_at),
        fitting=vendor.fitting(texts.get(METER_TYPE, ""), values),
        unknown=tuple(unknown),
        refused=tuple(refused.values()) if refused else (),
        parts=parts,
    )


def _identity(texts: Mapping[str, str]) -> Identity:
    number = chosen((texts.get(METER_ID), texts.get(DEVICE_NAME)))
    return Identity(texts.get(LIST_VERSION), number, texts.get(METER_TYPE))


_Part = tuple[Part, bytes, Data, Data]
"""A part of a quantity with its code as sent, its raw value and its scaler_unit."""


def _in_parts(
    vendor: Vendor, values: dict[Quantity, int], sent: list[_Part], refused: dict[bytes, str]
) -> tuple[tuple[Quantity, frozenset[int]], ...]:
    """Add to `values` what is sent in parts alone; what sums are made of."""
    parts: dict[Part, Number] = {}
    spoilt: set[object] = {QUANTITIES.get(own(code)) for code in refused}
    factors = vendor.factors(None, {})
    for part, code, raw, scaler_unit in sent:
        if raw is None:
            continue
        try:
            number = _number(vendor, part.quantity, raw, scaler_unit, factors.get(part.quantity))
        except Mismatch as mismatch:
            if part.quantity not in values:
                refused[code] = str(mismatch)
            spoilt.add(part)
            continue
        if parts.setdefault(part, number) != number:
            refused[code] = f"{part.quantity} in tariff {part.number} is {TWICE}"
            spoilt.add(part)
    totals: dict[Quantity, Number] = dict(values)
    made = add_up(totals, parts, {}, frozenset(spoilt))
    values.update((quantity, rounded(number)) for quantity, number in totals.items())
    return tuple(made.items())


def _details(vendor: Vendor, sent: list[tuple[Quantity, Data, Data]]) -> dict[Quantity, int]:
    """The numbers that are sent besides, in their units; what is no number in that unit is left out."""
    values: dict[Quantity, int] = {}
    for detail, raw, scaler_unit in sent:
        with suppress(Mismatch):
            factor: Factor | None = vendor.detail_factors.get(detail.unit)
            values[detail] = _number(vendor, detail, raw, scaler_unit, factor)
    return values


_Number = tuple[Quantity, bytes, Data, Data]
"""A quantity with its code as sent, its raw value and its scaler_unit."""


def _values(
    vendor: Vendor, meter_type: str | None, numbers: list[_Number]
) -> tuple[dict[Quantity, int], dict[bytes, str]]:
    """The numbers in their quantities' units, and by code why some are refused.

    A null is a value that is not sent. A quantity that is sent twice with different values has none;
    channel 0 goes before channel 1.
    """
    factors: Mapping[Quantity, Factor] | None = None
    values: dict[Quantity, int] = {}
    refused: dict[bytes, str] = {}
    for quantity, code, raw, scaler_unit in numbers:
        if raw is None:
            continue
        try:
            if scaler_unit is not None and type(raw) is int:
                multiplier, divisor = _by_scaler(quantity, scaler_unit)
                value = raw * multiplier // divisor
            else:
                if factors is None:
                    raws = {each: sent for each, _, sent, _ in numbers if type(sent) is int}
                    factors = vendor.factors(meter_type, raws)
                factor = factors.get(quantity)
                if scaler_unit is None and type(raw) is int and type(factor) is int:  # by far the most
                    value = raw * factor
                else:
                    value = _number(vendor, quantity, raw, scaler_unit, factor)
        except Mismatch as mismatch:
            refused[code] = str(mismatch)
            continue
        if values.setdefault(quantity, value) != value:
            channel = _first_channel(quantity, numbers)
            values[quantity] = value if code[1] < channel else values[quantity]
            refused.update({code: f"{quantity} is {TWICE}"} if code[1] == channel else {})
    for code in refused:
        values.pop(QUANTITIES[own(code)], None)
    return values, refused


def _first_channel(quantity: Quantity, numbers: list[_Number]) -> int:
    """The channel of the first value that is sent for a quantity."""
    return next(code[1] for each, code, sent, _ in numbers if each is quantity and sent is not None)


def _number(vendor: Vendor, quantity: Quantity, raw: Data, scaler_unit: Data, factor: Factor | None) -> int:
    """A raw value in its quantity's unit, by its own scaler_unit, else by the vendor's factor."""
    if type(raw) is not int:
        raw = _fraction(vendor, quantity, raw)
    if scaler_unit is not None:
        multiplier, divisor = _by_scaler(quantity, scaler_unit)
        return raw * multiplier // divisor if type(raw) is int else round(raw * multiplier / divisor)
    if factor is None:
        raise Mismatch(f"{quantity} comes without scaler and unit, and no table has them")
    if type(raw) is not int:
        raise Mismatch(f"{quantity} is no integer")
    return raw * factor if isinstance(factor, int) else factor(raw)


def _fraction(vendor: Vendor, quantity: Quantity, raw: Data) -> float:
    """A number that is no integer, which only lists that say what it is may have."""
    if not vendor.describes_itself or not isinstance(raw, float) or not abs(raw) < NUMBER_MAX:
        raise Mismatch(f"{quantity} is no {'number' if vendor.describes_itself else 'integer'}")
    return raw


@lru_cache(maxsize=64)
def _by_scaler(quantity: Quantity, scaler_unit: Data) -> tuple[int, int]:
    """Multiplier and divisor from a register's own scaler and unit to the quantity's unit."""
    scaler: Data = None
    unit: Data = None
    if isinstance(scaler_unit, Structure) and len(scaler_unit) == 2:
        scaler, unit = scaler_unit
    code, exponent = UNITS[quantity.unit.symbol]
    if type(scaler) is not int or unit != code:
        raise Mismatch(f"{quantity} is in unit {unit!r}, not {code}")
    if abs(scaler) > SCALER_MAX:
        raise Mismatch(f"{quantity} has scaler {scaler}")
    exponent += scaler
    return (10**exponent, 1) if exponent >= 0 else (1, 10**-exponent)


def _clock(vendor: Vendor, octets: bytes) -> MeterClock | None:
    time = cosem_time(octets)
    return MeterClock(time.local, time.valid, vendor.time_base) if time else None


def _mark_age_ms(vendor: Vendor, clock: bytes | None, sent_at: bytes) -> int:
    """How long before sending the energies were true: the message's own two times, else what is usual."""
    marked = cosem_time(clock) if clock else None
    sent = cosem_time(sent_at) if marked else None
    if marked is None or sent is None:
        return vendor.send_delay_ms
    age_ms = int((sent.local - marked.local).total_seconds() * 1000)
    return age_ms if 0 <= age_ms <= MARK_AGE_MAX_MS else 0
