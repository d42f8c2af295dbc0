"""What a reader is shown when the meter has fallen silent; each map has its own policy.

Energies stay: they are as true as they were. It is powers, currents and voltages that must not look live.
"""

from dataclasses import replace
from enum import StrEnum

from ..model.quantity import ENERGIES
from ..model.view import View


class Policy(StrEnum):
    """What becomes of powers, currents and voltages that are too old."""

    HOLD = "hold"  # the last values stay, as in the device
    UNAVAILABLE = "unavailable"  # each type's marker; 0 where a map has none
    ZERO = "zero"
    EXCEPTION = "exception"  # no answer but exception 0B


def shown(view: View, policy: Policy, stale_after_s: int) -> View | None:
    """The view as a map with this policy shows it; None for exception 0B."""
    stale = view.age_ms is None or view.age_ms > stale_after_s * 1000
    if not stale or policy is Policy.HOLD:
        return view
    if policy is Policy.EXCEPTION:
        return None
    zeros = dict.fromkeys(view.values, 0) if policy is Policy.ZERO else {}
    energies = {energy: view.values[energy] for energy in ENERGIES if energy in view.values}
    return replace(view, values={**zeros, **energies})
