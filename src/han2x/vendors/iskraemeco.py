"""Iskraemeco: values by place (AM550 in Slovenia and Austria, IE.5 in Croatia), and push lists (Switzerland).

There is no list id; the number and kinds of the values tell the lists apart (han-port sheet 6.6). Powers
in W, currents in 0.01 A, voltages in 0.1 V, energies in Wh.
"""

from collections.abc import Mapping

from ..model.quantity import Quantity
from ..wire.axdr import Data
from .landisgyr import PUSH_FACTORS, PUSH_TEXTS, device_maker
from .layouts import Positions, is_push, push_objects
from .vendor import Factor, Vendor

FACTORS: Mapping[Quantity, Factor] = {
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


def _is_iskraemeco_push(body: Data) -> bool:
    return is_push(body) and device_maker(body) == "ISK"


POSITIONAL = Vendor(
    name="iskraemeco",
    recognise=lambda body: LISTS.match(body) is not None,
    items=LISTS.items,
    factors=lambda *_: FACTORS,
)
PUSH = Vendor(
    name="iskraemeco",
    recognise=_is_iskraemeco_push,
    items=push_objects,
    factors=lambda *_: PUSH_FACTORS,
    texts=PUSH_TEXTS,
)
