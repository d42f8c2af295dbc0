"""Files of our own: read within bounds, replaced all at once and durably, set aside when damaged.

Only regular files are read, or symbolic links to them: a device or pipe in a file's place must neither stop
nor grow the program.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

ASIDE = ".damaged-"
ASIDE_MAX = 5
"""So many damaged versions of one file stay; then the newest takes the place of the oldest."""


def read(path: Path, most: int) -> bytes:
    """A regular file's content; raises OSError, EFBIG for more than `most` bytes."""
    content = read_head(path, most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(path))
    return content


def read_head(path: Path, most: int) -> bytes:
    """The first bytes of a regular file, `most` at most; raises OSError, and never waits."""
    with open_regular(path) as file:
        return file.read(most)


def read_tail(path: Path, most: int) -> bytes:
    """The last bytes of a regular file, `most` at most; raises OSError, and never waits."""
    with open_regular(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most)


def open_regular(path: Path) -> BinaryIO:
    """A regular file, open for reading; raises OSError, and never waits."""
    _be_regular(path, os.stat(path))  # before it is opened: opening alone may do something to a device
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb")
    try:
        _be_regular(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


def _be_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device, pipe or socket, not a regular file", str(path))


def set_aside(path: Path) -> Path:
    """Give a file a name that says it is damaged, beside where it was; raises OSError."""
    names = [path.with_name(f"{path.name}{ASIDE}{number}") for number in range(1, ASIDE_MAX + 1)]
    free = (name for name in names if not os.path.lexists(name))
    aside = next(free, None) or min(names, key=lambda name: os.lstat(name).st_mtime_ns)
    if not aside.is_dir() or aside.is_symlink():
        aside.unlink(missing_ok=True)
    os.rename(path, aside)
    with contextlib.suppress(OSError):
        sync_folder(path.parent)
    return aside


def copy_aside(path: Path, content: bytes) -> None:
    """Keep a file's content beside it under a damaged one's name, and the file as well; raises OSError."""
    aside = set_aside(path)
    replace(path, content)
    with contextlib.suppress(OSError):
        os.chmod(path, os.stat(aside).st_mode & 0o777)


def replace(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Give the file a new content, which is on the disk when this returns; raises OSError.

    `private`: only its owner may read it from now on. Otherwise mode and owner stay; a new
    file that root makes is the folder's owner's, whose service is to read it.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    if target.exists():
        _be_regular(path, target.stat())  # whoever may write in its folder must not replace a device
    fd, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        _as_before(target, temporary, 0o700 if private else 0o777)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk; raises OSError."""
    directory = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _as_before(target: Path, temporary: str, mask: int) -> None:
    if target.exists():
        os.chmod(temporary, target.stat().st_mode & mask)
    if os.geteuid() == 0:
        owner = (target if target.exists() else target.parent).stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
