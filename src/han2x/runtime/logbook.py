"""The program's last log lines, for the page, and a bound on how much is logged.

Lines come from any thread. Whoever wants each new line watches; a watcher is called in the line's thread.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

LINES = 500
TEXT_MAX = 2000
PER_MINUTE = 600
"""Lines a minute that are logged at most: nobody reads more, and a disk need not hold it."""


class Line(NamedTuple):
    """A log line; `at_ms`: Unix milliseconds."""

    at_ms: int
    level: str
    text: str


class Logbook(logging.Handler):
    """The newest `LINES` lines."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._watchers: list[Callable[[Line], None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; one that cannot be written down is left out."""
        try:
            text = record.getMessage()[:TEXT_MAX]
        except Exception:
            return
        line = Line(int(record.created * 1000), record.levelname.lower(), text)
        self._lines.append(line)
        for watcher in tuple(self._watchers):
            watcher(line)

    def lines(self, count: int) -> list[Line]:
        """The newest lines, the oldest of them first."""
        return list(self._lines)[-count:] if count > 0 else []

    def watch(self, watcher: Callable[[Line], None]) -> Callable[[], None]:
        """Call `watcher` with each new line; returns how to stop it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)


class Flood(logging.Filter):
    """Lets `PER_MINUTE` lines a minute pass; the first line of the next minute says how many did not."""

    def __init__(self, per_minute: int = PER_MINUTE) -> None:
        super().__init__()
        self._per_minute = per_minute
        self._minute = -1
        self._passed = self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is logged."""
        minute = int(record.created) // 60
        if minute != self._minute:
            if self._dropped:
                record.msg = f"{record.getMessage()} ({self._dropped} lines before this were left out)"
                record.args = ()
            self._minute, self._passed, self._dropped = minute, 0, 0
        if self._passed >= self._per_minute:
            self._dropped += 1
            return False
        self._passed += 1
        return True
