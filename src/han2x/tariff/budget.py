"""The running hour: what it has used, what it will come to, and what may be drawn for the rest of it."""

from dataclasses import dataclass

HOUR_MS = 3_600_000

GUARD_MS = 60_000
"""The rest of an hour counts as no less, or its last seconds would allow any power at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the running hour has gone, from the meter's registers and powers; energies in Wh, scaled.

    `elapsed_ms`: since the hour's mark. `used`: imported since then. `gap_ms`: of that time, how long no
    power was known. `power`: recent mean power in W. `rests_on_ms`: how long a time it is the mean of;
    0 where it is the latest power alone. `passing`: W of it that last for `passing_ms` more only.
    """

    elapsed_ms: int
    used: int
    gap_ms: int
    power: int
    rests_on_ms: int
    passing: int = 0
    passing_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The running hour and its limit.

    `forecast`: Wh the hour will come to if the recent mean power stays (`pace.power`; a time without
    telegrams counts with it too). `limit`: Wh that the hour may have, None without a limit. `left`: W that
    may be drawn on average for the rest of the hour without passing it, below 0 where it is passed.
    """

    pace: Pace
    rest_s: int
    forecast: int
    limit: int | None = None
    left: int | None = None

    @property
    def used(self) -> int:
        """Wh imported in this hour so far."""
        return self.pace.used


def budget(pace: Pace, limit: int | None) -> Budget:
    """What is left of a limit in Wh for the running hour."""
    rest_ms = max(0, HOUR_MS - pace.elapsed_ms)
    sure = pace.used + pace.power * pace.gap_ms // HOUR_MS
    return Budget(
        pace=pace,
        rest_s=rest_ms // 1000,
        forecast=sure + _rest(pace, rest_ms),
        limit=limit,
        left=None if limit is None else (limit - sure) * HOUR_MS // max(rest_ms, GUARD_MS),
    )


def _rest(pace: Pace, rest_ms: int) -> int:
    """Wh that the rest of the hour is expected to take."""
    passed_ms = max(0, rest_ms - pace.passing_ms)
    return (pace.power * rest_ms - pace.passing * passed_ms) // HOUR_MS
