"""Every quantity a meter can send, with its integer unit.

A value is a Python int in `Quantity.unit` from the vendor's table to the last output; outputs divide.
"""

from enum import StrEnum
from typing import NamedTuple


class Unit(NamedTuple):
    """An integer unit, and how people read it: `value / per_display` in `display`."""

    symbol: str
    display: str
    per_display: int


WATT = Unit("W", "W", 1)
VAR = Unit("var", "var", 1)
MILLIAMPERE = Unit("mA", "A", 1000)
MILLIVOLT = Unit("mV", "V", 1000)
WATT_HOUR = Unit("Wh", "Wh", 1)
VAR_HOUR = Unit("varh", "varh", 1)
PF = Unit("PF", "", 1000)
MILLIHERTZ = Unit("mHz", "Hz", 1000)


class Quantity(StrEnum):
    """A measured quantity; the value is its name in snake case, `unit` its integer unit.

    `label` names it for people; `scaled` tells whether the scale factor applies (manual row M22).
    """

    unit: Unit
    label: str
    scaled: bool

    def __new__(cls, name: str, unit: Unit, label: str, scaled: bool = True) -> "Quantity":
        self = str.__new__(cls, name)
        self._value_ = name
        self.unit = unit
        self.label = label
        self.scaled = scaled
        return self

    def displayed(self, value: int) -> int | float:
        """A value in the unit people read: 4224 mA is 4.224 A; whole numbers stay integers."""
        whole, rest = divmod(value, self.unit.per_display)
        return value / self.unit.per_display if rest else whole

    @property
    def key(self) -> str:
        """Name and display unit, as `decode --json` prints it: `curr_l1_a`."""
        return f"{self.value}_{self.unit.display.lower()}" if self.unit.display else self.value

    ACT_POW_POS = "act_pow_pos", WATT, "active power import"
    ACT_POW_NEG = "act_pow_neg", WATT, "active power export"
    REACT_POW_POS = "react_pow_pos", VAR, "reactive power import"
    REACT_POW_NEG = "react_pow_neg", VAR, "reactive power export"
    CURR_L1 = "curr_l1", MILLIAMPERE, "current L1"
    CURR_L2 = "curr_l2", MILLIAMPERE, "current L2"
    CURR_L3 = "curr_l3", MILLIAMPERE, "current L3"
    VOLT_L1 = "volt_l1", MILLIVOLT, "voltage L1", False
    VOLT_L2 = "volt_l2", MILLIVOLT, "voltage L2", False
    VOLT_L3 = "volt_l3", MILLIVOLT, "voltage L3", False
    ACT_ENERGY_POS = "act_energy_pos", WATT_HOUR, "active energy import"
    ACT_ENERGY_NEG = "act_energy_neg", WATT_HOUR, "active energy export"
    REACT_ENERGY_POS = "react_energy_pos", VAR_HOUR, "reactive energy import"
    REACT_ENERGY_NEG = "react_energy_neg", VAR_HOUR, "reactive energy export"
    ACT_POW_POS_L1 = "act_pow_pos_l1", WATT, "active power import L1"
    ACT_POW_POS_L2 = "act_pow_pos_l2", WATT, "active power import L2"
    ACT_POW_POS_L3 = "act_pow_pos_l3", WATT, "active power import L3"
    ACT_POW_NEG_L1 = "act_pow_neg_l1", WATT, "active power export L1"
    ACT_POW_NEG_L2 = "act_pow_neg_l2", WATT, "active power export L2"
    ACT_POW_NEG_L3 = "act_pow_neg_l3", WATT, "active power export L3"
    REACT_POW_POS_L1 = "react_pow_pos_l1", VAR, "reactive power import L1"
    REACT_POW_POS_L2 = "react_pow_pos_l2", VAR, "reactive power import L2"
    REACT_POW_POS_L3 = "react_pow_pos_l3", VAR, "reactive power import L3"
    REACT_POW_NEG_L1 = "react_pow_neg_l1", VAR, "reactive power export L1"
    REACT_POW_NEG_L2 = "react_pow_neg_l2", VAR, "reactive power export L2"
    REACT_POW_NEG_L3 = "react_pow_neg_l3", VAR, "reactive power export L3"
    POWER_FACTOR = "power_factor", PF, "power factor", False
    POWER_FACTOR_L1 = "power_factor_l1", PF, "power factor L1", False
    POWER_FACTOR_L2 = "power_factor_l2", PF, "power factor L2", False
    POWER_FACTOR_L3 = "power_factor_l3", PF, "power factor L3", False
    FREQUENCY = "frequency", MILLIHERTZ, "frequency", False
    ACT_ENERGY_POS_L1 = "act_energy_pos_l1", WATT_HOUR, "active energy import L1"
    ACT_ENERGY_POS_L2 = "act_energy_pos_l2", WATT_HOUR, "active energy import L2"
    ACT_ENERGY_POS_L3 = "act_energy_pos_l3", WATT_HOUR, "active energy import L3"
    ACT_ENERGY_NEG_L1 = "act_energy_neg_l1", WATT_HOUR, "active energy export L1"
    ACT_ENERGY_NEG_L2 = "act_energy_neg_l2", WATT_HOUR, "active energy export L2"
    ACT_ENERGY_NEG_L3 = "act_energy_neg_l3", WATT_HOUR, "active energy export L3"
    DEMAND = "demand", WATT, "average import of the running period"
    DEMAND_MAX = "demand_max", WATT, "highest average import of the month"


POWER_OF_ENERGY: dict[Quantity, Quantity] = {
    Quantity.ACT_ENERGY_POS: Quantity.ACT_POW_POS,
    Quantity.ACT_ENERGY_NEG: Quantity.ACT_POW_NEG,
    Quantity.REACT_ENERGY_POS: Quantity.REACT_POW_POS,
    Quantity.REACT_ENERGY_NEG: Quantity.REACT_POW_NEG,
}
"""Each cumulative register and the power that fills it."""

ENERGIES: tuple[Quantity, ...] = tuple(POWER_OF_ENERGY)

Phases = tuple[Quantity, Quantity, Quantity]
"""One quantity on L1, L2 and L3."""

CURRENTS: Phases = (Quantity.CURR_L1, Quantity.CURR_L2, Quantity.CURR_L3)
VOLTAGES: Phases = (Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3)


def by_phase(name: str) -> Phases:
    """A quantity on each phase: `by_phase("power_factor")`."""
    named = {quantity.value: quantity for quantity in Quantity}
    return named[f"{name}_l1"], named[f"{name}_l2"], named[f"{name}_l3"]


PHASE_QUANTITIES: dict[Quantity, Phases] = {
    total: by_phase(total.value)
    for total in (
        Quantity.ACT_POW_POS,
        Quantity.ACT_POW_NEG,
        Quantity.REACT_POW_POS,
        Quantity.REACT_POW_NEG,
        Quantity.POWER_FACTOR,
        Quantity.ACT_ENERGY_POS,
        Quantity.ACT_ENERGY_NEG,
    )
}
"""What some meters send on each phase besides its total."""

PHASE_ENERGIES: tuple[Quantity, ...] = (
    *PHASE_QUANTITIES[Quantity.ACT_ENERGY_POS],
    *PHASE_QUANTITIES[Quantity.ACT_ENERGY_NEG],
)
_ALL = tuple(Quantity)
PRINCIPAL: tuple[Quantity, ...] = _ALL[: _ALL.index(Quantity.ACT_POW_POS_L1)]
"""What the lists of NVE (2016) hold: what history keeps, and what every meter is asked for."""

BESIDES: tuple[Quantity, ...] = _ALL[len(PRINCIPAL) :]
"""What only some meters send; outputs leave out what is not known."""
