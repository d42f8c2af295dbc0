"""One meter's snapshots to what is to be kept: rows as periods end, the counters of each full hour. Pure."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Protocol

from ..model.estimate import HOLD_MS
from ..model.hours import Register, mark_at
from ..model.instant import Instant
from ..model.quantity import ENERGIES, Quantity
from ..model.reading import MeterClock, TimeBase
from ..model.state import Snapshot
from ..model.timekeeping import WATCHED_S, Dated, Timekeeper, is_set
from .batch import Mark, Move
from .rows import MINUTE_S, Recorder, Row, shifted

SILENT_MS = 2 * HOLD_MS
WAITING_MAX = 9000
"""Rows that wait for a meter to tell the time: those of a day."""


class Sink(Protocol):
    """Where it goes, and what scale factor is in force."""

    def scale(self, meter: str) -> int:
        """The factor of a meter, in thousandths."""

    def add_rows(self, meter: str, rows: list[Row]) -> None:
        """Rows that can wait for the next write."""

    def add_mark(self, mark: Mark) -> None:
        """Counters, which are to be written at once."""

    def add_move(self, move: Move) -> None:
        """What is now known of when rows were, that were handed over before."""


class Follower:
    """Follows one meter from the snapshot it is made with: `take` is a watcher of the meter's cell.

    `zone`: that of a meter's clock that runs on civil time. Rows are dated by the machine's clock until the
    meter has told the time, and put right then; those of a machine's clock that was never set wait for it.
    """

    def __init__(self, name: str, snapshot: Snapshot, sink: Sink, zone: tzinfo) -> None:
        self.name = name
        self._sink = sink
        self._zone = zone
        self._time = Timekeeper(zone)
        self._recorder = Recorder()
        self._last: Instant | None = None
        self._received = 0
        self._clock: MeterClock | None = None
        self._doubt: tuple[int, int] | None = None
        self._waiting: deque[Row] = deque(maxlen=WAITING_MAX)
        self._counters: tuple[object, ...] = _counters(snapshot)
        self._marked: Register | None = None
        self._anew = False
        if snapshot.last and snapshot.clock and snapshot.clock.local == snapshot.energies_clock:
            self._counters = ()
            self._hear(snapshot, snapshot.last)  # they came before anyone followed, while we were starting

    def take(self, snapshot: Snapshot) -> None:
        """A telegram has come."""
        now = snapshot.last
        if now is None or snapshot.received == self._received:
            return
        self._received = snapshot.received
        if self._last and abs(_ahead_ms(now) - _ahead_ms(self._last)) > WATCHED_S * 1000:
            self._stepped(_ahead_ms(now) - _ahead_ms(self._last))
        self._last = now
        self._hear(snapshot, now)
        self._add(self._recorder.take(snapshot, self._time.now(now), self._scale()))

    def told_s(self, now: Instant) -> int | None:
        """The time by the meter, Unix seconds, or by the machine if that is earlier; None if not known."""
        return min(now.unix_ms, self._time.now(now).unix_ms) // 1000 if self._time.known else None

    def rescale(self, now: Instant, scale: int) -> None:
        """Another factor is in force; `scale`: the one till now."""
        if self._last:
            self._add(self._recorder.hold(self._time.now(now), scale))

    def settle(self, now: Instant) -> None:
        """A meter that has fallen silent leaves no period open."""
        if self._last and now.mono_ms - self._last.mono_ms > SILENT_MS:
            self.end(now)

    def end(self, now: Instant) -> None:
        """Nothing more is expected for now."""
        self._last = None
        self._cut(now)

    def _scale(self) -> int:
        return self._sink.scale(self.name)

    def _cut(self, now: Instant) -> None:
        """End the open periods, as what follows is of another time."""
        self._add(self._recorder.close(self._time.now(now), self._scale()))

    def _add(self, rows: list[Row]) -> None:
        """Hand rows over; what may be of another time is marked, what must be is kept until it is known."""
        if not self._time.known:
            rows = [row._replace(sure=False) for row in rows]
            self._waiting.extend(row for row in rows if not is_set(row.start))
            rows = [row for row in rows if is_set(row.start)]
            for row in rows:
                begin, end = self._doubt or (row.start, row.start)
                self._doubt = min(begin, row.start), max(end, row.start + row.span_s)
        if rows:
            self._sink.add_rows(self.name, rows)

    def _hear(self, snapshot: Snapshot, now: Instant) -> None:
        """Learn the time from a telegram's clock, and date its counters by it."""
        counters = _counters(snapshot)
        is_new = counters != self._counters
        clock = snapshot.clock if snapshot.clock is not self._clock else None
        if clock is None and not is_new:
            return
        self._clock, self._counters = snapshot.clock, counters
        if clock and is_new and clock.local != snapshot.energies_clock:
            clock = None  # it is of another list than the counters
        before, was_known = self._time.now(now), self._time.known
        sent = self._time.heard(clock, snapshot.clock_at or now if clock else now)
        by_ms = self._time.now(now).unix_ms - before.unix_ms
        if self._time.known and (by_ms or not was_known):
            self._moved(by_ms, before, now)
        if is_new:
            self._mark(snapshot, sent)

    def _stepped(self, by_ms: int) -> None:
        """The machine's clock was set. Until the meter has told the time, that is the better one."""
        assert self._last
        self._cut(self._last)
        if self._time.stepped():
            self._redate(by_ms)

    def _moved(self, by_ms: int, before: Instant, now: Instant) -> None:
        """The time was another than was thought."""
        if abs(by_ms) > WATCHED_S * 1000 and self._last:
            rows = self._recorder.close(before, self._scale())
            self._waiting.extend(row._replace(sure=False) for row in rows)
        self._redate(by_ms)

    def _redate(self, by_ms: int) -> None:
        """Put right what was handed over and may be of another time, and hand over what has waited."""
        by_s = round(by_ms / 1000) if abs(by_ms) > WATCHED_S * 1000 else 0
        doubt, self._doubt = self._doubt, None
        waiting = [shifted(row, by_s, sure=self._time.known) for row in self._waiting]
        self._waiting.clear()
        if doubt:
            self._sink.add_move(Move(self.name, *doubt, by_s, self._time.known))
            if not self._time.known:
                self._doubt = doubt[0] + by_s - MINUTE_S, doubt[1] + by_s + MINUTE_S
        self._add(waiting)

    def _mark(self, snapshot: Snapshot, at: Dated) -> None:
        """Hand counters over; before them those that were held back, and that they go on from."""
        if snapshot.confirmed:
            self._anew = True
            clock, held_clock = snapshot.energies_clock, snapshot.confirmed_clock
            if at.sure and clock and held_clock and snapshot.clock:
                passed_s = _passed_s(held_clock, clock, snapshot.clock, self._zone)
                self._hand_over(snapshot, snapshot.confirmed, at._replace(at_s=at.at_s - passed_s))
        energies = {energy: snapshot.values[energy] for energy in ENERGIES if energy in snapshot.values}
        self._hand_over(snapshot, energies, at)

    def _hand_over(self, snapshot: Snapshot, energies: Mapping[Quantity, int], at: Dated) -> None:
        mark = mark_at(at.at_s)
        if mark is None or not (at.sure or is_set(mark)):
            return
        register = Register(mark, energies, at.sure)
        if self._marked is None or self._marked.mark != mark or self._marked.sure < at.sure:
            self._marked = register
            identity = snapshot.identity.meter_id or ""
            self._sink.add_mark(Mark(self.name, identity, register, self._scale(), at.agreed, self._anew))
            self._anew = False


def _ahead_ms(now: Instant) -> int:
    return now.unix_ms - now.mono_ms


def _passed_s(before: datetime, after: datetime, clock: MeterClock, zone: tzinfo) -> int:
    """The time between two moments of a meter's clock; of an hour that comes twice the first is meant."""
    if clock.base is TimeBase.STANDARD:
        return int((after - before).total_seconds())
    moments = (moment.replace(tzinfo=zone).timestamp() for moment in (before, after))
    return -int(next(moments) - next(moments))


def _counters(snapshot: Snapshot) -> tuple[object, ...]:
    """What changes when new counters have come: their clock, or a counter."""
    return (snapshot.energies_clock, *map(snapshot.values.get, ENERGIES))
