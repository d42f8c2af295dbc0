"""The meters' numbers in other systems, once more: the state file of a meter is not their only place.

Raises nothing: a disk that refuses is reported by whoever keeps the state files in the same directory, and
the file is written again when the next number is asked for.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from .files import replace
from .stored_files import NUMBERS, Say, load, table_of, whole

FORMAT = 1
NUMBER_MIN, NUMBER_MAX = 10_000_000, 99_999_999


class Numbers:
    """The numbers by meter; `path` None remembers for this process only."""

    def __init__(self, state_dir: Path | None, say: Say) -> None:
        self._path = state_dir / NUMBERS.pattern if state_dir else None
        self._known: dict[str, int] = dict(load(self._path, NUMBERS, _parsed, say) or {})
        self._on_disk = dict(self._known)

    def reconciled(self, meter: str, stored: int) -> int:
        """A meter's number, from its state file or else from here; 0 if neither has it."""
        number = stored if NUMBER_MIN <= stored <= NUMBER_MAX else self._known.get(meter, 0)
        if number:
            self.keep(meter, number)
        return number

    def keep(self, meter: str, number: int) -> None:
        """Have a meter's number on the disk, if it takes it."""
        self._known[meter] = number
        if self._path is None or self._known == self._on_disk:
            return
        try:
            replace(self._path, json.dumps({"format": FORMAT, "numbers": self._known}))
        except OSError:
            return
        self._on_disk = dict(self._known)


def _parsed(content: bytes) -> Mapping[str, int]:
    numbers = table_of(content, FORMAT)["numbers"]
    return {meter: whole(number, NUMBER_MIN, NUMBER_MAX) for meter, number in numbers.items()}
