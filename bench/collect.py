"""How fast one worker takes a backlog to the database, and with how much memory.

A backlog waits at Mosquitto in the session of a worker that is away: in messages of a hundred rows, as
gateways send when they catch up, and in small ones, as they send when all is well. The time is counted from
when the worker says that it collects to the last row.
"""

import shutil
import time
from pathlib import Path

from .fleet import T0, Fleet, fleet, sent, until
from .harness import Bar, Figure, median_of

RATE, MEMORY = Bar(">=", 40_000), Bar("<", 120)
LOADS = {"messages of 100 rows": (6000, 100), "messages of 3 rows": (30_000, 3)}


def run(runs: int, work: Path) -> list[Figure]:
    """All of it, if there are a Mosquitto and a PostgreSQL."""
    if not shutil.which("mosquitto") or not (
        shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*"))
    ):
        print("  mosquitto or postgresql is not installed: left out")
        return []
    figures = []
    for name, (count, rows) in LOADS.items():
        found = [backlog(count, rows) for _ in range(runs)]
        rates, peaks = [rate for rate, _ in found], [peak for _, peak in found]
        bar = RATE if rows == 100 else None
        figures.append(median_of("collect", f"rows a second, one worker, {name}", rates, "rows/s", bar))
        figures.append(median_of("collect", f"peak memory, {name}", peaks, "MB", MEMORY))
    return figures


def hint(work: Path) -> None:
    """Where the time goes is the database's and the parser's business."""


def backlog(count: int, rows: int) -> tuple[float, float]:
    """Rows a second and peak memory of one worker with a backlog."""
    with fleet() as world:
        world.work("one")
        world.stop("one")
        world.publish(count, rows)
        world.published()
        world.work("one")
        began = time.monotonic()
        wanted = sent(count, rows).rows
        until(lambda: _has(world, wanted), "the last row", 300)
        took_s = time.monotonic() - began
        until(lambda: world.cluster.rows() == wanted, "all rows")
        return wanted / took_s, world.peak_mb("one")


def _has(world: Fleet, version: int) -> bool:
    """Whether the last row is there, asked by its key."""
    last = f"meter = {10_000_000 + 99} AND t >= to_timestamp({T0}) AND version = {version}"
    return world.cluster.ask(f"SELECT count(*) FROM han2x_minute WHERE {last}") == (1,)
