"""The register table as documentation: what `han2x registers` prints and the manual's pages show.

Rows come from `registers.TABLE` alone, so that what is documented is what is served. The example of each
row is cut from the image of `EXAMPLE`, the meter of the manual's own example (M14).
"""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple

from ..model.estimate import Estimate
from ..model.instant import ZERO
from ..model.quantity import ENERGIES, Quantity
from ..model.reading import MeterClock, TimeBase
from ..model.state import Snapshot
from ..model.view import SCALE_ONE, View, view
from .registers import TABLE, Register, image

Format = Literal["md", "csv", "json"]

MODICON_FIRST = 40001
"""The number by which people call the holding register at address 0 (M15)."""

EXAMPLE_VALUES = {
    Quantity.ACT_POW_POS: 1_523,
    Quantity.REACT_POW_NEG: 211,
    Quantity.CURR_L1: 4_120,
    Quantity.CURR_L2: 1_780,
    Quantity.CURR_L3: 960,
    Quantity.VOLT_L1: 239_000,
    Quantity.VOLT_L2: 238_400,
    Quantity.VOLT_L3: 240_100,
    Quantity.ACT_ENERGY_POS: 70_123_456,
    Quantity.ACT_ENERGY_NEG: 0,
    Quantity.REACT_ENERGY_POS: 1_234_567,
    Quantity.REACT_ENERGY_NEG: 8_900_000,
}


def example() -> View:
    """A meter with 239.0 V on L1, as in the manual's example, at a made-up moment."""
    snapshot = Snapshot(
        values=EXAMPLE_VALUES,
        estimates={energy: Estimate().registered(EXAMPLE_VALUES[energy], mark_ms=0) for energy in ENERGIES},
        clock=MeterClock(datetime(2026, 11, 22, 17, 30, 10), True, TimeBase.STANDARD),
    )
    return view(snapshot, scale=SCALE_ONE, now=ZERO, uptime_s=36 * 3600)


class Row(NamedTuple):
    """A register as people read it. `hex`: its first address. `octets`: `example` as it is sent."""

    register: str
    address: int
    hex: str
    name: str
    type: str
    words: int
    unit: str
    access: str
    meaning: str
    example: int
    octets: str


def rows() -> list[Row]:
    """All rows, in the order of their addresses."""
    octets = image(example())
    return [_row(register, octets[2 * register.address :][: 2 * register.words]) for register in TABLE]


def _row(register: Register, octets: bytes) -> Row:
    first, last = register.addresses[0], register.addresses[-1]
    numbers = [MODICON_FIRST + address for address in dict.fromkeys((first, last))]
    return Row(
        "-".join(map(str, numbers)),
        first,
        f"0x{first:04X}",
        register.name,
        register.type.name,
        register.words,
        register.unit,
        register.access,
        register.meaning,
        register.type.value(octets),
        octets.hex(" ", 2).upper(),
    )


def _md(table: list[Row]) -> str:
    lines = [Row._fields, ["---"] * len(Row._fields), *table]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def _csv(table: list[Row]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([Row._fields, *table])
    return text.getvalue()


def _json(table: list[Row]) -> str:
    return json.dumps([row._asdict() for row in table], indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[Format, Callable[[list[Row]], str]] = {"md": _md, "csv": _csv, "json": _json}


def render(format: Format) -> str:
    """The table as a Markdown table, as CSV with a header, or as a JSON array of objects."""
    return FORMATS[format](rows())
