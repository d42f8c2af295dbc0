"""What the history lends to those that show it: extents, columns for plots, CSV. Blocks: for a thread."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from ..model.hour import Basis, Hour
from ..model.quantity import ENERGIES
from ..model.record import MEASURED
from ..runtime.providers import Lines, Span
from . import export
from .file import as_trouble, open_file, open_reading, transaction
from .joining import join
from .periods import Period, Sum, extent, hours, latest, periods
from .rows import Row, all_means

TABLES = {"10s": "raw", "minute": "minute", "hour": "hour"}
FORGOTTEN = ("raw", "minute", "undated", "era", "hour", "register", "series", "journal")
KILO = 1000

_ROW = ("t", "covered_s", "net_w", "low_w", "high_w", *(quantity.key for quantity in MEASURED), "sure")
_USED = tuple(f"{energy.value}_k{energy.unit.display.lower()}" for energy in ENERGIES)
_SUM = ("t", "end", *_USED, *(f"hours_{basis.name.lower()}" for basis in Basis), "missing")
COLUMNS = {
    "10s": _ROW,
    "minute": _ROW,
    "hour": ("t", "end", *_USED, "basis"),
    **dict.fromkeys(("day", "week", "month", "year"), _SUM),
}
"""Of the JSON for plots, by resolution; `t` and `end` in Unix seconds."""


class Lent:
    """See `runtime.providers.Archive`."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        self._path, self._zone = path, zone

    def meters(self) -> Mapping[str, int]:
        """The ids of all meters, and when the last of each was; raises `Trouble`."""
        with self._reading() as file:
            return latest(file)

    def extent(self, meter: str) -> Mapping[str, Span]:
        """What there is of a meter; raises `Trouble`."""
        with self._reading() as file:
            return {name: Span(*extent(file, table, meter)) for name, table in TABLES.items()}

    def columns(self, meter: str, resolution: str, begin: int, end: int) -> Lines:
        """A JSON document in pieces; raises `Trouble`."""
        head = {"resolution": resolution, "columns": COLUMNS[resolution]}
        yield json.dumps(head)[:-1] + ', "rows": ['
        separator = ""
        for period in self._periods(meter, resolution, begin, end):
            yield separator + json.dumps(_values(period), separators=(",", ":"))
            separator = ",\n"
        yield "]}\n"

    def csv(self, meter: str, resolution: str, begin: int, end: int) -> Lines:
        """The lines of a CSV file; raises `Trouble`."""
        yield from export.written(self._periods(meter, resolution, begin, end), resolution, "csv", self._zone)

    def hours(self, meter: str, begin: int, end: int) -> list[Hour]:
        """The hours, in order; raises `Trouble`."""
        with self._reading() as file:
            return list(hours(file, meter, begin, end))

    def join(self, was: str, into: str) -> None:
        """Have what there is of a meter under another id in its history. Raises `Trouble`."""
        with self._writing() as file, transaction(file):
            join(file, was, into)

    def erase(self) -> None:
        """Forget everything; whoever writes begins anew. Raises `Trouble`."""
        with self._writing() as file:
            with transaction(file):
                for table in FORGOTTEN:
                    file.execute(f"DELETE FROM {table}")
            file.execute("VACUUM")

    def _periods(self, meter: str, resolution: str, begin: int, end: int) -> Iterator[Period]:
        with self._reading() as file:
            yield from periods(file, meter, resolution, begin, end, self._zone)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(open_file(self._path)) as file:
                yield file
        except sqlite3.Error as error:
            raise as_trouble(error, self._path) from None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(open_reading(self._path)) as file:
                yield file
        except sqlite3.Error as error:
            raise as_trouble(error, self._path) from None


def _values(period: Period) -> list[Any]:
    if isinstance(period, Row):
        return list(_row(period))
    if isinstance(period, Hour):
        used = {energy: export.scaled(wh, period.scale) for energy, wh in period.energies.items()}
        return [period.start, period.start + 3600, *_used(used), period.basis.name.lower()]
    return list(_sum(period))


def _row(row: Row) -> Iterable[Any]:
    record = dict(zip(MEASURED, all_means(row), strict=True))
    means = {
        quantity: quantity.displayed(export.scaled(mean, row.scale) if quantity.scaled else mean)
        for quantity, mean in record.items()
        if mean is not None
    }
    imported, exported = (means.get(quantity) for quantity in MEASURED[:2])
    net = None if imported is None and exported is None else (imported or 0) - (exported or 0)
    low, high = (None if v is None else export.scaled(v, row.scale) for v in (row.low, row.high))
    shown = (means.get(quantity) for quantity in MEASURED)
    return row.start, row.covered_s, net, low, high, *shown, int(row.sure)


def _sum(found: Sum) -> Iterable[Any]:
    hours = (found.hours.get(basis, 0) for basis in Basis)
    return found.start, found.end, *_used(found.energies), *hours, found.missing


def _used(energies: Mapping[Any, int]) -> Iterator[float | None]:
    return (energies[energy] / KILO if energy in energies else None for energy in ENERGIES)
