"""Loxone Config: a table to follow, a line for each Modbus analog sensor to add under the Modbus device.

The columns are the sensor's properties in Loxone Config. It reads integers and floats of up to 32 bits,
and cannot apply SunSpec's scale factor registers.
"""

from ..listing import Row
from ..units import unit
from .choice import kind, measured
from .target import Target
from .text import separated

DATA_TYPES = {
    "int16": "16-bit signed integer",
    "uint16": "16-bit unsigned integer",
    "int32": "32-bit signed integer",
    "uint32": "32-bit unsigned integer",
    "acc32": "32-bit unsigned integer",
    "float32": "32-bit float (IEEE 754)",
}
KINDS = frozenset({*DATA_TYPES, *(f"{type_}_swap" for type_ in DATA_TYPES)})
COLUMNS = (
    "Name",
    "Modbus address",
    "Command",
    "IO address",
    "Data type",
    "Register order",
    "Source value 1",
    "Target value 1",
    "Source value 2",
    "Target value 2",
    "Unit",
    "Polling cycle [s]",
)
SECONDS = {"1 h": 60}


def render(table: list[Row], target: Target) -> str:
    """The table as CSV."""
    return separated([COLUMNS, *(_sensor(row, target) for row in measured(table, KINDS))])


def _sensor(row: Row, target: Target) -> list[object]:
    found = unit(row.unit)
    order = "low word first" if kind(row).endswith("_swap") else "high word first"
    return [
        row.meaning,
        target.unit,
        "3 - Read holding registers",
        row.address,
        DATA_TYPES[row.type],
        "-" if row.words == 1 else order,
        *(0, 0, found.per, 1),
        f"<v.{3 if row.type == 'float32' else found.decimals}> {found.base}",
        SECONDS.get(row.interval, 10),
    ]
