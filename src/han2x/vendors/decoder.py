"""APDUs of one stream to readings: recognise the vendor, then decode by its table and let it fail loudly.

The only memory is which vendor spoke last, for the fast lists that several vendors send alike.
"""

from functools import lru_cache

from ..model.quantity import Quantity
from ..model.reading import Identity, ListType, MeterClock, Reading, classify
from ..wire.axdr import Data, Structure
from ..wire.clock import cosem_time
from ..wire.dlms import Notification, parse
from ..wire.obis import obis
from ..wire.result import Apdu, Discarded, Kind
from . import aidon, iskraemeco, kaifa, kamstrup, landisgyr
from .layouts import as_text
from .meanings import CLOCK, DEVICE_NAME, LIST_VERSION, METER_ID, METER_TYPE, QUANTITIES, TEXTS, UNITS
from .vendor import Mismatch, Vendor

VENDORS: tuple[Vendor, ...] = (
    kaifa.NORWAY,
    aidon.FAST,
    aidon.NORWAY,
    kamstrup.KAMSTRUP,
    landisgyr.EMBRIQ,
    kaifa.SWEDEN,
    aidon.SWEDEN,
    kaifa.AUSTRIA,
    kaifa.VORARLBERG,
    iskraemeco.PUSH,
    landisgyr.PUSH,
    iskraemeco.POSITIONAL,
)
"""All that is recognised, in the order they are tried: the first whose mark is there."""

MARK_AGE_MAX_MS = 600_000
SCALER_MAX = 9  # powers of ten; meters send -3 to 1


class Decoder:
    """The APDUs of one stream to readings."""

    def __init__(self) -> None:
        self._speaker = ""

    def decode(self, apdu: Apdu) -> Reading | Discarded:
        """The reading in an APDU, or why there is none."""
        notification = parse(apdu)
        if isinstance(notification, Discarded):
            return notification
        vendor = recognise(notification.body)
        if vendor is None:
            return Discarded(Kind.UNKNOWN, "a list that no table explains", apdu.offset, apdu.length)
        name = (self._speaker or vendor.name) if vendor.anonymous else vendor.name
        try:
            reading = read(vendor, name, notification)
        except Mismatch as mismatch:
            return Discarded(Kind.UNKNOWN, f"{vendor.name}: {mismatch}", apdu.offset, apdu.length)
        self._speaker = name
        return reading


def recognise(body: Data) -> Vendor | None:
    """The vendor whose list a body is."""
    for vendor in VENDORS:
        if vendor.recognise(body):
            return vendor
    return None


def read(vendor: Vendor, name: str, notification: Notification) -> Reading:
    """A notification by its vendor's table; raises `Mismatch`."""
    texts: dict[str, str] = {}
    numbers: list[tuple[Quantity, Data, Data]] = []
    unknown: list[str] = []
    clock = None
    for code, value, scaler_unit in vendor.items(notification.body):
        cde = code[2:5]
        quantity = QUANTITIES.get(cde)
        if quantity is not None:
            numbers.append((quantity, value, scaler_unit))
        elif text := vendor.texts.get(cde) or TEXTS.get(cde):
            texts[text] = as_text(value)
        elif cde == CLOCK and isinstance(value, bytes):
            clock = value
        else:
            unknown.append(obis(code))
    values = _values(vendor, texts.get(METER_TYPE), numbers)
    if not values:
        raise Mismatch("carries no electricity reading")
    return Reading(
        vendor=name,
        list_type=classify(values) if vendor.norwegian else ListType.OTHER,
        values=values,
        identity=Identity(
            texts.get(LIST_VERSION),
            texts.get(METER_ID, texts.get(DEVICE_NAME)),
            texts.get(METER_TYPE),
        ),
        clock=_clock(vendor, clock or notification.sent_at),
        mark_age_ms=_mark_age_ms(vendor, clock, notification.sent_at),
        fitting=vendor.fitting(texts.get(METER_TYPE, ""), values),
        unknown=tuple(unknown),
    )


def _values(
    vendor: Vendor, meter_type: str | None, numbers: list[tuple[Quantity, Data, Data]]
) -> dict[Quantity, int]:
    """The numbers in their quantities' units. A null is a value that is not sent."""
    raws = {quantity: raw for quantity, raw, _ in numbers if type(raw) is int}
    factors = vendor.factors(meter_type, raws)
    values = {}
    for quantity, raw, scaler_unit in numbers:
        if raw is None:
            continue
        if type(raw) is not int:
            raise Mismatch(f"{quantity} is no integer")
        if scaler_unit is None:
            factor = factors.get(quantity, 1)
            values[quantity] = raw * factor if isinstance(factor, int) else factor(raw)
        else:
            multiplier, divisor = _by_scaler(quantity, scaler_unit)
            values[quantity] = raw * multiplier // divisor
    return values


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
