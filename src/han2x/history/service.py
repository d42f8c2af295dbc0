"""Follows each meter's cell, and has what is to be kept written by a thread of its own.

A telegram costs a few additions in its watcher. Rows wait in memory until the next write, counters are
written at once. While the file cannot be written, `PENDING_MAX` rows and all counters wait; whatever is
wrong with it disturbs nothing else, and is tried again.
"""

import asyncio
import contextlib
import logging
import re
import secrets
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from ..model.view import SCALE_ONE
from ..runtime import factory_reset
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.schema import Archive, History, Settings
from .batch import Batch, Limits, Mark, Move, redated
from .follower import Follower
from .outlet import Outlet
from .rows import Row

if TYPE_CHECKING:
    import sqlite3

    from .store import Store

log = logging.getLogger("han2x")

T = TypeVar("T")

PENDING_MAX = 50_000
"""Rows that wait for a disk: five days of one meter, some 20 MB."""

MARKS_MAX = 10_000
ROWS_AT_ONCE, MARKS_AT_ONCE = 2000, 200
"""What is written in one transaction: a small part of the farewell, even on an SD card."""

TIDY_MS = 3_600_000
FAREWELL_S, JOIN_S = 5.0, 0.05
DAY_S = 86_400
MEGABYTE = 1_000_000

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_IN_STATE = re.compile(r"format|lock|.*\.(state|json|pem|lock)")
"""Other files of the state directory."""


def path_of(history: History, state_dir: Path | None) -> Path | None:
    """Where the history is kept; None if it is not."""
    if history.path:
        return Path(history.path)
    return state_dir / "history.sqlite" if state_dir else None


async def run(section: Archive, gateway: Gateway, name: str) -> None:
    """Keep the history until cancelled; what waits is written before it ends."""
    path = path_of(section.history, gateway.state_dir)
    if path is None:
        gateway.forget(name)  # a demo leaves nothing behind
        await asyncio.Event().wait()
        return
    _check_place(path, gateway)
    thread = ThreadPoolExecutor(1, "history")
    store: Store | None = None
    try:
        loading = asyncio.get_running_loop().run_in_executor(thread, import_module, "han2x.history.store")
        opened, own = partial(_enlist, section, gateway), not section.history.path
        made: Store = (await loading).Store(path, opened=opened, own=own, alone=True, boot=_boot())
        store = made
        from .lending import Lent

        gateway.providers.archive = Lent(path, ZoneInfo(section.time_zone))
        await _Writer(section, gateway, name, made, thread).keep()
    finally:
        gateway.providers.archive = None
        await _joined(thread, store)


def _boot() -> str:
    """Names this start of the machine, by which monotonic time counts; unlike any other where nobody says."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except (OSError, ValueError):
        return secrets.token_hex(8)


def _check_place(path: Path, gateway: Gateway) -> None:
    """Raises `Trouble` where something else of ours lies, or is going to."""
    place, state, settings = path.resolve(), gateway.state_dir, gateway.settings_file
    taken = state is not None and place.parent == state.resolve() and _IN_STATE.fullmatch(place.name)
    if taken or (
        settings and place in (settings.resolve(), settings.resolve().with_name(factory_reset.NAME))
    ):
        raise Trouble(f"{path} is another file of han2x. Set history.path to a file of its own")


async def _joined(thread: ThreadPoolExecutor, store: "Store | None") -> None:
    """End the thread: what runs longer than the farewell is undone, and nothing writes when this returns."""
    if store:
        thread.submit(store.close)
    joining, cancelled = asyncio.ensure_future(asyncio.to_thread(thread.shutdown)), False
    while not joining.done():
        try:
            await asyncio.wait({joining}, timeout=JOIN_S)
        except asyncio.CancelledError:
            cancelled = True
        if store:
            store.end()
    if cancelled:
        raise asyncio.CancelledError


def _enlist(section: Archive, gateway: Gateway, file: "sqlite3.Connection") -> None:
    """Have the file note what changes for those who take it over."""
    from .journal import enlist

    enlist(file, dict(section.targets), gateway.now().unix_ms)


def _redated(mark: Mark, move: Move) -> Mark | None:
    """Counters that wait, by the time that is known now; None where they are of no full hour."""
    if mark.register.sure or mark.ahead_s is None or mark.meter != move.meter:
        return mark
    if move.from_s not in (None, mark.ahead_s):
        return mark
    register = redated(mark.register, move.to_s - mark.ahead_s, sure=move.sure)
    return register and mark._replace(register=register, ahead_s=move.to_s)


class _Writer:
    """The rows and counters that wait, and the thread that writes them."""

    def __init__(
        self, section: Archive, gateway: Gateway, name: str, store: "Store", thread: ThreadPoolExecutor
    ) -> None:
        self._section, self._gateway, self._name = section, gateway, name
        self._store, self._thread = store, thread
        self._rows: deque[tuple[str, Row]] = deque(maxlen=PENDING_MAX)
        self._marks: deque[Mark] = deque(maxlen=MARKS_MAX)
        self._moves: deque[tuple[int, Move]] = deque(maxlen=MARKS_MAX)
        self._urgent = asyncio.Event()
        self._tidied_ms: int | None = None
        self._aged = False
        self._scales: dict[str, int] = {}
        self._meters: list[Follower] = []
        self._rescale(gateway.settings.value)
        zone = ZoneInfo(section.time_zone)
        self._outlet = Outlet(gateway, store, thread)
        self._meters = [Follower(name, gateway.snapshot(name).value, self, zone) for name in section.meters]

    def scale(self, meter: str) -> int:
        """The factor in force."""
        return self._scales.get(meter, SCALE_ONE)

    def add_rows(self, meter: str, rows: list[Row]) -> None:
        """Rows that can wait for the next write."""
        self._rows.extend((meter, row) for row in rows)

    def add_mark(self, mark: Mark) -> None:
        """Counters, which are written at once."""
        self._marks.append(mark)
        self._urgent.set()

    def add_move(self, move: Move) -> None:
        """What is now known of when rows were, that were added before."""
        self._moves.append((len(self._rows), move))
        if move.sure or move.from_s is not None:
            moved = (_redated(mark, move) for mark in self._marks)
            self._marks = deque((mark for mark in moved if mark), MARKS_MAX)

    async def keep(self) -> None:
        """Follow the meters and write until cancelled."""
        with contextlib.ExitStack() as watching:
            watching.callback(self._gateway.settings.watch(self._rescale))
            for meter in self._meters:
                watching.callback(self._gateway.snapshot(meter.name).watch(meter.take))
            self._outlet.open()
            try:
                await self._write_on()
            finally:
                self._outlet.close()
                await self._farewell()

    async def _write_on(self) -> None:
        while True:
            try:
                await self._write()
                await self._tidy()
                self._gateway.report(self._name, Condition.OK, self._store.notice)
            except Trouble as trouble:
                self._complain(str(trouble))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._section.history.write_every_s):
                    await self._urgent.wait()
            self._urgent.clear()
            for meter in self._meters:
                meter.settle(self._gateway.now())

    async def _farewell(self) -> None:
        for meter in self._meters:
            meter.end(self._gateway.now())
        with contextlib.suppress(Trouble, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._write()
                await self._in_thread(self._store.close)
        if self._waits:
            log.warning(
                "%s: %d rows and %d hourly registers could not be written before the end and are lost",
                self._name,
                len(self._rows),
                len(self._marks),
            )

    @property
    def _waits(self) -> bool:
        return bool(self._rows or self._marks or self._moves)

    async def _write(self) -> None:
        """Write what waits, piece by piece: an end in between keeps what was written till then."""
        await self._write_piece()
        while self._waits:
            await self._write_piece()

    async def _write_piece(self) -> None:
        """Write the oldest that waits; what may not have been written waits on, as twice is no harm."""
        batch = self._piece()
        try:
            changed = await self._in_thread(partial(self._store.write, batch))
        except BaseException:
            self._put_back(batch)
            raise
        self._outlet.written()
        if self._store.overtaken:
            self._gateway.hours.set({})
        if changed:
            self._gateway.hours.set(changed)

    def _piece(self) -> Batch:
        """Take the oldest that waits; counters go with the last of the rows that hours are made of."""
        rows = [self._rows.popleft() for _ in range(min(len(self._rows), ROWS_AT_ONCE))]
        moves = [one for one in self._moves if one[0] <= len(rows)]
        later = [(older - len(rows), move) for older, move in self._moves if older > len(rows)]
        self._moves = deque(later, MARKS_MAX)
        count = 0 if self._rows else min(len(self._marks), MARKS_AT_ONCE)
        return Batch(tuple(rows), tuple(self._marks.popleft() for _ in range(count)), tuple(moves))

    def _put_back(self, batch: Batch) -> None:
        later = ((len(batch.rows) + older, move) for older, move in self._moves)
        self._moves = deque([*batch.moves, *later], MARKS_MAX)
        self._rows = deque([*batch.rows, *self._rows], PENDING_MAX)
        self._marks = deque([*batch.marks, *self._marks], MARKS_MAX)

    async def _tidy(self) -> None:
        """Keep the file within its bounds, once an hour; by age only when the meters have told the time."""
        now, history = self._gateway.now(), self._section.history
        told = [told_s for meter in self._meters if (told_s := meter.told_s(now)) is not None]
        waits = self._tidied_ms is not None and now.mono_ms - self._tidied_ms < TIDY_MS
        if waits and bool(told) == self._aged:
            return
        limits = Limits(
            history.keep_raw_days * DAY_S, history.keep_minute_days * DAY_S, history.max_mb * MEGABYTE
        )
        await self._in_thread(partial(self._store.tidy, min(told, default=0), limits))
        self._tidied_ms, self._aged = now.mono_ms, bool(told)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _rescale(self, settings: Settings) -> None:
        """What was measured till now is counted by the factor that was in force."""
        before = self._scales
        self._scales = {meter.id: meter.scale for meter in settings.meters}
        for meter in self._meters:
            if before.get(meter.name) != self._scales.get(meter.name):
                meter.rescale(self._gateway.now(), before.get(meter.name, SCALE_ONE))

    def _complain(self, text: str) -> None:
        known = self._gateway.health.value.get(self._name)
        if known is None or known.text != text:
            log.warning("%s: %s", self._name, text)
        self._gateway.report(self._name, Condition.FAILING, text)
