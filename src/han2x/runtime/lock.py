"""One process at a time for a state directory, a settings file, a history file.

An flock of the kernel ends with the process that holds it, however that ends, and no child inherits it. A
state directory is locked itself, so that nothing in it can be deleted or damaged to free it. Where a file
system locks no directories (NFS), and for a single file, a lock file is locked; it also tells who holds it.

Where nothing can be locked the program goes on, with a line in the log: it has worked there until now, and a
meter that is not read is worse than a second process that nobody may ever start.
"""

import contextlib
import errno
import fcntl
import logging
import os
import re
import shlex
import stat
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType

from .gateway import Trouble

log = logging.getLogger("han2x")

NAME = "lock"
STOP = "Stop that process first"
TOLD_MAX = 1024
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
"""Who may not write beside a file writes nothing that a lock could guard."""

_KEY = re.compile(r"\b[0-9A-Fa-f]{32}\b")


class Held(Trouble):
    """Another process holds the lock; the message says which, and what to do."""


class Lock:
    """Held until `release`, or until the process ends; of nothing, where nothing could be locked.

    `told`: the file that tells who holds it, which goes with it.
    """

    def __init__(self, fd: int | None = None, told: Path | None = None) -> None:
        self._fd, self._told = fd, told

    def release(self) -> None:
        """Let others in; nothing happens the second time."""
        fd, self._fd = self._fd, None
        if fd is None:
            return
        if self._told:
            with contextlib.suppress(OSError):
                self._told.unlink()
        os.close(fd)

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def directory(path: Path, remedy: str = STOP) -> Lock:
    """Lock a state directory, which is made if need be; raises `Held`."""
    with contextlib.suppress(OSError):  # what is wrong with it is met, and reported, by who writes there
        path.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    return _taken(path, (path, path / NAME), remedy)


def beside(path: Path, remedy: str = STOP) -> Lock:
    """Lock a file by a lock file beside it, so that the file itself may be replaced; raises `Held`."""
    path = path.resolve()
    return _taken(path, (path.with_name(f".{path.name}.lock"),), remedy)


def is_lock(path: Path) -> bool:
    """Whether a file is a lock by its name: nobody deletes those."""
    return path.name == NAME or (path.name.startswith(".") and path.name.endswith(".lock"))


def _taken(path: Path, candidates: tuple[Path, ...], remedy: str) -> Lock:
    """Lock the first candidate that can be locked; the last is the file that tells who has done so."""
    told = candidates[-1]
    refused: list[OSError] = []
    for candidate in candidates:
        try:
            fd = _locked(candidate)
        except BlockingIOError:
            raise Held(f"{path} is in use by {_holder(told)}. {remedy}") from None
        except OSError as error:
            refused.append(error)
            continue
        return Lock(fd, told if _told(told) else None)
    if refused[-1].errno not in READ_ONLY:
        reason = refused[-1].strerror
        log.warning("%s cannot be locked: %s. Make sure that only one han2x uses it", path, reason)
    return Lock()


def _locked(path: Path) -> int:
    """A descriptor that holds the lock; raises OSError, of which BlockingIOError says that another has it."""
    while True:
        fd = os.open(path, os.O_RDONLY) if path.is_dir() else _opened(path)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # deleted meanwhile: others would find another file, and lock that


def _opened(path: Path) -> int:
    """A lock file, made if need be: a regular one of its folder's owner; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "the lock file is not a regular file")
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    fd = os.open(path, flags, 0o600)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(fd, owner.st_uid, owner.st_gid)
    return fd


def _told(path: Path) -> bool:
    """Write down who has the lock: process, and command without keys. Whether that could be done."""
    command = _KEY.sub("...", shlex.join(["han2x", *sys.argv[1:]]))
    try:
        fd = _opened(path)
        try:
            os.ftruncate(fd, 0)
            os.write(fd, f"{os.getpid()} {command}\n".encode(errors="replace")[:TOLD_MAX])
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def _holder(path: Path) -> str:
    """Who has the lock, as far as can be told."""
    try:
        fd = _opened(path)
    except OSError:
        return "another process"
    try:
        text = os.read(fd, TOLD_MAX).decode(errors="replace")
        since = datetime.fromtimestamp(os.fstat(fd).st_mtime).astimezone().isoformat(" ", "seconds")
    finally:
        os.close(fd)
    pid, _, command = "".join(filter(str.isprintable, text)).partition(" ")
    return f"process {pid} ({command}) since {since}" if pid.isdecimal() else "another process"
