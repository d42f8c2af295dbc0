"""A believable Norwegian household: its load, minute by minute, as a pure function of seed and time.

A day is planned as a whole from the season, a seeded outdoor temperature and the tables `APPLIANCES` and
`CYCLES`; a plan is whole watts by minute and branch. A branch is what a load hangs on: the one phase, a
phase to neutral (TN), or two lines (3-wire IT: L1-L2, L1-L3, L2-L3, in the order of the voltages).

Within a minute the meter sees noise on each sample, but the noise of a minute adds up to exactly zero and
is too small to change a sign. So the energy of a minute is exactly its plan, and the counters of any
moment can be told without replaying all samples before it: `Household.counters` sums plans from the first
of the month, and takes a typical house's consumption for the months before.

The day is one of standard time all year: people who rise an hour late in summer harm nobody here.
"""

from array import array
from collections.abc import Iterator
from datetime import date
from itertools import accumulate
from math import cos, pi
from operator import add, sub
from random import Random
from typing import NamedTuple

from ..model.estimate import WMS_PER_WH
from ..model.quantity import ENERGIES, Quantity
from .clock import DAY_MS, HOUR_MS
from .solar import solar

Lines = tuple["array[int]", ...]
"""A power for each branch and minute."""

MINUTES = 1440
MINUTE_MS = 60_000
BRANCHES = {"1": 1, "it": 3, "tn": 3}
_NOTHING = [0] * MINUTES
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Appliance(NamedTuple):
    """Something that people switch on: W, minutes, times a day, hours in which it starts, var for each kW."""

    watts: tuple[int, int]
    minutes: tuple[int, int]
    times: float
    hours: tuple[int, int]
    var_per_kw: int = 0


class Cycle(NamedTuple):
    """What a thermostat switches: W, period in minutes, the share of it on at 0 °C, less for each degree."""

    watts: int
    period: int
    at_zero: float
    per_degree: float
    var_per_kw: int = 0


class Run(NamedTuple):
    """A load that is on from minute to minute of the day."""

    first: int
    last: int
    watts: int
    var: int
    branch: int


class Flow(NamedTuple):
    """Net power through the meter: W and var, positive for import."""

    active: int
    reactive: int


class Counters(NamedTuple):
    """The four energies in the order of `ENERGIES`: A+, A-, R+, R- in W ms and var ms."""

    act_pos: int
    act_neg: int
    react_pos: int
    react_neg: int

    def plus(self, flow: Flow, ms: int) -> "Counters":
        """After `ms` milliseconds of a flow; import and export of all branches are netted first."""
        active, reactive = flow.active * ms, flow.reactive * ms
        return Counters(
            self.act_pos + max(active, 0),
            self.act_neg - min(active, 0),
            self.react_pos + max(reactive, 0),
            self.react_neg - min(reactive, 0),
        )

    def in_wh(self) -> dict[Quantity, int]:
        """What the registers show: whole Wh and varh, rounded down."""
        return {quantity: energy // WMS_PER_WH for quantity, energy in zip(ENERGIES, self, strict=True)}


class Day(NamedTuple):
    """A planned day: W and var by branch and minute, and their sums by minute."""

    active: Lines
    reactive: Lines
    net_active: "array[int]"
    net_reactive: "array[int]"


APPLIANCES: dict[str, Appliance] = {
    "kettle": Appliance((1800, 2100), (3, 4), 4.0, (6, 22)),
    "coffee": Appliance((900, 1100), (6, 9), 1.5, (6, 10)),
    "breakfast hob": Appliance((800, 1500), (6, 15), 0.7, (6, 9)),
    "dinner hob": Appliance((1200, 2400), (20, 45), 1.0, (15, 19)),
    "oven": Appliance((1800, 2400), (25, 55), 0.6, (15, 20)),
    "water heater": Appliance((1950, 2000), (8, 24), 8.0, (5, 23)),
    "dishwasher": Appliance((1900, 2100), (15, 30), 0.8, (18, 23)),
    "washing machine": Appliance((1900, 2200), (15, 35), 0.6, (8, 20), 150),
    "dryer": Appliance((700, 900), (60, 110), 0.4, (10, 21), 250),
    "vacuum cleaner": Appliance((700, 1400), (10, 25), 0.3, (10, 20), 200),
    "television": Appliance((120, 180), (90, 240), 1.2, (17, 20), -150),
    "car": Appliance((7200, 7400), (90, 300), 0.5, (0, 2), 20),
}

CYCLES: dict[str, Cycle] = {
    "refrigerator": Cycle(90, 45, 0.35, 0.0, 550),
    "freezer": Cycle(110, 60, 0.30, 0.0, 550),
    "heat pump": Cycle(1600, 35, 0.60, 0.038, -120),
    "panel heaters": Cycle(1000, 20, 0.45, 0.040),
    "bathroom floor": Cycle(600, 30, 0.40, 0.020),
}

MORNING_W = (150, 140, 140, 140, 140, 150, 220, 280, 240, 200, 190, 190)
EVENING_W = (190, 190, 190, 210, 260, 300, 330, 340, 340, 310, 260, 190)
BASE_W = MORNING_W + EVENING_W
"""Lights and standby by hour of the day."""

BASE_VAR = -130
"""Electronics and cables: a house at rest is capacitive, as most captures show."""

MONTHLY_KWH = (2420, 2160, 2150, 1680, 1380, 980, 900, 880, 1140, 1450, 1940, 2320)
EXPORT_PER_KWP = (1, 3, 17, 60, 115, 150, 140, 105, 55, 14, 2, 0)
INSTALLED = 2018
"""For the counters when a month begins: what `APPLIANCES` and `CYCLES` use, a plant sells, the first year."""


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
        month = date.fromordinal(_EPOCH_DAY + number).replace(day=1)
        counters = _before(month, self._solar_w)
        for earlier in range(month.toordinal() - _EPOCH_DAY, number):
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
        rng = Random(f"{self._seed}:day {number}")
        day_of_year = date.fromordinal(_EPOCH_DAY + number).timetuple().tm_yday
        runs = list(_runs(rng, _temperature(rng, day_of_year), self._branches))
        made = self._sun(number, day_of_year)
        quiet = [array("i", map(sub, line, made)) for line in _quiet(self._branches, rng)]
        active = _loaded(quiet, [(run.branch, run.first, run.last, run.watts) for run in runs])
        resting = [array("i", [BASE_VAR // self._branches]) * MINUTES] * self._branches
        reactive = _loaded(resting, [(run.branch, run.first, run.last, run.var) for run in runs])
        return Day(active, reactive, _summed(active), _summed(reactive))

    def _sun(self, number: int, day_of_year: int) -> list[int]:
        """What the plant makes on each branch. Its chance is its own: it changes nothing in the house."""
        sky = Random(f"{self._seed}:sky {number}")
        return solar(sky, self._solar_w // self._branches, day_of_year) if self._solar_w else _NOTHING


def _temperature(rng: Random, day_of_year: int) -> float:
    """The day's mean outdoors, °C: coldest in late January."""
    return 6 - 11 * cos(2 * pi * (day_of_year - 24) / 365.25) + rng.gauss(0, 3)


def _quiet(branches: int, rng: Random) -> list["array[int]"]:
    """Lights and standby, divided among the branches, with a flicker by the minute."""
    flicker = rng.choices(range(-9, 10), k=MINUTES)
    hourly = [watts for watts in BASE_W for _ in range(60)]
    return [
        array("i", ((base + more) // branches for base, more in zip(hourly, flicker, strict=True)))
    ] * branches


def _loaded(quiet: list["array[int]"], runs: list[tuple[int, int, int, int]]) -> Lines:
    """Each branch with its runs (branch, first minute, last minute, power) on top: steps, then their sum."""
    steps = [array("i", [0]) * (MINUTES + 1) for _ in quiet]
    for branch, first, last, power in runs:
        steps[branch][min(max(first, 0), MINUTES)] += power
        steps[branch][min(max(last, 0), MINUTES)] -= power
    return tuple(
        array("i", map(add, line, accumulate(step))) for line, step in zip(quiet, steps, strict=True)
    )


def _summed(lines: Lines) -> "array[int]":
    return array("i", map(sum, zip(*lines, strict=True)))


def _runs(rng: Random, temperature: float, branches: int) -> Iterator[Run]:
    for number, appliance in enumerate(APPLIANCES.values()):
        yield from _used(rng, appliance, number % branches)
    for number, cycle in enumerate(CYCLES.values()):
        yield from _cycled(rng, cycle, temperature, number % branches)


def _used(rng: Random, appliance: Appliance, branch: int) -> Iterator[Run]:
    """The runs of a day; the number of times is right on the long average."""
    begins, ends = appliance.hours
    for _ in range(int(appliance.times + rng.random())):
        first = rng.randrange(begins * 60, ends * 60)
        last = first + rng.randint(*appliance.minutes)
        watts = rng.randint(*appliance.watts)
        yield Run(first, last, watts, watts * appliance.var_per_kw // 1000, branch)


def _cycled(rng: Random, cycle: Cycle, temperature: float, branch: int) -> Iterator[Run]:
    share = min(max(cycle.at_zero - cycle.per_degree * temperature, 0), 1)
    for first in range(-rng.randrange(cycle.period), MINUTES, cycle.period):
        minutes = round(share * cycle.period * rng.uniform(0.85, 1.15))
        watts = cycle.watts * rng.randint(95, 105) // 100
        yield Run(first, first + minutes, watts, watts * cycle.var_per_kw // 1000, branch)


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


def _before(month: date, solar_w: int) -> Counters:
    """What a typical house had counted when a month began; nothing before it had its meter."""
    years = max(month.year - INSTALLED, 0)
    imported = years * sum(MONTHLY_KWH) + sum(MONTHLY_KWH[: month.month - 1])
    per_kwp = years * sum(EXPORT_PER_KWP) + sum(EXPORT_PER_KWP[: month.month - 1])
    wms = imported * 1000 * WMS_PER_WH
    return Counters(wms, per_kwp * solar_w * WMS_PER_WH, wms // 500, wms * 8 // 100)
