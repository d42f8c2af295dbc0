"""Lists that nothing explains, value by value, and what a table would make of them. Pure."""

from ..model.explained import Named, Place, UnknownList
from ..model.quantity import Quantity
from ..model.reading import Identity, Reading
from ..settings.lists import VALUES_MAX, TaughtList
from ..vendors import taught
from ..vendors.decoder import Decoder, read
from ..vendors.decoding_options import Manner
from ..vendors.layouts import as_text, pattern_of
from ..vendors.obis_quantities import CLOCK, LIST_VERSION, METER_ID, METER_TYPE, TEXTS
from ..vendors.sums import NET_POWER, Part
from ..vendors.teaching import NAMES_OF_TEXTS
from ..vendors.vendor import Mismatch
from ..wire.axdr import Array, Data, Structure
from ..wire.clock import cosem_time
from ..wire.dlms import Notification
from ..wire.obis import cde
from ..wire.result import Apdu
from ..wire.stream import Stream

SHOWN_MAX = 64
"""Characters of a value that are shown."""


def unknown_list(octets: bytes, manner: Manner) -> UnknownList | None:
    """The list in a telegram, if none of the tables that come with the program explains it."""
    notification = _unexplained(octets, manner)
    if notification is None or not isinstance(notification.body, Structure | Array) or not notification.body:
        return None
    values = notification.body[:VALUES_MAX]
    pattern = pattern_of(notification.body)
    places = tuple(Place(pattern_of(Structure((value,))), _shown(value)) for value in values)
    return UnknownList(pattern if len(pattern) <= VALUES_MAX else "", len(notification.body), places)


def named(octets: bytes, manner: Manner, row: TaughtList) -> tuple[Named, ...]:
    """What the named values of such a list mean by a table; "" for the value of what cannot be used."""
    notification = _unexplained(octets, manner)
    (vendor,) = taught.vendors((row,)) or (None,)
    if vendor is None or notification is None or not vendor.recognise(notification.body):
        return ()
    try:
        reading = read(vendor, vendor.name, notification)
    except Mismatch:
        return ()
    codes = enumerate(row.codes.split(), 1)
    return tuple(_named(place, code, reading) for place, code in codes if code != "-")


def _unexplained(octets: bytes, manner: Manner) -> Notification | None:
    """The message in a telegram whose list no table explains."""
    manner = manner._replace(lists=())
    keyring = manner.keyring()
    stream, decoder = Stream(keyring), Decoder(keyring, manner)
    for item in [*stream.feed(octets), *stream.flush()]:
        if isinstance(item, Apdu):
            decoder.decode(item)
    return decoder.unexplained


def _shown(value: Data) -> str:
    """A value as it was sent, for people."""
    if isinstance(value, bytes):
        time, text = cosem_time(value), as_text(value)
        if time:
            return str(time.local)
        value = text if text.isascii() and text.isprintable() and text else value.hex(" ")
    if isinstance(value, Array | Structure):
        value = ", ".join(map(_shown, value[:VALUES_MAX]))
    return ("" if value is None else str(value))[:SHOWN_MAX]


def _named(place: int, code: str, reading: Reading) -> Named:
    what, values = taught.measured(code), reading.values
    if what == NET_POWER:
        sent = Quantity.ACT_POW_POS in values
        net = values[Quantity.ACT_POW_POS] - values[Quantity.ACT_POW_NEG] if sent else ""
        return Named(place, "net power", net, "W")
    if what is not None:
        quantity = what.quantity if isinstance(what, Part) else what
        shown = quantity.displayed(values[quantity]) if quantity in values else ""
        return Named(place, quantity.label, shown, quantity.unit.display)
    if cde(code) == CLOCK:
        return Named(place, "clock", str(reading.clock.local) if reading.clock else "", "")
    text = TEXTS.get(cde(code), "")
    label = NAMES_OF_TEXTS.get(text, text.replace("_", " "))
    return Named(place, label, _identity(text, reading.identity), "")


def _identity(text: str, identity: Identity) -> str:
    known = {
        METER_ID: identity.meter_id,
        METER_TYPE: identity.meter_type,
        LIST_VERSION: identity.list_version,
    }
    return known.get(text) or ""
