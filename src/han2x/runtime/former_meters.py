"""Meters that this gateway has stored something of and that the settings do not have any more.

A meter that is added is one of them only if its owner says so. Blocks: for a thread.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..model.quantity import Quantity
from ..settings.identity import ID
from ..settings.schema import Settings
from .identities import remembered
from .providers import Archive
from .state_file import StateFile
from .stored_state import Stored, from_json


class FormerMeter(NamedTuple):
    """A meter by its id and last name. `last_ms`: when its last energies came (Unix ms), 0 if unknown.

    `energy_wh`: its last import register as the meter counts, None if unknown. `meter_id`: its number, or "".
    """

    id: str
    name: str
    last_ms: int = 0
    energy_wh: int | None = None
    meter_id: str = ""


def former_meters(state_dir: Path | None, settings: Settings, archive: Archive | None) -> list[FormerMeter]:
    """All of them, the last used first; raises `Trouble` if the history cannot be read."""
    names = {one.id: one.name for one in remembered(state_dir) if one.section == "meters"}
    hours = {id: at for id, at in (archive.meters() if archive else {}).items() if re.fullmatch(ID, id)}
    ids = {*names, *hours, *with_state(state_dir)} - {meter.id for meter in settings.meters}
    found = [_told(id, names.get(id, id), hours.get(id, 0) * 1000, state_dir) for id in ids]
    return sorted(found, key=lambda one: (-one.last_ms, one.id))


def with_state(state_dir: Path | None) -> Iterator[str]:
    """Ids of meters that have a state file."""
    for path in state_dir.glob("*.state") if state_dir else ():
        if re.fullmatch(ID, path.stem):
            yield path.stem


def _told(id: str, name: str, last_ms: int, state_dir: Path | None) -> FormerMeter:
    stored = _stored(state_dir / f"{id}.state") if state_dir else None
    if stored is None:
        return FormerMeter(id, name, last_ms)
    snapshot = stored.snapshot
    energy = snapshot.values.get(Quantity.ACT_ENERGY_POS)
    last_ms = max(last_ms, snapshot.energies_unix_ms or 0)
    return FormerMeter(id, name, last_ms, energy, snapshot.identity.meter_id or "")


def _stored(path: Path) -> Stored | None:
    """What a state file holds; None where it is missing or damaged."""
    try:
        payload = StateFile(path).payload
    except OSError:
        return None
    return from_json(payload) if payload else None
