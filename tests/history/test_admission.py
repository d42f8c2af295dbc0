"""Which files are opened as a history: ours, empty and new ones; all others stay as they are, to the byte."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from han2x.history import service
from han2x.history.batch import Batch, Mark
from han2x.history.file import backup, open_file, open_reading
from han2x.history.lending import Lent
from han2x.history.schema import MIGRATIONS
from han2x.history.store import Store
from han2x.model.hours import Register
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.runtime import lock
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.runtime.sqlite_file import APPLICATION_ID
from han2x.settings.schema import Archive, History, Settings

T0 = 1_765_724_400


def batch(hour: int) -> Batch:
    register = Register(T0 + hour * 3600, {Quantity.ACT_ENERGY_POS: hour * 100})
    return Batch(marks=[Mark("main", "A", register, 1000)])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def foreign(path: Path, *pragmas: str) -> None:
    """A database as Home Assistant's recorder has it."""
    with closing(sqlite3.connect(path)) as file:
        for pragma in pragmas:
            file.execute(f"PRAGMA {pragma}")
        file.execute("CREATE TABLE states (id INTEGER PRIMARY KEY, state TEXT)")
        file.executemany("INSERT INTO states (state) VALUES (?)", [(str(n),) for n in range(1000)])
        file.commit()


def recorder(path: Path) -> None:
    """The same with its log beside it, as after a kill."""
    killed = (
        "import os, sqlite3, sys; f = sqlite3.connect(sys.argv[1]); f.execute('PRAGMA journal_mode = WAL'); "
        "f.execute('CREATE TABLE states (state TEXT)'); f.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size


def newer(path: Path) -> None:
    store = Store(path, (*MIGRATIONS, ()))
    store.open()
    store.close()


FOREIGN: dict[str, Callable[[Path], object]] = {
    "database": foreign,
    "database with a log": recorder,
    "database of another program's mark": lambda path: foreign(path, "application_id = 252006674"),
    "database with our mark": lambda path: foreign(path, f"application_id = {APPLICATION_ID}"),
    "database with our mark and version": lambda path: foreign(
        path, f"application_id = {APPLICATION_ID}", f"user_version = {len(MIGRATIONS)}", "journal_mode = WAL"
    ),
    "newer history": newer,
    "settings": lambda path: path.write_text("[modbus_tcp]\nport = 1502\n"),
    "text": lambda path: path.write_text("x" * 100_000),
    "head of a database": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
}
USES: dict[str, Callable[[Path], object]] = {
    "gateway": lambda path: Store(path, alone=True).write(batch(0)),
    "store": lambda path: Store(path).write(batch(0)),
    "guest": lambda path: Store(path, guest=True).write(batch(0)),
    "in the state directory": lambda path: Store(path, own=True, alone=True).write(batch(0)),
    "reading": open_reading,
    "erasing": lambda path: Lent(path, UTC).erase(),
    "backup of it": lambda path: backup(path, path.with_name("copy")),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_ours_is_left_as_it_is(tmp_path: Path, kind: str, use: Callable[[Path], object]) -> None:
    """A sentence with the path; the folder holds the same files with the same bytes."""
    path = tmp_path / "home-assistant_v2.db"
    FOREIGN[kind](path)
    if use is USES["in the state directory"] and "database" not in kind[:8] and kind != "newer history":
        return  # there it is the ruin of a history
    if kind == "newer history" and use in (USES["reading"], USES["backup of it"]):
        return
    before = contents(tmp_path)
    for _ in range(2):
        with pytest.raises(Trouble) as trouble:
            use(path)
        assert str(path) in str(trouble.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "link to a device"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, use: Callable[[Path], object]) -> None:
    """Nothing is opened that could block or start something."""
    path = tmp_path / "h"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(Trouble, match="is not a regular file"):
        use(path)


def test_an_empty_file_and_a_link_to_a_new_one_become_histories(tmp_path: Path) -> None:
    """As `touch` made it, and as a link to another disk."""
    (tmp_path / "empty").touch()
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "h.sqlite")
    for name in ("empty", "link", "folder/new"):
        store = Store(tmp_path / name, alone=True)
        store.write(batch(0))
        store.close()
        assert (tmp_path / name).read_bytes()[68:72] == APPLICATION_ID.to_bytes(4)
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "disk", "link", "folder"}


def test_a_young_history_of_an_older_version_is_known_by_its_log(tmp_path: Path) -> None:
    """Older versions put the mark into the log: killed early, the file itself has none."""
    path = tmp_path / "h.sqlite"
    statements = [*MIGRATIONS[0], f"PRAGMA application_id = {APPLICATION_ID}", "PRAGMA user_version = 1"]
    killed = """
import os, sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL"):
    file.execute(f"PRAGMA {statement}")
for statement in ("BEGIN", *sys.argv[2:], "COMMIT"):
    file.execute(statement)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", killed, str(path), *statements], check=False)
    assert path.read_bytes()[68:72] == bytes(4)
    store = Store(path)
    store.write(batch(0))
    store.close()


OPENER = """
import sys
from pathlib import Path
from han2x.history.file import open_file
sys.stdin.readline()
open_file(Path(sys.argv[1])).execute("INSERT INTO meter (name) VALUES (?)", (sys.argv[2],))
"""


@pytest.mark.parametrize("old", [False, True], ids=["new", "older"])
def test_processes_that_open_at_once_find_one_history(tmp_path: Path, old: bool) -> None:
    """Six that make or upgrade it in the same moment: what each has written is there."""
    path = tmp_path / "h.sqlite"
    if old:
        open_file(path, MIGRATIONS[:1]).close()
    words = [[sys.executable, "-c", OPENER, str(path), f"m{number}"] for number in range(6)]
    processes = [
        subprocess.Popen(one, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for one in words
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=30)[1] == ""
    with closing(open_reading(path)) as file:
        assert {name for (name,) in file.execute("SELECT name FROM meter")} == {f"m{n}" for n in range(6)}


OTHER = """
import sys
from pathlib import Path
from han2x.history.store import Store
store = Store(Path(sys.argv[1]))
store.open()
store.close()
"""


def test_looking_at_it_takes_no_lock_away(tmp_path: Path) -> None:
    """Reading beside the writer of the same process: another process that closes it leaves the log alone."""
    path = tmp_path / "h.sqlite"
    store = Store(path, alone=True)
    store.write(batch(0))
    open_reading(path).close()
    Lent(path, UTC).extent("main")
    subprocess.run([sys.executable, "-c", OTHER, str(path)], check=True)
    assert path.with_name("h.sqlite-wal").exists()
    store.write(batch(1))
    store.close()
    with closing(open_reading(path)) as file:
        assert file.execute("SELECT count(*) FROM hour").fetchone() == (1,)


def test_two_gateways_do_not_share_a_history(tmp_path: Path) -> None:
    """The second says who has it, and takes over when that has ended; an import beside it is a guest."""
    path = tmp_path / "h.sqlite"
    first, second, guest = Store(path, alone=True), Store(path, alone=True), Store(path, guest=True)
    first.write(batch(0))
    with pytest.raises(lock.Held, match=f"process {os.getpid()} .* history.path of its own"):
        second.write(batch(1))
    guest.write(batch(1))
    guest.close()
    first.close()
    second.write(batch(2))
    second.close()
    assert sorted(contents(tmp_path)) == ["h.sqlite"]


def test_a_guest_makes_upgrades_and_repairs_nothing(tmp_path: Path) -> None:
    """What belongs to the gateway that uses the file stays its business."""
    path = tmp_path / "h.sqlite"
    guest = Store(path, guest=True)
    with pytest.raises(Trouble, match="there is no history"):
        guest.write(batch(0))
    assert not path.exists()
    open_file(path, MIGRATIONS[:1]).close()
    with pytest.raises(Trouble, match="older version"):
        guest.write(batch(0))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(Trouble, match="cannot be used"):
        guest.write(batch(0))
    assert sorted(contents(tmp_path)) == ["h.sqlite"]


BACKUP_TARGETS: dict[str, Callable[[Path, Path], object]] = {
    "text": lambda target, _: target.write_text("a letter"),
    "empty": lambda target, _: target.touch(),
    "database": lambda target, _: foreign(target),
    "directory": lambda target, _: target.mkdir(),
    "fifo": lambda target, _: os.mkfifo(target),
    "link to nowhere": lambda target, _: target.symlink_to("/nowhere"),
    "link to a device": lambda target, _: target.symlink_to("/dev/null"),
    "link to the history": lambda target, history: target.symlink_to(history),
    "hard link": lambda target, history: target.hardlink_to(history),
    "history in use": lambda target, _: Store(target).write(batch(0)),
}


@pytest.mark.parametrize("kind", BACKUP_TARGETS)
def test_a_backup_replaces_backups_only(tmp_path: Path, kind: str) -> None:
    """Whatever else has the name stays, and no part of a backup does."""
    path, folder = tmp_path / "h.sqlite", tmp_path / "usb"
    folder.mkdir()
    store = Store(path)
    store.write(batch(0))
    BACKUP_TARGETS[kind](folder / "copy", path)
    before = os.lstat(folder / "copy"), sorted(folder.iterdir())
    with pytest.raises(Trouble, match=r"copy cannot be written: (it is|is not)"):
        backup(path, folder / "copy")
    after = os.lstat(folder / "copy"), sorted(folder.iterdir())
    assert (after[0].st_ino, after[0].st_size, after[1]) == (before[0].st_ino, before[0].st_size, before[1])
    for name in ("h.sqlite-journal", "h.sqlite-wal"):
        with pytest.raises(Trouble, match="cannot be written"):
            backup(path, tmp_path / name)
    store.close()


def test_what_a_killed_backup_left_goes_with_the_next(tmp_path: Path) -> None:
    """The part of a process that has ended; not that of one that lives."""
    path = tmp_path / "h.sqlite"
    store = Store(path)
    store.write(batch(0))
    store.close()
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getppid()):
        (tmp_path / f".copy.{pid}.part").write_text("half")
    for _ in range(2):
        backup(path, tmp_path / "copy")
    found = {name for name in contents(tmp_path) if "copy" in name}
    assert found == {f".copy.{os.getppid()}.part", "copy"}


def served(history: History, folder: Path) -> tuple[Gateway, Archive]:
    gateway = Gateway(
        Settings(), clock=lambda: Instant(T0 * 1000, 0), state_dir=folder, settings_file=folder / "han2x.toml"
    )
    return gateway, Archive(history=history, meters=("main",), time_zone="UTC")


@pytest.mark.parametrize("name", ["main.state", "web.json", "format", "lock", "han2x.toml", "factory.toml"])
def test_a_path_of_another_file_of_ours_is_refused(tmp_path: Path, name: str) -> None:
    """Even before there is such a file."""
    gateway, archive = served(History(path=str(tmp_path / name)), tmp_path)
    with pytest.raises(Trouble, match="another file of han2x"):
        asyncio.run(service.run(archive, gateway, "history"))
    assert not list(tmp_path.iterdir())


def test_an_end_leaves_no_thread_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program keeps the file locked: the end waits its time, then nothing is at work any more."""
    path = tmp_path / "h.sqlite"
    monkeypatch.setattr(service, "FAREWELL_S", 0.2)

    async def scene() -> None:
        gateway, archive = served(History(path=str(path)), tmp_path)
        task = asyncio.create_task(service.run(archive, gateway, "history"))
        async with asyncio.timeout(10):
            while (
                "history" not in gateway.health.value
                or gateway.health.value["history"].condition is not Condition.OK
            ):
                await gateway.health.changed(gateway.health.value)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            task.cancel()
            async with asyncio.timeout(4):
                await asyncio.wait([task])
            assert task.cancelled()
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("history")]
            other.execute("ROLLBACK")
        again = Store(path, alone=True)
        again.open()
        again.close()

    asyncio.run(scene())
