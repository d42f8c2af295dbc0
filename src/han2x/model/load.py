"""How the import power goes, for what the rest of an hour is expected to take. Pure.

The mean of the last minutes, without the highest and the lowest fifth, sees no kettle, and no car that begins
to charge either, for minutes. So a change that is larger than a kettle and holds counts at once: the minutes
before are taken as if it had been so then. How long rises have lasted is remembered: a boiler that heats for
three minutes, and did so before, is not expected to go on for the rest of the hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .estimate import HOLD_MS, Sample

MINUTE_MS = 60_000

MINUTES = 10
"""So many minutes make the recent mean: longer than a kettle boils, shorter than an oven heats."""

STEP_W = 2600
"""More than a kettle takes (2.4 kW), less than a car does from one phase (16 A: 3.7 kW)."""

HOLDS_MS = 12_000
"""A change that holds so long is one: two telegrams of a slow list, five of a fast one."""

BACK_PERCENT = 60
"""So much of a rise is its end."""

RISE_MS = 20 * MINUTE_MS
"""A rise that lasts longer is no appliance that switches itself off."""

ALIKE_PERCENT = 20
REMEMBERED = 8
OVERDUE_MS = 15_000


class Change(NamedTuple):
    """Power that left `level_w` at `at_ms` (monotonic), when `energy` W ms had been made; it may return."""

    at_ms: int
    energy: int
    level_w: int
    up: bool


class Rise(NamedTuple):
    """Power that rose by `watts` at `at_ms` (monotonic)."""

    watts: int
    at_ms: int


class Lasted(NamedTuple):
    """A rise by `watts` that was over after `ms`."""

    watts: int
    ms: int


class Ahead(NamedTuple):
    """What is expected: `watts`, of which `passing_w` for `passing_ms` more only."""

    watts: int
    passing_w: int = 0
    passing_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`minutes`: the mean power, W, of each of the last minutes, the newest last; `minute_ms`, `minute`: when
    the one that runs began (monotonic), and what had been made then, W ms. `stepped_ms`: when the last change
    was; `change`: one that has not held long enough; `rise`: the last that has, until it is over; `lasted`:
    how long rises before it went on."""

    minutes: tuple[int, ...] = ()
    minute_ms: int = 0
    minute: int | None = None
    stepped_ms: int = 0
    change: Change | None = None
    rise: Rise | None = None
    lasted: tuple[Lasted, ...] = ()

    def after(self, samples: Sequence[Sample]) -> "Load":
        """The load after the newest of the samples of the import power."""
        return self._paced(samples[-1])._changed(samples)

    def ahead(self, mono_ms: int) -> Ahead | None:
        """What is expected from `mono_ms` on; None before a minute is full."""
        minutes, out = sorted(self.minutes), len(self.minutes) // 5
        middle = minutes[out : len(minutes) - out]
        if not middle:
            return None
        watts = sum(middle) // len(middle)
        rise = self.rise
        alike = sorted(one.ms for one in self.lasted if rise and _alike(one.watts, rise.watts))
        if rise is None or not alike:
            return Ahead(watts)
        usual_ms, took_ms = alike[len(alike) // 2], mono_ms - rise.at_ms
        if took_ms > usual_ms + usual_ms // 2 + OVERDUE_MS:
            return Ahead(watts)
        return Ahead(watts, min(rise.watts, watts), max(0, usual_ms - took_ms))

    def _paced(self, newest: Sample) -> "Load":
        """With a minute more, once one is full; one with a hole in it does not count, nor do those before."""
        took_ms = newest.at_ms - self.minute_ms
        if self.minute is not None and took_ms < MINUTE_MS:
            return self
        minutes: tuple[int, ...] = ()
        if self.minute is None:
            minutes = self.minutes
        elif took_ms < MINUTE_MS + HOLD_MS:
            minutes = (*self.minutes, max(0, newest.energy - self.minute) // took_ms)[-MINUTES:]
        return replace(self, minutes=minutes, minute_ms=newest.at_ms, minute=newest.energy)

    def _changed(self, samples: Sequence[Sample]) -> "Load":
        """With the newest sample as the beginning of a change, as one that confirms it, or as its end."""
        newest, change = samples[-1], self.change
        first = next((one for one in samples if one.at_ms >= self.stepped_ms), newest)
        known_ms = newest.at_ms - first.at_ms
        if known_ms <= 0:
            return replace(self, change=None)
        if change is None:
            level = (newest.energy - first.energy) // known_ms
            beyond = self._beyond(newest.power - level, newest.at_ms)
            change = Change(newest.at_ms, newest.energy, level, newest.power > level) if beyond else None
            return replace(self, change=change)
        off = newest.power - change.level_w
        if not self._beyond(off, newest.at_ms) or (off > 0) is not change.up:
            return replace(self, change=None)
        took_ms = newest.at_ms - change.at_ms
        if took_ms < HOLDS_MS:
            return self
        return self._stepped(change, (newest.energy - change.energy) // took_ms - change.level_w)

    def _beyond(self, off_w: int, at_ms: int) -> bool:
        """Whether power is so far off that it may be a change; what ends a rise may be less than one."""
        if off_w < 0 and self.rise and at_ms - self.rise.at_ms < RISE_MS:
            return -off_w * 100 >= self.rise.watts * BACK_PERCENT
        return abs(off_w) >= STEP_W

    def _stepped(self, change: Change, watts: int) -> "Load":
        rise, lasted = self.rise, self.lasted
        if not change.up and rise:
            lasted = (*lasted, Lasted(rise.watts, change.at_ms - rise.at_ms))[-REMEMBERED:]
        return Load(
            minutes=tuple(max(0, minute + watts) for minute in self.minutes),
            minute_ms=change.at_ms,
            minute=change.energy,
            stepped_ms=change.at_ms,
            rise=Rise(watts, change.at_ms) if change.up else None,
            lasted=lasted,
        )


NO_LOAD = Load()


def _alike(one_w: int, other_w: int) -> bool:
    return abs(one_w - other_w) * 100 <= other_w * ALIKE_PERCENT
