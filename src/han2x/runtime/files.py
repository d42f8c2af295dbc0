"""Files that are whole at every moment: a new content replaces the old one all at once."""

import errno
import os
import stat
from pathlib import Path


def read(path: Path, most: int) -> bytes:
    """A regular file's content; raises OSError, EFBIG for more than `most` bytes."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(path))
    return content


def replace(path: Path, text: str, *, private: bool = False) -> None:
    """Give the file a new content, which is on the disk when this returns; raises OSError.

    `private`: only its owner may read it from now on. Otherwise mode and owner stay; a new
    file that root makes is the folder's owner's, whose service is to read it.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    fd, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _as_before(target, temporary, 0o700 if private else 0o777)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
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
