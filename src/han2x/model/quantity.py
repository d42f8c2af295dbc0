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


class Quantity(StrEnum):
    """A measured quantity; the value is its name in snake case, `unit` its integer unit."""

    unit: Unit
    scaled: bool

    def __new__(cls, name: str, unit: Unit, scaled: bool = True) -> "Quantity":
        self = str.__new__(cls, name)
        self._value_ = name
        self.unit = unit
        self.scaled = scaled
        return self

    @property
    def key(self) -> str:
        """Name and display unit, as `decode --json` prints it: `curr_l1_a`."""
        return f"{self.value}_{self.unit.display.lower()}"

    ACT_POW_POS = "act_pow_pos", WATT
    ACT_POW_NEG = "act_pow_neg", WATT
    REACT_POW_POS = "react_pow_pos", VAR
    REACT_POW_NEG = "react_pow_neg", VAR
    CURR_L1 = "curr_l1", MILLIAMPERE
    CURR_L2 = "curr_l2", MILLIAMPERE
    CURR_L3 = "curr_l3", MILLIAMPERE
    VOLT_L1 = "volt_l1", MILLIVOLT, False
    VOLT_L2 = "volt_l2", MILLIVOLT, False
    VOLT_L3 = "volt_l3", MILLIVOLT, False
    ACT_ENERGY_POS = "act_energy_pos", WATT_HOUR
    ACT_ENERGY_NEG = "act_energy_neg", WATT_HOUR
    REACT_ENERGY_POS = "react_energy_pos", VAR_HOUR
    REACT_ENERGY_NEG = "react_energy_neg", VAR_HOUR


POWER_OF_ENERGY: dict[Quantity, Quantity] = {
    Quantity.ACT_ENERGY_POS: Quantity.ACT_POW_POS,
    Quantity.ACT_ENERGY_NEG: Quantity.ACT_POW_NEG,
    Quantity.REACT_ENERGY_POS: Quantity.REACT_POW_POS,
    Quantity.REACT_ENERGY_NEG: Quantity.REACT_POW_NEG,
}
"""Each cumulative register and the power that fills it."""

ENERGIES: tuple[Quantity, ...] = tuple(POWER_OF_ENERGY)
VOLTAGES: tuple[Quantity, ...] = (Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3)
