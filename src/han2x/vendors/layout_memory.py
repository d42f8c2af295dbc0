"""The layouts of telegrams that came lately, so that the next of their kind need not be worked out again."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

LAYOUTS_MAX = 16

Layout = TypeVar("Layout")


class LayoutMemory(Generic[Layout]):
    """Layouts by what tells them apart quickly, at most `LAYOUTS_MAX`: the oldest makes room."""

    def __init__(self) -> None:
        self._layouts: dict[Hashable, Layout | None] = {}
        self._missed: dict[Hashable, int] = {}
        self.get = self._layouts.get

    def miss(self, key: Hashable, work_out: Callable[[], Layout | None]) -> None:
        """Take in a layout that was not known; what differs each time is worked out ever more rarely."""
        if key not in self._missed and len(self._missed) >= LAYOUTS_MAX:
            oldest = next(iter(self._missed))
            del self._missed[oldest]
            self._layouts.pop(oldest, None)
        missed = self._missed[key] = self._missed.get(key, 0) + 1
        if missed & (missed - 1) == 0:
            self._layouts[key] = work_out()
