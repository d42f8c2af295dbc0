"""Hours from a meter's own counters: which hour a register is of, and what lies between two registers.

An hour's energy is the difference of the counters at its two marks, never power integrated. Where marks
were missed, the difference over several hours is shared out by what power made of it, so that the sum is
the meter's to the last watt hour; such hours are marked `SPREAD` until something better is known of them.
"""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import NamedTuple

from .hour import HOUR_S, ONE, Basis, Hour
from .quantity import ENERGIES, Quantity
from .reading import MeterClock
from .timekeeping import dated

LATE_S = 90
"""How long after its mark a register still is the hour's (Kamstrup: up to 60 s, han-port sheet 4.3)."""

COVERED_S = HOUR_S - 60
"""From so much known power on, what an hour's power made can be held against its registers."""

SPREAD_MAX_S = 400 * 86_400
"""A longer gap stays a gap: a machine's clock gone wrong must not make hours for decades."""

RANKS = (Basis.ESTIMATED, Basis.SPREAD, Basis.UNCERTAIN, Basis.IMPORTED, Basis.METERED)
"""From the weakest to the best: an hour is replaced by one that is at least as good."""


class Register(NamedTuple):
    """A meter's counters, Wh (varh), as they stood at `mark`: Unix seconds, a full hour.

    `sure`: the meter's own clock says that it was this hour's, and nothing speaks against it.
    """

    mark: int
    energies: Mapping[Quantity, int]
    sure: bool = True


class Made(NamedTuple):
    """What power made in one hour: Wh (varh) by energy, while it was known, `covered_s` seconds in all.

    `scale`: the factor in force while it was known, thousandths, None if it never was. `scaled`: where there
    were several, the same multiplied, each part by the factor then in force.
    """

    energies: Mapping[Quantity, int]
    covered_s: int
    scale: int | None = None
    scaled: Mapping[Quantity, int] | None = None


NOTHING_MADE = Made({}, 0)


def hour_mark(clock: MeterClock | None, now_s: int, zone: tzinfo) -> int | None:
    """The full hour (Unix seconds) that the registers of a list are of; None if they are of no full hour.

    The meter's clock decides, as `timekeeping.dated` reads it. `now_s`: the arrival by the machine's clock.
    `zone`: of a civil clock.
    """
    return mark_at(dated(clock, now_s, zone).at_s)


def mark_at(at_s: int) -> int | None:
    """The full hour of which registers are that were sent at a moment; None if it is no full hour's."""
    mark = at_s // HOUR_S * HOUR_S
    return mark if at_s - mark <= LATE_S else None


def begins_anew(before: Register, after: Register) -> bool:
    """Whether a counter fell: another meter, or one that was reset, so that nothing lies between."""
    return any(after.energies[energy] < before.energies[energy] for energy in _common(before, after))


def between(before: Register, after: Register, made: Mapping[int, Made], scale: int) -> list[Hour]:
    """The hours from one register to the next of the same meter; none if a counter fell, or after too long.

    `made`: by the beginning of an hour, what power made in it. `scale`: the factor of hours without power.
    """
    starts = range(before.mark, after.mark, HOUR_S)
    if begins_anew(before, after) or len(starts) > SPREAD_MAX_S // HOUR_S:
        return []
    hours = [made.get(start, NOTHING_MADE) for start in starts]
    shares = {
        energy: list(_shared(after.energies[energy] - before.energies[energy], energy, hours))
        for energy in _common(before, after)
    }
    basis = _basis(len(starts), before.sure and after.sure)
    energies = [{energy: share[index] for energy, share in shares.items()} for index in range(len(starts))]
    return [
        _by_factors(start, used, basis, known, scale)
        for start, used, known in zip(starts, energies, hours, strict=True)
    ]


def _by_factors(start: int, used: Mapping[Quantity, int], basis: Basis, made: Made, scale: int) -> Hour:
    """An hour with its factor; one in which that changed is the sum of its parts, already multiplied."""
    if made.scaled is None:
        drift = _drift(basis, used, made)
        return Hour(start=start, energies=used, basis=basis, drift=drift, scale=made.scale or scale)
    return Hour(start=start, energies=_multiplied(used, made, scale), basis=basis, drift={}, scale=ONE)


def _multiplied(used: Mapping[Quantity, int], made: Made, scale: int) -> dict[Quantity, int]:
    """What power made by the factors then in force; what it did not see goes by their mean."""
    assert made.scaled is not None
    found = {}
    for energy, wh in used.items():
        known, by_factors = made.energies.get(energy, 0), made.scaled.get(energy, 0)
        if known == 0:
            found[energy] = wh * (made.scale or scale) // ONE
        elif made.covered_s >= COVERED_S or wh <= known:
            found[energy] = by_factors
        else:
            found[energy] = by_factors * wh // known
    return found


def _basis(hours: int, sure: bool) -> Basis:
    if hours > 1:
        return Basis.SPREAD
    return Basis.METERED if sure else Basis.UNCERTAIN


def estimated(start: int, made: Made, scale: int) -> Hour:
    """An hour of which no register has told yet: what power made so far."""
    if made.scaled is not None:
        return Hour(start=start, energies=made.scaled, basis=Basis.ESTIMATED, drift={}, scale=ONE)
    factor = made.scale or scale
    return Hour(start=start, energies=made.energies, basis=Basis.ESTIMATED, drift={}, scale=factor)


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
