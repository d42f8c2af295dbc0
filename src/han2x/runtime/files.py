"""Files that are whole at every moment: a new content replaces the old one all at once."""

import os
from pathlib import Path


def replace(path: Path, text: str, *, private: bool = False) -> None:
    """Give the file a new content, which is on the disk when this returns; raises OSError.

    `private`: only its owner may read it from now on.
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
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & (0o700 if private else 0o777))
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
