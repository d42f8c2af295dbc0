"""What time it is by the meters' clocks, for whatever days, months and prices go by.

A machine without a battery for its clock, or without a time server, may be days or years off, and the meters
are set by the grid company. Until one has told, and for as long as they agree, the machine's clock is used.
"""

from collections.abc import Callable
from datetime import tzinfo
from zoneinfo import ZoneInfo

from ..model.instant import Instant
from ..model.reading import Reading
from ..model.timekeeping import WATCHED_S, Timekeeper


class MeterTime:
    """The time by each meter; `zone_name`: that of clocks that run on civil time, as it is set now."""

    def __init__(self, zone_name: Callable[[], str]) -> None:
        self._zone_name = zone_name
        self._zone: tuple[str, tzinfo] | None = None
        self._keepers: dict[str, Timekeeper] = {}
        self._ahead_ms: int | None = None

    def received(self, meter: str, reading: Reading, now: Instant) -> None:
        """Learn from a reading that came at `now`."""
        self._watch(now)
        if reading.clock:
            self._keeper(meter).heard(reading.clock, now.plus_ms(-reading.mark_age_ms))

    def now(self, now: Instant, meter: str | None = None) -> Instant:
        """A moment with the time by a meter; by the first that has told, if that one has not."""
        keeper = self._keepers.get(meter) if meter else None
        told = (one for one in self._keepers.values() if one.told)
        best = keeper if keeper and keeper.told else next(told, None)
        return best.now(now) if best else now

    def _keeper(self, meter: str) -> Timekeeper:
        name = self._zone_name()
        if self._zone is None or self._zone[0] != name:
            self._zone = name, ZoneInfo(name)
            self._keepers.clear()
        return self._keepers.setdefault(meter, Timekeeper(self._zone[1]))

    def _watch(self, now: Instant) -> None:
        """A machine's clock that was set, or a machine that slept: the meters have to tell again."""
        ahead_ms, before = now.unix_ms - now.mono_ms, self._ahead_ms
        self._ahead_ms = ahead_ms
        if before is not None and abs(ahead_ms - before) > WATCHED_S * 1000:
            for keeper in self._keepers.values():
                keeper.stepped()
