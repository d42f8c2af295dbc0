"""Keeps the history file within its bounds: by age, and by size. Hours and counters are never deleted."""

import sqlite3

from . import journal
from .batch import Limits
from .rows import MINUTE_S, RAW_S

DAY_S = 86_400
TABLES = {RAW_S: "raw", MINUTE_S: "minute"}
"""The finest first: they are given up first."""


def tidy(connection: sqlite3.Connection, now_s: int, limits: Limits) -> None:
    """By age first; then, while the file is too large, by the day, the finest first."""
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


def _oldest(connection: sqlite3.Connection, table: str) -> int | None:
    times = [
        connection.execute(f"SELECT min(t) FROM {table} WHERE meter = ?", (number,)).fetchone()[0]
        for (number,) in connection.execute("SELECT id FROM meter").fetchall()
    ]
    return min((time for time in times if time is not None), default=None)


def _delete(connection: sqlite3.Connection, table: str, before: int) -> None:
    for (number,) in connection.execute("SELECT id FROM meter").fetchall():
        connection.execute(f"DELETE FROM {table} WHERE meter = ? AND t < ?", (number, before))
    journal.drop(connection, table, before)
