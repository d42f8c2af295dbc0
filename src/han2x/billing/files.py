"""Files that a person wrote, read whole and within bounds; a wrong one is a `Trouble` that names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runtime.files import read
from ..runtime.gateway import Trouble
from ..settings import bounded_toml

MOST_OCTETS = 1_000_000
MOST_COMPLAINTS = 5


def read_text(path: Path, most: int = MOST_OCTETS) -> str:
    """A file's text; raises `Trouble`."""
    try:
        return read(path, most).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Trouble(f"{path} cannot be read: {reason}") from None


def read_table(path: Path) -> Mapping[str, Any]:
    """A TOML file's table; raises `Trouble`."""
    try:
        return bounded_toml.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise Trouble(f"{path} is not TOML: {error}") from None


def refuse(path: Path, complaints: list[str]) -> None:
    """Raise `Trouble` with what is wrong with a file, if anything is."""
    if complaints:
        more = len(complaints) - MOST_COMPLAINTS
        rest = [f"and {more} more"] if more > 0 else []
        raise Trouble(f"{path}: " + "; ".join([*complaints[:MOST_COMPLAINTS], *rest]))


def modified(path: Path) -> tuple[int, int] | None:
    """What differs when a file has been changed; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
