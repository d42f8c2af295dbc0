"""The gateway, and the longest callbacks of its loop in processor time, which a busy machine does not change.

    python watched_gateway.py FILE run --settings … --state …

Whenever a callback of the loop's thread took longer than any before, FILE gets a line: microseconds, and what
it was. What is run before the page answers (imports, start) is in it too: read on from there.
"""

import sys
import time
from asyncio import Handle
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


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
