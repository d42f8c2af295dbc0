"""What is handed to the history file, and what comes back. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..model.hour import Hour
from ..model.hours import Register
from .rows import Row


class Mark(NamedTuple):
    """A meter's counters at a full hour, who it says it is, and the scale factor in force.

    `agreed`: the machine's clock and the meter's both say that this hour has just begun. `anew`: the counters
    do not go on from those before.
    """

    meter: str
    identity: str
    register: Register
    scale: int
    agreed: bool = False
    anew: bool = False


class Move(NamedTuple):
    """Rows that were not sure, from `begin` to before `end` (Unix seconds), were `by_s` later.

    `sure`: from now on they are.
    """

    meter: str
    begin: int
    end: int
    by_s: int
    sure: bool


class Batch(NamedTuple):
    """What is to be written at once: rows of meters by name, and counters.

    `moves`: each with how many of the rows are older than it.
    """

    rows: Sequence[tuple[str, Row]] = ()
    marks: Sequence[Mark] = ()
    moves: Sequence[tuple[int, Move]] = ()


class Limits(NamedTuple):
    """How long rows are kept, and the most octets the file may take."""

    raw_s: int
    minute_s: int
    octets: int


class Conflict(NamedTuple):
    """An hour that came from elsewhere and had been metered already: both, as they are."""

    metered: Hour
    imported: Hour


Changed = Mapping[str, Sequence[Hour]]
"""Hours that are new or other than they were, by the meter's name, in order of time."""
