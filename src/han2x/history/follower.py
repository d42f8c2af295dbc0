"""One meter's snapshots to what is to be kept: rows as periods end, the counters of each full hour. Pure."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Protocol

from ..model.estimate import HOLD_MS
from ..model.hours import Register, mark_at
from ..model.instant import Instant
from ..model.quantity import ENERGIES, Quantity
from ..model.reading import MeterClock, TimeBase
from ..model.state import Snapshot
from ..model.timekeeping import NEAR_S, WATCHED_S, Dated, Timekeeper, is_set
from .batch import Mark, Move
from .rows import Recorder, Row

SILENT_MS = 2 * HOLD_MS


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
    meter has told the time; they say so, and are put right then, those of an earlier process too.
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
        self._era_s: int | None = None
        self._settled = False
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
        self._add(self._recorder.take(snapshot, self._time.now(now), self._scale()), now)

    def told_s(self, now: Instant) -> int | None:
        """The time by the meter, Unix seconds, or by the machine if that is earlier; None if not known."""
        return min(now.unix_ms, self._time.now(now).unix_ms) // 1000 if self._time.known else None

    def rescale(self, now: Instant, scale: int) -> None:
        """Another factor is in force; `scale`: the one till now."""
        if self._last:
            self._add(self._recorder.hold(self._time.now(now), scale), now)

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
        self._add(self._recorder.close(self._time.now(now), self._scale()), now)

    def _add(self, rows: list[Row], now: Instant) -> None:
        """Hand rows over; those that may be of another time say by which clock they are dated."""
        if not self._time.known:
            rows = self._doubted(rows, self._time.now(now))
        if rows:
            self._sink.add_rows(self.name, rows)

    def _doubted(self, rows: list[Row], now: Instant) -> list[Row]:
        ahead_s = self._era(now)
        return [row._replace(sure=False, ahead_s=ahead_s) for row in rows]

    def _era(self, now: Instant) -> int:
        """How far the clock is ahead that dates what is to be put right; set by little it stays the same."""
        ahead_s = _ahead_ms(now) // 1000
        if self._era_s is None or abs(ahead_s - self._era_s) > WATCHED_S:
            self._era_s = ahead_s
        self._settled = False
        return self._era_s

    def _ahead_of(self, at: Dated, now: Instant) -> int | None:
        """The same for counters, where it is that clock which has dated them."""
        best = self._time.now(now)
        return self._era(best) if abs(best.unix_ms // 1000 - at.at_s) <= NEAR_S else None

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
            self._mark(snapshot, sent, now)

    def _stepped(self, by_ms: int) -> None:
        """The machine's clock was set. Until the meter has told the time, that is the better one."""
        assert self._last
        self._cut(self._last)
        if self._time.stepped() and self._era_s is not None:
            before_s, self._era_s = self._era_s, self._era_s + round(by_ms / 1000)
            self._sink.add_move(Move(self.name, before_s, self._era_s, False, 0))

    def _moved(self, by_ms: int, before: Instant, now: Instant) -> None:
        """The meter has told the time, and it was another than was thought if `by_ms` is large."""
        if abs(by_ms) > WATCHED_S * 1000 and self._last:
            rows = self._recorder.close(before, self._scale())
            self._sink.add_rows(self.name, self._doubted(rows, before))
        if not self._settled:
            told = self._time.now(now)
            self._sink.add_move(Move(self.name, None, _ahead_ms(told) // 1000, True, told.unix_ms // 1000))
            self._settled, self._era_s = True, None

    def _mark(self, snapshot: Snapshot, at: Dated, now: Instant) -> None:
        """Hand counters over; before them those that were held back, and that they go on from."""
        if snapshot.confirmed:
            self._anew = True
            clock, held_clock = snapshot.energies_clock, snapshot.confirmed_clock
            if at.sure and clock and held_clock and snapshot.clock:
                passed_s = _passed_s(held_clock, clock, snapshot.clock, self._zone)
                self._hand_over(snapshot, snapshot.confirmed, at._replace(at_s=at.at_s - passed_s), now)
        energies = {energy: snapshot.values[energy] for energy in ENERGIES if energy in snapshot.values}
        self._hand_over(snapshot, energies, at, now)

    def _hand_over(
        self, snapshot: Snapshot, energies: Mapping[Quantity, int], at: Dated, now: Instant
    ) -> None:
        mark = mark_at(at.at_s)
        if mark is None or not (at.sure or is_set(mark)):
            return
        register = Register(mark, energies, at.sure)
        if self._marked is None or self._marked.mark != mark or self._marked.sure < at.sure:
            self._marked = register
            identity = snapshot.identity.meter_id or ""
            ahead_s = None if at.sure else self._ahead_of(at, now)
            self._sink.add_mark(
                Mark(self.name, identity, register, self._scale(), at.agreed, self._anew, ahead_s)
            )
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
