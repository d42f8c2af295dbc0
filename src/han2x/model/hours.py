"""Hours from a meter's own counters: which hour a register is of, and what lies between two registers.

An hour's energy is the difference of the counters at its two marks, never power integrated. Where marks
were missed, the difference over several hours is shared out by what power made of it, so that the sum is
the meter's to the last watt hour; such hours are marked `SPREAD` until something better is known of them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from .hour import HOUR_S, Basis, Hour
from .quantity import ENERGIES, Quantity
from .reading import MeterClock, TimeBase

LATE_S = 90
"""How long after its mark a register still is the hour's (Kamstrup: up to 60 s, han-port sheet 4.3)."""

DOUBT_S = 86_400
"""A meter's clock further than this behind the machine's was never set (han-port sheet 5.27). One that is
ahead is believed: it is the machine that was never set, or has no time server."""

COVERED_S = HOUR_S - 60
"""From so much known power on, what an hour's power made can be held against its registers."""

SPREAD_MAX_S = 400 * 86_400
"""A longer gap stays a gap: a machine's clock gone wrong must not make hours for decades."""

RANKS = (Basis.ESTIMATED, Basis.SPREAD, Basis.IMPORTED, Basis.METERED)
"""From the weakest to the best: an hour is replaced by one that is at least as good."""

_EPOCH = datetime(1970, 1, 1)


class Register(NamedTuple):
    """A meter's counters, Wh (varh), as they stood at `mark`: Unix seconds, a full hour."""

    mark: int
    energies: Mapping[Quantity, int]


class Made(NamedTuple):
    """What power made in one hour: Wh (varh) by energy, while it was known, `covered_s` seconds in all."""

    energies: Mapping[Quantity, int]
    covered_s: int


NOTHING_MADE = Made({}, 0)


def hour_mark(clock: MeterClock | None, now_s: int, zone: tzinfo) -> int | None:
    """The full hour (Unix seconds) that the registers of a list are of; None if they are of no full hour.

    The meter's clock decides; `now_s`, the arrival by the machine's clock, settles what a civil clock
    leaves open in the repeated hour of autumn, and stands in for a clock that was never set. `zone`: of a
    civil clock.
    """
    at_s = _believed(clock, now_s, zone)
    mark = at_s // HOUR_S * HOUR_S
    return mark if at_s - mark <= LATE_S else None


def _believed(clock: MeterClock | None, now_s: int, zone: tzinfo) -> int:
    """When a list's counters were true."""
    if clock is None or not clock.valid:
        return now_s
    at_s = _meter_time(clock, now_s, zone)
    if now_s - at_s > DOUBT_S:
        return now_s
    other_base = abs(at_s - HOUR_S - now_s) <= LATE_S  # heard an hour before it was true: it has summer time
    return at_s - HOUR_S if other_base else at_s


def _meter_time(clock: MeterClock, now_s: int, zone: tzinfo) -> int:
    if clock.base is TimeBase.STANDARD:
        return int((clock.local - _EPOCH).total_seconds()) - HOUR_S
    times = [int(clock.local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)]
    return min(times, key=lambda time: abs(time - now_s))


def begins_anew(before: Register, after: Register) -> bool:
    """Whether a counter fell: another meter, or one that was reset, so that nothing lies between."""
    return any(after.energies[energy] < before.energies[energy] for energy in _common(before, after))


def between(before: Register, after: Register, made: Mapping[int, Made], scale: int) -> list[Hour]:
    """The hours from one register to the next of the same meter; none if a counter fell, or after too long.

    `made`: by the beginning of an hour, what power made in it. `scale`: the factor in force.
    """
    starts = range(before.mark, after.mark, HOUR_S)
    if begins_anew(before, after) or len(starts) > SPREAD_MAX_S // HOUR_S:
        return []
    hours = [made.get(start, NOTHING_MADE) for start in starts]
    shares = {
        energy: list(_shared(after.energies[energy] - before.energies[energy], energy, hours))
        for energy in _common(before, after)
    }
    basis = Basis.METERED if len(starts) == 1 else Basis.SPREAD
    energies = [{energy: share[index] for energy, share in shares.items()} for index in range(len(starts))]
    return [
        Hour(start=start, energies=used, basis=basis, drift=_drift(basis, used, known), scale=scale)
        for start, used, known in zip(starts, energies, hours, strict=True)
    ]


def estimated(start: int, made: Made, scale: int) -> Hour:
    """An hour of which no register has told yet: what power made so far."""
    return Hour(start=start, energies=made.energies, basis=Basis.ESTIMATED, drift={}, scale=scale)


def replaces(new: Basis, old: Basis) -> bool:
    """Whether an hour known in one way takes the place of the same hour known in another."""
    return RANKS.index(new) >= RANKS.index(old)


def _common(before: Register, after: Register) -> list[Quantity]:
    return [energy for energy in ENERGIES if energy in before.energies and energy in after.energies]


def _drift(basis: Basis, used: Mapping[Quantity, int], made: Made) -> Mapping[Quantity, int]:
    """What power made less what was used, where power was known all the hour."""
    if basis is not Basis.METERED or made.covered_s < COVERED_S:
        return {}
    return {energy: made.energies[energy] - wh for energy, wh in used.items() if energy in made.energies}


def _shared(total: int, energy: Quantity, hours: list[Made]) -> Iterator[int]:
    """A difference shared out over hours, whole Wh each, never negative; the sum is exact.

    What power made is believed where it was known; the rest goes evenly to the time when it was not.
    Where nothing is left over, all shares shrink or grow alike.
    """
    weights = _weights(total, energy, hours)
    whole, sofar, given = sum(weights), 0, 0
    for weight in weights:
        sofar += weight
        upto = total * sofar // whole
        yield upto - given
        given = upto


def _weights(total: int, energy: Quantity, hours: list[Made]) -> list[int]:
    known = [made.energies.get(energy, 0) for made in hours]
    open_s = [HOUR_S - made.covered_s if energy in made.energies else HOUR_S for made in hours]
    rest, unknown_s = total - sum(known), sum(open_s)
    if rest > 0 and unknown_s > 0:
        return [wh * unknown_s + rest * part for wh, part in zip(known, open_s, strict=True)]
    return known if any(known) else [1] * len(hours)
