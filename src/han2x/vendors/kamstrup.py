"""Kamstrup: the list id, then OBIS and value in turn, without scalers (Kamstrup_V0001; han-port sheet 4.3).

What a meter lacks is sent as null pairs. The type text tells current-transformer meters (685 …), which
send currents in mA. Energies are in 10 Wh. Firmware of 2025 sends voltages in 0.01 V (sheet 5.13). The
clock runs on standard time all year. Danish lists have more elements of the same kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from ..model.quantity import PF, VAR, WATT, WATT_HOUR, Quantity
from ..model.reading import Fitting, Net, TimeBase
from ..wire.axdr import Data, Structure
from ..wire.obis import cde, electricity
from .layouts import first_text, pairs
from .obis_quantities import METER_ID, METER_TYPE
from .vendor import WHOLE, Factor, Item, Vendor

CURRENT_TRANSFORMER = "685"
CURRENTS = (Quantity.CURR_L1, Quantity.CURR_L2, Quantity.CURR_L3)
DIRECT_MAX = 12_000  # in 10 mA: above the 100 A that a direct meter is made for


def _volts(raw: int) -> int:
    return raw * 10 if raw > 1000 else raw * 1000


def _factors(milliamperes: int, watt_hours: int = 10) -> Mapping[Quantity, Factor]:
    return {
        **WHOLE,
        Quantity.CURR_L1: milliamperes,
        Quantity.CURR_L2: milliamperes,
        Quantity.CURR_L3: milliamperes,
        Quantity.VOLT_L1: _volts,
        Quantity.VOLT_L2: _volts,
        Quantity.VOLT_L3: _volts,
        Quantity.ACT_ENERGY_POS: watt_hours,
        Quantity.ACT_ENERGY_NEG: watt_hours,
        Quantity.REACT_ENERGY_POS: watt_hours,
        Quantity.REACT_ENERGY_NEG: watt_hours,
    }


DIRECT, TRANSFORMER = _factors(10), _factors(1)
DIRECT_1_WH, TRANSFORMER_1_WH = _factors(10, 1), _factors(1, 1)
_LIST_VERSION = electricity("0.2.129")


def _items(body: Data) -> Iterator[Item]:
    assert isinstance(body, Structure)
    yield _LIST_VERSION, body[0], None
    yield from pairs(Structure(islice(body, 1, None)))


def _by_kind(meter_type: str | None, raws: Mapping[Quantity, int]) -> Mapping[Quantity, Factor]:
    return TRANSFORMER if _on_transformers(meter_type, raws) else DIRECT


def _by_kind_1_wh(meter_type: str | None, raws: Mapping[Quantity, int]) -> Mapping[Quantity, Factor]:
    return TRANSFORMER_1_WH if _on_transformers(meter_type, raws) else DIRECT_1_WH


def _on_transformers(meter_type: str | None, raws: Mapping[Quantity, int]) -> bool:
    """By the type; Danish lists have none: then by what cannot be direct."""
    if meter_type:
        return meter_type.startswith(CURRENT_TRANSFORMER)
    return any(raws.get(current, 0) > DIRECT_MAX for current in CURRENTS)


NETS = {"1": Net.ONE_PHASE, "2": Net.IT, "3": Net.TN}
"""By the sixth character of the type (KAMD1 2.2)."""


def _fitting(meter_type: str, _: object) -> Fitting:
    return Fitting(NETS.get(meter_type[5:6]))


def _is_kamstrup(body: Data) -> bool:
    return isinstance(body, Structure) and first_text(body).startswith("Kamstrup")


KAMSTRUP = Vendor(
    name="kamstrup",
    recognise=_is_kamstrup,
    items=_items,
    factors=_by_kind,
    fitting=_fitting,
    texts={cde("0.0.5"): METER_ID, cde("96.1.1"): METER_TYPE},
    detail_factors={WATT: 1, VAR: 1, PF: 10, WATT_HOUR: 10},
    time_base=TimeBase.STANDARD,
    norwegian=True,
)
ONE_WH = replace(KAMSTRUP, factors=_by_kind_1_wh, detail_factors={WATT: 1, VAR: 1, PF: 10, WATT_HOUR: 1})
"""Some Swedish and Swiss types count in 1 Wh, and nothing in their lists tells (han-port sheet 5, row 12)."""
