"""What the history costs and how fast it is read, beside the same data as one value a row.

Ours: a year as it is kept by default, written by the store that the service uses, in the batches that the
service makes. The other: SQLite too, as a plain logger would use it: time, meter and quantity as a row for
each value, an index to find them by, a transaction for each ten seconds.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from han2x.history import periods
from han2x.history.batch import Batch, Mark
from han2x.history.file import open_reading
from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Row
from han2x.history.store import Store
from han2x.model.hours import Register
from han2x.model.quantity import ENERGIES
from han2x.settings.schema import History

from .harness import Bar, Figure, median_of

T0 = 1_767_222_000  # 2026-01-01T00:00+01:00
HOUR_S, DAY_S = 3600, 86_400
DAYS = 365
METERS = 200
WRITE_S = History().write_every_s
BAR_HOURS, BAR_DAY = Bar("<", 50), Bar("<", 20)

PLAIN = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "CREATE TABLE point (time INTEGER, meter TEXT, field TEXT, value REAL)",
    "CREATE INDEX point_index ON point (meter, field, time)",
)


def run(runs: int, work: Path) -> list[Figure]:
    """Measure sizes, writes and queries."""
    year, plain = work / "year.sqlite", work / "plain.sqlite"
    return [
        *inserting(runs, work),
        *filling(year),
        *querying(runs, year),
        *writing_a_day(work),
        *plainly(runs, plain),
    ]


def rows(chance: Random, begin: int, end: int, span_s: int) -> Iterator[Row]:
    """Rows of a house on a three-phase net: no value is like the one before it."""
    watts = 1500
    for start in range(begin, end, span_s):
        watts = max(80, min(9000, watts + chance.randint(-400, 400)))
        amperes = [watts * 4 // 3 + chance.randint(0, 900) for _ in range(3)]
        volts = [230_000 + 100 * chance.randint(-40, 40) for _ in range(3)]
        means = (watts, 0, watts // 7, 0, *amperes, *volts)
        yield Row(
            start, span_s, span_s, 1000, watts - chance.randint(0, 60), watts + chance.randint(0, 900), means
        )


def mark(meter: str, hour: int) -> Mark:
    """The counters at an hour after T0."""
    return Mark(
        meter, "", Register(T0 + hour * HOUR_S, dict.fromkeys(ENERGIES, 20_000_000 + 1_731 * hour)), 1000
    )


def inserting(runs: int, work: Path) -> list[Figure]:
    """Rows a second, for one meter and for many, as the service hands them over."""
    figures = []
    for meters, batches in ((1, 300), (METERS, 5)):
        rates = []
        for number in range(runs):
            store, count = Store(work / f"in-{meters}-{number}.sqlite"), 0
            given = [minute(meters, T0 + n * WRITE_S) for n in range(batches)]
            began = time.perf_counter()
            for batch in given:
                store.write(batch)
                count += len(batch.rows)
            rates.append(count / (time.perf_counter() - began))
            store.close()
        figures.append(median_of("history", f"rows written a second, {meters} meters", rates, "1/s"))
    return figures


def minute(meters: int, begin: int) -> Batch:
    """What a minute brings: six rows of ten seconds and one of a minute for each meter."""
    chance = Random(begin)
    spans = (RAW_S, MINUTE_S)
    return Batch(
        [
            (f"m{number}", row)
            for number in range(meters)
            for span_s in spans
            for row in rows(chance, begin, begin + WRITE_S, span_s)
        ]
    )


def filling(path: Path) -> list[Figure]:
    """The size of a year as it is kept by default, and what each resolution has of it."""
    chance, store, sizes = Random(1), Store(path), []
    kept = ((RAW_S, History().keep_raw_days), (MINUTE_S, DAYS))
    for span_s, days in kept:
        for day in range(DAYS - days, DAYS):
            begin = T0 + day * DAY_S
            store.write(Batch([("main", row) for row in rows(chance, begin, begin + DAY_S, span_s)]))
        store.close()
        sizes.append(path.stat().st_size)
    store.write(Batch(marks=[mark("main", hour) for hour in range(24 * DAYS + 1)]))
    store.close()
    sizes.append(path.stat().st_size)
    names = (f"ten seconds of {kept[0][1]} days", "minutes of a year", "hours and counters of a year")
    parts = [size - before for size, before in zip(sizes, (0, *sizes), strict=False)]
    return [
        Figure("history", "size of a year of one meter", sizes[-1] / 1e6, "MB"),
        *(
            Figure("history", f"of it {name}", part / 1e6, "MB")
            for name, part in zip(names, parts, strict=True)
        ),
    ]


def querying(runs: int, path: Path) -> list[Figure]:
    """A year by the hour, and a day by ten seconds, as objects of the program."""
    last = T0 + (DAYS - 1) * DAY_S
    with contextlib.closing(open_reading(path)) as file:
        hours = timed(runs, lambda: len(list(periods.hours(file, "main", T0, T0 + DAYS * DAY_S))), DAYS * 24)
        day = timed(
            runs, lambda: len(list(periods.rows(file, "main", "10s", last, last + DAY_S))), DAY_S // RAW_S
        )
    return [
        median_of("history", "a year by the hour", hours, "ms", BAR_HOURS),
        median_of("history", "a day by ten seconds", day, "ms", BAR_DAY),
    ]


def timed(runs: int, query: Callable[[], int], expected: int) -> list[float]:
    """Milliseconds of a query, each run; its answer has to be whole."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        count = query()
        taken.append((time.perf_counter() - began) * 1000)
        assert count == expected, (count, expected)
    return taken


def writing_a_day(work: Path) -> list[Figure]:
    """What a day of one meter hands to the disk, all that SQLite writes twice counted twice."""
    store = Store(work / "day.sqlite")
    store.write(Batch())
    before = written()
    for begin in range(T0, T0 + DAY_S, WRITE_S):
        batch = minute(1, begin)
        hour = (begin - T0) // HOUR_S
        store.write(batch._replace(marks=[mark("m0", hour)] if begin % HOUR_S == 0 else []))
    store.close()
    return [Figure("history", "written to the file in a day of one meter", (written() - before) / 1e6, "MB")]


def plainly(runs: int, path: Path) -> list[Figure]:
    """A day and a year's size of the same ten seconds as one value a row."""
    file = sqlite3.connect(path, isolation_level=None)
    for statement in PLAIN:
        file.execute(statement)
    before, began = written(), time.perf_counter()
    for row in rows(Random(1), T0, T0 + DAY_S, RAW_S):
        file.execute("BEGIN")
        points = [(row.start, "main", q.value, mean) for q, mean in zip(MEASURED, row.means, strict=True)]
        file.executemany("INSERT INTO point VALUES (?, ?, ?, ?)", points)
        file.execute("COMMIT")
    rate = DAY_S / RAW_S / (time.perf_counter() - began)
    file.close()
    octets, size = written() - before, path.stat().st_size
    day = "SELECT * FROM point WHERE meter = 'main' AND time >= ? AND time < ? ORDER BY time"
    with contextlib.closing(sqlite3.connect(path)) as reading:
        taken = timed(
            runs,
            lambda: len(list(reading.execute(day, (T0, T0 + DAY_S)))),
            len(MEASURED) * DAY_S // RAW_S,
        )
    return [
        Figure("history", "one value a row: rows of ten seconds a second", rate, "1/s"),
        Figure("history", "one value a row: written to the file in a day", octets / 1e6, "MB"),
        Figure(
            "history",
            f"one value a row: size of {History().keep_raw_days} days by ten seconds",
            size * History().keep_raw_days / 1e6,
            "MB",
        ),
        median_of("history", "one value a row: a day by ten seconds", taken, "ms"),
    ]


def written() -> int:
    """Octets that this process has handed to the kernel to write."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    return 0


def hint(work: Path) -> None:
    """Where a query spends its time."""
    import cProfile
    import pstats

    filling(work / "hint.sqlite")
    profile = cProfile.Profile()
    with contextlib.closing(open_reading(work / "hint.sqlite")) as file:
        profile.runcall(lambda: list(periods.hours(file, "main", T0, T0 + DAYS * DAY_S)))
    pstats.Stats(profile).sort_stats("tottime").print_stats(8)
