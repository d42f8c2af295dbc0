"""One meter's counters and hours in the history file: what a register makes of the hours around it.

Works inside a transaction of someone else's. A series is the unbroken run of one meter's counters: hours
are made inside a series only, so that a changed meter or a counter that began anew makes none.
"""

import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ..model.hour import HOUR_S, ONE, Basis, Hour
from ..model.hours import Made, Register, begins_anew, between, estimated, replaces
from ..model.quantity import ENERGIES, POWER_OF_ENERGY, Quantity
from ..model.registers import can_be_one_count
from . import journal
from .batch import Conflict
from .schema import COLUMNS, COUNTERS, DRIFTS

log = logging.getLogger("han2x")

_POWERS = tuple(COLUMNS[POWER_OF_ENERGY[energy]] for energy in ENERGIES)
_PUT_HOUR = f"INSERT OR REPLACE INTO hour VALUES ({', '.join('?' * (4 + len(COUNTERS) + len(DRIFTS)))})"
_PUT_REGISTER = f"INSERT OR REPLACE INTO register VALUES ({', '.join('?' * (5 + len(COUNTERS)))})"
_HOUR = f"SELECT t, basis, scale, {', '.join(COUNTERS + DRIFTS)} FROM hour WHERE meter = ? AND t = ?"
_REGISTER = f"SELECT t, series, sure, {', '.join(COUNTERS)} FROM register WHERE meter = ? AND t"
_BEFORE = f"{_REGISTER} <= ? ORDER BY t DESC LIMIT 1"
_AFTER = f"{_REGISTER} > ? ORDER BY t LIMIT 1"
_LATER = f"{_REGISTER} > ? ORDER BY t"
_MADE = (
    "SELECT t / 3600 * 3600, scale, sum(covered), "
    + ", ".join(f"sum({power} * covered)" for power in _POWERS)
    + " FROM minute WHERE meter = ? AND t >= ? AND t < ? AND p_pos IS NOT NULL"
    " GROUP BY 1, 2 ORDER BY 1, min(t)"
)


MADE = (Basis.METERED, Basis.UNCERTAIN, Basis.SPREAD)
"""Hours that are made of registers."""


class _Link(NamedTuple):
    """A register and the series it belongs to."""

    series: int
    register: Register


class Ledger:
    """The counters and hours of the meter with a number; `changed`: hours that are other than they were,
    `gone`: the beginnings of those that have been removed."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self._connection, self.number = connection, number
        self.changed: dict[int, Hour] = {}
        self.gone: list[int] = []

    def register(
        self,
        register: Register,
        identity: str,
        scale: int,
        *,
        agreed: bool = False,
        anew: bool = False,
        era: int | None = None,
    ) -> None:
        """Keep counters at their hour, and the hours they make with those before and after them.

        `anew`: they do not go on from those before them.

        Counters that are dated by the meter put right what an earlier clock, gone wrong, has dated later than
        them; `agreed`: the machine's clock says the same. Those that are not are kept only where they fit;
        `era`: by which clock they are dated.
        """
        self._put_right(register, identity, agreed)
        before, after = self._around(register.mark)
        if before and before.register.mark == register.mark and before.register.sure >= register.sure:
            return  # the first stays: a repetition says the same, a later list is of a later moment
        if before and before.register.mark == register.mark:
            before, _ = self._around(register.mark - 1)
        if not register.sure and after and _rose(after.register, register):
            return  # counters that have just come are newer than any that are known
        here = _Link(self._series(None if anew else before, register, after, identity), register)
        values = (self.number, register.mark, here.series, *_columns(register.energies), register.sure, era)
        self._connection.execute(_PUT_REGISTER, values)
        for one, other in ((before, here), (here, after)):
            if one and other and one.series == other.series:
                made = self._made(one.register.mark, other.register.mark)
                self.put(between(one.register, other.register, made, scale))

    def _put_right(self, register: Register, identity: str, agreed: bool) -> None:
        """Forget counters that were known before and yet are dated later, and the hours they made."""
        if not register.sure:
            return
        later = self._connection.execute(_LATER, (self.number, register.mark))
        links = [_Link(row[1], register_of(row)) for row in later.fetchall()]
        wrong = [
            link.register.mark
            for link in links
            if (agreed or not link.register.sure)
            and _rose(link.register, register)
            and self._is(link.series, identity)
        ]
        if not wrong:
            return
        marks = [(self.number, mark) for mark in wrong]
        self._connection.executemany("DELETE FROM register WHERE meter = ? AND t = ?", marks)
        held = f"SELECT t FROM hour WHERE meter = ? AND t >= ? AND t < ? AND basis <> {Basis.IMPORTED:d}"
        gone = self._connection.execute(held, (self.number, register.mark, max(wrong))).fetchall()
        self._forget([start for (start,) in gone])
        log.warning(
            "history: %d hours from %s on were dated by a clock that was wrong: they are removed",
            len(gone),
            datetime.fromtimestamp(register.mark, UTC).isoformat(),
        )

    def moved(self, begin: int, end: int) -> None:
        """Minutes from `begin` to before `end` were of another time: forget what was made of them.

        And the counters that were dated like them; what hours they are of shows when the next have come.
        """
        first, after = begin // HOUR_S * HOUR_S, end + HOUR_S
        self._connection.execute(
            "DELETE FROM register WHERE meter = ? AND t > ? AND t < ? AND NOT sure",
            (self.number, first, after),
        )
        self._doubt(first, after)

    def _doubt(self, begin: int, end: int) -> None:
        """Forget hours that rest on a clock which is no longer believed; power still tells what it made."""
        made = "SELECT t FROM hour WHERE meter = ? AND t >= ? AND t < ? AND basis IN (?, ?)"
        bases = Basis.ESTIMATED, Basis.UNCERTAIN
        starts = [t for (t,) in self._connection.execute(made, (self.number, begin, end, *bases))]
        self._forget(starts)
        for start in starts:
            self.minutes(start, ONE)

    def taken(self, era: int) -> list[tuple[Register, str]]:
        """Take the counters away that one clock has dated, and the hours they made: with whose they are."""
        where = "WHERE meter = ? AND NOT sure AND era = ?"
        rows = self._connection.execute(
            f"SELECT t, series, sure, {', '.join(COUNTERS)} FROM register {where} ORDER BY t",
            (self.number, era),
        ).fetchall()
        self._connection.execute(f"DELETE FROM register {where}", (self.number, era))
        for mark, *_ in rows:
            self._doubt(mark - HOUR_S, mark + HOUR_S)
        identity = "SELECT identity FROM series WHERE id = ?"
        return [
            (register_of(row), self._connection.execute(identity, (row[1],)).fetchone()[0]) for row in rows
        ]

    def again(self, before: Register, after: Register, scale: int) -> None:
        """Make the hours between two registers again, as what they were made of was wrong."""
        sql = "SELECT scale FROM hour WHERE meter = ? AND t = ?"
        known = self._connection.execute(sql, (self.number, before.mark)).fetchone()
        made = "SELECT t FROM hour WHERE meter = ? AND t >= ? AND t < ? AND basis <> ?"
        span = self.number, before.mark, after.mark, Basis.IMPORTED
        self._forget([start for (start,) in self._connection.execute(made, span)])
        power = self._made(before.mark, after.mark)
        self.put(between(before, after, power, known[0] if known else scale))

    def _forget(self, starts: list[int]) -> None:
        """Take hours away."""
        for start in starts:
            self._connection.execute("DELETE FROM hour WHERE meter = ? AND t = ?", (self.number, start))
            self.changed.pop(start, None)
        self.gone += starts
        journal.vacated(self._connection, "hour", self.number, starts)

    def minutes(self, start: int, scale: int) -> None:
        """More is known of power in the hour that begins at `start`.

        Until its registers are known it is what power made; then, only where the factor changed in it, the
        minutes tell by which of them each part goes.
        """
        made = self._made(start, start + HOUR_S).get(start)
        if made is None:
            return
        self.put([estimated(start, made, scale)])
        known = self._hour(start)
        if known and known.basis in MADE and (made.scaled is not None or made.scale != known.scale):
            before, after = self._around(start)
            if before and after and before.series == after.series:
                begin, end = before.register, after.register
                hours = between(begin, end, self._made(begin.mark, end.mark), known.scale)
                self.put([hour for hour in hours if hour.start == start])

    def adopt(self, hours: Sequence[Hour]) -> list[Conflict]:
        """Take hours from elsewhere where none is metered; those that were are returned beside them."""
        conflicts = []
        for hour in hours:
            known = self._hour(hour.start)
            if known and known.basis is Basis.METERED:
                conflicts.append(Conflict(known, hour))
            elif known and known.basis is hour.basis:  # import and export may come in a file each
                self.put([replace(hour, energies={**known.energies, **hour.energies})])
            else:
                self.put([hour])
        return conflicts

    def put(self, hours: Iterable[Hour]) -> None:
        """Write hours where they are at least as good as what is known."""
        for hour in hours:
            known = self._hour(hour.start)
            if known != hour and (known is None or replaces(hour.basis, known.basis)):
                values = (*_columns(hour.energies), *_columns(hour.drift))
                head = (self.number, hour.start, hour.basis, hour.scale)
                self._connection.execute(_PUT_HOUR, head + values)
                self.changed[hour.start] = hour

    def _hour(self, start: int) -> Hour | None:
        row = self._connection.execute(_HOUR, (self.number, start)).fetchone()
        return hour_of(*row) if row else None

    def _around(self, mark: int) -> list[_Link | None]:
        """The registers at or before a mark, and after it."""
        rows = [self._connection.execute(sql, (self.number, mark)).fetchone() for sql in (_BEFORE, _AFTER)]
        return [row and _Link(row[1], register_of(row)) for row in rows]

    def _series(self, before: _Link | None, register: Register, after: _Link | None, identity: str) -> int:
        """That of the register before or after, where the counters go on; else a new one."""
        if before and goes_on(before.register, register) and self._is(before.series, identity):
            return before.series
        if after and goes_on(register, after.register) and self._is(after.series, identity):
            return after.series
        cursor = self._connection.execute(
            "INSERT INTO series (meter, identity) VALUES (?, ?)", (self.number, identity)
        )
        return int(cursor.lastrowid or 0)

    def _is(self, series: int, identity: str) -> bool:
        """Whether counters are of the meter that a series is of; one that does not say may be any."""
        sql = "SELECT identity FROM series WHERE id = ?"
        (known,) = self._connection.execute(sql, (series,)).fetchone()
        return not known or not identity or known == identity

    def _made(self, begin: int, end: int) -> dict[int, Made]:
        """What power made in each hour of a period, by its minutes."""
        rows = self._connection.execute(_MADE, (self.number, begin, end))
        return {start: _together(list(some)) for start, some in groupby(rows, itemgetter(0))}


def register_of(row: tuple[int, ...]) -> Register:
    """A register from its row: mark, series, whether it is sure, counters."""
    mark, _, sure, *counters = row
    return Register(mark, _mapping(counters), bool(sure))


def goes_on(before: Register, after: Register) -> bool:
    """Whether one register can be of the same count as another before it."""
    return can_be_one_count(before.energies, after.energies, after.mark - before.mark)


def _rose(before: Register, after: Register) -> bool:
    """Whether counters went on from one register to another that came after it, and one of them grew."""
    return not begins_anew(before, after) and begins_anew(after, before)


def hour_of(start: int, basis: int, scale: int, *values: int | None) -> Hour:
    """An hour from the columns of its row."""
    used, drift = values[: len(ENERGIES)], values[len(ENERGIES) :]
    return Hour(start=start, energies=_mapping(used), basis=Basis(basis), drift=_mapping(drift), scale=scale)


def _together(parts: list[tuple[int | None, ...]]) -> Made:
    """What was made in an hour, of its parts with a factor each: start, factor, seconds, W s by energy."""
    covered_s = sum(part[2] or 0 for part in parts)
    made = _energies([(part[3:], 1) for part in parts], HOUR_S)
    scaled = _energies([(part[3:], part[1] or 0) for part in parts], HOUR_S * ONE) if len(parts) > 1 else None
    return Made(made, covered_s, parts[-1][1], scaled)


def _energies(parts: Sequence[tuple[Sequence[int | None], int]], per_wh: int) -> dict[Quantity, int]:
    """The sums of parts, W s each and a factor, in Wh to the nearest."""
    found: dict[Quantity, int] = {}
    for sums, factor in parts:
        for energy, total in zip(ENERGIES, sums, strict=True):
            if total is not None:
                found[energy] = found.get(energy, 0) + total * factor
    return {energy: (total + per_wh // 2) // per_wh for energy, total in found.items()}


def _columns(values: Mapping[Quantity, int]) -> tuple[int | None, ...]:
    return tuple(map(values.get, ENERGIES))


def _mapping(columns: Sequence[int | None]) -> dict[Quantity, int]:
    return {energy: value for energy, value in zip(ENERGIES, columns, strict=True) if value is not None}
