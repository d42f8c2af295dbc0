"""What a simulated meter sends, before and after it is octets."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ..model.quantity import Quantity
from ..model.reading import Identity, ListType
from .counters import Counters


class Message(NamedTuple):
    """One list before it is encoded.

    `values`: what the meter sends, in each quantity's unit. `sent` and `clock`: naive times by the meter's
    own clock, of sending and of the clock element (hourly list only). `stray_09`: with the superfluous tag
    that old Kamstrup firmware put before the header's date-time.
    """

    vendor: str
    list_type: ListType
    identity: Identity
    values: Mapping[Quantity, int]
    sent: datetime
    clock: datetime | None = None
    stray_09: bool = False


class Telegram(NamedTuple):
    """One telegram, and the truth it was made from, so that a receiver can be compared with it.

    `due_ms`: after the start. `at_ms`: the same moment in UTC, ms since 1970. `counters`: the energies at
    that moment, exact, whatever the list says. `data`: the octets on the line, which a fault may have
    damaged after `message` was encoded.
    """

    due_ms: int
    at_ms: int
    message: Message
    counters: Counters
    data: bytes
