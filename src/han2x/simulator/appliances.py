"""What a house switches on in a day, drawn by seeded chance from two tables.

`APPLIANCES` are used by people at their hours; `CYCLES` are switched by thermostats, more of them the colder
it is. Each hangs on one branch of the net, the same every day.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

MINUTES = 1440


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


def runs(rng: Random, temperature: float, branches: int) -> Iterator[Run]:
    """All loads of a day with a mean outdoor `temperature` in °C; they may reach into the next."""
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
