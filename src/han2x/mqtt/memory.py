"""What Home Assistant was told at one broker, remembered over restarts, so that it can be taken back."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..runtime.files import replace
from .discovery import Announced, from_table, to_table

FORMAT = 1


class Memory:
    """Announcements by their meter's number; `path` None remembers for this process only.

    What cannot be read counts as forgotten; what cannot be written is said by `save`'s OSError.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.announced: dict[int, Announced] = {one.number: one for one in _load(path)}

    def set(self, number: int, announced: Announced | None) -> None:
        """What is announced of a meter now."""
        if announced is None:
            self.announced.pop(number, None)
        else:
            self.announced[number] = announced

    def save(self) -> None:
        """On the disk; blocks. Raises OSError."""
        if self._path is not None:
            known = [to_table(one) for one in self.announced.values()]
            replace(self._path, json.dumps({"format": FORMAT, "announced": known}))


def _load(path: Path | None) -> list[Announced]:
    try:
        table = json.loads(path.read_bytes()) if path else {}
        known = table["announced"] if table.get("format") == FORMAT else []
        found = [from_table(one) for one in known if isinstance(one, Mapping)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return [one for one in found if one is not None]
