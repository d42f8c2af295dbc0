"""What a topic is, and what its rows are made of: when a value was read, and how it is written. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from ..model.instant import Instant
from ..model.quantity import Quantity
from ..model.view import View


class Kind(Enum):
    """How a topic is sent: by the settings of values, by those of energies, or always kept by the broker."""

    VALUE = auto()
    ENERGY = auto()
    STATUS = auto()


class Stamp(NamedTuple):
    """What a payload tells beside the content: the full topic, and when it was read (Unix ms)."""

    topic: str
    read_ms: int
    zone: tzinfo


Content = object
"""What can be compared; None is nothing to say."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` stands below the main topic. `content` tells whether there is something new to say.

    `payload` writes a content of a view down. `read_at`: when what it says was read, Unix ms. `repeat_s`: how
    long it may stay unsaid, 0 for as long as the settings have it. `unit` and `meaning` are for people.
    """

    name: str
    kind: Kind
    content: Callable[[View], Content]
    payload: Callable[[View, Content, Stamp], bytes]
    read_at: Callable[[View, Instant], int]
    meaning: str
    unit: str = ""
    repeat_s: int = 0


# -- when it was read ---------------------------------------------------------------------------------


def read_by_list(quantity: Quantity) -> Callable[[View, Instant], int]:
    """When the last list came that carries a quantity."""
    return lambda view, now: now.unix_ms - (view.age_of(quantity) or 0)


def read_last(view: View, now: Instant) -> int:
    """The last telegram, or the one that brought the energies that a restart has kept."""
    return view.last_unix_ms or view.energies_unix_ms or now.unix_ms


def read_energies(view: View, now: Instant) -> int:
    """When the energy registers came."""
    return view.energies_unix_ms or now.unix_ms


def read_now(view: View, now: Instant) -> int:
    """What is looked up when it is asked for."""
    return now.unix_ms


@lru_cache(maxsize=64)
def iso(unix_s: int, zone: tzinfo) -> str:
    """ISO 8601 in a zone; most topics of a telegram share one."""
    return datetime.fromtimestamp(unix_s, zone).isoformat()


def utc(unix_ms: int) -> str:
    """ISO 8601 in UTC, with Z."""
    return iso(unix_ms // 1000, UTC).removesuffix("+00:00") + "Z"


# -- what is said --------------------------------------------------------------------------------------


def kilo(value: int) -> int | float:
    """Wh in kWh, exact to the Wh; whole numbers stay integers."""
    whole, rest = divmod(value, 1000)
    return value / 1000 if rest else whole


def fresh(view: View, quantity: Quantity) -> int | float | None:
    """A value in the unit people read; None if it is unknown or too old."""
    return quantity.displayed(view.values[quantity]) if view.is_fresh(quantity) else None


def kilo_of(values: Mapping[Quantity, int], energy: Quantity) -> int | float | None:
    """An energy in kWh or kvarh; None if it is unknown."""
    return kilo(values[energy]) if energy in values else None
