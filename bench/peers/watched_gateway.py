"""The gateway, and how long its loop takes in processor time, which a busy machine does not change.

    python watched_gateway.py FILE run --settings … --state …

Whenever a callback of the loop's thread took longer than any before, FILE gets a line: microseconds, and what
it was. What is run before the page answers (imports, start) is in it too: read on from there. Beside it
FILE.turns has, each second, how many turns of the loop took how long: rows of milliseconds and a count.
"""

import json
import sys
import time
from asyncio import Handle
from asyncio.base_events import BaseEventLoop
from collections import Counter
from pathlib import Path

from han2x.cli import main


def watch(file: Path) -> None:
    """Have every callback timed from now on."""
    run, longest = Handle._run, 0

    def timed(self: Handle) -> None:
        nonlocal longest
        began = time.thread_time_ns()
        run(self)
        took = (time.thread_time_ns() - began) // 1000
        if took > 10_000 and (took > longest or took > 50_000):
            longest = max(took, longest)
            with file.open("a", encoding="utf-8") as lines:
                lines.write(f"{took} {str(self)[:300]}\n")

    Handle._run = timed  # type: ignore[method-assign]


def count_turns(file: Path) -> None:
    """Have every turn of the loop counted from now on: what was ready, without the wait for more."""
    turn, told = BaseEventLoop._run_once, time.monotonic()  # type: ignore[attr-defined]
    counts: Counter[int] = Counter()

    def counted(self: BaseEventLoop) -> None:
        nonlocal told
        began = time.thread_time_ns()
        turn(self)
        counts[(time.thread_time_ns() - began) // 1_000_000] += 1
        if time.monotonic() - told > 1:
            told = time.monotonic()
            file.write_text(json.dumps(sorted(counts.items())))

    BaseEventLoop._run_once = counted  # type: ignore[attr-defined]


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    count_turns(Path(f"{sys.argv[1]}.turns"))
    sys.exit(main(sys.argv[2:]))
