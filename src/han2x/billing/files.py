"""Files that a person wrote, read whole and within bounds; a wrong one is a `Trouble` that names it."""

from pathlib import Path

from ..runtime.files import read
from ..runtime.gateway import Trouble

MOST_OCTETS = 1_000_000


def read_text(path: Path, most: int = MOST_OCTETS) -> str:
    """A file's text; raises `Trouble`."""
    try:
        return read(path, most).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Trouble(f"{path} cannot be read: {reason}") from None


def modified(path: Path) -> tuple[int, int] | None:
    """What differs when a file has been changed; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
