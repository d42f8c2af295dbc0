"""Hands the history on to those who take it over, by way of the history's own thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..model.record import Record
from ..runtime.gateway import Gateway, Trouble
from ..runtime.latest import Latest
from ..runtime.outbox import Batch

if TYPE_CHECKING:
    from .store import Store

T = TypeVar("T")


class Outlet:
    """The gateway's `Outbox` while history runs: from `open` to `close`."""

    def __init__(self, gateway: Gateway, store: "Store", thread: Executor) -> None:
        self._gateway, self._store, self._thread = gateway, store, thread
        self.news: Latest[object] = Latest(object())

    def open(self) -> None:
        """Let others take over."""
        self._gateway.outbox.set(self)

    def close(self) -> None:
        """No more: whoever waits is woken, and finds the outlet gone."""
        if self._gateway.outbox.value is self:
            self._gateway.outbox.set(None)
        self.written()

    def written(self) -> None:
        """Something may have changed."""
        self.news.set(object())

    async def changes(self, target: str, limit: int) -> Batch:
        """What a target has not taken over yet; meters go by their numbers in other systems."""
        found, upto = await self._in_thread(partial(self._store.changes, target, limit)) or ([], 0)
        numbers = {name: self._gateway.number(name) for name in {change.meter for change in found}}
        labels = {meter.id: meter.name for meter in self._gateway.settings.value.meters}
        records = [Record(numbers[one.meter], *one, labels.get(one.meter, "")) for one in found]
        return Batch(records, upto)

    async def taken(self, target: str, upto: int) -> bool:
        """A target has taken over all up to a number; whether that could be kept."""
        done = await self._in_thread(partial(self._store.taken, target, upto))
        return done is not None

    async def _in_thread(self, work: Callable[[], T]) -> T | None:
        """What a call of the store returns; None if it failed, which history meets itself and reports."""
        if self._gateway.outbox.value is not self:
            return None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Trouble:
            return None
