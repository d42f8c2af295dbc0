"""What the history file notes for those who take it over, and what is handed to them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.history import journal
from han2x.history.batch import Batch, Limits, Mark
from han2x.history.rows import MINUTE_S, RAW_S, Row
from han2x.history.schema import MEANS
from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.hours import Register
from han2x.model.quantity import Quantity

T0 = 1_765_724_400
HOUR = 3600
A_POS = Quantity.ACT_ENERGY_POS
P_POS = MEANS.index("p_pos")
FOR_EVER = Limits(2**40, 2**40, 2**40)

Opening = Callable[..., Store]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    def store(now_ms: int = 1000, **targets: str) -> Store:
        return Store(tmp_path / "h.sqlite", opened=lambda file: journal.enlist(file, targets, now_ms))

    return store


def row(start: int, watts: int, span_s: int = MINUTE_S, covered_s: int = 0) -> tuple[str, Row]:
    means = tuple(watts if index == P_POS else None for index in range(len(MEANS)))
    return "main", Row(start, span_s, covered_s or span_s, 1000, watts, watts, means)


def mark(hour: int, wh: int) -> Mark:
    return Mark("main", "m", Register(T0 + hour * HOUR, {A_POS: wh}), 1000)


def told(store: Store, target: str = "one", limit: int = 1000) -> list[tuple[str, int, int | None]]:
    """What a target has not taken over: resolution, beginning after T0, power or energy; in key order."""
    column = {"hour": 2, "minute": 4 + P_POS, "10s": 4 + P_POS}
    found = store.changes(target, limit).changes
    return sorted((c.resolution, c.start - T0, c.values[column[c.resolution]]) for c in found)


def take(store: Store, target: str = "one") -> None:
    store.taken(target, store.changes(target, 1000).upto)


def test_rows_and_hours_are_noted_by_extent(opening: Opening) -> None:
    """A target gets what its word names, and the file notes nothing that nobody wants."""
    store = opening(one="all", two="hours")
    store.write(Batch([row(T0, 60), row(T0, 50, RAW_S)], [mark(0, 100), mark(1, 350)]))
    assert told(store) == [("10s", 0, 50), ("hour", 0, 250), ("minute", 0, 60)]
    assert told(store, "two") == [("hour", 0, 250)]
    assert told(store, "nobody") == []
    assert store.changes("nobody", 10).upto == 0


def test_nothing_is_noted_for_nobody(opening: Opening, tmp_path: Path) -> None:
    """Without a target the journal stays empty."""
    import sqlite3

    store = opening()
    store.write(Batch([row(T0, 60)], [mark(0, 100), mark(1, 350)]))
    assert sqlite3.connect(tmp_path / "h.sqlite").execute("SELECT count(*) FROM journal").fetchone() == (0,)


def test_what_is_taken_does_not_come_again(opening: Opening, tmp_path: Path) -> None:
    """The cursor outlives the process; what all have taken is deleted from the journal."""
    import sqlite3

    store = opening(one="all")
    store.write(Batch([row(T0, 60), row(T0 + 60, 70)]))
    assert told(store, limit=1) == [("minute", 0, 60)]
    store.taken("one", store.changes("one", 1).upto)
    store.close()
    again = opening(now_ms=2000, one="all")
    assert told(again) == [("minute", 60, 70)]
    take(again)
    assert told(again) == []
    assert sqlite3.connect(tmp_path / "h.sqlite").execute("SELECT count(*) FROM journal").fetchone() == (0,)


def test_a_corrected_hour_comes_again(opening: Opening) -> None:
    """An hour spread over a gap is told again, with a higher version, when its own registers are known."""
    store = opening(one="hours")
    store.write(Batch((), [mark(0, 0), mark(2, 500)]))
    assert told(store) == [("hour", 0, 250), ("hour", HOUR, 250)]
    before = max(change.version for change in store.changes("one", 10).changes)
    take(store)
    store.write(Batch((), [mark(1, 100)]))
    assert told(store) == [("hour", 0, 100), ("hour", HOUR, 400)]
    assert min(change.version for change in store.changes("one", 10).changes) > before


def test_a_running_hour_waits_until_it_is_over(opening: Opening) -> None:
    """An estimate is told once the meter has a later hour, or when it is more than an estimate."""
    store = opening(one="hours")
    for start in range(0, HOUR, 60):
        store.write(Batch([row(T0 + start, 600)]))
        assert told(store) == []
    store.write(Batch([row(T0 + HOUR, 600)]))
    assert told(store) == [("hour", 0, 600)]
    take(store)
    store.write(Batch([row(T0 + HOUR + 60, 600)]))
    assert told(store) == []
    store.write(Batch((), [mark(0, 0), mark(1, 590)]))
    assert told(store) == [("hour", 0, 590)]


def test_who_is_new_gets_all_there_is(opening: Opening) -> None:
    """A new target, and a wider extent, bring what is in the file already; others are not told again."""
    store = opening(one="hours")
    store.write(Batch([row(T0, 60)], [mark(0, 100), mark(1, 350)]))
    take(store)
    store.close()
    wider = opening(one="minutes", two="all")
    assert told(wider) == [("minute", 0, 60)]
    assert told(wider, "two") == [("hour", 0, 250), ("minute", 0, 60)]
    wider.close()
    less = opening(two="hours")
    assert told(less) == []
    assert told(less, "two") == [("hour", 0, 250)]


def test_a_longer_row_of_the_same_period_comes_again(opening: Opening) -> None:
    """A row written anew after a restart is told as it is now; one that knows less changes nothing."""
    store = opening(one="all")
    store.write(Batch([row(T0, 60, covered_s=20)]))
    take(store)
    store.write(Batch([row(T0, 70, covered_s=10)]))
    assert told(store) == []
    store.write(Batch([row(T0, 80, covered_s=50)]))
    assert told(store) == [("minute", 0, 80)]


def test_imported_hours_are_noted(opening: Opening, tmp_path: Path) -> None:
    """Hours that another process puts into the file are taken over like any others."""
    store = opening(one="hours")
    store.write(Batch((), [mark(0, 0)]))
    other = Store(tmp_path / "h.sqlite")
    hour = Hour(start=T0 - HOUR, energies={A_POS: 77}, basis=Basis.IMPORTED, drift={})
    other.adopt("main", [hour])
    other.close()
    assert told(store) == [("hour", -HOUR, 77)]
    store.write(Batch())
    assert store.overtaken
    store.write(Batch())
    assert not store.overtaken


def test_a_new_file_tells_its_hours_with_higher_versions(opening: Opening, tmp_path: Path) -> None:
    """After damage the new file's hours are told again, and count as newer than those before."""
    store = opening(now_ms=1000, one="hours")
    store.write(Batch((), [mark(0, 100), mark(1, 350)]))
    before = store.changes("one", 10).changes[0].version
    take(store)
    store.close()
    path = tmp_path / "h.sqlite"
    path.write_bytes(path.read_bytes()[:100] + b"no SQLite" * 2000)
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    again = opening(now_ms=2000, one="hours")
    again.write(Batch((), [mark(0, 100), mark(1, 350)]))
    found = again.changes("one", 10).changes
    assert [(change.start, change.version > before) for change in found] == [(T0, True)]


def test_what_is_deleted_for_age_is_not_taken_over(opening: Opening, tmp_path: Path) -> None:
    """Rows that were given up before anyone took them leave nothing in the journal: it is bounded too."""
    import sqlite3

    store = opening(one="all")
    store.write(Batch([row(T0, 60), row(T0, 50, RAW_S)], [mark(0, 100), mark(1, 350)]))
    store.tidy(T0 + 100 * HOUR, Limits(HOUR, HOUR, 2**40))
    assert told(store) == [("hour", 0, 250)]
    assert sqlite3.connect(tmp_path / "h.sqlite").execute("SELECT count(*) FROM journal").fetchone() == (1,)
