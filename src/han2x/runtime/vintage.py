"""Which version's state a directory holds, so that a downgrade is refused and does not lose it."""

from pathlib import Path

from .files import replace
from .stored import FORMAT

NAME = "format"


def newer(state_dir: Path) -> str | None:
    """Why this version must leave a state directory alone; None if it need not. It is marked as ours then."""
    path = state_dir / NAME
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if text.isdecimal() and int(text) > FORMAT:
        return (
            f"the state in {state_dir} is of format {text}, and this version of han2x knows formats up to "
            f"{FORMAT}: a newer version wrote it. Install that version again, or name another directory with "
            "--state"
        )
    if text != str(FORMAT):
        _mark(path)
    return None


def _mark(path: Path) -> None:
    try:
        replace(path, f"{FORMAT}\n")
    except OSError:
        return  # a disk that refuses is reported by whoever has state to keep
