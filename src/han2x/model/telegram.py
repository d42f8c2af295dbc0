"""One telegram as it came, for those who pass it on or show it octet by octet."""

from typing import NamedTuple

from .instant import Instant
from .reading import Reading


class Telegram(NamedTuple):
    """`octets` with flags and checksums, arrived at `at`; `reading`, or None for the `reason` given.

    `whole`: its checksums are right; else it is what came of a damaged one. `kind`: of the reason, one of
    `wire.result.Kind`, "" where there is a reading.
    """

    at: Instant
    octets: bytes
    reading: Reading | None
    reason: str = ""
    whole: bool = True
    kind: str = ""
