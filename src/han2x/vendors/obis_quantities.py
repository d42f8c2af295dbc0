"""What an OBIS code means, whatever vendor sends it (han-port sheet 7). Matched on C.D.E alone."""

from functools import lru_cache

from ..model.quantity import PHASE_QUANTITIES, Quantity
from ..wire.obis import cde

QUANTITIES: dict[bytes, Quantity] = {
    cde(code): quantity
    for code, quantity in {
        "1.7.0": Quantity.ACT_POW_POS,
        "2.7.0": Quantity.ACT_POW_NEG,
        "3.7.0": Quantity.REACT_POW_POS,
        "4.7.0": Quantity.REACT_POW_NEG,
        "31.7.0": Quantity.CURR_L1,
        "51.7.0": Quantity.CURR_L2,
        "71.7.0": Quantity.CURR_L3,
        "32.7.0": Quantity.VOLT_L1,
        "52.7.0": Quantity.VOLT_L2,
        "72.7.0": Quantity.VOLT_L3,
        "1.8.0": Quantity.ACT_ENERGY_POS,
        "2.8.0": Quantity.ACT_ENERGY_NEG,
        "3.8.0": Quantity.REACT_ENERGY_POS,
        "4.8.0": Quantity.REACT_ENERGY_NEG,
    }.items()
}

_PHASES = {1: 20, 2: 40, 3: 60}
"""What C of a phase's code is above that of the sum of the phases."""

_BY_PHASE: dict[Quantity, tuple[int, int]] = {
    Quantity.ACT_POW_POS: (1, 7),
    Quantity.ACT_POW_NEG: (2, 7),
    Quantity.REACT_POW_POS: (3, 7),
    Quantity.REACT_POW_NEG: (4, 7),
    Quantity.POWER_FACTOR: (13, 7),
    Quantity.ACT_ENERGY_POS: (1, 8),
    Quantity.ACT_ENERGY_NEG: (2, 8),
}
"""C and D of the sum of the phases."""

DETAILS: dict[bytes, Quantity] = {
    cde("13.7.0"): Quantity.POWER_FACTOR,
    cde("14.7.0"): Quantity.FREQUENCY,
    cde("1.4.0"): Quantity.DEMAND,
    cde("1.6.0"): Quantity.DEMAND_MAX,
    **{
        cde(f"{c + offset}.{d}.0"): PHASE_QUANTITIES[total][phase - 1]
        for total, (c, d) in _BY_PHASE.items()
        for phase, offset in _PHASES.items()
    },
}
"""What is sent besides: by phase, power factor, frequency, and average and highest import (Belgium)."""

LIST_VERSION, METER_ID, METER_TYPE = "list_version", "meter_id", "meter_type"
DEVICE_NAME = "device_name"

TEXTS: dict[bytes, str] = {
    cde("0.2.129"): LIST_VERSION,
    cde("96.1.0"): METER_ID,
    cde("96.1.7"): METER_TYPE,
    cde("42.0.0"): DEVICE_NAME,
}
"""Identifications; the logical device name stands in for a meter id that is not sent."""

CLOCK = cde("1.0.0")

UNITS: dict[str, tuple[int, int]] = {
    "W": (27, 0),
    "var": (29, 0),
    "mA": (33, 3),
    "mV": (35, 3),
    "Wh": (30, 0),
    "varh": (32, 0),
    "PF": (255, 3),
    "mHz": (44, 3),
}
"""Our unit: its code in a scaler_unit (Blue Book table 4), and the power of ten from that to ours."""


@lru_cache(maxsize=1024)
def own(code: bytes) -> bytes:
    """C.D.E of a code by which the meter speaks of its own present state, b"" of any other.

    Other media (group A), devices behind the meter and further channels (B), and historic values (F) are
    something else (Blue Book 7.2 to 7.6).
    """
    a, b, c, d, e, f = code
    group = bytes((c, d, e))
    if f != PRESENT or a > 1 or b > 1:
        return b""
    abstract = a == 0
    if abstract and (group in QUANTITIES or group in DETAILS or (b and group != CLOCK)):
        return b""
    return group


PRESENT = 255
"""Value group F of what is no historic value."""
