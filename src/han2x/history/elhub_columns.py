"""What the columns of a file from Elhub are, by their names. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..model.quantity import Quantity
from .elhub_text import NotElhub

FLOWS = {
    "forbruk": Quantity.ACT_ENERGY_POS,
    "consumption": Quantity.ACT_ENERGY_POS,
    "produksjon": Quantity.ACT_ENERGY_NEG,
    "production": Quantity.ACT_ENERGY_NEG,
}
STARTS = frozenset({"fra", "from", "start", "starttid", "starttidspunkt", "fra dato"})
ENDS = frozenset({"til", "to", "slutt", "sluttid", "sluttidspunkt", "til dato"})
POINTS = frozenset(
    {
        "målepunkt",
        "målepunktid",
        "målepunkt-id",
        "målepunkt id",
        "metering point",
        "meteringpointid",
        "metering point id",
    }
)
QUALITIES = frozenset({"kvalitet", "quality", "status"})

_SERIES = re.compile(
    r"(?P<unit>[kmg]?wh) (?P<minutes>15|60) (?P<flow>\w+)|(?P<named>\w+) [(\[](?P<of>[kmg]?wh)[)\]]"
)
_UNITS_WH = {"wh": 1, "kwh": 1000, "mwh": 10**6, "gwh": 10**9}


class Series(NamedTuple):
    """A column of energies: which, what a one is in Wh, how long an interval is (0: as `Til` says)."""

    flow: Quantity
    unit_wh: int
    interval_s: int


class Columns(NamedTuple):
    """Where in a line what is; -1: nowhere."""

    width: int
    start: int
    end: int
    point: int
    quality: int
    series: Mapping[int, Series]
    names: Sequence[str]


def columns_of(names: list[str]) -> Columns | None:
    """What the columns are, None if these are no names of columns; raises `NotElhub` where they clash."""
    plain = [name.lower() for name in names]
    series = {index: one for index, name in enumerate(plain) if (one := _series(name))}
    start = _place(plain, STARTS)
    if start < 0 or not series:
        return None
    if len({one.interval_s for one in series.values()}) > 1:
        raise NotElhub("line 1: no Elhub file: its columns are of intervals of different length")
    if len({one.flow for one in series.values()}) < len(series):
        raise NotElhub(
            "line 1: two columns of the same kind: of two metering points? Download each by itself"
        )
    end, point, quality = (_place(plain, which) for which in (ENDS, POINTS, QUALITIES))
    return Columns(len(names), start, end, point, quality, series, names)


def _place(names: list[str], which: frozenset[str]) -> int:
    return next((index for index, name in enumerate(names) if name in which), -1)


def _series(name: str) -> Series | None:
    found = _SERIES.fullmatch(name)
    flow = FLOWS.get((found["flow"] or found["named"]) if found else "")
    if not found or flow is None:
        return None
    return Series(flow, _UNITS_WH[found["unit"] or found["of"]], int(found["minutes"] or 0) * 60)
