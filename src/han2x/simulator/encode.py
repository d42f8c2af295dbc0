"""From a message to the octets of its frame: body, data-notification, LLC, HDLC (han-port sheet 2 and 3).

The steps are the same for all vendors; what differs is looked up in `DIALECTS`.
"""

from functools import cache, lru_cache

from ..model.quantity import ENERGIES, Quantity
from ..model.reading import Identity, ListType
from ..wire.crc import check_sequence
from .clock import octets
from .dialect import DIALECTS, Element
from .telegram import Message

LLC = b"\xe6\xe7\x00"


def frame(message: Message) -> bytes:
    """The whole telegram: one HDLC frame between its two flags."""
    return hdlc(DIALECTS[message.vendor].address, LLC + apdu(message))


def hdlc(address: bytes, information: bytes) -> bytes:
    """One frame of type 3 (sheet 2.1); `address` is destination, source and control."""
    content = _header(address, len(information)) + information
    return b"\x7e" + content + check_sequence(content) + b"\x7e"


def apdu(message: Message) -> bytes:
    """The data-notification (sheet 3.1): tag, invoke id, date-time, body."""
    dialect = DIALECTS[message.vendor]
    dated = dialect.dated and dialect.dated + octets(message.sent, dialect.clock)
    when = b"\x09" * message.stray_09 + dated or b"\x00"
    return b"\x0f" + dialect.invoke + when + body(message)


def body(message: Message) -> bytes:
    """The notification body: an array or structure, and its elements."""
    dialect = DIALECTS[message.vendor]
    texts, numbers, counters = _ELEMENTS[message.vendor, message.list_type]
    parts = list(_texts(message.vendor, message.identity)) if texts else []
    parts += [number.encode(message.values.get(number.quantity)) for number in numbers]
    if message.clock:
        parts.append(dialect.clock_head + octets(message.clock, dialect.clock))
    parts += [number.encode(message.values.get(number.quantity)) for number in counters]
    count = len(parts) - parts.count(b"")
    return bytes((dialect.opening, 2 * count - 1 if dialect.paired else count)) + b"".join(parts)


def as_sent(message: Message) -> dict[Quantity, int]:
    """What a receiver can read back: the values of the list, rounded to the vendor's resolution."""
    _, numbers, counters = _ELEMENTS[message.vendor, message.list_type]
    return {
        number.quantity: number.rounded(message.values[number.quantity])
        for number in (*numbers, *counters)
        if number.quantity in message.values
    }


def _listed(vendor: str, list_type: ListType) -> tuple[bool, tuple[Element, ...], tuple[Element, ...]]:
    """Of a list: whether it begins with texts, its momentary elements, its counters (sheet 4)."""
    elements = DIALECTS[vendor].elements
    if list_type is ListType.FAST:
        return False, elements[:1], ()
    momentary = tuple(element for element in elements if element.quantity not in ENERGIES)
    return True, momentary, elements[len(momentary) :] if list_type is ListType.HOURLY else ()


_ELEMENTS = {
    (vendor, list_type): _listed(vendor, list_type)
    for vendor in DIALECTS
    for list_type in (ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY)
}


@lru_cache(maxsize=4096)
def _texts(vendor: str, identity: Identity) -> tuple[bytes, ...]:
    """List version, meter id and meter type; the same in each telegram of a meter."""
    return tuple(
        head + bytes((len(text),)) + text.encode("ascii")
        for head, text in zip(DIALECTS[vendor].texts, map(str, identity), strict=True)
    )


@cache
def _header(address: bytes, size: int) -> bytes:
    """Format, address and HCS; the length counts all octets between the flags."""
    header = (0xA000 | (2 + len(address) + 2 + size + 2)).to_bytes(2, "big") + address
    return header + check_sequence(header)
