"""Puts right what an earlier version made of registers that could not be, whenever the file is opened.

Impossible registers ended the series of a meter: they were believed, and the good ones after them had fallen.
They are taken away where a later series goes on from the one before them, and their hours are made again.
"""

import logging
import sqlite3
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from ..model.hour import ONE
from ..model.hours import Register
from .ledger import Ledger, goes_on, register_of
from .schema import COUNTERS

log = logging.getLogger("han2x")

_REGISTER = f"SELECT t, series, sure, {', '.join(COUNTERS)} FROM register WHERE meter = ? AND series = ?"
_SERIES = "SELECT id, meter FROM series ORDER BY meter, id"

IN_A_ROW = 48
"""So many impossible registers, one after the other, are looked for: those of two days."""


class _Mended(NamedTuple):
    """Registers `before` and `good` of one meter go on over what lies between, which cannot be."""

    before: Register
    good: Register


def mend(file: sqlite3.Connection) -> None:
    """Look where a series of a meter ends and another goes on from what it was."""
    by_meter: dict[int, list[int]] = {}
    for series, meter in file.execute(_SERIES):
        by_meter.setdefault(meter, []).append(series)
    for meter, series in by_meter.items():
        while len(series) > 1:
            if not any(_mend(file, meter, series[0], later) for later in series[1 : 1 + IN_A_ROW]):
                series = series[1:]
                continue
            sql = "SELECT DISTINCT series FROM register WHERE meter = ? AND series >= ? ORDER BY series"
            series = [number for (number,) in file.execute(sql, (meter, series[0]))]


def _mend(file: sqlite3.Connection, meter: int, series: int, later: int) -> bool:
    """Take out what cannot be between two series, and make them one; False where nothing is to be mended."""
    found = _between(file, meter, series, later)
    if found is None:
        return False
    span = meter, found.before.mark, found.good.mark
    file.execute("DELETE FROM register WHERE meter = ? AND t > ? AND t < ?", span)
    file.execute("UPDATE register SET series = ? WHERE meter = ? AND series = ?", (series, meter, later))
    file.execute(
        "DELETE FROM series WHERE meter = ? AND id NOT IN (SELECT series FROM register WHERE meter = ?)",
        (meter, meter),
    )
    Ledger(file, meter).again(found.before, found.good, ONE)
    log.warning(
        "history: energies that cannot be, from %s on, are taken out of it",
        datetime.fromtimestamp(found.before.mark, UTC).isoformat(),
    )
    return True


def _between(file: sqlite3.Connection, meter: int, series: int, later: int) -> _Mended | None:
    if _identity(file, series) != _identity(file, later):
        return None
    tail = file.execute(f"{_REGISTER} ORDER BY t DESC LIMIT ?", (meter, series, IN_A_ROW + 1)).fetchall()
    first = file.execute(f"{_REGISTER} ORDER BY t LIMIT 1", (meter, later)).fetchone()
    if first is None:
        return None
    good, known = register_of(first), [register_of(row) for row in tail]
    for wrong, before in pairwise(known):
        if not goes_on(before, wrong):
            mended = good.mark > known[0].mark and goes_on(before, good)
            return _Mended(before, good) if mended else None
    return None


def _identity(file: sqlite3.Connection, series: int) -> str:
    (identity,) = file.execute("SELECT identity FROM series WHERE id = ?", (series,)).fetchone()
    return str(identity)
