"""One row or hour as it goes from a gateway to a database: flat, integers only, and as text. Pure.

A record is known by its meter's number, its resolution and the beginning of its period. The same record may
come again, and an older state of it after a newer one: `version` tells which of two is to stay.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

from .hour import Basis
from .quantity import ENERGIES, POWER_OF_ENERGY, Quantity

COLUMNS: dict[Quantity, str] = {
    Quantity.ACT_POW_POS: "p_pos",
    Quantity.ACT_POW_NEG: "p_neg",
    Quantity.REACT_POW_POS: "q_pos",
    Quantity.REACT_POW_NEG: "q_neg",
    Quantity.CURR_L1: "i1",
    Quantity.CURR_L2: "i2",
    Quantity.CURR_L3: "i3",
    Quantity.VOLT_L1: "u1",
    Quantity.VOLT_L2: "u2",
    Quantity.VOLT_L3: "u3",
    Quantity.ACT_POW_POS_L1: "p1_pos",
    Quantity.ACT_POW_POS_L2: "p2_pos",
    Quantity.ACT_POW_POS_L3: "p3_pos",
    Quantity.ACT_POW_NEG_L1: "p1_neg",
    Quantity.ACT_POW_NEG_L2: "p2_neg",
    Quantity.ACT_POW_NEG_L3: "p3_neg",
    Quantity.ACT_ENERGY_POS: "a_pos",
    Quantity.ACT_ENERGY_NEG: "a_neg",
    Quantity.REACT_ENERGY_POS: "r_pos",
    Quantity.REACT_ENERGY_NEG: "r_neg",
}
"""W, var, mA, mV; Wh and varh."""

MEASURED: tuple[Quantity, ...] = tuple(quantity for quantity in COLUMNS if quantity not in POWER_OF_ENERGY)
"""What a row has means of, in the order of its columns."""

MEANS = tuple(COLUMNS[quantity] for quantity in MEASURED)
PHASE_MEANS = MEANS[MEANS.index("p1_pos") :]
"""What only some meters send."""

COUNTERS = tuple(COLUMNS[energy] for energy in ENERGIES)
DRIFTS = tuple(f"d_{column}" for column in COUNTERS)

ROW = ("covered", "scale", "low", "high", *MEANS, "sure")
HOUR = ("basis", "scale", *COUNTERS, *DRIFTS)
"""`sure` is 1 where the meter's own clock says that a row was then, 0 where it may be of another time; of an
hour that is told by its basis."""


class Resolution(NamedTuple):
    """How long its periods are, in seconds, and the columns of a record; the first two are always known."""

    span_s: int
    columns: tuple[str, ...]


RESOLUTIONS: dict[str, Resolution] = {
    "hour": Resolution(3600, HOUR),
    "minute": Resolution(60, ROW),
    "10s": Resolution(10, ROW),
}
"""What there is, from the coarsest on."""

LEAST, MOST = -(2**63), 2**63 - 1
START_MAX = 2**35
ROWS_MAX = 100
"""Records in one text: some 15 kB."""

_HEAD = ("start", "version")
_KINDS = {int, type(None)}
LABEL_MAX = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Record(NamedTuple):
    """`start`: Unix seconds of its period's beginning. `values`: of the columns of its resolution, raw.

    `name`: the meter's id in its gateway. `label`: what people call it, "" where that is not known.
    """

    meter: int
    name: str
    resolution: str
    start: int
    version: int
    values: tuple[int | None, ...]
    label: str = ""


class NotRecords(ValueError):
    """A text that holds no records; the message says why."""


def newest(records: Iterable[Record]) -> list[Record]:
    """One record of each period, of several the newest, in the order of their keys."""
    found: dict[tuple[str, int, int], Record] = {}
    for record in records:
        key = record.resolution, record.meter, record.start
        if key not in found or record.version >= found[key].version:
            found[key] = record
    return [found[key] for key in sorted(found)]


def texts(records: Sequence[Record]) -> Iterator[tuple[str, str, str]]:
    """Records as compact JSON texts, one meter and resolution each: the meter's id, resolution, text."""
    ordered = sorted(records, key=lambda record: (record.name, record.resolution))
    for (name, resolution), some in groupby(ordered, lambda record: (record.name, record.resolution)):
        found = list(some)
        for begin in range(0, len(found), ROWS_MAX):
            yield name, resolution, _text(found[begin : begin + ROWS_MAX])


def _text(records: Sequence[Record]) -> str:
    first = records[0]
    table = {
        "meter": first.meter,
        "name": first.name,
        **({"label": first.label} if first.label else {}),
        "resolution": first.resolution,
        "columns": [*_HEAD, *RESOLUTIONS[first.resolution].columns],
        "rows": [[record.start, record.version, *record.values] for record in records],
    }
    return json.dumps(table, separators=(",", ":"))


def records(text: bytes) -> list[Record]:
    """The records in a text. Raises `NotRecords`.

    Columns are taken by their names: those that are missing are unknown, those that nobody knows are left.
    """
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise NotRecords("it is not JSON") from None
    if not isinstance(table, Mapping):
        raise NotRecords("it is no JSON object")
    meter, name, resolution = (table.get(key) for key in ("meter", "name", "resolution"))
    if not isinstance(meter, int) or not 0 < meter < 2**31:
        raise NotRecords("meter is no meter's number")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NotRecords("name is no meter's id")
    if not isinstance(resolution, str) or resolution not in RESOLUTIONS:
        raise NotRecords(f"resolution is none of {', '.join(RESOLUTIONS)}")
    picked = _picked(table.get("columns"), resolution)
    rows = table.get("rows")
    if not isinstance(rows, list) or len(rows) > 10 * ROWS_MAX:
        raise NotRecords("rows is no list that may be so long")
    found = [_row(row, picked) for row in rows]
    if not _are_integers(found):
        raise NotRecords("a row holds something that is no whole number of 64 bits")
    for start, version, first, *_ in found:
        _check(resolution, start, version, first)
    label = _label(table.get("label"))
    return [Record(meter, name, resolution, row[0], row[1], row[2:], label) for row in found]


def _label(value: Any) -> str:
    """What a meter is called, as far as that can be shown: a wrong one costs no records."""
    return value if isinstance(value, str) and len(value) <= LABEL_MAX and value.isprintable() else ""


def _picked(names: Any, resolution: str) -> list[int | None]:
    """Where in a row each column stands, or None."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NotRecords("columns is no list of names")
    wanted = (*_HEAD, *RESOLUTIONS[resolution].columns)
    if any(name not in names for name in wanted[:4]):
        raise NotRecords(f"columns lacks one of {', '.join(wanted[:4])}")
    return [names.index(name) if name in names else None for name in wanted]


def _row(row: Any, picked: list[int | None]) -> tuple[Any, ...]:
    if not isinstance(row, list):
        raise NotRecords("a row is no list")
    try:
        return tuple([None if index is None else row[index] for index in picked])
    except IndexError:
        raise NotRecords("a row is too short") from None


def _are_integers(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether all are of 64 bits or unknown, and those known that have to be; of all rows at once: quick."""
    if not rows:
        return True
    values = list(chain.from_iterable(rows))
    if not set(map(type, values)) <= _KINDS or any(None in row[:4] for row in rows):
        return False
    known = [value for value in values if value is not None]
    return bool(min(known) >= LEAST and max(known) <= MOST)


def _check(resolution: str, start: int, version: int, first: int) -> None:
    if not 0 <= start < START_MAX or start % RESOLUTIONS[resolution].span_s or version < 0:
        raise NotRecords(f"a row begins at {start}, which begins no period")
    if resolution == "hour" and not 0 <= first < len(Basis):
        raise NotRecords(f"an hour has the basis {first}, which there is not")
