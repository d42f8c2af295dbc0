"""The units of the registers: what people call them, and what Home Assistant wants to know of them.

A register's unit as the maps write it, `V x 10`, is a number of `base` units times `scale`.
"""

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit: a register's value divided by `per` is in `base`. No `kind`: not a measurement.

    `kind` is Home Assistant's device class, or our word where it has none; `state_class` is its own.
    """

    base: str
    per: int = 1
    kind: str = ""
    state_class: str = "measurement"

    @property
    def scale(self) -> int | float:
        """The factor from the register's value to `base`."""
        return 1 if self.per == 1 else 1 / self.per

    @property
    def decimals(self) -> int:
        """Digits after the decimal point that the register's value has in `base`."""
        return len(str(self.per)) - 1


TOTAL = "total_increasing"
UNITS: dict[str, Unit] = {
    "W": Unit("W", 1, "power"),
    "W x 10": Unit("W", 10, "power"),
    "var": Unit("var", 1, "reactive_power"),
    "var x 10": Unit("var", 10, "reactive_power"),
    "VA": Unit("VA", 1, "apparent_power"),
    "A": Unit("A", 1, "current"),
    "mA": Unit("A", 1000, "current"),
    "V": Unit("V", 1, "voltage"),
    "V x 10": Unit("V", 10, "voltage"),
    "mV": Unit("V", 1000, "voltage"),
    "Hz": Unit("Hz", 1, "frequency"),
    "Hz x 10": Unit("Hz", 10, "frequency"),
    "%": Unit("%", 1, "power_factor"),
    "Wh": Unit("kWh", 1000, "energy", TOTAL),
    "kWh": Unit("kWh", 1, "energy", TOTAL),
    "kWh x 10": Unit("kWh", 10, "energy", TOTAL),
    "varh": Unit("kvarh", 1000, "reactive_energy", TOTAL),
    "kvarh": Unit("kvarh", 1, "reactive_energy", TOTAL),
    "kvarh x 10": Unit("kvarh", 10, "reactive_energy", TOTAL),
    "VAh": Unit("kVAh", 1000, "apparent_energy", TOTAL),
    "s": Unit("s", 1, "duration"),
    "min": Unit("min"),
    "h": Unit("h", 1, "duration"),
    "°C x 100": Unit("°C", 100, "temperature"),
    "Wh/h": Unit("W", 1, "power"),
    "NOK x 100": Unit("NOK", 100),
    "NOK/month x 100": Unit("NOK/month", 100),
    "NOK/kWh x 100000": Unit("NOK/kWh", 100_000),
    "1/1000": Unit("", 1000),
}


def unit(written: str) -> Unit:
    """The unit that a map writes so; what is not in the table (`bits`, `1-12`) counts nothing."""
    return UNITS.get(written) or Unit("")
