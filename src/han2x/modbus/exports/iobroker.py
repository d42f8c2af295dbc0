"""ioBroker: the tab-separated text that ioBroker.modbus imports under "Holding registers".

Addresses count from 0, so "use aliases as address" is off. A formula takes the place of factor and offset
where a value has a marker for "unknown" or an exponent in another register, which `isScale` marks.
"""

from ..listing import Row
from ..units import unit
from .choice import is_text, kind, marker, scaled
from .target import Target
from .text import separated

TYPES = {
    "int16": "int16be",
    "uint16": "uint16be",
    "int32": "int32be",
    "int32_swap": "int32sw",
    "uint32": "uint32be",
    "uint32_swap": "uint32sw",
    "acc32": "uint32be",
    "acc32_swap": "uint32sw",
    "int64": "int64be",
    "uint64": "uint64be",
    "float32": "floatbe",
    "float32_swap": "floatsw",
    "text": "string",
}
COLUMNS = (
    "_address",
    "name",
    "description",
    "unit",
    "type",
    "len",
    "factor",
    "offset",
    "formula",
    "role",
    "room",
    "poll",
    "wp",
    "cw",
    "isScale",
)
ROLES = frozenset({"power", "current", "voltage", "energy", "frequency", "temperature"})


def render(table: list[Row], target: Target) -> str:
    """The text to paste or upload."""
    chosen = scaled(table, TYPES)
    exponents = {row.scale_factor for row in chosen}
    names = {row.name for row in chosen} | exponents
    address = {row.name: row.address for row in table}
    lines = [_line(row, address, row.name in exponents) for row in table if row.name in names]
    return separated([COLUMNS, *lines], "\t")


def _line(row: Row, address: dict[str, int], is_exponent: bool) -> list[object]:
    found = unit(row.unit)
    return [
        row.address,
        row.name,
        row.meaning,
        found.base,
        TYPES[kind(row)],
        row.words,
        found.scale,
        0,
        _formula(row, address),
        "text" if is_text(row) else f"value.{found.kind}" if found.kind in ROLES else "value",
        "",
        "true",
        "false",
        "false",
        str(is_exponent).lower(),
    ]


def _formula(row: Row, address: dict[str, int]) -> str:
    unknown = marker(row)
    value = f"x / {unit(row.unit).per}" if unit(row.unit).per > 1 else "x"
    if row.scale_factor:
        value += f" * Math.pow(10, sf['{address[row.scale_factor]}'])"
    if unknown is not None:
        return f"x == {unknown} ? null : {value}"
    return value if row.scale_factor else ""
