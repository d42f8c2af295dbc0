"""The history file: opened, brought up to date, and set aside when it is damaged. Blocks: for a thread.

WAL, so that readers and the writer do not wait for each other, and a commit is one append. A damaged file
is never deleted: it gets another name, and what can be read of its hours goes into a new one.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ..runtime.gateway import Trouble
from ..runtime.sqlite_file import header
from . import admission
from .admission import Connection
from .schema import APPLICATION_ID, FOR_EVER, MIGRATIONS

PRAGMAS = (
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "cache_size = -512",  # KiB: what is written lies at a meter's end, and memory is scarce
    "journal_size_limit = 4194304",
    "temp_store = MEMORY",
    "synchronous = NORMAL",  # a power cut costs the last commits at most; hours are committed with FULL
)
BUSY_S, SLICE_S = 10.0, 0.25
READING: dict[str, Any] = {"uri": True, "timeout": BUSY_S, "check_same_thread": False}
SIBLINGS = ("-wal", "-shm", "-journal")
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


Migrations = tuple[tuple[str, ...], ...]


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


def open_file(
    path: Path, migrations: Migrations = MIGRATIONS, *, own: bool = False, guest: bool = False
) -> Connection:
    """The file for writing; raises `Trouble`, and sqlite3.Error for a damaged one.

    `own`: see `admission.writer`. `guest`: another process keeps it, so it is neither made nor upgraded.
    """
    admit = admission.writer(
        len(migrations), own=own, create=None if guest else partial(_create, path, migrations)
    )
    try:
        wal = path.with_name(f"{path.name}-wal")
        ended_badly = wal.exists() and wal.stat().st_size > 0
        connection = admission.connect(
            path, str(path), admit, timeout=SLICE_S, isolation_level=None, check_same_thread=False
        )
    except OSError as error:
        raise as_trouble(error, path) from None
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if ended_badly and not guest:
            _check(connection)
        _migrate(connection, path, migrations, guest=guest)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reading(path: Path) -> Connection:
    """The file for reading beside whoever writes it; raises `Trouble`."""
    try:
        connection = admission.connect(path, _reading(path), admission.reader, **READING)
        connection.execute("SELECT 1 FROM hour LIMIT 1")
    except (sqlite3.Error, OSError) as error:
        raise as_trouble(error, path) from None
    return connection


def _reading(path: Path) -> str:
    """The file as SQLite is to open it: where nobody can write beside it, there is no log to look for."""
    alone = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"


def _create(path: Path, migrations: Migrations, file: sqlite3.Connection) -> None:
    """Fill a file that nobody else sees yet."""
    file.execute(f"PRAGMA {PRAGMAS[0]}")
    file.execute("PRAGMA journal_mode = MEMORY")
    _migrate(file, path, migrations)


def _check(connection: sqlite3.Connection) -> None:
    """After an end without a farewell the file is read through once."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _migrate(
    connection: sqlite3.Connection, path: Path, migrations: Migrations, *, guest: bool = False
) -> None:
    """Each version in a transaction of its own: a kill in between leaves a whole older or newer file."""
    while (version := _version(connection)) < len(migrations):
        if guest:
            raise Trouble(
                f"history in {path} is of an older version: the gateway that uses it must be restarted"
            )
        with transaction(connection):
            if version == _version(connection):  # nobody else has done it meanwhile
                for statement in migrations[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {version + 1}")
    if version > len(migrations):
        raise admission.newer(path)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; what began to fail is undone, and the error goes on."""
    _begin(connection)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection) -> None:
    """Wait for whoever writes, in slices: SQLite's own wait cannot be interrupted."""
    for left in reversed(range(int(BUSY_S / SLICE_S))):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if _code(error) != sqlite3.SQLITE_BUSY or not left or getattr(connection, "ended", False):
                raise
        else:
            return


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
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(_reading(damaged), **READING)) as source,
    ):
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


def backup(path: Path, target: Path, *, force: bool = False) -> None:
    """A whole copy while the history is being written: one moment's state; raises `Trouble`.

    Only an older backup is replaced, when the new one is whole; `force`: any regular file that is no history.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with contextlib.closing(open_reading(path)) as source:
        try:
            _check_target(path, target, force)
            _sweep(target)
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            _copy_whole(source, part)
            _check_target(path, target, force)
            os.replace(part, target)
            _sync(target.parent)
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise Trouble(f"{target} cannot be written: {reason}") from None
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def _check_target(path: Path, target: Path, force: bool) -> None:
    """Raises OSError for what a backup must not replace."""
    if target.name in {f"{path.name}{ending}" for ending in SIBLINGS} and target.parent.samefile(path.parent):
        raise OSError("SQLite keeps a file of the history there")
    if not os.path.lexists(target):
        return
    if target.is_symlink():
        raise OSError("it is a link. Name the file itself")
    if target.samefile(path):
        raise OSError("it is the history itself")
    head = header(target)
    if force and head.application_id != APPLICATION_ID:
        return
    if head.application_id != APPLICATION_ID or head.wal:  # a WAL has who is, or was, written by a gateway
        what = (
            "a history that a gateway uses"
            if head.wal and head.application_id == APPLICATION_ID
            else "another file"
        )
        raise OSError(f"it is {what}, and only an older backup is replaced")


def _sweep(target: Path) -> None:
    """Delete what a killed backup to the same target has left."""
    begin = f".{target.name}."
    for path in target.parent.iterdir():
        pid = path.name.removeprefix(begin).removesuffix(".part")
        if path.name == f"{begin}{pid}.part" and pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            path.unlink(missing_ok=True)


def _copy_whole(source: sqlite3.Connection, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
