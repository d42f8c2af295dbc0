"""Keeps what must outlive the process: each meter's energies, estimates and scale factor.

Saved with every telegram, before anyone can read the new values, so that a kill at any moment cannot
make an estimate run backwards; synced to the disk with hourly energies, a changed factor, and every five
minutes. A disk that refuses is reported and costs nothing else.
"""

import asyncio
import contextlib
import errno
from pathlib import Path
from typing import NamedTuple

from ..model.instant import Instant
from .files import copy_aside, read_head
from .state_file import SLOT, StateFile
from .stored_files import STATE, Say, put_aside
from .stored_state import Stored, from_json, to_json

SYNC_MS = 300_000
NO_FILE = (errno.EISDIR, errno.EINVAL, errno.ENXIO, errno.ELOOP)
"""What is there in a file's place is none, and never becomes one."""


class _Sync(NamedTuple):
    """A sync that goes on, and who waits for it."""

    begun_ms: int
    asked: list[asyncio.Future[str]]


class Keeper:
    """The state files of all meters, in one directory; without a directory nothing is kept."""

    def __init__(self, directory: Path | None, say: Say) -> None:
        self._directory = directory
        self._say = say
        self._files: dict[str, StateFile] = {}
        self._synced_ms: dict[str, int] = {}
        self._syncing: dict[StateFile, _Sync] = {}
        self._again: dict[StateFile, Instant] = {}
        self._asked: dict[StateFile, list[asyncio.Future[str]]] = {}
        self._unsynced: set[StateFile] = set()
        self.trouble = ""

    def load(self, meter: str) -> Stored | None:
        """What was kept of a meter, None if nothing was, or it is damaged: then it is set aside, and said."""
        file = self._file(meter)
        if file is None or file.payload is None:
            return None
        stored = from_json(file.payload)
        if stored is None:
            file.payload = None
            why = "its content is damaged, or of a newer version"
            put_aside(self._path(meter), STATE, why, self._say)
        return stored

    def save(self, meter: str, stored: Stored, now: Instant, *, durable: bool = False) -> None:
        """Keep a meter's state; `durable` if a power cut right after should not lose it either."""
        file = self._file(meter)
        if file is None:
            return
        try:
            self._unsynced.add(file)
            file.save(to_json(stored))
        except OSError as error:
            self.trouble = f"state cannot be stored in {self._directory}: {error.strerror or error}"
            return
        self.trouble = ""
        if durable or now.mono_ms - self._synced_ms.get(meter, now.mono_ms - SYNC_MS) >= SYNC_MS:
            self._synced_ms[meter] = now.mono_ms
            self._sync(file, now)

    def drop(self, meter: str) -> None:
        """Delete what was kept of a meter; a disk that refuses keeps it."""
        if self._directory and (file := self._files.pop(meter, None)):
            self._again.pop(file, None)
        if self._directory:
            with contextlib.suppress(OSError):
                self._path(meter).unlink(missing_ok=True)

    def stuck_ms(self, now: Instant) -> int:
        """For how long the oldest sync has been going on; 0 while there is none."""
        return max((now.mono_ms - sync.begun_ms for sync in self._syncing.values()), default=0)

    def synced(self, meter: str, now: Instant) -> asyncio.Future[str] | None:
        """Tells when what was last saved of a meter is on the disk: "" then, else why not; None if it is.

        Also None where nothing is kept, or it could not even be written (`trouble`).
        """
        file = self._file(meter)
        if file is None or self.trouble or not (file in self._unsynced or file in self._syncing):
            return None
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if file in self._unsynced:
            self._asked.setdefault(file, []).append(told)
            self._sync(file, now)
        else:
            self._syncing[file].asked.append(told)
        return told

    def _sync(self, file: StateFile, now: Instant) -> None:
        """Sync in a thread; while that lasts, whatever is asked for is one more sync after it."""
        if file in self._syncing:
            self._again[file] = now
            return
        try:
            syncing = asyncio.get_running_loop().run_in_executor(None, _sync, file)
        except RuntimeError:  # the program is ending, and its threads have: what was saved is in the file
            return
        self._unsynced.discard(file)
        self._syncing[file] = _Sync(now.mono_ms, self._asked.pop(file, []))
        syncing.add_done_callback(lambda done: self._tell(file, done))

    def _tell(self, file: StateFile, done: asyncio.Future[str]) -> None:
        why = "the program ends" if done.cancelled() else done.result()
        if why:
            self._unsynced.add(file)
        for told in self._syncing.pop(file).asked:
            if not told.done():
                told.set_result(why)
        if asked := self._again.pop(file, None):
            self._sync(file, asked)

    def _file(self, meter: str) -> StateFile | None:
        """The file of a meter; names of meters are safe as file names by their rule."""
        if self._directory is None:
            return None
        if meter not in self._files:
            try:
                self._files[meter] = self._opened(self._path(meter))
            except OSError as error:
                self.trouble = f"state cannot be read from {self._path(meter)}: {error.strerror or error}"
                return None
        return self._files[meter]

    def _path(self, meter: str) -> Path:
        assert self._directory is not None
        return self._directory / f"{meter}.state"

    def _opened(self, path: Path) -> StateFile:
        """A state file; what is damaged, or no file, is set aside. Raises OSError if it cannot be read."""
        try:
            file = StateFile(path)
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            put_aside(path, STATE, error.strerror or str(error), self._say)
            return StateFile(path)
        if file.damage and file.payload is None:
            put_aside(path, STATE, file.damage, self._say)
        elif file.damage:
            self._say(f"{path}: {file.damage}")
            with contextlib.suppress(OSError):  # the next save mends the file, and the notice must stay
                copy_aside(path, read_head(path, 2 * SLOT))
        return file


def _sync(file: StateFile) -> str:
    """Why a file is not on the disk, "" if it is; the next save meets the same disk, and reports it."""
    try:
        file.sync()
    except OSError as error:
        return error.strerror or str(error)
    return ""
