"""Rows in the history file, and those among them that no meter's clock has dated yet.

Such a row belongs to an era: a start of the machine, and by how much the clock that dated it was ahead of the
machine's monotonic clock. When the meter has told the time, all eras of this start of the machine are put
right, whichever process wrote them; what earlier starts have dated stays marked, but for what cannot be.
Rows whose date cannot be shown, or is another row's, are kept apart (`undated`) until then.

Works inside a transaction of someone else's.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..model.hour import HOUR_S, ONE
from ..model.hours import Register
from ..model.timekeeping import NEAR_S, WATCHED_S, is_set
from . import bounds, journal
from .batch import Mark, Move, redated
from .ledger import Ledger
from .rows import MINUTE_S, Row, all_means, shifted
from .schema import BETTER_STAYS, MEANS, ROW_COLUMNS

log = logging.getLogger("han2x")

Hours = dict[int, int]
"""Hours whose minutes are others now, by their beginning, with a factor."""

_KNOWN = f"t, {', '.join(ROW_COLUMNS[:-2])}"
_MARKS = ", ".join("?" * (2 + len(ROW_COLUMNS)))
_PUT = {
    span_s: f"INSERT INTO {table} (meter, t, {', '.join(ROW_COLUMNS)}) VALUES ({_MARKS}) {BETTER_STAYS}"
    for span_s, table in bounds.TABLES.items()
}

_PUT_UNDATED = (
    f"INSERT OR REPLACE INTO undated (era, span, {_KNOWN}) VALUES (?, ?, {', '.join('?' * (5 + len(MEANS)))})"
)


class _Era(NamedTuple):
    number: int
    ahead_s: int


class Dating:
    """Puts rows into the file; `boot` names this start of the machine, since which monotonic time counts."""

    def __init__(self, file: sqlite3.Connection, boot: str) -> None:
        self._file, self._boot = file, boot

    def put(self, ledger: Ledger, rows: Iterable[Row]) -> Hours:
        """Write rows of a meter."""
        hours: Hours = {}
        for row in rows:
            era = None if row.sure else self._era(ledger.number, row.ahead_s)
            if era is not None and not self._has_place(ledger.number, row, era):
                self._file.execute(_PUT_UNDATED, (era, row.span_s, row.start, *row[2:6], *all_means(row)))
                continue
            self._file.execute(
                _PUT[row.span_s], (ledger.number, row.start, *row[2:6], *all_means(row), row.sure, era)
            )
            if row.span_s == MINUTE_S:
                hours[row.start // HOUR_S * HOUR_S] = row.scale
        return hours

    def register(self, ledger: Ledger, mark: Mark) -> None:
        """Keep counters of a meter."""
        doubted = not mark.register.sure and mark.ahead_s is not None
        era = self._era(ledger.number, mark.ahead_s or 0) if doubted else None
        ledger.register(mark.register, mark.identity, mark.scale, agreed=mark.agreed, anew=mark.anew, era=era)

    def move(self, ledger: Ledger, move: Move) -> Hours:
        """Put right what this start of the machine has dated by another clock than is known now."""
        rows: list[Row] = []
        registers: list[tuple[Register, str]] = []
        for era in self._eras(ledger.number, move.from_s):
            by_s = _by_s(move.to_s, era.ahead_s)
            known = ledger.taken(era.number)
            registers += [
                (right, whose) for one, whose in known if (right := redated(one, by_s, sure=move.sure))
            ]
            rows += self._taken(ledger, era, move)
        hours = self.put(ledger, rows)
        for register, whose in sorted(registers, key=lambda one: one[0].mark):
            self.register(ledger, Mark("", whose, register, ONE, ahead_s=move.to_s))
        if move.sure:
            self._judge(ledger, move.now_s)
        return hours

    def _era(self, meter: int, ahead_s: int) -> int:
        known = "SELECT id FROM era WHERE meter = ? AND boot = ? AND ahead = ?"
        found = self._file.execute(known, (meter, self._boot, ahead_s)).fetchone()
        if found is None:
            newest = "SELECT coalesce(max(t), 0) FROM minute WHERE meter = ? AND sure"
            sql = f"INSERT INTO era (meter, boot, ahead, after) VALUES (?, ?, ?, ({newest})) RETURNING id"
            found = self._file.execute(sql, (meter, self._boot, ahead_s, meter)).fetchone()
        return int(found[0])

    def _eras(self, meter: int, ahead_s: int | None) -> list[_Era]:
        sql = "SELECT id, ahead FROM era WHERE meter = ? AND boot = ? AND ahead = coalesce(?, ahead)"
        return [_Era(*row) for row in self._file.execute(sql, (meter, self._boot, ahead_s))]

    def _has_place(self, meter: int, row: Row, era: int) -> bool:
        """Whether a row that is not sure can stand where its date says."""
        if not is_set(row.start):
            return False
        sql = f"SELECT sure, era FROM {bounds.TABLES[row.span_s]} WHERE meter = ? AND t = ?"
        there = self._file.execute(sql, (meter, row.start)).fetchone()
        return there is None or there == (0, era)

    def _taken(self, ledger: Ledger, era: _Era, move: Move) -> list[Row]:
        """Take the rows of an era away: as they are by the new time."""
        by_s = _by_s(move.to_s, era.ahead_s)
        known: list[Row] = []
        for span_s, table in bounds.TABLES.items():
            where, key = "WHERE meter = ? AND NOT sure AND era = ?", (ledger.number, era.number)
            found = self._file.execute(f"SELECT {_KNOWN} FROM {table} {where}", key).fetchall()
            known += [_row(span_s, *values) for values in found]
            self._file.execute(f"DELETE FROM {table} {where}", key)
            if by_s:
                self._vacate(ledger, table, [start for start, *_ in found])
        apart = self._file.execute(f"SELECT span, {_KNOWN} FROM undated WHERE era = ?", (era.number,))
        known += [_row(*values) for values in apart]
        self._forget(era.number)
        return [shifted(row, by_s, sure=move.sure)._replace(ahead_s=move.to_s) for row in known]

    def _judge(self, ledger: Ledger, now_s: int) -> None:
        """What an earlier start of the machine has dated stays, but for what cannot have been then."""
        earlier = self._file.execute(
            "SELECT id, after FROM era WHERE meter = ? AND boot <> ? UNION ALL SELECT NULL, 0",
            (ledger.number, self._boot),
        ).fetchall()
        gone = 0
        for era, after in earlier:
            for table in bounds.TABLES.values():
                where = "WHERE meter = ? AND NOT sure AND era IS ? AND (t < ? OR t > ?)"
                args = (ledger.number, era, after - NEAR_S, now_s + NEAR_S)
                found = self._file.execute(f"SELECT t FROM {table} {where}", args).fetchall()
                self._file.execute(f"DELETE FROM {table} {where}", args)
                self._vacate(ledger, table, [start for (start,) in found])
                gone += len(found)
                self._file.execute(f"UPDATE {table} SET era = NULL WHERE NOT sure AND era = ?", (era,))
            gone += self._file.execute("SELECT count(*) FROM undated WHERE era = ?", (era,)).fetchone()[0]
            self._forget(era)
        if gone:
            log.warning("history: %d rows are removed: a wrong clock has dated them", gone)

    def _vacate(self, ledger: Ledger, table: str, starts: Sequence[int]) -> None:
        """Rows are no longer where they were, nor what was made of them."""
        journal.vacated(self._file, table, ledger.number, starts)
        if table == bounds.TABLES[MINUTE_S]:
            for begin, end in _stretches({start // HOUR_S for start in starts}):
                ledger.moved(begin * HOUR_S, end * HOUR_S)

    def _forget(self, era: int | None) -> None:
        self._file.execute("DELETE FROM undated WHERE era = ?", (era,))
        self._file.execute("DELETE FROM era WHERE id = ?", (era,))


def _by_s(to_s: int, from_s: int) -> int:
    """By how much a time was wrong, 0 for what is no more than two clocks may be apart."""
    return to_s - from_s if abs(to_s - from_s) > WATCHED_S else 0


def _row(span_s: int, start: int, covered_s: int, scale: int, low: int, high: int, *means: int) -> Row:
    return Row(start, span_s, covered_s, scale, low, high, means)


def _stretches(numbers: set[int]) -> list[tuple[int, int]]:
    """Numbers that follow on each other: the first, and the one after the last."""
    begins = sorted(number for number in numbers if number - 1 not in numbers)
    ends = sorted(number + 1 for number in numbers if number + 1 not in numbers)
    return list(zip(begins, ends, strict=True))
