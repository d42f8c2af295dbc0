"""The history file: opened, brought up to date, and set aside when it is damaged. Blocks: for a thread.

WAL, so that readers and the writer do not wait for each other, and a commit is one append. A damaged file
is never deleted: it gets another name, and what can be read of its hours goes into a new one.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ..runtime.gateway import Trouble
from .schema import APPLICATION_ID, FOR_EVER, MIGRATIONS

PRAGMAS = (
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "cache_size = -512",  # KiB: what is written lies at a meter's end, and memory is scarce
    "journal_size_limit = 4194304",
    "temp_store = MEMORY",
    "synchronous = NORMAL",  # a power cut costs the last commits at most; hours are committed with FULL
)
BUSY_S = 10.0
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is what is wrong."""
    return _code(error) in DAMAGED


def as_trouble(error: sqlite3.Error | OSError, path: Path) -> Trouble:
    """What to say of an error that is not ours."""
    text = str(error.strerror if isinstance(error, OSError) else error)
    if isinstance(error, sqlite3.Error) and _code(error) in FULL:
        return Trouble(
            f"history cannot be written to {path}: {text}. Make room on the disk; newest rows wait in memory"
        )
    return Trouble(f"history in {path} cannot be used: {text}")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def open_file(path: Path, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> sqlite3.Connection:
    """The file for writing, made if need be; raises `Trouble`, and sqlite3.Error for a damaged one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _private(path)
    except OSError as error:
        raise as_trouble(error, path) from None
    wal = path.with_name(f"{path.name}-wal")
    ended_badly = wal.exists() and wal.stat().st_size > 0
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if ended_badly:
            _check(connection)
        _migrate(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reading(path: Path) -> sqlite3.Connection:
    """The file for reading beside whoever writes it; raises `Trouble`."""
    if not path.exists():
        raise Trouble(f"there is no history in {path}")
    try:
        connection = _connect_reading(path)
        connection.execute("SELECT 1 FROM hour LIMIT 1")
    except sqlite3.Error as error:
        raise as_trouble(error, path) from None
    return connection


def _connect_reading(path: Path) -> sqlite3.Connection:
    name = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(name, uri=True, timeout=BUSY_S, check_same_thread=False)


def _private(path: Path) -> None:
    """Make a file that only we may read, if there is none: when someone is at home is nobody's business."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _check(connection: sqlite3.Connection) -> None:
    """After an end without a farewell the file is read through once."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[tuple[str, ...], ...]) -> None:
    """Each version in a transaction of its own: a kill in between leaves a whole older or newer file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise Trouble(f"history in {path} was written by a newer han2x: install that, or move the file away")
    for number, statements in enumerate(migrations[version:], version + 1):
        with transaction(connection):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; what began to fail is undone, and the error goes on."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> tuple[Path, int]:
    """Give a damaged file another name and begin anew with its hours; the name, and how many there were."""
    aside = _free_name(path)
    try:
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    except OSError as error:
        raise as_trouble(error, path) from None
    connection = open_file(path)
    try:
        return aside, _salvage(aside, connection)
    finally:
        connection.close()


def _free_name(path: Path) -> Path:
    number = 1
    while (name := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return name


def _salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can be read of what is kept for ever; how many hours that was."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_connect_reading(damaged)) as source:
        for table in FOR_EVER:
            for order in ("ASC", "DESC"):  # from both ends, up to where it is damaged
                with contextlib.suppress(sqlite3.Error):
                    _copy(source, into, table, order)
    (count,) = into.execute("SELECT count(*) FROM hour").fetchone()
    return int(count)


def _copy(source: sqlite3.Connection, into: sqlite3.Connection, table: str, order: str) -> None:
    columns = [row[1] for row in into.execute(f"PRAGMA table_info({table})")]
    key = f"id {order}" if "id" in columns else f"meter {order}, t {order}"
    rows = source.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {key}")
    marks = ", ".join("?" * len(columns))
    with transaction(into):
        while True:
            try:
                row = rows.fetchone()
            except sqlite3.Error:
                return
            if row is None:
                return
            into.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)


def backup(path: Path, target: Path) -> None:
    """A whole copy while the history is being written: one moment's state; raises `Trouble`."""
    part = target.with_name(f".{target.name}.part")
    with contextlib.closing(open_reading(path)) as source:
        try:
            if target.exists() and target.samefile(path):
                raise OSError("it is the history itself")
            part.unlink(missing_ok=True)
            _private(part)
            _copy_whole(source, part)
            os.replace(part, target)
        except (sqlite3.Error, OSError) as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise Trouble(f"{target} cannot be written: {error}") from None


def _copy_whole(source: sqlite3.Connection, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb") as file:
        os.fsync(file.fileno())
