"""A believable Norwegian household: its load as a pure function of seed and time.

A day is planned by the minute (`day.py`). Within a minute the meter sees noise on each sample, but the
noise of a minute adds up to exactly zero and is too small to change a sign. So the energy of a minute is
exactly its plan, and the counters of any moment can be told without replaying all samples before it:
`Household.counters` sums plans from the first of the month, and takes a typical house's consumption for
the months before.
"""

from array import array
from datetime import date
from random import Random

from .appliances import MINUTES
from .clock import DAY_MS, HOUR_MS
from .counters import Counters, Flow, typical
from .day import EPOCH_DAY, Day, plan

MINUTE_MS = 60_000
BRANCHES = {"1": 1, "it": 3, "tn": 3}


class Household:
    """A house behind a meter that samples every `slot_ms`; keeps the last planned day at hand.

    `slot_ms` divides a minute into an even number of samples. `solar_w` is the peak of the solar plant.
    """

    def __init__(self, *, seed: int, net: str, solar_w: int, slot_ms: int) -> None:
        self._seed = seed
        self._branches = BRANCHES[net]
        self._solar_w = solar_w
        self._slot_ms = slot_ms
        self._patterns = _patterns(Random(f"{seed}:noise"), MINUTE_MS // slot_ms)
        self._number = -1
        self._day = self._plan(0)

    def flow(self, at_ms: int) -> Flow:
        """The net power at a UTC moment (ms since 1970); constant until the next sample."""
        number, minute, noise = self._sample(at_ms)
        day = self._planned(number)
        active, reactive = day.net_active[minute], day.net_reactive[minute]
        return Flow(active + _noise(active, noise), reactive + _noise(reactive, noise))

    def loads(self, at_ms: int) -> tuple[complex, ...]:
        """The power of each branch, W + j var; they sum up to `flow`."""
        number, minute, noise = self._sample(at_ms)
        day = self._planned(number)
        active = _spread([line[minute] for line in day.active], _noise(day.net_active[minute], noise))
        reactive = _spread([line[minute] for line in day.reactive], _noise(day.net_reactive[minute], noise))
        return tuple(map(complex, active, reactive))

    def counters(self, at_ms: int) -> Counters:
        """The energies at a UTC moment: the exact integral of `flow` from the first of the month."""
        number, in_day = divmod(at_ms + HOUR_MS, DAY_MS)
        month = date.fromordinal(EPOCH_DAY + number).replace(day=1)
        counters = typical(month, self._solar_w)
        for earlier in range(month.toordinal() - EPOCH_DAY, number):
            counters = _after(counters, self._planned(earlier), MINUTES)
        counters = _after(counters, self._planned(number), in_day // MINUTE_MS)
        for slot in range(at_ms - in_day % MINUTE_MS, at_ms, self._slot_ms):
            counters = counters.plus(self.flow(slot), min(self._slot_ms, at_ms - slot))
        return counters

    def _sample(self, at_ms: int) -> tuple[int, int, int]:
        """Day, minute of the day and strength of the noise at a moment."""
        minutes, in_minute = divmod(at_ms + HOUR_MS, MINUTE_MS)
        pattern = self._patterns[minutes * 7 % len(self._patterns)]
        return minutes // MINUTES, minutes % MINUTES, pattern[in_minute // self._slot_ms]

    def _planned(self, number: int) -> Day:
        if number != self._number:
            self._number, self._day = number, self._plan(number)
        return self._day

    def _plan(self, number: int) -> Day:
        return plan(seed=self._seed, branches=self._branches, solar_w=self._solar_w, number=number)


def _patterns(rng: Random, slots: int) -> list[list[int]]:
    """Noise for the samples of a minute, each pattern summing up to zero."""
    patterns = []
    for _ in range(31):
        half = [rng.randint(-9, 9) for _ in range(slots // 2)]
        pattern = half + [-noise for noise in half]
        rng.shuffle(pattern)
        patterns.append(pattern)
    return patterns


def _noise(power: int, strength: int) -> int:
    """At most 3 % of a power."""
    return abs(power) // 300 * strength


def _spread(lines: list[int], noise: int) -> list[int]:
    """The noise divided among the branches, what does not divide on the last."""
    share = noise // len(lines)
    spread = [line + share for line in lines]
    spread[-1] += noise - share * len(lines)
    return spread


def _after(counters: Counters, day: Day, minutes: int) -> Counters:
    """After the first minutes of a planned day."""
    imported, exported = _signed(day.net_active[:minutes])
    inductive, capacitive = _signed(day.net_reactive[:minutes])
    return Counters(
        counters.act_pos + imported,
        counters.act_neg + exported,
        counters.react_pos + inductive,
        counters.react_neg + capacitive,
    )


def _signed(powers: "array[int]") -> tuple[int, int]:
    """The energies, both positive, of minutes above and below zero, in W ms."""
    above = sum(power for power in powers if power > 0)
    return above * MINUTE_MS, (above - sum(powers)) * MINUTE_MS
