"""What was stored of a meter under another id, in the history that it belongs to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from han2x.history import journal, periods
from han2x.history.batch import Batch, Mark, Move
from han2x.history.file import open_reading
from han2x.history.lending import Lent
from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Row
from han2x.history.store import Store
from han2x.model.hour import Basis, Hour
from han2x.model.hours import Register
from han2x.model.quantity import Quantity

HOUR = 3600
T0 = 1_765_724_400  # 2025-12-14T15:00:00Z, a full hour
A_POS = Quantity.ACT_ENERGY_POS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A history that a database takes over."""

    def enlist(file: object) -> None:
        journal.enlist(file, {"database": "hours"}, 1000)  # type: ignore[arg-type]

    one = Store(tmp_path / "history.sqlite", opened=enlist)
    yield one
    one.close()


def mark(meter: str, hour: int, wh: int, *, identity: str = "A", scale: int = 1000) -> Mark:
    return Mark(meter, identity, Register(T0 + hour * HOUR, {A_POS: wh}), scale)


def row(start: int, watts: int, span_s: int, covered_s: int, *, sure: bool = True) -> Row:
    means = tuple(watts if quantity is Quantity.ACT_POW_POS else None for quantity in MEASURED)
    return Row(T0 + start, span_s, covered_s, 1000, watts, watts, means, sure)


def write(store: Store, *marks: Mark, rows: tuple[tuple[str, Row], ...] = ()) -> None:
    store.write(Batch(rows, marks))


def join(store: Store, was: str, into: str) -> None:
    Lent(store.path, ZoneInfo("Europe/Oslo")).join(was, into)


def hours(store: Store, meter: str) -> dict[int, tuple[int | None, Basis, int]]:
    """By hours after T0: import in Wh, basis and factor."""
    with closing(open_reading(store.path)) as file:
        found = list(periods.hours(file, meter, 0, periods.EVER))
    return {(one.start - T0) // HOUR: (one.energies.get(A_POS), one.basis, one.scale) for one in found}


def rows(store: Store, meter: str, resolution: str) -> dict[int, int | None]:
    """By seconds after T0, the mean import."""
    with closing(open_reading(store.path)) as file:
        return {one.start - T0: one.means[0] for one in periods.rows(file, meter, resolution, 0, 2**40)}


def test_counters_go_on_over_the_time_that_nothing_was_stored(store: Store) -> None:
    """Two hours before, two since; the three between are spread, each hour keeps its own factor."""
    write(store, *(mark("cabin", hour, wh) for hour, wh in ((0, 1000), (1, 1500), (2, 2100))))
    write(store, *(mark("main", hour, wh, scale=2000) for hour, wh in ((5, 5100), (6, 5300), (7, 5600))))
    assert sorted(hours(store, "main")) == [5, 6]
    join(store, "main", "cabin")
    found = hours(store, "cabin")
    assert [found[hour][0] for hour in (0, 1, 5, 6)] == [500, 600, 200, 300]
    assert {found[hour][1] for hour in (0, 1, 5, 6)} == {Basis.METERED}
    assert [found[hour][0] for hour in (2, 3, 4)] == [1000, 1000, 1000]
    assert {found[hour][1] for hour in (2, 3, 4)} == {Basis.SPREAD}
    assert [found[hour][2] for hour in (0, 1, 5, 6)] == [1000, 1000, 2000, 2000]
    assert hours(store, "main") == {}
    write(store, mark("cabin", 8, 6000))
    assert hours(store, "cabin")[7][:2] == (400, Basis.METERED)


def test_another_meter_in_the_same_place_makes_no_hours_with_the_one_before(store: Store) -> None:
    """Counters of another equipment number are a series of their own."""
    write(store, mark("cabin", 0, 1000), mark("cabin", 1, 1500))
    write(store, mark("main", 3, 9000, identity="B"), mark("main", 4, 9700, identity="B"))
    join(store, "main", "cabin")
    assert {hour: one[0] for hour, one in hours(store, "cabin").items()} == {0: 500, 3: 700}


def test_of_two_rows_of_one_time_the_better_stays(store: Store) -> None:
    """Rows move; where both have one, that which covers more, and never an unsure one before a sure one."""
    both = (
        ("cabin", row(0, 100, RAW_S, 10)),
        ("cabin", row(10, 110, RAW_S, 5)),
        ("cabin", row(20, 120, RAW_S, 5)),
        ("main", row(0, 900, RAW_S, 5)),
        ("main", row(10, 910, RAW_S, 10)),
        ("main", row(20, 920, RAW_S, 10, sure=False)),
        ("main", row(30, 930, RAW_S, 10)),
        ("main", row(0, 940, MINUTE_S, 60)),
    )
    write(store, rows=both)
    join(store, "main", "cabin")
    assert rows(store, "cabin", "10s") == {0: 100, 10: 910, 20: 120, 30: 930}
    assert rows(store, "cabin", "minute") == {0: 940}
    assert rows(store, "main", "10s") == rows(store, "main", "minute") == {}


def test_better_knowledge_of_an_hour_stays(store: Store) -> None:
    """Imported hours of either do not replace metered ones, and fill what is missing."""
    imported = [
        Hour(start=T0 + hour * HOUR, energies={A_POS: 7}, basis=Basis.IMPORTED, drift={})
        for hour in (0, 1, 2)
    ]
    write(store, mark("cabin", 0, 1000), mark("cabin", 1, 1500))
    store.adopt("main", imported)
    join(store, "main", "cabin")
    found = {hour: one[:2] for hour, one in hours(store, "cabin").items()}
    assert found == {0: (500, Basis.METERED), 1: (7, Basis.IMPORTED), 2: (7, Basis.IMPORTED)}


def test_who_takes_the_history_over_is_told(store: Store) -> None:
    """The hours at their new place, and at the old one that nothing is known."""
    write(store, mark("cabin", 0, 1000), mark("cabin", 1, 1500))
    write(store, mark("main", 2, 2000), mark("main", 3, 2600))
    store.taken("database", store.changes("database", 100).upto)
    join(store, "main", "cabin")
    told = {
        (one.meter, (one.start - T0) // HOUR): one.values[2] for one in store.changes("database", 100).changes
    }
    assert told == {("cabin", 1): 500, ("cabin", 2): 600, ("main", 2): None}


@pytest.mark.parametrize(("was", "into"), [("nobody", "cabin"), ("cabin", "cabin"), ("nobody", "somebody")])
def test_where_there_is_nothing_to_join_nothing_changes(store: Store, was: str, into: str) -> None:
    """Ids of which nothing is stored, and a meter with itself."""
    write(store, mark("cabin", 0, 1000), mark("cabin", 1, 1500))
    join(store, was, into)
    assert {hour: one[0] for hour, one in hours(store, "cabin").items()} == {0: 500}


def test_a_former_meter_without_history_takes_it_all(store: Store) -> None:
    """Known by its state alone, it gets what there is under the other id; twice is once."""
    write(store, mark("main", 0, 1000), mark("main", 1, 1500))
    for _ in range(2):
        join(store, "main", "cabin")
    assert {hour: one[0] for hour, one in hours(store, "cabin").items()} == {0: 500}
    write(store, mark("cabin", 2, 1700))
    assert hours(store, "cabin")[1][0] == 200


@pytest.mark.parametrize("known", [False, True], ids=["the clock is new", "the clock is known"])
def test_rows_of_a_doubted_clock_are_put_right_where_they_are_now(store: Store, known: bool) -> None:
    """Dated an hour early before they were joined, they are moved when the meter tells the time."""
    doubted = [row(at, 500, MINUTE_S, 60, sure=False)._replace(ahead_s=T0) for at in (0, 60)]
    if known:
        write(store, rows=(("cabin", row(-600, 300, MINUTE_S, 60, sure=False)._replace(ahead_s=T0)),))
    write(store, rows=tuple(("main", one) for one in doubted))
    join(store, "main", "cabin")
    late = Move("cabin", from_s=None, to_s=T0 + HOUR, sure=True, now_s=T0 + 2 * HOUR)
    store.write(Batch((), (), ((0, late),)))
    earlier = {HOUR - 600: 300} if known else {}
    assert rows(store, "cabin", "minute") == {**earlier, HOUR: 500, HOUR + 60: 500}
