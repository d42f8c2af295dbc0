"""One day of a house, planned as a whole: whole watts and var for each minute and branch.

A branch is what a load hangs on: the one phase, a phase to neutral (TN), or two lines (3-wire IT: L1-L2,
L1-L3, L2-L3, in the order of the voltages). The day is one of standard time all year: people who rise an
hour late in summer harm nobody here.
"""

from array import array
from datetime import date
from itertools import accumulate
from math import cos, pi
from operator import add, sub
from random import Random
from typing import NamedTuple

from .appliances import MINUTES, runs
from .solar import solar

Lines = tuple["array[int]", ...]
"""A power for each branch and minute."""

EPOCH_DAY = date(1970, 1, 1).toordinal()
_NOTHING = [0] * MINUTES

MORNING_W = (150, 140, 140, 140, 140, 150, 220, 280, 240, 200, 190, 190)
EVENING_W = (190, 190, 190, 210, 260, 300, 330, 340, 340, 310, 260, 190)
BASE_W = MORNING_W + EVENING_W
"""Lights and standby by hour of the day."""

BASE_VAR = -130
"""Electronics and cables: a house at rest is capacitive, as most captures show."""


class Day(NamedTuple):
    """A planned day: W and var by branch and minute, and their sums by minute."""

    active: Lines
    reactive: Lines
    net_active: "array[int]"
    net_reactive: "array[int]"


def plan(*, seed: int, branches: int, solar_w: int, number: int) -> Day:
    """The plan of a day, `number` days after 1970-01-01; `solar_w` is the peak of the solar plant."""
    rng = Random(f"{seed}:day {number}")
    day_of_year = date.fromordinal(EPOCH_DAY + number).timetuple().tm_yday
    # The sky's chance is its own, so that a plant changes nothing in the house.
    sky = Random(f"{seed}:sky {number}")
    made = solar(sky, solar_w // branches, day_of_year) if solar_w else _NOTHING
    used = list(runs(rng, _temperature(rng, day_of_year), branches))
    quiet = [array("i", map(sub, line, made)) for line in _quiet(branches, rng)]
    active = _loaded(quiet, [(run.branch, run.first, run.last, run.watts) for run in used])
    resting = [array("i", [BASE_VAR // branches]) * MINUTES] * branches
    reactive = _loaded(resting, [(run.branch, run.first, run.last, run.var) for run in used])
    return Day(active, reactive, _summed(active), _summed(reactive))


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
