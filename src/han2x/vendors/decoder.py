"""APDUs of one stream to readings: recognise the vendor, then decode by its table and let it fail loudly.

What is remembered: which vendor spoke last, for the fast lists that several vendors send alike, and the
layouts of the lists that came (`known_lists`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import floor

from ..model.reading import NO_IDENTITY, Identity, ListType, MeterClock, Reading, classify
from ..wire.axdr import Data
from ..wire.cipher import Keyring, Opened, Sealed, sealed, unread
from ..wire.clock import cosem_time
from ..wire.dlms import GENERAL_GLO_CIPHERING, Malformed, Notification, parse
from ..wire.obis import obis
from ..wire.result import Apdu, Discarded, Framing, Kind
from . import taught
from .decoding_options import PLAIN, Manner
from .dlms_clock import DATE, TIME, joined
from .known_lists import KnownLists, Sorted
from .layouts import as_text
from .list_values import add_parts, details_of, values_of
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
    own,
)
from .recognition import VENDORS, VENDORS_1_WH, recognise, unexplained
from .sums import PARTS, in_whole_units, signed
from .vendor import Mismatch, Vendor

MARK_AGE_MAX_MS = 600_000


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
            from ..wire.p1 import ENCRYPTED_TEXT

            return self._encrypted(apdu, Discarded(Kind.ENCRYPTED, ENCRYPTED_TEXT, apdu.offset, apdu.length))
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
            return _without_keys(apdu, otherwise)
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


def _without_keys(apdu: Apdu, otherwise: Discarded) -> Discarded:
    """What no key would open is said to be that."""
    parts = sealed(apdu.data) if apdu.data[:1] == bytes((GENERAL_GLO_CIPHERING,)) else None
    reason = unread(parts) if isinstance(parts, Sealed) else ""
    return Discarded(Kind.FOREIGN, reason, apdu.offset, apdu.length) if reason else otherwise


def read(vendor: Vendor, name: str, notification: Notification) -> Reading:
    """A notification by its vendor's table; raises `Mismatch`."""
    return made(vendor, name, sorted_items(vendor, notification.body), notification.sent_at)


def sorted_items(vendor: Vendor, body: Data) -> Sorted:
    """The items of a body by what they mean; raises `Mismatch`."""
    sent = Sorted({}, [], [], [], [], None)
    clock: bytes | None = None
    apart: dict[bytes, Data] = {}
    for code, value, scaler_unit in vendor.items(body):
        cde = own(code)
        quantity = QUANTITIES.get(cde)
        if quantity is not None:
            sent.numbers.append((quantity, code, value, scaler_unit))
        elif text := vendor.texts.get(cde) or TEXTS.get(cde):
            sent.texts.setdefault(text, str(value) if type(value) is int else as_text(value))
        elif cde == CLOCK and isinstance(value, bytes):
            clock = clock or value
        elif cde in (DATE, TIME):
            apart.setdefault(cde, value)
        elif (detail := DETAILS.get(cde)) is not None:
            sent.details.append((detail, code, value, scaler_unit))
        elif (part := PARTS.get(cde)) is not None:
            sent.parts.append((part, code, value, scaler_unit))
        else:
            sent.unknown.append(obis(code))
    clock = clock or joined(apart.get(DATE), apart.get(TIME))
    return sent._replace(clock=clock) if clock else sent


def made(vendor: Vendor, name: str, sent: Sorted, sent_at: bytes) -> Reading:
    """A reading of a list's items; raises `Mismatch`. `sent_at`: the date-time of the message."""
    texts, clock = sent.texts, sent.clock
    meter_type = texts.get(METER_TYPE)
    values, refused = values_of(vendor, meter_type, sent.numbers)
    parts = add_parts(vendor, values, sent.parts, refused) if sent.parts else {}
    if not values:
        raise Mismatch(next(iter(refused.values()), "carries no electricity reading"))
    details = details_of(vendor, sent.details) if sent.details else {}
    if not vendor.norwegian:
        signed(values, {QUANTITIES.get(own(code)): reason for code, reason in refused.items()})
        signed(details, {})
    numbers, exact = in_whole_units({**values, **details}, floor)
    unknown = (*sent.unknown, *map(obis, refused)) if refused else tuple(sent.unknown)
    return Reading(
        vendor=name,
        list_type=classify(numbers) if vendor.norwegian else ListType.OTHER,
        values=numbers,
        identity=_identity(texts) if texts else NO_IDENTITY,
        clock=_clock(vendor, clock or sent_at),
        mark_age_ms=_mark_age_ms(vendor, clock, sent_at),
        fitting=vendor.fitting(meter_type or "", numbers),
        unknown=unknown,
        finer=exact,
        refused=tuple(refused.values()) if refused else (),
        parts=tuple(parts.items()),
    )


def _identity(texts: Mapping[str, str]) -> Identity:
    number = chosen((texts.get(METER_ID), texts.get(DEVICE_NAME)))
    return Identity(texts.get(LIST_VERSION), number, texts.get(METER_TYPE))


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
