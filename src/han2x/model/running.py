"""The running hour: where it began, and how power goes (part of a snapshot).

It begins at the meter's own mark, the moment its hourly registers were true for, and not when they arrive.
The next one begins an hour after that, at what the estimates were then, and is put right when its registers
come. Before the first mark the machine's clock tells where an hour begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from .estimate import HISTORY_MS, HOLD_MS, Estimate
from .instant import Instant
from .load import NO_LOAD, Load
from .quantity import Quantity

HOUR_MS = 3_600_000

LATE_MS = 90_000
"""How long after a full hour its registers may be true (Kamstrup: up to 60 s, han-port sheet 4.3)."""

IMPORT = Quantity.ACT_ENERGY_POS


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An hour that runs since `start_ms` (monotonic); energies in W ms, as in `Estimate`.

    `base`: the energies at its beginning; `metered`: they are within a step of registers.
    `gap_ms`: time in it for which no power is known. `load`: how import power goes.
    """

    start_ms: int
    base: Mapping[Quantity, int]
    metered: bool = False
    gap_ms: int = 0
    load: Load = NO_LOAD


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


def marked(running: Running | None, base: Mapping[Quantity, int], mark: Instant, now: Instant) -> Running:
    """The hour that began at `mark` with registers that came at `now`; `base`: the energies then, W ms.

    Registers that come at other times, or again and again, begin no hour, and change nothing.
    """
    same = running is not None and abs(mark.mono_ms - running.start_ms) < HOUR_MS // 2
    if running is not None and same and running.metered:
        return running
    unseen_ms = max(0, now.mono_ms - mark.mono_ms - HISTORY_MS)  # the estimate has no samples so far back
    gap_ms = max(unseen_ms, running.gap_ms if running is not None and same else 0)
    fresh = Running(start_ms=mark.mono_ms, base=base, metered=True, gap_ms=gap_ms)
    if running is None:
        return fresh
    return replace(running, start_ms=fresh.start_ms, base=base, metered=True, gap_ms=gap_ms)


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
    power = estimates.get(IMPORT)
    return replace(running, load=running.load.after(power.samples)) if power and power.samples else running


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
