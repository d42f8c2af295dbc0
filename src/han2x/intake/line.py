"""Finding a serial line's settings by listening (han-port sheet 1.4). Pure.

Settings are changed only when octets come but no good telegram does; silence is never a reason. After
two good telegrams they are locked, until for minutes on end nothing good comes on a line that is busy
(another meter).
"""

from ..settings.source import LINES

AUTO = LINES[0]
CANDIDATES = LINES[1:]
"""HAN ports at 2400 Bd first, then P1 at 115200 Bd, then old P1 and adapters at 9600 Bd."""

LISTEN_MS = 12_000
"""Longer than one 10 s period: every meter sends at least once in it."""

ENOUGH = 2
RELENT_MS = 300_000


class LineFinder:
    """Which of the candidates to listen with. `line` is the current one."""

    def __init__(self, line: str = AUTO) -> None:
        self._fixed = line != AUTO
        self.line = line if self._fixed else CANDIDATES[0]
        self._good = 0
        self._first_octet_ms: int | None = None
        self._last_octet_ms = 0

    @property
    def locked(self) -> bool:
        """Whether the settings are known to be right, or were given."""
        return self._fixed or self._good >= ENOUGH

    def heard(self, mono_ms: int, *, good: int) -> bool:
        """Octets came at `mono_ms`, completing `good` telegrams: whether `line` has changed."""
        if good:
            self._good += good
            self._first_octet_ms = None
            return False
        silent_ms, self._last_octet_ms = mono_ms - self._last_octet_ms, mono_ms
        if self._first_octet_ms is None or silent_ms >= LISTEN_MS:
            self._first_octet_ms = mono_ms
        patience = RELENT_MS if self.locked else LISTEN_MS
        if self._fixed or mono_ms - self._first_octet_ms < patience:
            return False
        self.line = CANDIDATES[(CANDIDATES.index(self.line) + 1) % len(CANDIDATES)]
        self._good, self._first_octet_ms = 0, mono_ms
        return True
