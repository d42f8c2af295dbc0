"""`python -m bench.collect_matrix`: 100 000 messages past each fault, with one, two and four workers.

    python -m bench.collect_matrix [--messages 100000] [--rows 3] [--workers 1 2 4] [fault ...]

Each time every row must be in the database, once and right: their number and the sum of their versions are
known. Prints a table; ends with 1 if a row was missing or anything stood still. `--broker PROGRAM`: not
Mosquitto, but a program that is called with HOST:PORT.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence

from .fleet import OTHER, STALLED_S, Fleet, Sent, fleet, sent

Fault = Callable[[Fleet, Sequence[str], int, int], None]


def burst(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """Workers are there when all of it comes at once."""
    for name in names:
        world.work(name)
    world.publish(count, rows)


def backlog(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """All of it waits when workers come back."""
    for name in names:
        world.work(name)
    for name in names:
        world.stop(name, signal.SIGTERM)
    world.publish(count, rows)
    world.published()
    for name in names:
        world.work(name)


def killed(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """Each worker is killed in the midst of it, twice, and started anew."""
    burst(world, names, count, rows)
    _again(world, names, count * rows, signal.SIGKILL)


def restarted(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """Each worker is told to end in the midst of it, twice, and started anew."""
    burst(world, names, count, rows)
    _again(world, names, count * rows, signal.SIGTERM)


def left(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """All workers but one are killed in the midst of it, and leave; one that is alone when all has come."""
    burst(world, names, count, rows)
    _reach(world, count * rows // 4)
    for name in names[:-1] or names:
        world.stop(name)
    if len(names) == 1:
        world.published()
    for name in names[:-1] or names:
        status = world.leave(name)
        assert status == 0, f"{name} left with status {status}: {world.log(name)[-300:]}"


def database(world: Fleet, names: Sequence[str], count: int, rows: int) -> None:
    """PostgreSQL is killed and started in the midst of it, twice."""
    burst(world, names, count, rows)
    for part in (1, 3):
        _reach(world, part * count * rows // 6)
        world.cluster.stop()
        time.sleep(1)
        world.cluster.start()


FAULTS: dict[str, Fault] = {
    "burst": burst,
    "backlog": backlog,
    "killed": killed,
    "restarted": restarted,
    "left": left,
    "database": database,
}


def _again(world: Fleet, names: Sequence[str], total: int, how: signal.Signals) -> None:
    for part in (1, 2):
        for index, name in enumerate(names):
            _reach(world, total * (part * len(names) + index) // (4 * len(names)))
            world.stop(name, how)
            world.work(name)


def _reach(world: Fleet, rows: int) -> None:
    """Wait until so many rows are there, as long as more come."""
    seen, since = -1, time.monotonic()
    while (found := world.cluster.rows()) < rows:
        if found != seen:
            seen, since = found, time.monotonic()
        if time.monotonic() - since > STALLED_S:
            raise TimeoutError(f"nothing more came after {found} of {rows} rows")
        time.sleep(0.2)


def tried(fault: str, workers: int, what: Sent, rows: int, other: str) -> str:
    """What was wrong with one fault and so many workers; empty if nothing."""
    with fleet(other) as world:
        names = [f"worker-{index}" for index in range(workers)]
        try:
            FAULTS[fault](world, names, what.messages, rows)
            _reach(world, what.rows)
        except (AssertionError, TimeoutError) as error:
            return str(error)
        question = "SELECT count(*), sum(version), count(DISTINCT (meter, t)) FROM han2x_minute"
        found = world.cluster.ask(question)
        if found != (what.rows, what.versions, what.rows):
            return f"found {found}, wanted {what}"
        if any("Traceback" in world.log(name) for name in names):
            return "a traceback in a log"
        return ""


def main() -> int:
    """All that is asked for, as a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.collect_matrix")
    parser.add_argument("faults", nargs="*", metavar="fault", help=", ".join(FAULTS))
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=3, help="rows of a message (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--broker", default=OTHER, metavar="PROGRAM")
    options = parser.parse_args()
    what = sent(options.messages, options.rows)
    print(f"{what.messages} messages, {what.rows} rows each time, {options.broker or 'mosquitto'}")
    wrong = 0
    for fault in options.faults or FAULTS:
        for workers in options.workers:
            began = time.monotonic()
            said = tried(fault, workers, what, options.rows, options.broker)
            wrong += bool(said)
            took_s = time.monotonic() - began
            print(f"{fault:<10} {workers} workers {took_s:6.1f} s   {said or 'each row once'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
