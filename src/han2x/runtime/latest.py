"""A cell that holds one immutable value, the newest, and lets coroutines wait for the next.

No queue: a slow reader misses what was in between and gets the newest. Everything runs on one loop.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest value of something; `set` wakes all who wait in `changed` and calls all `watch`ers."""

    __slots__ = ("_value", "_waiting", "_watchers")

    def __init__(self, value: T) -> None:
        self._value = value
        self._waiting: list[asyncio.Future[None]] = []
        self._watchers: list[Callable[[T], None]] = []

    @property
    def value(self) -> T:
        """The newest value."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value and wake whoever waits."""
        self._value = value
        for watcher in tuple(self._watchers):
            watcher(value)
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def watch(self, watcher: Callable[[T], None]) -> Callable[[], None]:
        """Call `watcher` with each new value, at once and in the setter's turn; returns how to stop it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def changed(self, seen: T) -> T:
        """The newest value, as soon as it is another object than `seen`."""
        while self._value is seen:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            finally:
                if future in self._waiting:
                    self._waiting.remove(future)
        return self._value
