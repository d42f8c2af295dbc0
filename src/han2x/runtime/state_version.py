"""Which version's state a directory holds, so that a downgrade is refused and does not lose it."""

import logging
from pathlib import Path

from .files import read, replace
from .stored_files import FORMAT as FORMAT_FILE
from .stored_files import load
from .stored_state import FORMAT

NAME = FORMAT_FILE.pattern

log = logging.getLogger("han2x")


def newer(state_dir: Path) -> str | None:
    """Why this version must leave a state directory alone; None if it need not. It is marked as ours then."""
    path = state_dir / NAME
    known = load(path, FORMAT_FILE, _parsed, log.warning)
    if why := _against(state_dir, known):
        return why
    if known != FORMAT:
        _mark(path)
    return None


def refusal(state_dir: Path) -> str | None:
    """The same, and nothing is written: for who has not locked the directory yet."""
    try:
        return _against(state_dir, _parsed(read(state_dir / NAME, FORMAT_FILE.most)))
    except (OSError, ValueError):
        return None


def _against(state_dir: Path, known: int | None) -> str | None:
    if known is None or known <= FORMAT:
        return None
    return (
        f"the state in {state_dir} is of format {known}, and this version of han2x knows formats up to "
        f"{FORMAT}: a newer version wrote it. Install that version again, or name another directory with "
        "--state"
    )


def _parsed(content: bytes) -> int:
    return int(content.decode("ascii"))


def _mark(path: Path) -> None:
    try:
        replace(path, f"{FORMAT}\n")
    except OSError:
        return  # a disk that refuses is reported by whoever has state to keep
