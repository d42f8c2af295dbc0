"""Which network setting is on trial, kept so that a restart in its midst does not make it stay.

The file holds the setting on trial and the one before. If the program begins with the first, nobody has
confirmed it: the settings go back to the second, as NetworkManager's checkpoint takes the machine back.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..settings.amend import Refused, amend
from ..settings.device import Network
from ..settings.schema import Settings
from .files import replace
from .stored_files import TRIAL, Damaged, Say, load

NAME = TRIAL.pattern


def begin(state_dir: Path | None, tried: Network, before: Network) -> None:
    """Remember that a setting is on trial; raises OSError."""
    if state_dir:
        replace(state_dir / NAME, json.dumps({"tried": asdict(tried), "before": asdict(before)}))


def end(state_dir: Path | None) -> None:
    """Forget it: it was confirmed, or has been taken back; raises OSError."""
    if state_dir:
        (state_dir / NAME).unlink(missing_ok=True)


def taken_back(settings: Settings, state_dir: Path | None, say: Say) -> dict[str, object]:
    """The changes that take an unconfirmed setting back; none without one, or if it is damaged."""
    kept = load(state_dir / NAME if state_dir else None, TRIAL, _parsed, say)
    if kept is None or asdict(settings.network) != kept[0]:
        return {}
    tried, before = kept
    changes = {f"network.{key}": value for key, value in before.items() if tried[key] != value}
    return {} if isinstance(amend(settings, changes), Refused) else changes


def _parsed(content: bytes) -> tuple[dict[str, object], dict[str, object]]:
    kept: Any = json.loads(content)
    tried, before = dict(kept["tried"]), dict(kept["before"])
    if not tried.keys() == before.keys() == asdict(Network()).keys():
        raise Damaged("it is not of this version, or damaged")
    return tried, before
