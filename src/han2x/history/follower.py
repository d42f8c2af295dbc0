"""One meter's snapshots to what is to be kept: rows as periods end, the counters of each full hour. Pure."""

from datetime import tzinfo
from typing import Protocol

from ..model.estimate import HOLD_MS
from ..model.hours import Register, hour_mark
from ..model.instant import Instant
from ..model.quantity import ENERGIES
from ..model.state import Snapshot
from .batch import Mark
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


class Follower:
    """Follows one meter from the snapshot it is made with: `take` is a watcher of the meter's cell.

    `zone`: that of a meter's clock that runs on civil time.
    """

    def __init__(self, name: str, snapshot: Snapshot, sink: Sink, zone: tzinfo) -> None:
        self.name = name
        self._sink, self._zone = sink, zone
        self._recorder = Recorder()
        self._last: Instant | None = None
        self._counters = _counters(snapshot)
        self._marked: int | None = None
        if snapshot.last and snapshot.clock and snapshot.clock.local == snapshot.energies_clock:
            self._mark(snapshot, snapshot.last)  # they came before anyone followed, while we were starting

    def take(self, snapshot: Snapshot) -> None:
        """A telegram has come."""
        if snapshot.last is None:
            return
        self._last = snapshot.last
        if rows := self._recorder.take(snapshot, snapshot.last, self._scale()):
            self._sink.add_rows(self.name, rows)
        counters = _counters(snapshot)
        if counters != self._counters:
            self._counters = counters
            self._mark(snapshot, snapshot.last)

    def settle(self, now: Instant) -> None:
        """A meter that has fallen silent leaves no period open."""
        if self._last and now.mono_ms - self._last.mono_ms > SILENT_MS:
            self.end(now)

    def end(self, now: Instant) -> None:
        """Nothing more is expected for now."""
        self._last = None
        self._sink.add_rows(self.name, self._recorder.close(now, self._scale()))

    def _scale(self) -> int:
        return self._sink.scale(self.name)

    def _mark(self, snapshot: Snapshot, now: Instant) -> None:
        clock = snapshot.clock
        if clock and clock.local != snapshot.energies_clock:
            clock = None  # it is of another list than the counters
        mark = hour_mark(clock, now.unix_ms // 1000, self._zone)
        if mark is not None and mark != self._marked:
            self._marked = mark
            energies = {energy: snapshot.values[energy] for energy in ENERGIES if energy in snapshot.values}
            identity = snapshot.identity.meter_id or ""
            self._sink.add_mark(Mark(self.name, identity, Register(mark, energies), self._scale()))


def _counters(snapshot: Snapshot) -> tuple[object, ...]:
    """What changes when new counters have come: their clock, or a counter."""
    return (snapshot.energies_clock, *map(snapshot.values.get, ENERGIES))
