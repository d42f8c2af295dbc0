"""A past for pages that show it: powers of the simulated household and hours by season and chance.

There are means of ten seconds for a day, of minutes for four days and hours for so many days as wanted, with
forty minutes of which nothing is known, three hours that are estimated, and one whose time is uncertain.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

from han2x.history.batch import Batch
from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Row
from han2x.history.store import Store
from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.quantity import Quantity
from han2x.simulator.household import Household

DAY_S, YEAR_S = 24 * HOUR_S, 31_556_952
GAP_S = (5 * HOUR_S, 5 * HOUR_S + 40 * 60)
"""How long ago the gap was: its end, its beginning."""

ESTIMATED_HOURS = (30, 31, 32)
UNCERTAIN_HOUR = 60


def write(path: Path, meter: str, now_s: int, *, days: int, solar_w: int = 3000) -> None:
    """Write a past that ends at `now_s`, Unix seconds."""
    house = Household(seed=1, net="tn", solar_w=solar_w, slot_ms=2_500)
    store = Store(path)
    store.write(Batch([(meter, row) for row in _rows(house, now_s)]))
    store.adopt(meter, list(_hours(now_s, days)))
    store.close()


def _rows(house: Household, now_s: int) -> Iterator[Row]:
    for span_s, length_s in ((RAW_S, DAY_S), (MINUTE_S, 4 * DAY_S)):
        for start in range((now_s - length_s) // span_s * span_s, now_s - span_s, span_s):
            if not GAP_S[0] <= now_s - start < GAP_S[1]:
                yield _row(house, start, span_s)


def _row(house: Household, start: int, span_s: int) -> Row:
    step_s = max(10, span_s // 4)
    powers = [house.flow((start + second) * 1000).active for second in range(0, span_s, step_s)]
    mean = sum(powers) // len(powers)
    known = {
        Quantity.ACT_POW_POS: max(0, mean),
        Quantity.ACT_POW_NEG: max(0, -mean),
        Quantity.VOLT_L1: 231_000,
    }
    means = tuple(known.get(quantity) for quantity in MEASURED)
    return Row(start, span_s, span_s, 1000, min(powers), max(powers), means)


def _hours(now_s: int, days: int) -> Iterator[Hour]:
    running = now_s // HOUR_S * HOUR_S
    for start in range(running - days * DAY_S, running, HOUR_S):
        ago = (running - start) // HOUR_S
        basis = Basis.ESTIMATED if ago in ESTIMATED_HOURS else Basis.IMPORTED
        basis = Basis.UNCERTAIN if ago == UNCERTAIN_HOUR else basis
        yield Hour(start=start, energies=_energies(start), basis=basis, drift={})


def _energies(start: int) -> dict[Quantity, int]:
    """An hour of a house with electric heating and a solar plant, Wh: by season, time of day and chance."""
    year, day = start % YEAR_S / YEAR_S, start % DAY_S / DAY_S
    winter = (1 + math.cos(2 * math.pi * (year - 0.05))) / 2
    habit = 1 + 0.5 * math.cos(4 * math.pi * (day - 0.29))
    sun = max(0.0, -math.cos(2 * math.pi * day)) * (1 - winter) ** 2
    chance = Random(start).uniform(0.6, 1.4)
    net = round((500 + 2600 * winter) * habit * chance - 2800 * sun * chance)
    return {Quantity.ACT_ENERGY_POS: max(0, net), Quantity.ACT_ENERGY_NEG: max(0, -net)}
