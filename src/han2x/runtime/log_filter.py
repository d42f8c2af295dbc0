"""Keeps the log small for years: what repeats is said once an hour, and no fault can write without end.

An adapter that is missing is tried every two seconds, a master may write a factor every second: each is worth
a line, and not forty thousand a day.
"""

import logging
from collections.abc import Callable

AGAIN_S = 3600.0
TEXTS_MAX = 256
BURST, REFILL_S = 200, 10.0
"""So many lines at once, and one more every ten seconds: a megabyte a day at the very most."""

AUDIT = {"audit": True}
"""`extra` of a line that says who changed what."""


class LogFilter(logging.Filter):
    """A filter for a handler. `clock`: seconds that never jump."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[str, tuple[float, int]] = {}
        self._left, self._filled = float(BURST), clock()
        self._lost = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; one that stands for more says how many. An audit line always is."""
        if getattr(record, "audit", False):
            return True
        text, now = record.getMessage(), self._clock()
        at, times = self._said.get(text, (now - AGAIN_S, 0))
        if now - at < AGAIN_S:
            self._said[text] = at, times + 1
            return False
        if not self._take(now):
            self._lost += 1
            return False
        self._remember(text, now)
        more = [f"{times} times more since the last such line"] if times else []
        more += [f"{self._lost} other lines left out"] if self._lost else []
        self._lost = 0
        if more:
            record.msg, record.args = f"{text} ({', '.join(more)})", None
        return True

    def _take(self, now: float) -> bool:
        """Take one of the lines that may be written."""
        self._left = min(BURST, self._left + (now - self._filled) / REFILL_S)
        self._filled = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _remember(self, text: str, now: float) -> None:
        self._said.pop(text, None)
        if len(self._said) >= TEXTS_MAX:
            del self._said[next(iter(self._said))]
        self._said[text] = now, 0
