"""Kills, a full disk and damaged files: what was acknowledged is kept, and whoever writes goes on.

The kills are real ones, of a child process that writes and says what has been acknowledged. The full disk
is a small tmpfs in a mount namespace of its own; where that is not allowed the test is skipped.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from han2x.history import periods
from han2x.history.batch import Batch, Mark
from han2x.history.file import open_reading
from han2x.history.rows import MEASURED, Row
from han2x.history.store import Store
from han2x.model.hour import Hour
from han2x.model.hours import Register
from han2x.model.quantity import Quantity
from han2x.runtime.gateway import Trouble

HOUR = 3600
T0 = 1_765_724_400
A_POS = Quantity.ACT_ENERGY_POS

WRITER = """
    import sys
    from pathlib import Path
    from han2x.history.batch import Batch, Mark
    from han2x.history.rows import MEASURED, Row
    from han2x.history.store import Store
    from han2x.model.hours import Register
    from han2x.model.quantity import Quantity
    from han2x.runtime.gateway import Trouble

    def batch(number):
        start = 1_765_724_400 + number * 3600
        rows = [("main", Row(start + s, 10, 10, 1000, s, s, (s,) * len(MEASURED))) for s in range(0, 600, 10)]
        register = Register(start, {Quantity.ACT_ENERGY_POS: number * (number + 1)})
        return Batch(rows, [Mark("main", "A", register, 1000)])

"""


def batch(number: int) -> Batch:
    """The counters are n (n + 1), so that hour n has used 2 (n + 1)."""
    start = T0 + number * HOUR
    rows = [("main", Row(start + s, 10, 10, 1000, s, s, (s,) * len(MEASURED))) for s in range(0, 600, 10)]
    register = Register(start, {A_POS: number * (number + 1)})
    return Batch(rows, [Mark("main", "A", register, 1000)])


def hours(path: Path) -> dict[int, int]:
    with closing(open_reading(path)) as file:
        found: list[Hour] = list(periods.hours(file, "main", 0, periods.EVER))
    return {(hour.start - T0) // HOUR: hour.energies[A_POS] for hour in found}


def raw_count(path: Path) -> int:
    with closing(open_reading(path)) as file:
        return len(list(periods.rows(file, "main", "10s", 0, periods.EVER)))


def script(text: str, *words: str, wrapper: tuple[str, ...] = ()) -> list[str]:
    return [*wrapper, sys.executable, "-c", textwrap.dedent(WRITER) + textwrap.dedent(text), *words]


def test_killed_in_a_loop_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """Twenty kills -9 at any moment of writing: every batch that was acknowledged is there, whole."""
    path = tmp_path / "h.sqlite"
    writing = """
    store, number = Store(Path(sys.argv[1])), int(sys.argv[2])
    while True:
        store.write(batch(number))
        print(number, flush=True)
        number += 1
    """
    chance, acknowledged = random.Random(7), -1
    for _ in range(20):
        with subprocess.Popen(
            script(writing, str(path), str(acknowledged + 1)), stdout=subprocess.PIPE
        ) as child:
            assert child.stdout
            first = child.stdout.readline()
            time.sleep(chance.random() * 0.03)
            child.send_signal(signal.SIGKILL)
            said = (first + child.stdout.read()).split(b"\n")
        acknowledged = max(acknowledged, *(int(line) for line in said[:-1] if line))
        found = hours(path)
        assert found == {n: 2 * (n + 1) for n in range(max(found) + 1)}
        assert max(found) >= acknowledged - 1
        assert raw_count(path) >= 60 * (acknowledged + 1)
    assert acknowledged >= 19  # one each at least; how many more is the speed of the machine
    assert [p for p in tmp_path.iterdir() if "damaged" in p.name] == []


def test_full_disk_is_reported_and_costs_nothing_that_was_kept(tmp_path: Path) -> None:
    """On a disk of 1 MB writing fails in words; what was kept stays, and with room it all goes on."""
    filling = """
    path, ballast = Path(sys.argv[1]) / "h.sqlite", Path(sys.argv[1]) / "ballast"
    store, number = Store(path), 0
    ballast.write_bytes(bytes(600_000))
    try:
        while number < 10_000:
            store.write(batch(number))
            number += 1
    except Trouble as trouble:
        print(trouble)
    for _ in range(3):
        try:
            store.write(batch(number))
        except Trouble:
            print("still")
    print(number)
    ballast.unlink()
    store.write(batch(number))
    store.close()
    """
    mount = (
        f'mount -t tmpfs -o size=1m none {tmp_path} && {{ "$@"; cp {tmp_path}/h.sqlite {tmp_path}.copy; }}'
    )
    wrapper = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*wrapper, "touch", str(tmp_path / "h.sqlite")]).returncode
    ):
        pytest.skip("mount namespaces are not allowed here")
    done = subprocess.run(
        script(filling, str(tmp_path), wrapper=wrapper), capture_output=True, text=True, check=True
    )
    said, *still, number = done.stdout.splitlines()
    assert "Make room on the disk" in said
    assert "full" in said
    assert still == ["still"] * 3
    copy = Path(f"{tmp_path}.copy")
    assert hours(copy) == {n: 2 * (n + 1) for n in range(int(number))}
    assert int(number) > 5


def kept(path: Path, count: int) -> None:
    store = Store(path)
    for number in range(count):
        store.write(batch(number))
    store.close()


def test_half_a_file_is_set_aside_and_its_hours_are_saved(tmp_path: Path) -> None:
    """A file cut in half gets another name, and a new one has the hours that can be read of it."""
    path = tmp_path / "h.sqlite"
    kept(path, 300)
    os.truncate(path, path.stat().st_size // 2)
    store = Store(path)
    store.write(batch(300))
    store.close()
    assert "h.sqlite was damaged: it is now h.damaged-1.sqlite" in store.notice
    assert (tmp_path / "h.damaged-1.sqlite").exists()
    found = hours(path)
    assert all(found[n] == 2 * (n + 1) for n in found if n < 300)
    assert f"with the {len([n for n in found if n < 300])} hours that could be read" in store.notice


def test_damage_in_the_midst_costs_the_rows_only(tmp_path: Path) -> None:
    """Where pages of ten-second rows are overwritten all hours are saved, and the meter's counters go on."""
    path = tmp_path / "h.sqlite"
    kept(path, 300)
    with closing(sqlite3.connect(path)) as file:
        (root,) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'raw'").fetchone()
    with path.open("r+b") as raw:
        raw.seek((root - 1) * 4096)
        raw.write(b"\xa5" * 4096)
    store = Store(path)
    store.write(batch(300))
    store.close()
    assert "with the 299 hours" in store.notice
    assert hours(path) == {n: 2 * (n + 1) for n in range(300)}
    assert raw_count(path) == 60


@pytest.mark.parametrize(
    "content", [b"no database at all, but a text that is long enough" * 30, b"SQLite format 3\0"]
)
def test_what_is_no_database_is_set_aside_in_its_own_place(tmp_path: Path, content: bytes) -> None:
    """In the state directory it was a history: kept under another name, each time a new one."""
    path = tmp_path / "h.sqlite"
    for number in (1, 2):
        path.write_bytes(content)
        store = Store(path, own=True)
        store.write(batch(0))
        store.close()
        assert (tmp_path / f"h.damaged-{number}.sqlite").read_bytes() == content
        assert raw_count(path) == 60


def test_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    """A path below a file, or that is a directory, is told in words, each time."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "h.sqlite", tmp_path):
        store = Store(path)
        for _ in range(2):
            with pytest.raises(Trouble, match="cannot be used"):
                store.write(batch(0))
