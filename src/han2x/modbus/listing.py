"""A register map as documentation: what `han2x registers` prints and the manual's pages show.

Rows come from the map's own table, so that what is documented is what is served. The example of each row
is cut from the image of `example()`, the meter of the manual's own example (M14). What is written for a
tool instead of for people is made of the same rows by `exports`.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from ..model.estimate import WMS_PER_WH, Estimate
from ..model.instant import Instant
from ..model.line import LineStatus
from ..model.quantity import ENERGIES, Quantity
from ..model.reading import Identity, ListType, MeterClock, Net, TimeBase
from ..model.running import Running
from ..model.state import Snapshot
from ..model.view import SCALE_ONE, View, view
from ..tariff.account import Account
from ..tariff.capacity import Capacity, Peak
from ..tariff.cost import Cost, Costs, KwhPrice
from ..tariff.prices import Price
from .table import Image, Map, Register
from .types import INT16, Known
from .units import unit

MODICON_FIRST = 40001
"""The number by which people call the holding register at address 0 (M15)."""

EXAMPLE_VALUES = {
    Quantity.ACT_POW_POS: 1_523,
    Quantity.ACT_POW_NEG: 0,
    Quantity.REACT_POW_POS: 0,
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

EXAMPLE_HOUR = dict(zip(ENERGIES, (762, 0, 0, 105), strict=True))
EXAMPLE_COST = Cost(power=1_954_000, support=80_000, grid=722_000, imported=18_400)
EXAMPLE_PEAKS = tuple(
    Peak(datetime(2026, 11, day, hour, tzinfo=timezone(timedelta(hours=1))), power)
    for day, hour, power in ((9, 7, 4_700), (20, 18, 4_200), (14, 21, 3_448))
)
EXAMPLE_ACCOUNT = Account(
    Capacity(
        tariff="example",
        month=date(2026, 11, 1),
        rule="days",
        peaks=EXAMPLE_PEAKS,
        mean=4_116,
        step=2,
        limit=5_000,
        next_limit=10_000,
        price=20_000_000,
        billed_price=20_000_000,
        next_price=33_600_000,
        headroom=6_099,
    ),
    Costs(
        area="NO1",
        today=EXAMPLE_COST,
        month=replace(EXAMPLE_COST, power=52_441_000),
        price=Price(81_250, True),
        kwh=KwhPrice(0, 81_250, 145_375, 81_250, True),
    ),
)


def example(net: Net = Net.TN) -> View:
    """A meter with 239.0 V on L1, as in the manual's example, at a made-up moment."""
    now = Instant(1_795_368_610_000, 0)
    began = {energy: (EXAMPLE_VALUES[energy] - used) * WMS_PER_WH for energy, used in EXAMPLE_HOUR.items()}
    snapshot = Snapshot(
        vendor="kaifa",
        identity=Identity("KFM_001", "6970631400000017", "MA304H4"),
        net=net,
        values=EXAMPLE_VALUES,
        estimates={energy: Estimate().registered(EXAMPLE_VALUES[energy], mark_ms=0) for energy in ENERGIES},
        clock=MeterClock(datetime(2026, 11, 22, 17, 30, 10), True, TimeBase.STANDARD),
        list_at=dict.fromkeys((ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY), now),
        last=now,
        received=1800,
        running=Running(start_ms=-1_810_000, base=began, metered=True),
    )
    line = LineStatus(open=True)
    return view(snapshot, scale=SCALE_ONE, now=now, uptime_s=36 * 3600, line=line, account=EXAMPLE_ACCOUNT)


class Row(NamedTuple):
    """A register as people read it. `hex`: its first address. `octets`: `example` as it is sent.

    Times `scale`, and ten to the power of what the register `scale_factor` holds if that is named, a value
    is in `base_unit`. `unknown`: the octets that stand for "unknown", "0" if it reads 0 then, or "-".
    """

    register: str
    address: int
    hex: str
    name: str
    type: str
    words: int
    word_order: str
    unit: str
    scale: int | float
    scale_factor: str
    base_unit: str
    access: str
    meaning: str
    interval: str
    unknown: str
    example: Known | None
    octets: str


def rows(map: Map) -> list[Row]:
    """All rows of a map, in the order of their addresses."""
    image = map.image(example())
    return [_row(map, register, image) for register in map.rows]


def _row(map: Map, register: Register, image: Image) -> Row:
    first, last = register.addresses[0], register.addresses[-1]
    numbers = [MODICON_FIRST + address for address in dict.fromkeys((first, last))]
    octets = image.read(first, register.words) or b""
    return Row(
        register="-".join(map_number(number) for number in numbers),
        address=first,
        hex=f"0x{first:04X}",
        name=register.name,
        type=register.type.name,
        words=register.words,
        word_order="low first" if map.low_word_first else "high first",
        unit=register.unit,
        scale=unit(register.unit).scale,
        scale_factor=_scale_factor(map, register),
        base_unit=unit(register.unit).base,
        access=register.access,
        meaning=register.meaning,
        interval=_interval(register),
        unknown=_unknown(map, register),
        example=register.type.value(map.in_order(register.type, octets)),
        octets=octets.hex(" ", 2).upper(),
    )


def map_number(number: int) -> str:
    """A register's number by Modicon's convention: five digits, six beyond 49999."""
    return str(number) if number < 50_000 else str(number + 360_000)


def _scale_factor(map: Map, register: Register) -> str:
    """The row whose value is a SunSpec integer's exponent; only those change that 16-bit points share."""
    if not register.unit or register.type is not INT16:
        return ""
    model = register.name.partition("_")[0]
    return next(
        (
            row.name
            for row in map.rows
            if row.address > register.address and row.name.startswith(model) and row.name.endswith("_SF")
        ),
        "",
    )


EMPTY_VIEW = view(Snapshot(), scale=SCALE_ONE, now=Instant(0, 0), uptime_s=0)
EXAMPLES = (EMPTY_VIEW, example(Net.TN), example(Net.IT))
FIXED = ("never", "on change")


def _interval(register: Register) -> str:
    """How often a new value may be seen; never, if no meter has the value."""
    known = any(register.value(view) is not None for view in EXAMPLES)
    return register.interval if known else "never"


def _unknown(map: Map, register: Register) -> str:
    """What the register reads before the first telegram, where that is its way to say "unknown"."""
    value = register.value(EMPTY_VIEW)
    if value == 0:
        return "0"
    if value is None or (register.unit and register.interval not in FIXED):
        return map.octets(register, value).hex(" ", 2).upper()
    return "-"


def _md(table: list[Row]) -> str:
    """A Markdown table."""
    lines = [Row._fields, ["---"] * len(Row._fields), *table]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def _csv(table: list[Row]) -> str:
    """CSV with a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([Row._fields, *table])
    return text.getvalue()


def _json(table: list[Row]) -> str:
    """A JSON array of objects."""
    return json.dumps([row._asdict() for row in table], indent=2, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[list[Row]], str]] = {"md": _md, "csv": _csv, "json": _json}


def render(format: str, map: Map) -> str:
    """A map as a Markdown table, as CSV with a header, or as a JSON array of objects."""
    return FORMATS[format](rows(map))
