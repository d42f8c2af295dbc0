"""Octets a second on a line, as people want to see it: the mean of the last ten to twenty seconds. Pure."""

PERIOD_MS = 10_000


class Rate:
    """Fed with a count that only grows."""

    def __init__(self, mono_ms: int) -> None:
        self._older = self._newer = (mono_ms, 0)

    def at(self, mono_ms: int, octets: int) -> float:
        """The rate at a moment, with the count at it."""
        if mono_ms - self._newer[0] >= PERIOD_MS:
            self._older, self._newer = self._newer, (mono_ms, octets)
        began_ms, before = self._older
        return 1000 * (octets - before) / max(mono_ms - began_ms, 1000)
