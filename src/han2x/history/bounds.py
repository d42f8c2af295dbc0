"""Keeps the history file within its bounds: by age, and by size. Hours and counters are never deleted."""

import sqlite3

from ..model.hour import HOUR_S
from . import journal
from .batch import Limits
from .rows import MINUTE_S, RAW_S

DAY_S = 86_400
FAR_S = 14 * DAY_S
"""A history that ends longer ago waits for new rows before old ones go."""

TABLES = {RAW_S: "raw", MINUTE_S: "minute"}
"""The finest first: they are given up first."""


def tidy(connection: sqlite3.Connection, now_s: int, limits: Limits) -> None:
    """By age first; then, while the file is too large, by the day, the finest first.

    `now_s`: as the meters' clocks tell; 0 where none has, and nothing is old then. One that is far from the
    newest of what is known is not believed: how much older than that a row is tells its age.
    """
    newest_s = _newest(connection)
    now_s = newest_s if now_s > newest_s + FAR_S else now_s
    _delete(connection, "raw", now_s - limits.raw_s)
    _delete(connection, "minute", now_s - limits.minute_s)
    for table in TABLES.values():
        while _used(connection) > limits.octets:
            oldest = _oldest(connection, table)
            if oldest is None:
                break
            _delete(connection, table, oldest + DAY_S)
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    for _ in range(free):  # the module takes one step of a statement without columns: one page
        connection.execute("PRAGMA incremental_vacuum(1)")


def _used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _newest(connection: sqlite3.Connection) -> int:
    """When the newest of what is dated for sure begins: a register, and minutes up to an hour after it."""
    return max((_newest_of(connection, number) for number in _meters(connection)), default=0)


def _newest_of(connection: sqlite3.Connection, meter: int) -> int:
    """Minutes that lie further from the newest sure register may be dated by a clock that is wrong."""
    (mark,) = connection.execute("SELECT max(t) FROM register WHERE meter = ? AND sure", (meter,)).fetchone()
    upto = (mark or 0) + 2 * HOUR_S if mark else 1 << 40
    (row,) = connection.execute(
        "SELECT max(t) FROM minute WHERE meter = ? AND t <= ?", (meter, upto)
    ).fetchone()
    return max(mark or 0, row or 0)


def _oldest(connection: sqlite3.Connection, table: str) -> int | None:
    times = [
        connection.execute(f"SELECT min(t) FROM {table} WHERE meter = ?", (number,)).fetchone()[0]
        for number in _meters(connection)
    ]
    return min((time for time in times if time is not None), default=None)


def _meters(connection: sqlite3.Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT id FROM meter")]


def _delete(connection: sqlite3.Connection, table: str, before: int) -> None:
    for number in _meters(connection):
        connection.execute(f"DELETE FROM {table} WHERE meter = ? AND t < ?", (number, before))
    journal.drop(connection, table, before)
