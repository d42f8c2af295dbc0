"""Which file may be opened as the history: one of ours, an empty one, or none yet. Blocks: for a thread.

Anything else is left as it is, byte for byte, with nothing beside it: it is looked at without SQLite, and by
SQLite only once it has our mark. A new history is made whole beside an empty file, and takes its place.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..runtime.gateway import Trouble
from ..runtime.sqlite_file import APPLICATION_ID, header
from .schema import FOR_EVER

TABLES = {*FOR_EVER, "raw", "minute"}
"""What is in a history of every version."""

PAUSE_S, TRIES = 0.05, 200

_open: Counter[tuple[int, int]] = Counter()
_guard = threading.RLock()


class Connection(sqlite3.Connection):
    """A connection to a history. `ended`: it is to wait for nobody any more."""

    ended = False
    forget: Callable[[], object] = staticmethod(lambda: None)

    def close(self) -> None:
        """Close the connection; the next look at the file is a new one."""
        super().close()
        self.forget()


def connect(path: Path, database: str, admit: Callable[[Path], None], **options: Any) -> Connection:
    """A connection to a file that `admit` has not turned away.

    A file that this process has open already has been admitted, and must not be looked at again: POSIX ends
    all locks of a process on a file, SQLite's too, when it closes any descriptor of it.
    """
    with _guard:
        if not (path.exists() and _open[_key(path)]):
            admit(path)
        key = _key(path)
        _open[key] += 1
    try:
        connection = sqlite3.connect(database, factory=Connection, **options)
    except BaseException:
        _count_down(key)
        raise
    connection.forget = weakref.finalize(connection, _count_down, key)
    return connection


def check(path: Path, *, own: bool) -> None:
    """Raises as `reader` for a file that is not to be used; where there is none, or an empty one, it can."""
    with _guard:
        if path.exists() and path.stat().st_size and not _open[_key(path)]:
            reader(path, own=own)


def writer(
    newest: int, *, own: bool, create: Callable[[sqlite3.Connection], None] | None
) -> Callable[[Path], None]:
    """Who may be written, up to a version.

    `own`: the file lies where nothing but our history can lie, so that one that is no database is a damaged
    one. `create`: fills a new file; None where none may be made.
    """

    def admit(path: Path) -> None:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            _fill(path, create)
        reader(path, newest, own=own)

    return admit


def reader(path: Path, newest: int | None = None, *, own: bool = False) -> None:
    """Raises `Trouble` for a file that is no history of ours, or of a version newer than `newest`."""
    if not path.exists():
        raise Trouble(f"there is no history in {path}")
    head = header(path)
    if not head.size:
        raise Trouble(f"there is no history in {path}")
    if head.application_id != APPLICATION_ID:
        if own and not head.is_sqlite:
            raise _damage()
        what = "a database of another program" if head.is_sqlite else "not a history of han2x"
        raise _refused(path, f"it is {what}")
    _examine(path, newest)


def _examine(path: Path, newest: int | None) -> None:
    """Raises `Trouble` for a newer version, or for a file that has our mark and not our tables."""
    wal = Path(f"{path}-wal")
    bare = "" if wal.exists() and wal.stat().st_size else "&immutable=1"
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{bare}", uri=True)) as file:
        try:
            (version,) = file.execute("PRAGMA user_version").fetchone()
            names = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.Error:
            return  # damaged, which whoever opens it meets and knows how to mend
    if newest is not None and version > newest:
        raise newer(path)
    if not names >= TABLES:
        raise _refused(path, "it has not the tables of a history")


def _refused(path: Path, why: str) -> Trouble:
    return Trouble(
        f"history in {path} cannot be used: {why}, and is left as it is. Set history.path to another file"
    )


def newer(path: Path) -> Trouble:
    """What to say of a file of a newer version."""
    return Trouble(f"history in {path} was written by a newer han2x: install that, or move the file away")


def _fill(path: Path, create: Callable[[sqlite3.Connection], None]) -> None:
    """Put a whole new history in an empty file's place, unless someone else is faster."""
    if not path.is_file() or path.stat().st_size:
        return
    target = path.resolve()
    fd = os.open(target, os.O_RDWR | os.O_NONBLOCK)
    try:
        _lock(fd)
        if os.fstat(fd).st_size == 0 and os.path.samestat(os.fstat(fd), target.stat()):
            _replace(target, create)
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Wait until nobody else is filling the same file."""
    for _ in range(TRIES):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_S)
        except OSError:
            return  # a file system without locks
        else:
            return
    raise OSError(fcntl.LOCK_EX, "another process keeps the file locked")


def _replace(target: Path, create: Callable[[sqlite3.Connection], None]) -> None:
    made = target.with_name(f".{target.name}.new")
    made.unlink(missing_ok=True)
    try:
        fd = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if os.geteuid() == 0:
            owner = target.parent.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        os.close(fd)
        with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as file:
            create(file)
        os.replace(made, target)
    finally:
        made.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _key(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _count_down(key: tuple[int, int]) -> None:
    with _guard:
        _open[key] -= 1


def _damage() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    return error
