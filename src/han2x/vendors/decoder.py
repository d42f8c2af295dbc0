"""APDUs of one stream to readings: recognise the vendor, then decode by its table and let it fail loudly.

What is remembered: which vendor spoke last, for the fast lists that several vendors send alike, and the
layouts of the lists that came (`known_lists`).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial

from ..model.quantity import Quantity
from ..model.reading import NO_IDENTITY, Identity, ListType, MeterClock, Reading, classify
from ..wire.axdr import Data, Structure
from ..wire.cipher import Keyring, Opened
from ..wire.clock import cosem_time
from ..wire.dlms import GENERAL_GLO_CIPHERING, Malformed, Notification, parse
from ..wire.obis import obis
from ..wire.result import Apdu, Discarded, Framing, Kind
from . import taught
from .decoding_options import PLAIN, Manner
from .known_lists import KnownLists, Number, Part, Sorted
from .layouts import as_text
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
from .recognition import VENDORS, VENDORS_1_WH, recognise, unexplained
from .sums import PARTS, TWICE, add_up, rounded
from .sums import Number as SumNumber
from .sums import Part as SumPart
from .vendor import Factor, Mismatch, Vendor

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
        self._known = KnownLists()
        self._read_text: Callable[[bytes], Reading] | None = None
        self.unexplained: Notification | None = None
        """The last one whose list no table explains."""

    def decode(self, apdu: Apdu, title: bytes = b"") -> Reading | Discarded:
        """The reading in an APDU, or why there is none. `title`: the system title it was encrypted with."""
        if apdu.framing is not Framing.HDLC and (form := _FORMS.get(apdu.framing)):
            return form(self, apdu)
        found = None if title else self._known.find(apdu.data)
        if found:
            vendor, sent, sent_at = found
            return self._reading(apdu, vendor, sent, sent_at, title)
        notification = parse(apdu)
        if isinstance(notification, Discarded):
            return self._encrypted(apdu, notification)
        recognised = recognise(notification.body, self._vendors, title, self._taught)
        if recognised is None:
            self.unexplained = notification
            return Discarded(Kind.UNKNOWN, unexplained(notification.body), apdu.offset, apdu.length)
        try:
            sent = sorted_items(recognised, notification.body)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"{recognised.name}: {mismatch}", apdu.offset, apdu.length)
        reading = self._reading(apdu, recognised, sent, notification.sent_at, title)
        if isinstance(reading, Reading) and not title:
            self._known.learn(apdu.data, recognised, sent, sorted_items)
        return reading

    def _reading(
        self, apdu: Apdu, vendor: Vendor, sent: Sorted, sent_at: bytes, title: bytes
    ) -> Reading | Discarded:
        """What a list says, said of who sent it."""
        name = vendor.name
        if vendor.anonymous:
            name = (title and by_letters(as_text(title[:3]))) or self._speaker or name
        try:
            reading = made(vendor, name, sent, sent_at)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"{vendor.name}: {mismatch}", apdu.offset, apdu.length)
        self._speaker = name
        return reading

    def _text(self, apdu: Apdu) -> Reading | Discarded:
        """P1 text, plain or encrypted."""
        if apdu.data[0] == GENERAL_GLO_CIPHERING:
            return self._encrypted(apdu, Discarded(Kind.ENCRYPTED, "encrypted", apdu.offset, apdu.length))
        from ..wire.p1 import carries_check_sum
        from . import p1, p1_known_texts  # most meters send none: not imported for them

        if not self._unchecked and not carries_check_sum(apdu.data):
            return Discarded(Kind.UNKNOWN, NO_CHECK_SUM, apdu.offset, apdu.length)
        try:
            self._read_text = self._read_text or partial(p1.read, known=p1_known_texts.KnownTexts())
            return self._read_text(apdu.data)
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


def read(vendor: Vendor, name: str, notification: Notification) -> Reading:
    """A notification by its vendor's table; raises `Mismatch`."""
    return made(vendor, name, sorted_items(vendor, notification.body), notification.sent_at)


def sorted_items(vendor: Vendor, body: Data) -> Sorted:
    """The items of a body by what they mean; raises `Mismatch`."""
    sent = Sorted({}, [], [], [], [], None)
    clock = None
    for code, value, scaler_unit in vendor.items(body):
        cde = own(code)
        quantity = QUANTITIES.get(cde)
        if quantity is not None:
            sent.numbers.append((quantity, code, value, scaler_unit))
        elif text := vendor.texts.get(cde) or TEXTS.get(cde):
            sent.texts.setdefault(text, str(value) if type(value) is int else as_text(value))
        elif cde == CLOCK and isinstance(value, bytes):
            clock = clock or value
        elif (detail := DETAILS.get(cde)) is not None:
            sent.details.append((detail, code, value, scaler_unit))
        elif (part := PARTS.get(cde)) is not None:
            sent.parts.append((part, code, value, scaler_unit))
        else:
            sent.unknown.append(obis(code))
    return sent._replace(clock=clock) if clock else sent


def made(vendor: Vendor, name: str, sent: Sorted, sent_at: bytes) -> Reading:
    """A reading of a list's items; raises `Mismatch`. `sent_at`: the date-time of the message."""
    texts, clock = sent.texts, sent.clock
    meter_type = texts.get(METER_TYPE)
    values, refused = _values(vendor, meter_type, sent.numbers)
    parts = _in_parts(vendor, values, sent.parts, refused) if sent.parts else ()
    if not values:
        raise Mismatch(next(iter(refused.values()), "carries no electricity reading"))
    unknown = (*sent.unknown, *map(obis, refused)) if refused else tuple(sent.unknown)
    return Reading(
        vendor=name,
        list_type=classify(values) if vendor.norwegian else ListType.OTHER,
        values={**values, **_details(vendor, sent.details)} if sent.details else values,
        identity=_identity(texts) if texts else NO_IDENTITY,
        clock=_clock(vendor, clock or sent_at),
        mark_age_ms=_mark_age_ms(vendor, clock, sent_at),
        fitting=vendor.fitting(meter_type or "", values),
        unknown=unknown,
        refused=tuple(refused.values()) if refused else (),
        parts=parts,
    )


def _identity(texts: Mapping[str, str]) -> Identity:
    number = chosen((texts.get(METER_ID), texts.get(DEVICE_NAME)))
    return Identity(texts.get(LIST_VERSION), number, texts.get(METER_TYPE))


def _in_parts(
    vendor: Vendor, values: dict[Quantity, int], sent: list[Part], refused: dict[bytes, str]
) -> tuple[tuple[Quantity, frozenset[int]], ...]:
    """Add to `values` what is sent in parts alone; what sums are made of."""
    parts: dict[SumPart, SumNumber] = {}
    spoilt: set[object] = {QUANTITIES.get(own(code)) for code in refused}
    factors = vendor.factors(None, {})
    for part, code, raw, scaler_unit in sent:
        if raw is None:
            continue
        try:
            factor = vendor.own_factors.get(part) or factors.get(part.quantity)
            number = _number(vendor, part.quantity, raw, scaler_unit, factor)
        except Mismatch as mismatch:
            if part.quantity not in values:
                refused[code] = str(mismatch)
            spoilt.add(part)
            continue
        if parts.setdefault(part, number) != number:
            refused[code] = f"{part.quantity} in tariff {part.number} is {TWICE}"
            spoilt.add(part)
    totals: dict[Quantity, SumNumber] = dict(values)
    made = add_up(totals, parts, {}, frozenset(spoilt))
    values.update((quantity, rounded(number)) for quantity, number in totals.items())
    return tuple(made.items())


def _details(vendor: Vendor, sent: list[Number]) -> dict[Quantity, int]:
    """The numbers that are sent besides, in their units; what is no number in that unit is left out."""
    values: dict[Quantity, int] = {}
    for detail, _, raw, scaler_unit in sent:
        with suppress(Mismatch):
            factor = vendor.own_factors.get(detail) or vendor.detail_factors.get(detail.unit)
            values[detail] = _number(vendor, detail, raw, scaler_unit, factor)
    return values


def _values(
    vendor: Vendor, meter_type: str | None, numbers: list[Number]
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


def _first_channel(quantity: Quantity, numbers: list[Number]) -> int:
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
