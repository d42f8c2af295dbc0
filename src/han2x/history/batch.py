"""What is handed to the history file, and what comes back. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..model.hour import HOUR_S, Hour
from ..model.hours import Register
from ..model.timekeeping import NEAR_S
from .rows import Row


class Mark(NamedTuple):
    """A meter's counters at a full hour, who it says it is, and the scale factor in force.

    `agreed`: the machine's clock and the meter's both say that this hour has just begun. `anew`: the counters
    do not go on from those before. `ahead_s`: of a register that is not sure, by how much the clock that
    dated it was ahead of monotonic time; None where none has.
    """

    meter: str
    identity: str
    register: Register
    scale: int
    agreed: bool = False
    anew: bool = False
    ahead_s: int | None = None


class Move(NamedTuple):
    """The right time is `to_s` ahead of monotonic time (seconds): rows that were not sure are dated by it.

    `from_s`: those that a clock so far ahead has dated, None for all of this start of the machine. `sure`:
    from now on they are, as the meter has told that it is `now_s` (Unix seconds).
    """

    meter: str
    from_s: int | None
    to_s: int
    sure: bool
    now_s: int


def redated(register: Register, by_s: int, *, sure: bool) -> Register | None:
    """A register that was dated by a clock and is so much later; None where that is not of a full hour."""
    hours = round(by_s / HOUR_S)
    if abs(by_s - hours * HOUR_S) > NEAR_S:
        return None
    return register._replace(mark=register.mark + hours * HOUR_S, sure=sure)


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
