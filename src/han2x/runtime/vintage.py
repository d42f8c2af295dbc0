"""Which version's state a directory holds, so that a downgrade is refused and does not lose it."""

from pathlib import Path

from .files import replace
from .stored import FORMAT

NAME = "format"


def newer(state_dir: Path) -> str | None:
    """Why this version must leave a state directory alone; None if it need not. It is marked as ours then."""
    why = refusal(state_dir)
    if why is None and _marked(state_dir) != str(FORMAT):
        _mark(state_dir / NAME)
    return why


def refusal(state_dir: Path) -> str | None:
    """The same, and nothing is written: for who has not locked the directory yet."""
    text = _marked(state_dir)
    if text.isdecimal() and int(text) > FORMAT:
        return (
            f"the state in {state_dir} is of format {text}, and this version of han2x knows formats up to "
            f"{FORMAT}: a newer version wrote it. Install that version again, or name another directory with "
            "--state"
        )
    return None


def _marked(state_dir: Path) -> str:
    try:
        return (state_dir / NAME).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _mark(path: Path) -> None:
    try:
        replace(path, f"{FORMAT}\n")
    except OSError:
        return  # a disk that refuses is reported by whoever has state to keep
