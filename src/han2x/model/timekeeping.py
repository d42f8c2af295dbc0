"""When a telegram was sent: by the meter's own clock, the machine's, and how time has passed since. Pure.

The meter's clock decides; the machine's is a witness that settles what a civil clock leaves open, and stands
in for a clock that is missing or was never set. What rests on the machine's clock alone, or on a guess, is
told apart (`Dated.sure`). Once the meter has spoken, monotonic time carries its time on, so that a machine's
clock that is wrong or jumps moves nothing.
"""

from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from .. import RELEASED
from .hour import HOUR_S
from .instant import Instant
from .reading import MeterClock, TimeBase

NEAR_S = 90
"""Two clocks so near each other agree; Kamstrup sends up to 60 s late (han-port sheet 4.3)."""

WATCHED_S = 60
"""A machine's clock nearer than this to the meter's is right, and is followed in its small corrections."""

SETTLED_S = 2 * HOUR_S
"""After so long, a meter's clock that has been set to another time is believed."""

FIRST_S = int(datetime.fromisoformat(RELEASED).replace(tzinfo=UTC).timestamp())
LAST_S = FIRST_S + 30 * 366 * 86_400
"""A clock that shows a time before the program's release, or so long after it, is not set."""

AGREED_FIRST_S = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp())
"""Two clocks that agree are right, as in a recording of old telegrams; but not at times of unset ones."""

_EPOCH = datetime(1970, 1, 1)


class Dated(NamedTuple):
    """A moment, Unix seconds. `sure`: the meter's clock says so. `agreed`: and the machine's too."""

    at_s: int
    sure: bool
    agreed: bool = False


def is_set(at_s: int) -> bool:
    """Whether a clock that shows this (Unix seconds) can have been set."""
    return FIRST_S <= at_s < LAST_S


def dated(clock: MeterClock | None, now_s: int, zone: tzinfo, *, known: bool = False) -> Dated:
    """When a list with this clock was sent.

    `now_s`: its arrival, Unix seconds, by the machine's clock; `known`: by the meter's, as heard before.
    `zone`: that of a civil clock. Of an hour that comes twice in autumn, the one nearer to `now_s` is meant,
    and that is sure only where `now_s` is known. An hour more than expected is summer time on a clock that
    should have none, but only while summer time lasts; that stays a guess.
    """
    if clock is None:
        return Dated(now_s, known)
    at_s, doubled = _meant(clock, now_s, zone)
    sure = known or not doubled
    if abs(at_s - now_s) <= NEAR_S and at_s >= AGREED_FIRST_S:
        return Dated(at_s, sure, sure)
    if not clock.valid or not is_set(at_s):
        return Dated(now_s, known)
    if clock.base is TimeBase.STANDARD and _an_hour(at_s - now_s) and _is_summer(at_s - HOUR_S, zone):
        return Dated(at_s - HOUR_S, False)
    behind = clock.base is TimeBase.CIVIL and _an_hour(now_s - at_s) and _is_summer(at_s, zone)
    return Dated(at_s, sure and not behind)


def _meant(clock: MeterClock, now_s: int, zone: tzinfo) -> tuple[int, bool]:
    """What a clock shows, Unix seconds, and whether it may have shown the same an hour before or after."""
    if clock.base is TimeBase.STANDARD:
        return int((clock.local - _EPOCH).total_seconds()) - HOUR_S, False
    try:
        times = [int(clock.local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)]
    except (OverflowError, ValueError):
        return 0, False  # the year 1 or 9999: not set
    return min(times, key=lambda time: abs(time - now_s)), times[0] < times[1]


def _an_hour(seconds: int) -> bool:
    return abs(seconds - HOUR_S) <= NEAR_S


def _is_summer(at_s: int, zone: tzinfo) -> bool:
    return bool(datetime.fromtimestamp(at_s, zone).dst())


class Timekeeper:
    """What time it is for one meter; `zone` is that of a civil clock.

    `known`: the meter's clock has told, and has not been contradicted by itself since.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._ahead_ms: int | None = None  # of monotonic time
        self._strayed: Instant | None = None  # when the meter's clock first showed another time, and which
        self.known = False

    @property
    def told(self) -> bool:
        """Whether the meter's clock has ever told."""
        return self._ahead_ms is not None

    def now(self, now: Instant) -> Instant:
        """A moment with the best time there is for it, Unix ms."""
        if self._ahead_ms is None:
            return now
        unix_ms = now.mono_ms + self._ahead_ms
        return now if abs(now.unix_ms - unix_ms) <= WATCHED_S * 1000 else now._replace(unix_ms=unix_ms)

    def heard(self, clock: MeterClock | None, at: Instant) -> Dated:
        """When a list was sent whose clock, if it has one, was true `at` this moment; learns from it."""
        now = self.now(at)
        found = dated(clock, now.unix_ms // 1000, self._zone, known=self.known)
        if clock is None or not found.sure:
            return found
        if self.known and abs(found.at_s * 1000 - now.unix_ms) > NEAR_S * 1000:
            return self._stray(found, now, at)
        self._learn(found, at)
        return found._replace(agreed=abs(found.at_s * 1000 - at.unix_ms) <= NEAR_S * 1000)

    def stepped(self) -> bool:
        """The machine's clock was set, or the machine slept: the meter has to tell the time again.

        True where there is no other than the machine's yet, so that its new time is the better one.
        """
        self.known = False
        return self._ahead_ms is None

    def _learn(self, found: Dated, at: Instant) -> None:
        near = abs(found.at_s * 1000 - at.unix_ms) <= WATCHED_S * 1000
        self._ahead_ms = (at.unix_ms if near else found.at_s * 1000) - at.mono_ms
        self._strayed, self.known = None, True

    def _stray(self, found: Dated, now: Instant, at: Instant) -> Dated:
        """The meter's clock shows another time than it should.

        The machine's decides, if that was right so far, and else two more hours.

        An earlier time may at first be that of a list that comes late, and is taken for that.
        """
        if abs(found.at_s * 1000 - at.unix_ms) <= NEAR_S * 1000:
            self._learn(found, at)
            return found._replace(agreed=True)
        if self._strayed is None:
            self._strayed = Instant(found.at_s * 1000, at.mono_ms)
        passed_ms = at.mono_ms - self._strayed.mono_ms
        steady = abs(found.at_s * 1000 - self._strayed.unix_ms - passed_ms) <= NEAR_S * 1000
        if not steady:
            self._strayed = Instant(found.at_s * 1000, at.mono_ms)
        elif passed_ms >= SETTLED_S * 1000 and now.unix_ms != at.unix_ms:
            self._learn(found, at)
            return found
        late = found.at_s * 1000 < now.unix_ms and not (steady and passed_ms)
        return Dated(found.at_s if late else now.unix_ms // 1000, False)
