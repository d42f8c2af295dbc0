"""What was stored of a meter under another id goes on in the history that it belongs to.

Works inside a transaction of someone else's. Counters are taken in as if they had come to that history, so
that they make the hours between the last of before and the first of since. Where both have something, the
better stays.
"""

import sqlite3

from ..model.hour import ONE
from . import journal
from .ledger import Ledger, hour_of, register_of
from .schema import BETTER_STAYS, COUNTERS, DRIFTS, ROW_COLUMNS

_REGISTERS = f"SELECT t, series, sure, {', '.join(COUNTERS)}, era FROM register WHERE meter = ? ORDER BY t"
_HOURS = f"SELECT t, basis, scale, {', '.join(COUNTERS + DRIFTS)} FROM hour WHERE meter = ? ORDER BY t"
_ROW = ", ".join(ROW_COLUMNS)
_TABLES = ("raw", "minute", "hour")


def join(file: sqlite3.Connection, was: str, into: str) -> None:
    """Have all there is of the meter `was` in the history of the meter `into`; both are ids of settings."""
    numbers = dict(file.execute("SELECT name, id FROM meter WHERE name IN (?, ?)", (was, into)))
    if was == into or was not in numbers:
        return
    if into not in numbers:
        file.execute("UPDATE meter SET name = ? WHERE name = ?", (into, was))
        return
    old, ledger = numbers[was], Ledger(file, numbers[into])
    _eras(file, old, ledger.number)
    for table in ("raw", "minute"):
        rows = f"SELECT ?, t, {_ROW} FROM {table} WHERE meter = ?"
        file.execute(f"INSERT INTO {table} (meter, t, {_ROW}) {rows} {BETTER_STAYS}", (ledger.number, old))
    hours = [hour_of(*row) for row in file.execute(_HOURS, (old,)).fetchall()]
    identities = dict(file.execute("SELECT id, identity FROM series WHERE meter = ?", (old,)))
    scale = hours[0].scale if hours else ONE
    for *row, era in file.execute(_REGISTERS, (old,)).fetchall():
        ledger.register(register_of(tuple(row)), identities.get(row[1], ""), scale, era=era)
    ledger.put(hours)  # after what the counters made: these have the factors of their time
    for table in _TABLES:
        gone = [t for (t,) in file.execute(f"SELECT t FROM {table} WHERE meter = ?", (old,))]
        journal.vacated(file, table, old, gone)
    for table in (*_TABLES, "register", "series"):
        file.execute(f"DELETE FROM {table} WHERE meter = ?", (old,))


def _eras(file: sqlite3.Connection, old: int, new: int) -> None:
    """What no meter's clock has dated yet goes on to be put right with what is of the same clock."""
    for era, boot, ahead in file.execute(
        "SELECT id, boot, ahead FROM era WHERE meter = ?", (old,)
    ).fetchall():
        sql = "SELECT id FROM era WHERE meter = ? AND boot = ? AND ahead = ?"
        same = file.execute(sql, (new, boot, ahead)).fetchone()
        if same is None:
            file.execute("UPDATE era SET meter = ? WHERE id = ?", (new, era))
            continue
        for table in ("raw", "minute", "register", "undated"):
            file.execute(f"UPDATE OR REPLACE {table} SET era = ? WHERE era = ?", (same[0], era))
        file.execute("DELETE FROM era WHERE id = ?", (era,))
