"""Everything as float32 in the units people read, two registers each, without a gap from address 0.

NaN stands for unknown. A float32 has 24 bits: energies in kWh are exact to 1 Wh only below 16.8 MWh, so
the extension's integers are what to count money with.
"""

from ...model.quantity import BESIDES, ENERGIES, PRINCIPAL, Quantity
from ...model.view import View
from ..table import Map, Register, Value
from ..types import FLOAT32

UNITS = {"Wh": ("kWh", 1000), "varh": ("kvarh", 1000)}


def _unit(quantity: Quantity) -> tuple[str, int]:
    """The unit shown, and how many of the quantity's integers make one."""
    return UNITS.get(quantity.unit.symbol, (quantity.unit.display, quantity.unit.per_display))


def _of(quantity: Quantity) -> Value:
    divisor = _unit(quantity)[1]
    return lambda view: None if quantity not in view.values else view.values[quantity] / divisor


def _est(energy: Quantity) -> Value:
    return lambda view: None if energy not in view.estimates else view.estimates[energy] / 1000


def _net(view: View) -> float | None:
    return view.net_power


_INTERVALS = {Quantity.ACT_POW_POS: "2 s", **dict.fromkeys(ENERGIES, "1 h")}
_NAMED: list[tuple[str, str, str, Value, str]] = [
    ("net_pow", "W", "active power, import less export", _net, "2 s"),
    *((q.value, _unit(q)[0], q.label, _of(q), _INTERVALS.get(q, "10 s")) for q in PRINCIPAL),
    *((f"{q.value}_est", _unit(q)[0], f"{q.label}, estimated", _est(q), "10 s") for q in ENERGIES),
    *((q.value, _unit(q)[0], q.label, _of(q), "10 s") for q in BESIDES),
]

FLOAT = Map(
    name="float",
    title="float32",
    rows=tuple(
        Register(2 * index, FLOAT32, name, unit, meaning, value, interval)
        for index, (name, unit, meaning, value, interval) in enumerate(_NAMED)
    ),
)
