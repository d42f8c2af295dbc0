"""What has changed in the history file, for those who take it over: a numbered list, and a cursor for each.

The file notes every change itself, by triggers, whoever writes to it, and only while somebody takes it over.
An hour is noted once it is over: when it is more than an estimate, or when the meter has a later one. What
all have taken over is deleted, so that the list is as long as an outage. Works inside transactions of
someone else's.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..model.hour import Basis
from ..model.record import RESOLUTIONS
from ..settings.database import EXTENTS

TABLES = ("hour", "minute", "raw")
"""By kind, as in `RESOLUTIONS`; a target of extent n takes the first n."""

_OVER = "basis <> 2 OR EXISTS (SELECT 1 FROM hour AS later WHERE later.meter = {0}.meter AND later.t > {0}.t)"
_WANTED = "EXISTS (SELECT 1 FROM target WHERE extent > {})"


def _noted(kind: int, event: str) -> str:
    return f"""CREATE TRIGGER {TABLES[kind]}_{event.lower()} AFTER {event} ON {TABLES[kind]}
        WHEN {_WANTED.format(kind)}
        BEGIN INSERT INTO journal (kind, meter, t) VALUES ({kind}, NEW.meter, NEW.t); END"""


JOURNAL = (
    """CREATE TABLE target (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        extent INTEGER NOT NULL, taken INTEGER NOT NULL)""",
    """CREATE TABLE journal (
        n INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, meter INTEGER NOT NULL,
        t INTEGER NOT NULL, target INTEGER)""",
    *(_noted(kind, event) for kind in (1, 2) for event in ("INSERT", "UPDATE")),
    f"""CREATE TRIGGER hour_written AFTER INSERT ON hour
        WHEN {_WANTED.format(0)} AND (NEW.{_OVER.format("NEW")})
        BEGIN INSERT INTO journal (kind, meter, t) VALUES (0, NEW.meter, NEW.t); END""",
    f"""CREATE TRIGGER hour_begun BEFORE INSERT ON hour
        WHEN {_WANTED.format(0)}
            AND NOT EXISTS (SELECT 1 FROM hour WHERE meter = NEW.meter AND t >= NEW.t)
        BEGIN INSERT INTO journal (kind, meter, t)
            SELECT 0, meter, t FROM hour WHERE meter = NEW.meter AND basis = 2
                AND t = (SELECT max(t) FROM hour WHERE meter = NEW.meter); END""",
)
"""Tables and triggers; `journal.target`: who alone a line is for, NULL for everyone."""

PER_MS = 1000
"""Numbers left free for each millisecond: more than can be written in it."""

GONE = 10
"""Added to the kind of a row that is no longer there, because it was of another time."""

_TAKE = """SELECT kind, meter, t, max(n) FROM (
    SELECT * FROM journal WHERE n > ? AND kind % 10 < ? AND (target IS NULL OR target = ?) ORDER BY n LIMIT ?)
    GROUP BY kind, meter, t"""
_VALUES = tuple(
    f"SELECT {', '.join(resolution.columns)} FROM {table} WHERE meter = ? AND t = ?"
    for table, resolution in zip(TABLES, RESOLUTIONS.values(), strict=True)
)


_NOTHING_KNOWN: tuple[tuple[int | None, ...], ...] = tuple(
    (Basis.ESTIMATED if kind == 0 else 0, 1000, *(None for _ in resolution.columns[2:]))
    for kind, resolution in enumerate(RESOLUTIONS.values())
)


class Change(NamedTuple):
    """A row or hour as it is now; `meter`: its id in the settings. The rest as in a record."""

    meter: str
    resolution: str
    start: int
    version: int
    values: tuple[int | None, ...]


class Changes(NamedTuple):
    """What a target has not taken over yet, or some of it; `upto`: what its cursor then is, 0 for nothing."""

    changes: list[Change]
    upto: int


NOTHING = Changes([], 0)


def enlist(file: sqlite3.Connection, targets: Mapping[str, str], now_ms: int) -> None:
    """From now on these targets take over, and no others; who is new gets all there is.

    `targets`: a word of `EXTENTS` by name. Numbers go on from `now_ms` (Unix): so they are larger than any
    that an earlier file, or this one before a power cut, may have given out.
    """
    rows = file.execute("SELECT name, id, extent FROM target")
    known = {name: (number, extent) for name, number, extent in rows}
    for name in known.keys() - targets.keys():
        file.execute("DELETE FROM target WHERE name = ?", (name,))
    _go_on_from(file, now_ms * PER_MS)
    for name, word in targets.items():
        number, before = known.get(name, (None, 0))
        if number is None:
            (taken,) = file.execute("SELECT coalesce(max(n), 0) FROM journal").fetchone()
            sql = "INSERT INTO target (name, extent, taken) VALUES (?, 0, ?) RETURNING id"
            (number,) = file.execute(sql, (name, taken)).fetchone()
        extent = EXTENTS.index(word) + 1
        file.execute("UPDATE target SET extent = ? WHERE id = ?", (extent, number))
        for kind in range(before, extent):
            _fill(file, kind, number)
    _forget(file)


def _go_on_from(file: sqlite3.Connection, number: int) -> None:
    if file.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'journal'").fetchone() is None:
        file.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('journal', 0)")
    file.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'journal'", (number,))


def _fill(file: sqlite3.Connection, kind: int, target: int) -> None:
    """All there is of a kind, for one target."""
    over = _OVER.format("hour") if kind == 0 else "1"
    file.execute(
        f"INSERT INTO journal (kind, meter, t, target) "
        f"SELECT {kind}, meter, t, ? FROM {TABLES[kind]} WHERE {over} ORDER BY meter, t",
        (target,),
    )


def changes(file: sqlite3.Connection, target: str, limit: int) -> Changes:
    """What has changed since a target's cursor, at most `limit` changes; nothing if none is so called."""
    row = file.execute("SELECT id, extent, taken FROM target WHERE name = ?", (target,)).fetchone()
    if row is None:
        return NOTHING
    number, extent, taken = row
    noted = file.execute(_TAKE, (taken, extent, number, limit)).fetchall()
    names = dict(file.execute("SELECT id, name FROM meter"))
    found = list(_found(file, noted, names))
    return Changes(found, max((n for *_, n in noted), default=0))


def _found(
    file: sqlite3.Connection, noted: list[tuple[int, int, int, int]], names: Mapping[int, str]
) -> Iterator[Change]:
    """The rows as they are now; those that have been deleted meanwhile are left out.

    In the place of one that was of another time stands one in which nothing is known.
    """
    resolutions = tuple(RESOLUTIONS)
    for number, meter, start, n in noted:
        kind = number % GONE
        values = file.execute(_VALUES[kind], (meter, start)).fetchone()
        if values is None and number >= GONE:
            values = _NOTHING_KNOWN[kind]
        if values is not None:
            yield Change(names[meter], resolutions[kind], start, n, values)


def taken(file: sqlite3.Connection, target: str, upto: int) -> None:
    """A target has taken over all up to a number."""
    file.execute("UPDATE target SET taken = max(taken, ?) WHERE name = ?", (upto, target))
    _forget(file)


def _forget(file: sqlite3.Connection) -> None:
    """Delete what nobody needs any more; without a target that is everything."""
    (least,) = file.execute("SELECT coalesce(min(taken), ?) FROM target", (2**62,)).fetchone()
    file.execute("DELETE FROM journal WHERE n <= ?", (least,))


def vacated(file: sqlite3.Connection, table: str, meter: int, starts: Sequence[int]) -> None:
    """Rows of a table have been taken away, as they are of another time: who takes over is to know it."""
    kind = TABLES.index(table)
    file.executemany(
        f"INSERT INTO journal (kind, meter, t) SELECT {GONE + kind}, ?, ? WHERE {_WANTED.format(kind)}",
        [(meter, start) for start in starts],
    )


def drop(file: sqlite3.Connection, table: str, before: int) -> None:
    """Rows of a table from before a moment have been deleted: nobody can take them over any more."""
    file.execute("DELETE FROM journal WHERE kind % 10 = ? AND t < ?", (TABLES.index(table), before))
