"""Work that may wait, in short steps: little of it before the loop looks at meters and Modbus again.

The loop runs everything that is ready before it looks again at what can be read. Where hundreds of strangers
are ready at once, whoever asks for a register would wait for all of them. So what strangers send is taken in
by steps that are short, in the order in which they came, and a few of them in one turn of the loop.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import perf_counter
from weakref import WeakKeyDictionary

log = logging.getLogger("han2x")

MOST_S = 0.002
"""For so long steps are begun in one turn of the loop."""

Step = Callable[[], object]


class Turns:
    """The steps that wait on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._soon = loop.call_soon
        self._waiting: deque[tuple[Step, float]] = deque()

    def add(self, step: Step, later_s: float = 0.0) -> None:
        """Have a step done; `later_s`: what it will cost the loop afterwards, in seconds."""
        self._waiting.append((step, later_s))
        if len(self._waiting) == 1:
            self._soon(self._run)

    def _run(self) -> None:
        waiting, end = self._waiting, perf_counter() + MOST_S
        while waiting:
            step, later_s = waiting[0]
            try:
                step()
            except Exception as error:
                log.warning("internal error: %r; please report it", error)
                log.debug("in a step", exc_info=True)
            waiting.popleft()
            end -= later_s
            if perf_counter() >= end:
                break
        if waiting:
            self._soon(self._run)


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns() -> Turns:
    """Those of the loop that runs."""
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = Turns(loop)
    return found
