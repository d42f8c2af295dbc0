"""Whom the state directory knows: the id and last name of every meter and broker there has been.

The settings file holds the ids. Where it does not, because a person wrote it or it cannot be written, this
list tells who is who; and it tells what a meter was called that the settings do not have any more.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..settings.identity import ALIKE, Remembered
from ..settings.schema import Settings
from .files import replace

NAME = "identities.json"
FORMAT = 1
SIZE_MAX = 1_000_000
ROWS_MAX = 2000
"""Of each section; those out of use longest go first."""


def remembered(state_dir: Path | None) -> tuple[Remembered, ...]:
    """Who is known; a list that is missing or damaged knows nobody."""
    try:
        if state_dir is None or not (path := state_dir / NAME).is_file() or path.stat().st_size > SIZE_MAX:
            return ()
        table = json.loads(path.read_text("utf-8"))
        rows = table["known"] if table["format"] == FORMAT else []
        found = [Remembered(**row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(one for one in found if _is_sound(one))


def _is_sound(one: Remembered) -> bool:
    return one.section in ALIKE and all(isinstance(text, str) for text in one[:4]) and type(one.used) is bool


def remember(state_dir: Path | None, settings: Settings) -> None:
    """Bring the list up to date with the settings in force; blocks. Raises OSError."""
    if state_dir is None:
        return
    before = remembered(state_dir)
    after = _after(before, settings)
    if after != list(before):
        rows = [one._asdict() for one in after]
        replace(state_dir / NAME, json.dumps({"format": FORMAT, "known": rows}, ensure_ascii=False))


def _after(before: Iterable[Remembered], settings: Settings) -> list[Remembered]:
    after: list[Remembered] = []
    for section in ALIKE:
        used = in_force(section, getattr(settings, section))
        ids = {one.id for one in used}
        former = [one._replace(used=False) for one in before if one.section == section and one.id not in ids]
        after += [*former, *used][-ROWS_MAX:]
    return after


def in_force(section: str, rows: Iterable[Any]) -> Sequence[Remembered]:
    """Rows of settings as they are remembered."""
    return [Remembered(section, row.id, row.name, getattr(row, ALIKE[section])) for row in rows]
