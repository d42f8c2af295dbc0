"""What Home Assistant was told at one broker, remembered over restarts, so that it can be taken back."""

import json
from pathlib import Path

from ..runtime.files import replace
from ..runtime.stored_files import ANNOUNCED, Damaged, Say, load, table_of
from .discovery import Announced, from_table, to_table

FORMAT = 1


class Memory:
    """Announcements by their meter's number; `path` None remembers for this process only.

    What is damaged is said, and counts as forgotten; what cannot be written is said by `save`'s OSError.
    """

    def __init__(self, path: Path | None, say: Say) -> None:
        self._path = path
        known = load(path, ANNOUNCED, _parsed, say) or []
        self.announced: dict[int, Announced] = {one.number: one for one in known}

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


def _parsed(content: bytes) -> list[Announced]:
    known = table_of(content, FORMAT)["announced"]
    found = [one for row in known if (one := from_table(row))]
    if len(found) != len(known):
        raise Damaged("its content is damaged")
    return found
