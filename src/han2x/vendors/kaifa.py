"""Kaifa: values by place without OBIS, scaler or unit (KFM_001; han-port sheet 4.2), and its kin abroad.

The energies are those of the telegram's own time (HH:00:10; sheet 4.2), which is civil time. Sweden's
list has the same values as OBIS pairs; Austria's (MA309) describes itself (`selfdescribing`).
"""

from collections.abc import Mapping

from ..model.quantity import Quantity
from ..model.reading import UNKNOWN_FITTING, Fitting, Net, TimeBase
from ..wire.axdr import Data, Structure
from .layouts import Positions, as_text, first_text, is_obis, pairs
from .vendor import WHOLE, Factor, Vendor

FACTORS: Mapping[Quantity, Factor] = {
    **WHOLE,
    Quantity.VOLT_L1: 100,
    Quantity.VOLT_L2: 100,
    Quantity.VOLT_L3: 100,
}
"""Currents in mA and energies in Wh as they are; voltages in 0.1 V."""

_ID = "0.2.129 96.1.0 96.1.7"
_POWERS = "1.7.0 2.7.0 3.7.0 4.7.0"
_ONE_PHASE = "31.7.0 32.7.0"
_THREE_PHASES = "31.7.0 51.7.0 71.7.0 32.7.0 52.7.0 72.7.0"
_HOURLY = "1.0.0 1.8.0 2.8.0 3.8.0 4.8.0"

LISTS = Positions(
    {
        "n": "1.7.0",
        "ttt" + "n" * 6: f"{_ID} {_POWERS} {_ONE_PHASE}",
        "ttt" + "n" * 10: f"{_ID} {_POWERS} {_THREE_PHASES}",
        "ttt" + "n" * 6 + "cnnnn": f"{_ID} {_POWERS} {_ONE_PHASE} {_HOURLY}",
        "ttt" + "n" * 10 + "cnnnn": f"{_ID} {_POWERS} {_THREE_PHASES} {_HOURLY}",
    }
)


_NOT_U2 = (Quantity.VOLT_L2,)
_NOT_L2 = (Quantity.CURR_L2, Quantity.VOLT_L2)

FITTINGS: Mapping[str, Fitting] = {
    "MA105": Fitting(Net.ONE_PHASE),
    "MA304H3": Fitting(Net.IT, _NOT_U2),
    "MA304T3": Fitting(Net.IT, _NOT_L2),
    "MA304H4": Fitting(Net.TN),
    "MA304T4": Fitting(Net.TN),
}
"""By the beginning of the type (KFM_001 p3; han-port sheet 4.2)."""


def _fitting(meter_type: str, _: object) -> Fitting:
    known = (fitting for begin, fitting in FITTINGS.items() if meter_type.startswith(begin))
    return next(known, UNKNOWN_FITTING)


def _is_positional(body: Data) -> bool:
    if not isinstance(body, Structure) or not body:
        return False
    return first_text(body).startswith("KFM_") or (len(body) == 1 and type(body[0]) is int)


def _is_swedish(body: Data) -> bool:
    return isinstance(body, Structure) and len(body) > 1 and is_obis(body[0]) and "KFM" in as_text(body[1])


NORWAY = Vendor(
    name="kaifa",
    recognise=_is_positional,
    items=LISTS.items,
    factors=lambda *_: FACTORS,
    fitting=_fitting,
    norwegian=True,
)
SWEDEN = Vendor(
    name="kaifa",
    recognise=_is_swedish,
    items=pairs,
    factors=lambda *_: FACTORS,
    fitting=_fitting,
    time_base=TimeBase.STANDARD,
    norwegian=True,
)
