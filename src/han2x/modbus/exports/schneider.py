"""Schneider Multi-Purpose Manager: the CSV file of its generic Modbus driver.

Addresses are register numbers from 1, without the leading 4. It reads the high word first and knows no
signed 32-bit integer, so the float map suits it best. Only the last column may be empty.
"""

from ..listing import Row
from .choice import fixed, kind
from .target import Target
from .text import separated

TYPES = {
    "int16": "int",
    "uint16": "uint",
    "uint32": "ulong",
    "acc32": "ulong",
    "float32": "float",
    "int64": "int64",
    "uint64": "uint64",
}
COLUMNS = ("modbus_addr", "register_type", "label", "access", "factor", "unit")
ACCESS = {"R": "read", "R/W": "read_write"}


def render(table: list[Row], target: Target) -> str:
    """The file, to be named Modbus_LABEL.csv."""
    return separated([COLUMNS, *map(_line, fixed(table, TYPES))])


def _line(row: Row) -> list[object]:
    return [
        row.address + 1,
        TYPES[kind(row)],
        row.name,
        ACCESS[row.access],
        row.scale,
        row.base_unit,
    ]
