"""Whom the state directory knows: the id and last name of every meter and broker there has been.

The settings file holds the ids. Where it does not, because a person wrote it or it cannot be written, this
list tells who is who; and it tells what a meter was called that the settings do not have any more.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..settings.identity import ALIKE, ID, Remembered
from ..settings.schema import Settings
from .files import read, replace
from .stored_files import IDENTITIES, Say, load, table_of

NAME = "identities.json"
FORMAT = 1
ROWS_MAX = 2000
"""Of each section; those out of use longest go first."""


def remembered(state_dir: Path | None) -> tuple[Remembered, ...]:
    """Who is known; a list that is missing or damaged knows nobody."""
    try:
        return _parsed(read(state_dir / NAME, IDENTITIES.most)) if state_dir else ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def set_damaged_aside(state_dir: Path | None, say: Say) -> None:
    """Say that the list is damaged, if it is, before it is written anew."""
    load(state_dir / NAME if state_dir else None, IDENTITIES, _parsed, say)


def _parsed(content: bytes) -> tuple[Remembered, ...]:
    found = [Remembered(**row) for row in table_of(content, FORMAT)["known"]]
    return tuple(one for one in found if _is_sound(one))


def _is_sound(one: Remembered) -> bool:
    return one.section in ALIKE and all(isinstance(text, str) for text in one[:4]) and type(one.used) is bool


def remember(state_dir: Path | None, settings: Settings) -> None:
    """Bring the list up to date with the settings in force; blocks. Raises OSError."""
    if state_dir is None:
        return
    before = remembered(state_dir)
    after = _after((*_found(before, state_dir), *before), settings)
    if after != list(before):
        _write(state_dir, after)


def forget(state_dir: Path | None, meter: str) -> None:
    """Take a meter from the list that is another one now; blocks. Raises OSError."""
    before = remembered(state_dir)
    after = [one for one in before if (one.section, one.id) != ("meters", meter)]
    if state_dir and len(after) < len(before):
        _write(state_dir, after)


def _write(state_dir: Path, known: Iterable[Remembered]) -> None:
    rows = [one._asdict() for one in known]
    replace(state_dir / NAME, json.dumps({"format": FORMAT, "known": rows}, ensure_ascii=False))


def _found(known: Iterable[Remembered], state_dir: Path) -> Iterator[Remembered]:
    """Meters that were removed before there was this list: of those the state files tell."""
    ids = {one.id for one in known if one.section == "meters"}
    for path in sorted(state_dir.glob("*.state")):
        if path.stem not in ids and re.fullmatch(ID, path.stem):
            yield Remembered("meters", path.stem, path.stem, "", used=False)


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
