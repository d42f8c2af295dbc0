"""What is in the history, as a stream: rows, hours, or hours summed up to local days, weeks, months, years.

Reads beside whoever writes, and holds one row at a time, so that years cost time and no memory.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from ..model.hour import HOUR_S, Basis, Hour
from ..model.quantity import Quantity
from ..model.view import SCALE_ONE
from .ledger import hour_of
from .rows import MINUTE_S, RAW_S, Row
from .schema import COUNTERS, DRIFTS, MEANS


class Sum(NamedTuple):
    """Local days, weeks, months or years: hours summed up, each by its own scale factor.

    `start`, `end`: Unix seconds of the local midnights around it. `energies`, `drift`: Wh (varh), scaled.
    `hours`: how many hours of each basis are in it; those of a gap are in none. `asked`: how many of its
    hours were asked for.
    """

    start: int
    end: int
    energies: Mapping[Quantity, int]
    drift: Mapping[Quantity, int]
    hours: Mapping[Basis, int]
    asked: int

    @property
    def missing(self) -> int:
        """Of how many of the hours that were asked for nothing is known."""
        return self.asked - sum(self.hours.values())


Period = Row | Hour | Sum

_ROWS = {"10s": ("raw", RAW_S), "minute": ("minute", MINUTE_S)}

_NEXT: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": lambda day: (day + timedelta(days=31)).replace(day=1),
    "year": lambda day: day.replace(year=day.year + 1),
}
_BEGIN: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}

RESOLUTIONS = (*_ROWS, "hour", *_BEGIN)

EVER = 1 << 40
"""After every moment there is."""


def meters(file: sqlite3.Connection) -> list[str]:
    """The names of the meters that something is known of."""
    return [name for (name,) in file.execute("SELECT name FROM meter ORDER BY id")]


def extent(file: sqlite3.Connection, table: str, meter: str) -> tuple[int, int, int]:
    """How many rows of a table are a meter's, and the beginnings of the first and the last."""
    which = "meter = (SELECT id FROM meter WHERE name = ?)"
    row = file.execute(f"SELECT count(*), min(t), max(t) FROM {table} WHERE {which}", (meter,)).fetchone()
    return row[0], row[1] or 0, row[2] or 0


def latest(file: sqlite3.Connection) -> dict[str, int]:
    """The meters of which there are hours or rows, and the beginning of the last of them."""
    tables = ("hour", "register", "minute", "raw")
    last = ", ".join(f"coalesce((SELECT max(t) FROM {one} WHERE meter = m.id), 0)" for one in tables)
    rows = file.execute(f"SELECT name, max({last}) FROM meter AS m")
    return {name: at for name, at in rows if at}


def bases(file: sqlite3.Connection, meter: str) -> dict[Basis, int]:
    """How many hours of a meter are known in which way."""
    which = "meter = (SELECT id FROM meter WHERE name = ?)"
    rows = file.execute(f"SELECT basis, count(*) FROM hour WHERE {which} GROUP BY 1", (meter,))
    return {Basis(basis): count for basis, count in rows}


def periods(
    file: sqlite3.Connection, meter: str, resolution: str, begin: int, end: int, zone: tzinfo
) -> Iterator[Period]:
    """What is known of a meter from `begin` to before `end` (Unix seconds), in order of time.

    `resolution`: one of `RESOLUTIONS`: rows for `10s` and `minute`, an `Hour` each for `hour`, else a `Sum`
    each, of the hours within `begin` and `end`. Periods of which nothing is known are left out.
    """
    if resolution in _ROWS:
        return rows(file, meter, resolution, begin, end)
    found = hours(file, meter, begin, end)
    return found if resolution == "hour" else _sums(found, resolution, begin, end, zone)


def rows(file: sqlite3.Connection, meter: str, resolution: str, begin: int, end: int) -> Iterator[Row]:
    """The rows of ten seconds or of minutes."""
    table, span_s = _ROWS[resolution]
    columns = f"t, covered, scale, low, high, {', '.join(MEANS)}, sure"
    for start, covered_s, scale, low, high, *means, sure in _select(file, table, columns, meter, begin, end):
        yield Row(start, span_s, covered_s, scale, low, high, tuple(means), bool(sure))


def hours(file: sqlite3.Connection, meter: str, begin: int, end: int) -> Iterator[Hour]:
    """The hours, each as it is known best."""
    columns = f"t, basis, scale, {', '.join(COUNTERS + DRIFTS)}"
    return (hour_of(*row) for row in _select(file, "hour", columns, meter, begin, end))


def _select(
    file: sqlite3.Connection, table: str, columns: str, meter: str, begin: int, end: int
) -> sqlite3.Cursor:
    return file.execute(
        f"SELECT {columns} FROM {table} WHERE meter = (SELECT id FROM meter WHERE name = ?)"
        " AND t >= ? AND t < ? ORDER BY t",
        (meter, begin, end),
    )


def _sums(found: Iterator[Hour], resolution: str, begin: int, end: int, zone: tzinfo) -> Iterator[Sum]:
    first, after = _BEGIN[resolution], _NEXT[resolution]
    for day, group in groupby(found, lambda hour: first(local_day(hour.start, zone))):
        energies: dict[Quantity, int] = {}
        drift: dict[Quantity, int] = {}
        count: dict[Basis, int] = {}
        for hour in group:
            _add(energies, hour.energies, hour.scale)
            _add(drift, hour.drift, hour.scale)
            count[hour.basis] = count.get(hour.basis, 0) + 1
        span = midnight(day, zone), midnight(after(day), zone)
        asked = -((max(span[0], begin) - min(span[1], end)) // HOUR_S)
        yield Sum(*span, _whole(energies), _whole(drift), count, asked)


def _add(total: dict[Quantity, int], values: Mapping[Quantity, int], scale: int) -> None:
    for quantity, value in values.items():
        total[quantity] = total.get(quantity, 0) + value * scale


def _whole(total: Mapping[Quantity, int]) -> Mapping[Quantity, int]:
    """Truncated toward zero, once for the whole period, as a view is."""
    return {q: value // SCALE_ONE if value >= 0 else -(-value // SCALE_ONE) for q, value in total.items()}


def local_day(seconds: int, zone: tzinfo) -> datetime:
    """The local midnight, naive, of the day in which a moment (Unix seconds) lies."""
    local = datetime.fromtimestamp(seconds, zone)
    return datetime(local.year, local.month, local.day)


def midnight(day: datetime, zone: tzinfo) -> int:
    """Unix seconds of a naive local midnight."""
    return int(day.replace(tzinfo=zone).timestamp())
