"""One log line per minute about what strangers can cause again and again, with a count of those left out."""

import logging
from collections.abc import Callable

QUIET_S = 60.0


class RateLimitedLog:
    """`clock`: seconds that never jump."""

    def __init__(self, log: logging.Logger, *, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._told: float | None = None
        self._untold = 0

    def warning(self, text: str) -> None:
        """Write a line, or count it."""
        now = self._clock()
        if self._told is not None and now - self._told < QUIET_S:
            self._untold += 1
            return
        more = f", and {self._untold} more since the last such line" if self._untold else ""
        self._log.warning("%s%s", text, more)
        self._told, self._untold = now, 0
