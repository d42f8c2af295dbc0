"""Iskraemeco: values by place (AM550 in Slovenia and Austria, IE.5 in Croatia).

There is no list id; the number and kinds of the values tell the lists apart (han-port sheet 6.6). Powers
in W, currents in 0.01 A, voltages in 0.1 V, energies in Wh.
"""

from collections.abc import Mapping

from ..model.quantity import Quantity
from .layouts import Positions
from .vendor import WHOLE, Factor, Vendor

FACTORS: Mapping[Quantity, Factor] = {
    **WHOLE,
    Quantity.CURR_L1: 10,
    Quantity.CURR_L2: 10,
    Quantity.CURR_L3: 10,
    Quantity.VOLT_L1: 100,
    Quantity.VOLT_L2: 100,
    Quantity.VOLT_L3: 100,
}

_POWERS = "1.7.0 2.7.0 3.7.0 4.7.0"
_VOLTAGES = "32.7.0 52.7.0 72.7.0"
_CURRENTS = "31.7.0 51.7.0 71.7.0"

LISTS = Positions(
    {
        "tt" + "n" * 16: f"- 96.1.0 {_POWERS} {_VOLTAGES} {_CURRENTS} - - - - - -",
        "ttnt" + "n" * 8: "- 96.1.0 - - 1.8.0 - - 2.8.0 - - 3.8.0 4.8.0",
        "tt" + "n" * 10: f"- 96.1.0 {_VOLTAGES} {_CURRENTS} {_POWERS}",
        "tt" + "n" * 7: f"- 96.1.0 {_POWERS} 32.7.0 - -",
        "tnnn": "96.1.0 - 1.8.0 2.8.0",
        "tttt" + "n" * 6 + "tt": "- 96.1.0 - - 1.8.0 2.8.0 3.8.0 4.8.0 1.7.0 2.7.0 - -",
        "ttt" + "n" * 26 + "aaab": (
            "96.1.0 - - 1.8.0 - - 2.8.0 - - - - - - 1.7.0 2.7.0 - - - - - - - "
            f"{_VOLTAGES} {_CURRENTS} - - - - -"
        ),
    }
)


POSITIONAL = Vendor(
    name="iskraemeco",
    recognise=lambda body: LISTS.match(body) is not None,
    items=LISTS.items,
    factors=lambda *_: FACTORS,
)
