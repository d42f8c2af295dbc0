"""The history file: what is kept of rows and counters, its bounds, versions, and what happens to it.

Kills, a full disk and damage are in `test_disasters.py`, a year on the real path in `test_year.py`.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.history import periods
from han2x.history.batch import Batch, Limits, Mark
from han2x.history.file import backup, open_reading
from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Row
from han2x.history.schema import MIGRATIONS
from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.hours import Register
from han2x.model.quantity import Quantity
from han2x.runtime.gateway import Trouble

HOUR, DAY = 3600, 86_400
T0 = 1_765_724_400  # 2025-12-14T15:00:00Z, a full hour
A_POS, A_NEG = Quantity.ACT_ENERGY_POS, Quantity.ACT_ENERGY_NEG
OSLO = ZoneInfo("Europe/Oslo")
AMPLE = Limits(raw_s=14 * DAY, minute_s=400 * DAY, octets=10**9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "history.sqlite")
    yield store
    store.close()


def row(start: int, watts: int, span_s: int = RAW_S, covered_s: int | None = None) -> Row:
    means = {Quantity.ACT_POW_POS: watts, Quantity.ACT_POW_NEG: 0, Quantity.VOLT_L1: 230_000}
    covered = span_s if covered_s is None else covered_s
    return Row(start, span_s, covered, 1000, watts, watts, tuple(means.get(q) for q in MEASURED))


def mark(hour: int, wh: int, identity: str = "A", meter: str = "main", scale: int = 1000) -> Mark:
    """Counters `hour` hours after T0."""
    return Mark(meter, identity, Register(T0 + hour * HOUR, {A_POS: wh, A_NEG: 7}), scale)


def minutes(hour: int, watts: int) -> list[tuple[str, Row]]:
    """A whole hour of minutes."""
    return [("main", row(T0 + hour * HOUR + s, watts, MINUTE_S)) for s in range(0, HOUR, MINUTE_S)]


def hours(path: Path, meter: str = "main") -> dict[int, Hour]:
    """By hours after T0."""
    with closing(open_reading(path)) as file:
        return {(h.start - T0) // HOUR: h for h in periods.hours(file, meter, 0, periods.EVER)}


def wh(path: Path) -> Mapping[int, tuple[str, int]]:
    return {number: (hour.basis.name[0], hour.energies[A_POS]) for number, hour in hours(path).items()}


def rows(path: Path, resolution: str) -> list[Row]:
    with closing(open_reading(path)) as file:
        return list(periods.rows(file, "main", resolution, 0, periods.EVER))


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    """Ten seconds and minutes of a meter, in order of time, unknown values as None."""
    raw = [row(T0 + 10 * n, 1000 + n) for n in range(6)]
    store.write(Batch([("main", one) for one in reversed(raw)] + [("main", row(T0, 1002, MINUTE_S))]))
    assert rows(store.path, "10s") == raw
    assert rows(store.path, "minute") == [row(T0, 1002, MINUTE_S)]


def test_meters_do_not_mix(store: Store) -> None:
    """Each meter has its own rows and hours."""
    store.write(
        Batch(marks=[mark(0, 100), mark(1, 350), mark(0, 5000, meter="cabin"), mark(1, 5001, meter="cabin")])
    )
    assert hours(store.path)[0].energies[A_POS] == 250
    assert hours(store.path, "cabin")[0].energies[A_POS] == 1
    with closing(open_reading(store.path)) as file:
        assert periods.meters(file) == ["main", "cabin"]


@pytest.mark.parametrize(("first", "second", "kept"), [(10, 4, 700), (4, 10, 800), (6, 6, 800)])
def test_of_two_rows_of_one_period_the_fuller_stays(store: Store, first: int, second: int, kept: int) -> None:
    """After a restart within ten seconds the half that knows more of them is kept, not the sum."""
    store.write(Batch([("main", row(T0, 700, covered_s=first))]))
    store.write(Batch([("main", row(T0, 800, covered_s=second))]))
    assert [one.high for one in rows(store.path, "10s")] == [kept]


def test_hour_is_metered_spread_then_corrected(store: Store) -> None:
    """A gap of three hours is spread; a register in its midst corrects those hours and no other."""
    store.write(Batch(marks=[mark(0, 1000), mark(1, 1500)]))
    changed = store.write(Batch(marks=[mark(4, 4500)]))
    assert wh(store.path) == {0: ("M", 500), 1: ("S", 1000), 2: ("S", 1000), 3: ("S", 1000)}
    assert [hour.start for hour in changed["main"]] == [T0 + n * HOUR for n in (1, 2, 3)]
    changed = store.write(Batch(marks=[mark(2, 1600)]))
    assert wh(store.path) == {0: ("M", 500), 1: ("M", 100), 2: ("S", 1450), 3: ("S", 1450)}
    assert [hour.start for hour in changed["main"]] == [T0 + n * HOUR for n in (1, 2, 3)]


def test_gap_is_spread_by_the_power_that_was_known(store: Store) -> None:
    """Of 6 kWh in three hours power made 1 and 2; the third hour, unheard, has used the rest."""
    store.write(Batch(marks=[mark(0, 0)]))
    store.write(Batch([*minutes(0, 1000), *minutes(1, 2000)]))
    assert wh(store.path) == {0: ("E", 1000), 1: ("E", 2000)}
    store.write(Batch(marks=[mark(3, 6000)]))
    assert wh(store.path) == {0: ("S", 1000), 1: ("S", 2000), 2: ("S", 3000)}


def test_drift_is_told_where_the_whole_hour_was_heard(store: Store) -> None:
    """1010 Wh made of power against 1000 by the registers is a drift of 10; a half heard hour has none."""
    store.write(
        Batch([*minutes(0, 1010), *minutes(1, 1010)[:30]], [mark(0, 0), mark(1, 1000), mark(2, 2000)])
    )
    assert [hour.drift.get(A_POS) for hour in hours(store.path).values()] == [10, None]


@pytest.mark.parametrize("identity", ["A", "B"])
def test_fallen_counter_begins_anew(store: Store, identity: str) -> None:
    """A counter that fell, or another meter, makes no hour with what was before."""
    store.write(Batch(marks=[mark(0, 90_000), mark(1, 91_000), mark(3, 50, identity), mark(4, 90, identity)]))
    assert wh(store.path) == {0: ("M", 1000), 3: ("M", 40)}


def test_other_meter_with_higher_counters_begins_anew(store: Store) -> None:
    """A used meter may come with more on its counters than the old one had: no hour between them."""
    store.write(Batch(marks=[mark(0, 100), mark(1, 200), mark(2, 90_000, "B"), mark(3, 90_400, "B")]))
    assert wh(store.path) == {0: ("M", 100), 2: ("M", 400)}


def test_scale_factor_is_kept_with_the_hour(store: Store) -> None:
    """Hours are as the meter counts; the factor that was in force stands beside each."""
    store.write(Batch(marks=[mark(0, 0), mark(1, 10, scale=50_000), mark(2, 30, scale=40_000)]))
    assert [(hour.energies[A_POS], hour.scale) for hour in hours(store.path).values()] == [
        (10, 50_000),
        (20, 40_000),
    ]
    with closing(open_reading(store.path)) as file:
        (day,) = periods.periods(file, "main", "day", 0, periods.EVER, OSLO)
    assert isinstance(day, periods.Sum)
    assert day.energies[A_POS] == 10 * 50 + 20 * 40


def test_imported_hours_fill_gaps_and_never_replace_metered_ones(store: Store) -> None:
    """Of four hours the metered one stays and is told as a conflict; estimated, spread and none give way."""
    store.write(Batch(minutes(5, 300), [mark(0, 0), mark(1, 100), mark(3, 900)]))
    imported = [
        Hour(start=T0 + n * HOUR, energies={A_POS: 111}, basis=Basis.IMPORTED, drift={})
        for n in (-1, 0, 1, 5)
    ]
    (conflict,) = store.adopt("main", imported)
    assert (conflict.metered.energies[A_POS], conflict.imported.energies[A_POS]) == (100, 111)
    assert wh(store.path) == {-1: ("I", 111), 0: ("M", 100), 1: ("I", 111), 2: ("S", 400), 5: ("I", 111)}
    store.write(Batch(marks=[mark(2, 350)]))
    assert wh(store.path)[1] == ("M", 250)


def test_old_rows_go_and_hours_stay(store: Store) -> None:
    """After the days set for each, ten seconds go first, then minutes; hours and counters never."""
    store.write(Batch([("main", row(T0 + n * DAY, 5)) for n in range(3)], [mark(0, 0), mark(1, 9)]))
    store.write(Batch([("main", row(T0 + n * DAY, 5, MINUTE_S)) for n in range(3)]))
    store.tidy(T0 + 3 * DAY, Limits(raw_s=DAY, minute_s=2 * DAY, octets=10**9))
    assert [(one.start - T0) // DAY for one in rows(store.path, "10s")] == [2]
    assert [(one.start - T0) // DAY for one in rows(store.path, "minute")] == [1, 2]
    assert wh(store.path)[0] == ("M", 9)


def test_file_is_held_below_its_bound(store: Store) -> None:
    """Ten days of ten seconds over a bound of a megabyte: the oldest days go, and the file shrinks."""
    for day in range(10):
        batch = [("main", row(T0 + day * DAY + s, s % 9000)) for s in range(0, DAY, 10)]
        store.write(Batch(batch, [mark(24 * day, 100 * day)]))
    store.close()
    before = store.path.stat().st_size
    store.tidy(T0 + 10 * DAY, AMPLE._replace(octets=1_000_000))
    store.close()
    kept = rows(store.path, "10s")
    assert before > 2_500_000
    assert store.path.stat().st_size <= 1_000_000
    assert kept[0].start > T0 + 2 * DAY
    assert kept[-1].start == T0 + 10 * DAY - 10
    assert len(hours(store.path)) == 9 * 24


def test_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """A file of an earlier version gets what later ones added, and keeps what it had."""
    old = Store(tmp_path / "h.sqlite")
    old.write(Batch(marks=[mark(0, 0), mark(1, 5)]))
    old.close()
    newer = Store(tmp_path / "h.sqlite", (*MIGRATIONS, ("ALTER TABLE hour ADD COLUMN note TEXT",)))
    newer.tidy(T0, AMPLE)
    newer.close()
    with closing(sqlite3.connect(tmp_path / "h.sqlite")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert file.execute("SELECT a_pos, note FROM hour").fetchall() == [(5, None)]


def test_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """A downgrade is refused in words; the file stays as it is."""
    path = tmp_path / "h.sqlite"
    Store(path, (*MIGRATIONS, ())).tidy(T0, AMPLE)
    before = path.read_bytes()
    with pytest.raises(Trouble, match="written by a newer han2x"):
        Store(path).write(Batch([("main", row(T0, 1))]))
    assert path.read_bytes() == before


def test_backup_is_whole_while_rows_are_written(store: Store, tmp_path: Path) -> None:
    """A backup beside an open writer has all that was written before it, and replaces an older one."""
    copy = tmp_path / "copy.sqlite"
    store.write(Batch(marks=[mark(0, 0)]))
    backup(store.path, copy)
    store.write(Batch([("main", row(T0 + 10 * n, 1)) for n in range(1000)], [mark(0, 0), mark(1, 7)]))
    backup(store.path, copy)
    store.write(Batch([("main", row(T0 + 20_000, 1))]))
    assert len(rows(copy, "10s")) == 1000
    assert wh(copy) == {0: ("M", 7)}
    assert [path.name for path in tmp_path.glob(".*part*")] == []
    assert {path.stat().st_mode & 0o777 for path in (store.path, copy)} == {0o600}


def test_backup_onto_itself_is_refused(store: Store, tmp_path: Path) -> None:
    """The history is not replaced by its own copy, by whatever name; a bad place is told."""
    store.write(Batch(marks=[mark(0, 0), mark(1, 7)]))
    (tmp_path / "link").symlink_to(store.path)
    (tmp_path / "file").touch()
    for target in (store.path, tmp_path / "link", tmp_path / "file" / "copy"):
        with pytest.raises(Trouble, match="cannot be written"):
            backup(store.path, target)
    with pytest.raises(Trouble, match="there is no history"):
        backup(tmp_path / "none", tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir() if "history" not in path.name) == ["file", "link"]
    assert wh(store.path) == {0: ("M", 7)}


@given(
    marks=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 9)), min_size=2, max_size=12, unique_by=lambda m: m[0]
    ),
    order=st.randoms(use_true_random=False),
)
def test_order_of_arrival_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, marks: list[tuple[int, int]], order: object
) -> None:
    """Registers in any order, and twice, make the same hours as in order of time."""
    total, registers = 0, []
    for hour, used in sorted(marks):
        total += used
        registers.append(mark(hour, total))
    shuffled = registers * 2
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = []
    for arrival in (registers, shuffled):
        path = tmp_path_factory.mktemp("order") / "h.sqlite"
        store = Store(path)
        for one in arrival:
            store.write(Batch(marks=[one]))
        store.close()
        found.append(wh(path))
    assert found[0] == found[1]
    assert sum(used for _, used in found[0].values()) == total - registers[0].register.energies[A_POS]
