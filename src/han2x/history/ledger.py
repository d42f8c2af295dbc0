"""One meter's counters and hours in the history file: what a register makes of the hours around it.

Works inside a transaction of someone else's. A series is the unbroken run of one meter's counters: hours
are made inside a series only, so that a changed meter or a counter that began anew makes none.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..model.hour import HOUR_S, Basis, Hour
from ..model.hours import Made, Register, begins_anew, between, estimated, replaces
from ..model.quantity import ENERGIES, POWER_OF_ENERGY, Quantity
from .batch import Conflict
from .schema import COLUMNS, COUNTERS, DRIFTS

_POWERS = tuple(COLUMNS[POWER_OF_ENERGY[energy]] for energy in ENERGIES)
_PUT_HOUR = f"INSERT OR REPLACE INTO hour VALUES ({', '.join('?' * (4 + len(COUNTERS) + len(DRIFTS)))})"
_PUT_REGISTER = f"INSERT INTO register VALUES ({', '.join('?' * (3 + len(COUNTERS)))})"
_HOUR = f"SELECT t, basis, scale, {', '.join(COUNTERS + DRIFTS)} FROM hour WHERE meter = ? AND t = ?"
_REGISTER = f"SELECT t, series, {', '.join(COUNTERS)} FROM register WHERE meter = ? AND t"
_BEFORE = f"{_REGISTER} <= ? ORDER BY t DESC LIMIT 1"
_AFTER = f"{_REGISTER} > ? ORDER BY t LIMIT 1"
_MADE = (
    "SELECT t / 3600 * 3600, sum(covered), "
    + ", ".join(f"sum({power} * covered)" for power in _POWERS)
    + " FROM minute WHERE meter = ? AND t >= ? AND t < ? AND p_pos IS NOT NULL GROUP BY 1"
)


class _Link(NamedTuple):
    """A register and the series it belongs to."""

    series: int
    register: Register


class Ledger:
    """The counters and hours of the meter with a number; `changed`: hours that are other than they were."""

    def __init__(self, connection: sqlite3.Connection, number: int) -> None:
        self._connection, self._number = connection, number
        self.changed: dict[int, Hour] = {}

    def register(self, register: Register, identity: str, scale: int) -> None:
        """Keep counters at their hour, and the hours they make with those before and after them."""
        before, after = self._around(register.mark)
        if before and before.register.mark == register.mark:
            return  # the first stays: a repetition says the same, a later list is of a later moment
        here = _Link(self._series(before, register, after, identity), register)
        values = (self._number, register.mark, here.series, *_columns(register.energies))
        self._connection.execute(_PUT_REGISTER, values)
        for one, other in ((before, here), (here, after)):
            if one and other and one.series == other.series:
                made = self._made(one.register.mark, other.register.mark)
                self.put(between(one.register, other.register, made, scale))

    def estimate(self, start: int, scale: int) -> None:
        """What power made so far of the hour that begins at `start`, until its registers are known."""
        if made := self._made(start, start + HOUR_S):
            self.put([estimated(start, made[start], scale)])

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
                head = (self._number, hour.start, hour.basis, hour.scale)
                self._connection.execute(_PUT_HOUR, head + values)
                self.changed[hour.start] = hour

    def _hour(self, start: int) -> Hour | None:
        row = self._connection.execute(_HOUR, (self._number, start)).fetchone()
        return hour_of(*row) if row else None

    def _around(self, mark: int) -> list[_Link | None]:
        """The registers at or before a mark, and after it."""
        rows = [self._connection.execute(sql, (self._number, mark)).fetchone() for sql in (_BEFORE, _AFTER)]
        return [row and _Link(row[1], Register(row[0], _mapping(row[2:]))) for row in rows]

    def _series(self, before: _Link | None, register: Register, after: _Link | None, identity: str) -> int:
        """That of the register before or after, where the counters go on; else a new one."""
        if before and not begins_anew(before.register, register) and self._is(before.series, identity):
            return before.series
        if after and not begins_anew(register, after.register) and self._is(after.series, identity):
            return after.series
        cursor = self._connection.execute(
            "INSERT INTO series (meter, identity) VALUES (?, ?)", (self._number, identity)
        )
        return int(cursor.lastrowid or 0)

    def _is(self, series: int, identity: str) -> bool:
        """Whether counters are of the meter that a series is of; one that does not say may be any."""
        sql = "SELECT identity FROM series WHERE id = ?"
        (known,) = self._connection.execute(sql, (series,)).fetchone()
        return not known or not identity or known == identity

    def _made(self, begin: int, end: int) -> dict[int, Made]:
        """What power made in each hour of a period, by its minutes."""
        rows = self._connection.execute(_MADE, (self._number, begin, end))
        return {start: Made(_energies(sums), covered_s) for start, covered_s, *sums in rows}


def hour_of(start: int, basis: int, scale: int, *values: int | None) -> Hour:
    """An hour from the columns of its row."""
    used, drift = values[: len(ENERGIES)], values[len(ENERGIES) :]
    return Hour(start=start, energies=_mapping(used), basis=Basis(basis), drift=_mapping(drift), scale=scale)


def _energies(sums: Sequence[int | None]) -> dict[Quantity, int]:
    """W s to Wh, to the nearest."""
    known = zip(ENERGIES, sums, strict=True)
    return {energy: (total + HOUR_S // 2) // HOUR_S for energy, total in known if total is not None}


def _columns(values: Mapping[Quantity, int]) -> tuple[int | None, ...]:
    return tuple(map(values.get, ENERGIES))


def _mapping(columns: Sequence[int | None]) -> dict[Quantity, int]:
    return {energy: value for energy, value in zip(ENERGIES, columns, strict=True) if value is not None}
