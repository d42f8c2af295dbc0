"""Writes rows and hours to the history file. Blocks: everything here is for one thread.

Nothing is remembered between batches but the open file: what an hour needs is read from the file, so that
a restart, a kill or the same telegram twice changes nothing. What `write` returned from is kept.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..model.hour import Hour
from ..runtime.gateway import Trouble
from ..runtime.lock import Lock, beside
from . import bounds, journal
from .admission import Connection, check
from .batch import Batch, Changed, Conflict, Limits
from .dating import Dating, Hours
from .file import as_trouble, is_damage, open_file, set_aside, transaction
from .ledger import Ledger
from .mending import mend
from .schema import MIGRATIONS

log = logging.getLogger("han2x")

T = TypeVar("T")


class Store:
    """The history file. Methods raise `Trouble`; after it the same call may be made again.

    `notice`: what happened to the file that people should know, empty if nothing. `overtaken`: whether
    another program wrote to it, such as an import, between the last two writes, or hours have gone. `opened`
    is called with the file, in a transaction, whenever it has been opened.

    `own`: the file lies where nothing but our history can lie, so that what is no database is a damaged one.
    `alone`: no other gateway may use it while it is open. `guest`: a gateway may use it, so it is neither
    made, upgraded nor set aside. `boot`: names this start of the machine.
    """

    def __init__(
        self,
        path: Path,
        migrations: tuple[tuple[str, ...], ...] = MIGRATIONS,
        opened: Callable[[sqlite3.Connection], None] = lambda _: None,
        *,
        own: bool = False,
        alone: bool = False,
        guest: bool = False,
        boot: str = "",
    ) -> None:
        self.path = path
        self.notice = ""
        self.overtaken = False
        self._met_another = False
        self._version = 0
        self._migrations, self._opened = migrations, opened
        self._own, self._alone, self._guest, self._boot = own, alone, guest, boot
        self._file: Connection | None = None
        self._lock = Lock()
        self._ended = False

    def write(self, batch: Batch) -> Changed:
        """Keep a batch, all or nothing. Hours are on the disk when this returns, rows soon after."""
        written = self._guarded(lambda file: _write(file, batch, self._boot), durable=bool(batch.marks))
        self.overtaken, self._met_another = self._met_another or written.gone, False
        return written.changed

    def changes(self, target: str, limit: int) -> journal.Changes:
        """What has changed since a target's cursor, at most so many changes of it."""
        return self._guarded(lambda file: journal.changes(file, target, limit))

    def taken(self, target: str, upto: int) -> bool:
        """Set a target's cursor; True. A power cut may set it back, which only makes it take over again."""
        self._guarded(lambda file: journal.taken(file, target, upto))
        return True

    def adopt(self, meter: str, hours: Sequence[Hour]) -> list[Conflict]:
        """Take hours from elsewhere where none is metered; those that were are returned beside them."""
        return self._guarded(lambda file: Ledger(file, _number(file, meter)).adopt(hours), durable=True)

    def tidy(self, now_s: int, limits: Limits) -> None:
        """Delete what is older than it is to be kept, and more if the file is larger than it may be."""
        self._guarded(lambda file: bounds.tidy(file, now_s, limits))

    def open(self) -> None:
        """Open the file, as the next call would."""
        self._guarded(lambda _: None)

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(sqlite3.Error):
                file.close()
        self._lock.release()

    def end(self) -> None:
        """From any thread: have the call that runs, and each later one, fail soon with nothing written."""
        self._ended = True
        file = self._file
        if file:
            file.ended = True
            with contextlib.suppress(sqlite3.Error):
                file.interrupt()

    def _guarded(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Do some work in one transaction; where the file turns out damaged, once more with a new one."""
        try:
            return self._tried(work, durable)
        except sqlite3.Error as error:
            self.close()
            if not is_damage(error) or self._guest:
                raise as_trouble(error, self.path) from None
        self._set_aside()
        try:
            return self._tried(work, durable)
        except sqlite3.Error as error:
            self.close()
            raise as_trouble(error, self.path) from None

    def _opened_file(self) -> Connection:
        """The file, which is nobody else's where that is wanted; raises as `open_file`."""
        try:
            if self._alone:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                check(self.path, own=self._own)  # or a lock would appear beside a file that is not ours
                self._lock = beside(self.path, "Give each gateway a history.path of its own")
        except OSError as error:
            raise as_trouble(error, self.path) from None
        file: Connection | None = None
        try:
            file = open_file(self.path, self._migrations, own=self._own, guest=self._guest)
            with transaction(file):
                mend(file)
                self._opened(file)
        except BaseException:
            if file:
                file.close()
            self._lock.release()
            raise
        return file

    def _tried(self, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        if self._ended:
            raise Trouble("the program ends")
        if self._file is None:
            self._file, self._version = self._opened_file(), 0
        self._file.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        (version,) = self._file.execute("PRAGMA data_version").fetchone()
        self._met_another |= self._version not in (0, version)
        self._version = version
        with transaction(self._file):
            return work(self._file)

    def _set_aside(self) -> None:
        try:
            with beside(self.path) if self._alone else Lock():
                aside, hours = set_aside(self.path)
        except sqlite3.Error as error:
            raise as_trouble(error, self.path) from None
        self.notice = (
            f"{self.path.name} was damaged: it is now {aside.name}, and a new file has begun "
            f"with the {hours} hours that could be read from it"
        )
        log.warning("history: %s", self.notice)


class _Written(NamedTuple):
    changed: Changed
    gone: bool


def _write(file: sqlite3.Connection, batch: Batch, boot: str) -> _Written:
    names = dict.fromkeys(
        [
            *(meter for meter, _ in batch.rows),
            *(mark.meter for mark in batch.marks),
            *(move.meter for _, move in batch.moves),
        ]
    )
    ledgers, dating = {name: Ledger(file, _number(file, name)) for name in names}, Dating(file, boot)
    hours: dict[tuple[str, int], int] = {}

    def note(meter: str, found: Hours) -> None:
        hours.update({(meter, start): scale for start, scale in found.items()})

    done = 0
    for upto, move in (*batch.moves, (len(batch.rows), None)):
        for name, rows in groupby(batch.rows[done:upto], itemgetter(0)):
            note(name, dating.put(ledgers[name], (row for _, row in rows)))
        done = upto
        if move:
            note(move.meter, dating.move(ledgers[move.meter], move))
    for mark in batch.marks:
        dating.register(ledgers[mark.meter], mark)
    for (name, start), scale in hours.items():
        ledgers[name].minutes(start, scale)
    changed = {name: ledger.changed for name, ledger in ledgers.items() if ledger.changed}
    return _Written(
        {name: [hours[start] for start in sorted(hours)] for name, hours in changed.items()},
        any(ledger.gone for ledger in ledgers.values()),
    )


def _number(file: sqlite3.Connection, name: str) -> int:
    """The number of a meter, given out when its name is first met."""
    known = file.execute("SELECT id FROM meter WHERE name = ?", (name,)).fetchone()
    if known is None:
        known = file.execute("INSERT INTO meter (name) VALUES (?) RETURNING id", (name,)).fetchone()
    return int(known[0])
