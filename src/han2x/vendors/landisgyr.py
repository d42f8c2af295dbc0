"""Landis+Gyr: the E350 as fitted in Norway, and what lists of others leave out.

The E350's list (EMBRIQ_V1_1) is laid out like Aidon's, with NULs padding its texts (han-port sheet 4.4).
Push lists (sheet 6.5) have no scalers: currents in 0.01 A; voltages in V, in 0.1 V where above 1000.
"""

from collections.abc import Iterator, Mapping

from ..model.quantity import PF, VAR, WATT, WATT_HOUR, Quantity
from ..model.reading import UNKNOWN_FITTING, Fitting, Net
from ..wire.axdr import Data
from ..wire.obis import cde
from .layouts import Positions, registers
from .obis_quantities import METER_ID
from .register_lists import list_version
from .vendor import WHOLE, Factor, Item, Vendor


def _is_embriq(body: Data) -> bool:
    return list_version(body).startswith("EMBRIQ")


def _embriq_fitting(_: str, values: Mapping[Quantity, int]) -> Fitting:
    """The type does not tell; on an IT net voltage L2 is sent as 0, and current L2 too."""
    if Quantity.VOLT_L2 in values and not values[Quantity.VOLT_L2]:
        return Fitting(Net.IT, (Quantity.CURR_L2, Quantity.VOLT_L2))
    return UNKNOWN_FITTING


def _volts(raw: int) -> int:
    return raw * 100 if raw > 1000 else raw * 1000


LIST_FACTORS: Mapping[Quantity, Factor] = {
    **WHOLE,
    Quantity.CURR_L1: 10,
    Quantity.CURR_L2: 10,
    Quantity.CURR_L3: 10,
    Quantity.VOLT_L1: _volts,
    Quantity.VOLT_L2: _volts,
    Quantity.VOLT_L3: _volts,
}
PUSH_DETAIL_FACTORS = {WATT: 1, VAR: 1, WATT_HOUR: 1, PF: 1}
PUSH_TEXTS = {cde("96.1.1"): METER_ID}


LISTS = Positions(
    {
        "n" * 13 + "t": "32.7.0 52.7.0 72.7.0 31.7.0 51.7.0 71.7.0 1.7.0 2.7.0 1.8.0 2.8.0 - - - 96.1.0",
        "n" * 10 + "t": "32.7.0 52.7.0 72.7.0 31.7.0 51.7.0 71.7.0 1.7.0 2.7.0 1.8.0 2.8.0 96.1.0",
    }
)
"""The E450 of Netz Burgenland (han-port sheet 6.6), and the same without the three phase angles, which are
passed over (Tasmota issue 23027)."""

_ABSTRACT_ENERGIES = {
    b"\x00\x00" + energy: b"\x01\x00" + energy for energy in (bytes((c, 8, 0, 255)) for c in range(1, 5))
}


def _embriq_items(body: Data) -> Iterator[Item]:
    """The hourly list of a ZMF100 sends its energies in 0-0:1.8.0 to 0-0:4.8.0."""
    for code, value, scaler_unit in registers(body):
        yield _ABSTRACT_ENERGIES.get(code, code), value, scaler_unit


EMBRIQ = Vendor(
    name="landisgyr", recognise=_is_embriq, items=_embriq_items, fitting=_embriq_fitting, norwegian=True
)
AUSTRIA = Vendor(
    name="landisgyr",
    recognise=lambda body: LISTS.match(body) is not None,
    items=LISTS.items,
    factors=lambda *_: LIST_FACTORS,
)
