"""Keeps what must outlive the process: each meter's energies, estimates and scale factor.

Saved with every telegram, before anyone can read the new values, so that a kill at any moment cannot
make an estimate run backwards; synced to the disk with hourly energies, a changed factor, and every five
minutes. A disk that refuses is reported and costs nothing else.
"""

import asyncio
from pathlib import Path

from ..model.instant import Instant
from .state_file import StateFile
from .stored import Stored, from_json, to_json

SYNC_MS = 300_000


class Keeper:
    """The state files of all meters, in one directory; without a directory nothing is kept."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._files: dict[str, StateFile] = {}
        self._synced_ms: dict[str, int] = {}
        self._syncing: dict[StateFile, int] = {}
        self._again: dict[StateFile, Instant] = {}
        self.trouble = ""

    def load(self, meter: str) -> Stored | None:
        """What was kept of a meter, None if nothing was."""
        file = self._file(meter)
        return from_json(file.payload) if file and file.payload else None

    def save(self, meter: str, stored: Stored, now: Instant, *, durable: bool = False) -> None:
        """Keep a meter's state; `durable` if a power cut right after should not lose it either."""
        file = self._file(meter)
        if file is None:
            return
        try:
            file.save(to_json(stored))
        except OSError as error:
            self.trouble = f"state cannot be stored in {self._directory}: {error.strerror or error}"
            return
        self.trouble = ""
        if durable or now.mono_ms - self._synced_ms.get(meter, now.mono_ms - SYNC_MS) >= SYNC_MS:
            self._synced_ms[meter] = now.mono_ms
            self._sync(file, now)

    def stuck_ms(self, now: Instant) -> int:
        """For how long the oldest sync has been going on; 0 while there is none."""
        return max((now.mono_ms - begun for begun in self._syncing.values()), default=0)

    def _sync(self, file: StateFile, now: Instant) -> None:
        """Sync in a thread; while that lasts, whatever is asked for is one more sync after it."""
        if file in self._syncing:
            self._again[file] = now
            return
        try:
            syncing = asyncio.get_running_loop().run_in_executor(None, _sync, file)
        except RuntimeError:  # the program is ending, and its threads have: what was saved is in the file
            return
        self._syncing[file] = now.mono_ms
        syncing.add_done_callback(lambda _: self._synced(file))

    def _synced(self, file: StateFile) -> None:
        del self._syncing[file]
        if asked := self._again.pop(file, None):
            self._sync(file, asked)

    def _file(self, meter: str) -> StateFile | None:
        """The file of a meter; names of meters are safe as file names by their rule."""
        if self._directory is None:
            return None
        if meter not in self._files:
            try:
                self._files[meter] = StateFile(self._directory / f"{meter}.state")
            except OSError as error:
                self.trouble = f"state cannot be read from {self._directory}: {error.strerror or error}"
                return None
        return self._files[meter]


def _sync(file: StateFile) -> None:
    try:
        file.sync()
    except OSError:
        return  # the next save meets the same disk and reports it
