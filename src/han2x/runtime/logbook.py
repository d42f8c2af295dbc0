"""The program's last log lines, for the page.

Lines come from any thread. Whoever wants each new line watches; a watcher is called in the line's thread.
Lines of one kind push out each other before those of others: a source that is refused every second, for
whatever reason, must not hide what else has happened.
"""

import contextlib
import logging
import re
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

LINES = 500
SAME_MAX = 50
"""Lines of one kind that are kept."""
TEXT_MAX = 2000

_PLACES = re.compile(r"%[-+ #0]*[\d.]*[a-z]")
_WITH_DIGITS = re.compile(r"(?<!\S)[^\s\d]*\d\S*")
"""A word with a digit in it, in time that grows with the text and not with its square."""


class Line(NamedTuple):
    """A log line; `at_ms`: Unix milliseconds."""

    at_ms: int
    level: str
    text: str


class Logbook(logging.Handler):
    """The newest `LINES` lines, of each kind `SAME_MAX` at most."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[tuple[str, Line]] = deque()
        self._left_out = Counter[str]()
        self._watchers: list[Callable[[Line], None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; one that cannot be written down is left out."""
        try:
            text = record.getMessage()[:TEXT_MAX]
        except Exception:
            return
        line = Line(int(record.created * 1000), record.levelname.lower(), text)
        self._lines.append((_kind(record, text), line))
        self._make_room()
        for watcher in tuple(self._watchers):
            watcher(line)

    def _make_room(self) -> None:
        """Leave out the oldest line: of the newest one's kind if there are many of it, else of all."""
        newest = self._lines[-1][0]
        same = [place for place, (kind, _) in enumerate(self._lines) if kind == newest]
        if len(same) > SAME_MAX:
            del self._lines[same[0]]
            self._left_out[newest] += 1
        elif len(self._lines) > LINES:
            gone, _ = self._lines.popleft()
            if all(kind != gone for kind, _ in self._lines):
                del self._left_out[gone]

    def lines(self, count: int) -> list[Line]:
        """The newest lines, the oldest of them first; the newest of a kind says how many are left out."""
        with contextlib.nullcontext() if self.lock is None else self.lock:
            kept, left_out = list(self._lines), self._left_out.copy()
        found = []
        for kind, line in reversed(kept[-count:] if count > 0 else []):
            more = left_out.pop(kind, 0)
            text = f"{line.text} (and {more} earlier lines like this)" if more else line.text
            found.append(line._replace(text=text))
        return found[::-1]

    def watch(self, watcher: Callable[[Line], None]) -> Callable[[], None]:
        """Call `watcher` with each new line; returns how to stop it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)


def _kind(record: logging.LogRecord, text: str) -> str:
    """What lines of one cause have in common: what was written with other values, addresses or numbers."""
    template = str(record.msg)
    if record.args and re.search(r"[^\W\d_]{3}", _PLACES.sub("", template)):
        return f"{record.name}: {template}"
    return f"{record.name}: {_WITH_DIGITS.sub('#', text)}"
