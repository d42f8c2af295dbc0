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
        return f"{self.value}_{self.unit.display.lower()}"

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


POWER_OF_ENERGY: dict[Quantity, Quantity] = {
    Quantity.ACT_ENERGY_POS: Quantity.ACT_POW_POS,
    Quantity.ACT_ENERGY_NEG: Quantity.ACT_POW_NEG,
    Quantity.REACT_ENERGY_POS: Quantity.REACT_POW_POS,
    Quantity.REACT_ENERGY_NEG: Quantity.REACT_POW_NEG,
}
"""Each cumulative register and the power that fills it."""

ENERGIES: tuple[Quantity, ...] = tuple(POWER_OF_ENERGY)
VOLTAGES: tuple[Quantity, ...] = (Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3)


class Detail(NamedTuple):
    """What some meters send besides the quantities: its name, its integer unit, and its name for people."""

    name: str
    unit: Unit
    label: str

    @property
    def key(self) -> str:
        """Name and display unit, as `decode --json` prints it: `act_pow_pos_l1_w`."""
        return f"{self.name}_{self.unit.display.lower()}" if self.unit.display else self.name

    def displayed(self, value: int) -> int | float:
        """A value in the unit people read."""
        whole, rest = divmod(value, self.unit.per_display)
        return value / self.unit.per_display if rest else whole


POWER_FACTOR = Unit("PF", "", 1000)
