"""The running hour: where it began, and how power has gone since (part of a snapshot).

It begins at the meter's own mark, the moment its hourly registers were true for, and not when they arrive.
The next one begins an hour after that, at what the estimates were then, and is put right when its registers
come. Before the first mark the machine's clock tells where an hour begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from .estimate import HISTORY_MS, HOLD_MS, WMS_PER_WH, Estimate
from .instant import Instant
from .quantity import Quantity

HOUR_MS = 3_600_000
MINUTE_MS = 60_000

MINUTES = 10
"""So many minutes make the recent mean: longer than a kettle boils, shorter than an oven heats."""

LATE_MS = 90_000
"""How long after a full hour its registers may be true (Kamstrup: up to 60 s, han-port sheet 4.3)."""

IMPORT = Quantity.ACT_ENERGY_POS


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An hour that runs since `start_ms` (monotonic); energies in W ms, as in `Estimate`.

    `base`: the energies at its beginning; `metered`: these are registers. `gap_ms`: time in it for which no
    power is known. `minutes`: the mean import power, W, of each of the last minutes, the newest last;
    `minute_ms`, `minute`: when the one that runs began, and the import estimate then.
    """

    start_ms: int
    base: Mapping[Quantity, int]
    metered: bool = False
    gap_ms: int = 0
    minutes: tuple[int, ...] = ()
    minute_ms: int = 0
    minute: int | None = None

    @property
    def recent_power(self) -> int | None:
        """The mean of the last minutes, W, without the highest and the lowest fifth: no kettle."""
        minutes, out = sorted(self.minutes), len(self.minutes) // 5
        middle = minutes[out : len(minutes) - out]
        return sum(middle) // len(middle) if middle else None


class Paused(NamedTuple):
    """A running hour as it outlives the process, on the machine's clock: `start_unix_ms`, and the last
    telegram's `last_unix_ms`."""

    start_unix_ms: int
    last_unix_ms: int
    gap_ms: int
    base: Mapping[Quantity, int]


def paused(running: Running, last: Instant) -> Paused:
    """The hour as of its last telegram."""
    elapsed_ms = last.mono_ms - running.start_ms
    return Paused(last.unix_ms - elapsed_ms, last.unix_ms, running.gap_ms, running.base)


def resumed(known: Paused | None, now: Instant) -> Running | None:
    """The hour as it goes on at `now`, if it still does; what the pause was longer than a hold is a gap."""
    if (
        known is None
        or not 0 <= now.unix_ms - known.last_unix_ms <= now.unix_ms - known.start_unix_ms < HOUR_MS
    ):
        return None
    start_ms = now.mono_ms - (now.unix_ms - known.start_unix_ms)
    gap_ms = known.gap_ms + now.unix_ms - known.last_unix_ms
    return Running(start_ms=start_ms, base=known.base, gap_ms=gap_ms)


Estimates = Mapping[Quantity, Estimate]


def refactored(running: Running, estimates: Estimates, before: int, after: int) -> Running:
    """The hour when another scale factor comes into force, both in thousandths.

    What was used till now stays what it was by the factor of then: its beginning is moved so that it is.
    """
    base = {
        energy: known.made - (known.made - running.base[energy]) * before // after
        for energy, known in estimates.items()
        if known.known and energy in running.base
    }
    return replace(running, base={**running.base, **base})


def marked(
    running: Running | None, registers: Mapping[Quantity, int], mark: Instant, now: Instant
) -> Running:
    """The hour that began with registers, Wh, that were true at `mark` and came at `now`.

    Registers that come at other times, or again and again, begin no hour, and change nothing.
    """
    same = running is not None and abs(mark.mono_ms - running.start_ms) < HOUR_MS // 2
    if running is not None and same and running.metered:
        return running
    base = {energy: wh * WMS_PER_WH for energy, wh in registers.items()}
    unseen_ms = max(0, now.mono_ms - mark.mono_ms - HISTORY_MS)  # the estimate has no samples so far back
    gap_ms = max(unseen_ms, running.gap_ms if running is not None and same else 0)
    fresh = Running(start_ms=mark.mono_ms, base=base, metered=True, gap_ms=gap_ms)
    if running is None:
        return fresh
    return replace(running, start_ms=fresh.start_ms, base=base, metered=True, gap_ms=gap_ms, minute=None)


def is_mark(clock: datetime | None, mark: Instant) -> bool:
    """Whether registers are a full hour's, by the meter's clock, or by the machine's if it sent none."""
    late_ms = (clock.minute * 60 + clock.second) * 1000 if clock else mark.unix_ms % HOUR_MS
    return late_ms <= LATE_MS


def advanced(
    running: Running | None, known: Paused | None, estimates: Estimates, before: Instant | None, now: Instant
) -> Running | None:
    """The running hour after a telegram at `now`, the one before it at `before`; None while none is known.

    `known`: the hour that ran when the process ended, for the first telegram of another.
    """
    if before is None:
        return resumed(known, now)
    running = _turned(running, estimates, before, now)
    if running is None:
        return None
    gap_ms = now.mono_ms - max(before.mono_ms + HOLD_MS, running.start_ms)
    if gap_ms > 0:
        running = replace(running, gap_ms=running.gap_ms + gap_ms)
    return _paced(running, estimates, now)


def _turned(running: Running | None, estimates: Estimates, before: Instant, now: Instant) -> Running | None:
    """The next hour, if it has begun since `before`; None if what the estimates were then is not known."""
    start_ms = running.start_ms + HOUR_MS if running else now.mono_ms - now.unix_ms % HOUR_MS
    if now.mono_ms < start_ms or (running is None and before.mono_ms >= start_ms):
        return running
    base = _at(estimates, start_ms)
    if IMPORT not in base or now.mono_ms - start_ms > HOLD_MS:
        return None
    if running is None:
        return Running(start_ms=start_ms, base=base)
    return replace(running, start_ms=start_ms, base=base, metered=False, gap_ms=0)


def _at(estimates: Estimates, mono_ms: int) -> dict[Quantity, int]:
    then = {energy: known.at(mono_ms) for energy, known in estimates.items() if known.known}
    return {energy: made for energy, made in then.items() if made is not None}


def _paced(running: Running, estimates: Estimates, now: Instant) -> Running:
    """With a minute more in the recent mean, once one is full; one with a hole in it does not count."""
    took_ms = now.mono_ms - running.minute_ms
    if running.minute is not None and took_ms < MINUTE_MS:
        return running
    made = _at(estimates, now.mono_ms).get(IMPORT)
    minutes: tuple[int, ...] = running.minutes
    if made is not None and running.minute is not None:
        whole = took_ms < MINUTE_MS + HOLD_MS
        minutes = (*minutes, max(0, made - running.minute) // took_ms)[-MINUTES:] if whole else ()
    return replace(running, minutes=minutes, minute_ms=now.mono_ms, minute=made)
