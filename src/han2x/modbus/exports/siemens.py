"""Siemens Building Operator: the CSV file of a Modbus device; numbers of up to 32 bits.

Addresses are in Modicon's notation. Names begin with a lower-case letter and have no special characters.
The first row is the ping register by which the tool sees that the device lives.
"""

from ..listing import MODICON_FIRST, Row, map_number
from ..units import unit
from .choice import fixed, kind
from .target import Target
from .text import separated

TYPES = {
    "int16": "s2",
    "uint16": "u2",
    "int32": "s4",
    "uint32": "u4",
    "acc32": "u4",
    "float32": "f4",
    "int32_swap": "s4lew",
    "uint32_swap": "u4lew",
    "acc32_swap": "u4lew",
    "float32_swap": "f4lew",
}
COLUMNS = ("name", "addr", "data", "rw", "scale", "dis", "unit", "tags")


def render(table: list[Row], target: Target) -> str:
    """The file."""
    chosen = fixed(table, TYPES)
    pinged = next((row for row in chosen if row.name == "heartbeat"), chosen[0])
    ping = pinged._replace(name="ping", meaning="ping register", access="R")
    return separated([COLUMNS, *map(_line, [ping, *chosen])])


def _line(row: Row) -> list[object]:
    per = unit(row.unit).per
    return [
        row.name,
        map_number(MODICON_FIRST + row.address),
        TYPES[kind(row)],
        row.access.replace("/", "").lower(),
        f"/{per}" if per > 1 else "",
        row.meaning,
        row.base_unit,
        "",
    ]
