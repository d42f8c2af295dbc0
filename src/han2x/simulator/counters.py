"""The four energy counters of a meter, exact: watt milliseconds, so that no power is ever rounded away."""

from datetime import date
from typing import NamedTuple

from ..model.estimate import WMS_PER_WH
from ..model.quantity import ENERGIES, Quantity

MONTHLY_KWH = (2420, 2160, 2150, 1680, 1380, 980, 900, 880, 1140, 1450, 1940, 2320)
EXPORT_PER_KWP = (1, 3, 17, 60, 115, 150, 140, 105, 55, 14, 2, 0)
INSTALLED = 2018
"""For the counters when a month begins: what `APPLIANCES` and `CYCLES` use, a plant sells, the first year."""


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


def typical(month: date, solar_w: int) -> Counters:
    """What a typical house has counted when a month begins; nothing before the year it got its meter."""
    years = max(month.year - INSTALLED, 0)
    imported = years * sum(MONTHLY_KWH) + sum(MONTHLY_KWH[: month.month - 1])
    per_kwp = years * sum(EXPORT_PER_KWP) + sum(EXPORT_PER_KWP[: month.month - 1])
    wms = imported * 1000 * WMS_PER_WH
    return Counters(wms, per_kwp * solar_w * WMS_PER_WH, wms // 500, wms * 8 // 100)
