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

NAME = "network.json"


def begin(state_dir: Path | None, tried: Network, before: Network) -> None:
    """Remember that a setting is on trial; raises OSError."""
    if state_dir:
        replace(state_dir / NAME, json.dumps({"tried": asdict(tried), "before": asdict(before)}))


def end(state_dir: Path | None) -> None:
    """Forget it: it was confirmed, or has been taken back; raises OSError."""
    if state_dir:
        (state_dir / NAME).unlink(missing_ok=True)


def taken_back(settings: Settings, state_dir: Path | None) -> dict[str, object]:
    """The changes that take an unconfirmed setting back; none if there is none, or it cannot be known."""
    if state_dir is None:
        return {}
    try:
        kept: Any = json.loads((state_dir / NAME).read_text("utf-8"))
        tried, before = dict(kept["tried"]), dict(kept["before"])
        if asdict(settings.network) != tried:
            return {}
        changes = {f"network.{key}": value for key, value in before.items() if tried[key] != value}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return {} if isinstance(amend(settings, changes), Refused) else changes
