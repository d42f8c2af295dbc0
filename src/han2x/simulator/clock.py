"""A meter's clock: from UTC to what a Norwegian meter shows, and its twelve octets.

Kaifa runs on civil time, Aidon and Kamstrup on standard time all year (han-port sheet 3.4). The European
rule for summer time is written out here, so that no time zone database has to be installed.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from struct import Struct
from typing import NamedTuple

from ..model.reading import TimeBase

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_EPOCH = datetime(1970, 1, 1)
_OCTETS = Struct(">HBBBBBBBHB")


class ClockStyle(NamedTuple):
    """How a vendor fills a date-time: time base, the octet for Sunday, deviation, clock status."""

    base: TimeBase
    sunday: int
    deviation: int
    status: int = 0


def unix_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware moment; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("the start needs its time zone")
    return (moment.astimezone(UTC).replace(tzinfo=None) - _EPOCH) // timedelta(milliseconds=1)


def local_time(at_ms: int, base: TimeBase) -> datetime:
    """The naive local time at a UTC moment (ms since 1970)."""
    summer = base is TimeBase.CIVIL and is_summer(at_ms)
    return _EPOCH + timedelta(milliseconds=at_ms + (2 * HOUR_MS if summer else HOUR_MS))


def is_summer(at_ms: int) -> bool:
    """Whether summer time holds: from the last Sunday of March to that of October, both at 01:00 UTC."""
    # A switch never falls near new year, so the year of a mean length is near enough but for that day.
    begins, ends = _summer(1970 + at_ms // 31_556_952_000)
    return begins <= at_ms < ends


@cache
def _summer(year: int) -> tuple[int, int]:
    return _last_sunday(year, 3), _last_sunday(year, 10)


def _last_sunday(year: int, month: int) -> int:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return unix_ms(last - timedelta(days=last.isoweekday() % 7))


def octets(local: datetime, style: ClockStyle) -> bytes:
    """The twelve octets of a COSEM date-time (Blue Book 4.1.6.1); hundredths are never specified."""
    weekday = local.isoweekday()
    return _OCTETS.pack(
        local.year,
        local.month,
        local.day,
        style.sunday if weekday == 7 else weekday,
        local.hour,
        local.minute,
        local.second,
        0xFF,
        style.deviation,
        style.status,
    )
