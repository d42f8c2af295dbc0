"""The three nets of Norway: from the power of each branch to the currents and voltages a meter measures.

One phase; TN with three phases to neutral; IT with three lines and no neutral, where a 3-wire meter gets
the power from two elements: P = Re(U12 I1*) + Re(U32 I3*) (han-port sheet 7). Voltages sag with the load
of their line and rise where it exports.
"""

from cmath import rect
from collections.abc import Callable, Sequence
from math import pi, sqrt
from random import Random
from typing import NamedTuple

NOMINAL_V = 231.0
STAR_V = NOMINAL_V / sqrt(3)
OHM = 0.15
"""What lies between the substation and the meter."""
_DRIFT_MS, _NOISE_MS = 3_600_000, 2_500
_LINES = (rect(1, 0), rect(1, -2 * pi / 3), rect(1, 2 * pi / 3))


class Mains(NamedTuple):
    """What a meter measures: currents in mA, voltages in mV, the active power of each element in W.

    TN and one phase have an element for each current; IT has two, on the first and the third line.
    """

    currents: tuple[int, ...]
    voltages: tuple[int, ...]
    elements: tuple[float, ...]


def one_phase(loads: Sequence[complex], weather: Sequence[float]) -> Mains:
    """One phase to its return line; like the others, from loads (VA) and each line's voltage factor."""
    return tn(loads[:1], weather)


def tn(loads: Sequence[complex], weather: Sequence[float]) -> Mains:
    """Three phases to neutral."""
    volts = [
        NOMINAL_V * factor - OHM * load.real / NOMINAL_V for load, factor in zip(loads, weather, strict=False)
    ]
    amperes = [abs(load) / volt for load, volt in zip(loads, volts, strict=True)]
    return Mains(_milli(amperes), _milli(volts), tuple(load.real for load in loads))


def it(loads: Sequence[complex], weather: Sequence[float]) -> Mains:
    """Three lines; the loads lie on L1-L2, L1-L3 and L2-L3, and so do the voltages."""
    on_12, on_13, on_23 = loads
    v1 = _star(_LINES[0], weather[0], on_12.real + on_13.real)
    v2 = _star(_LINES[1], weather[1], on_12.real + on_23.real)
    v3 = _star(_LINES[2], weather[2], on_13.real + on_23.real)
    u12, u13, u23 = v1 - v2, v1 - v3, v2 - v3
    i12, i13, i23 = (on_12 / u12).conjugate(), (on_13 / u13).conjugate(), (on_23 / u23).conjugate()
    i1, i2, i3 = i12 + i13, i23 - i12, -i13 - i23
    elements = (u12 * i1.conjugate()).real, (-u23 * i3.conjugate()).real
    return Mains(_milli((i1, i2, i3)), _milli((u12, u13, u23)), elements)


def _star(line: complex, factor: float, watts: float) -> complex:
    """The voltage of a line to the middle of an IT net; of a load on two lines it carries half."""
    return line * (STAR_V * factor - OHM * watts / 2 / STAR_V)


def _milli(values: Sequence[complex]) -> tuple[int, ...]:
    """Magnitudes in thousandths."""
    return tuple([round(abs(value) * 1000) for value in values])


class Weather:
    """What the neighbours do to the voltages: a slow drift and a little noise, for each line its own."""

    def __init__(self, seed: int) -> None:
        rng = Random(f"{seed}:weather")
        self._table = [rng.gauss(0, 0.006) for _ in range(1009)]

    def factors(self, at_ms: int) -> tuple[float, float, float]:
        """What the nominal voltage of each line is to be multiplied with."""
        hour, rest = divmod(at_ms, _DRIFT_MS)
        share = rest / _DRIFT_MS
        drift = 1 + self._at(hour) * (1 - share) + self._at(hour + 1) * share
        noise = at_ms // _NOISE_MS * 17
        return (
            drift + self._at(noise) / 5,
            drift + self._at(noise + 331) / 5,
            drift + self._at(noise + 662) / 5,
        )

    def _at(self, index: int) -> float:
        return self._table[index % len(self._table)]


NETS: dict[str, Callable[[Sequence[complex], Sequence[float]], Mains]] = {"1": one_phase, "it": it, "tn": tn}
