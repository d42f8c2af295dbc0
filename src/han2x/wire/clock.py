"""The 12 octets of a COSEM date-time (Blue Book 4.1.6.1; han-port sheet 3.4).

Only the naive local time and the validity bits are used: Nordic meters fill day of week, deviation and
the daylight-saving bit each in their own way.
"""

from datetime import datetime
from typing import NamedTuple

NOT_SPECIFIED = 0xFF
DOUBTFUL = 0x03  # bit 0 invalid, bit 1 doubtful


class CosemTime(NamedTuple):
    """Naive local time as sent, and whether the clock status says that it is good."""

    local: datetime
    valid: bool


def cosem_time(octets: bytes) -> CosemTime | None:
    """The time in 12 octets; None where it is not specified or impossible."""
    if len(octets) != 12:
        return None
    year = octets[0] << 8 | octets[1]
    second = octets[7] if octets[7] != NOT_SPECIFIED else 0
    try:
        local = datetime(year, octets[2], octets[3], octets[5], octets[6], second)
    except ValueError:
        return None
    status = octets[11]
    return CosemTime(local, status == NOT_SPECIFIED or not status & DOUBTFUL)
