"""The seam to where bytes come from: what every link can do. Links raise `Trouble`, nothing else."""

import asyncio
from collections.abc import Callable
from typing import Protocol

Take = Callable[[bytes], None]

PIECE = 2048
"""Bytes that are handed on at once at most: noise that looks like telegrams takes milliseconds."""


class Link(Protocol):
    """An open source of bytes.

    `idle_s`: silence after which a telegram in the making will not be finished; 0 for never, where
    nothing can be told from silence.
    """

    idle_s: float

    async def read(self, take: Take) -> None:
        """Hand on octets as they come, until there will be no more; may be cancelled and begun again.

        Raises `Trouble`, and whatever `take` raises.
        """

    def set_line(self, line: str) -> None:
        """Use other serial settings, such as "8N1"; of no effect where there is no serial line."""

    def close(self) -> None:
        """Let go of the source."""


class Inflow:
    """What comes in callbacks of the loop: handed on in the same turn, its end to the task that waits."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, octets: bytes) -> None:
        """Hand octets on."""
        try:
            self._take(octets)
        except Exception as error:  # the task's, not the loop's
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """No more will come, and why."""
        if not self._end.done():
            self._end.set_exception(error)

    async def ended(self) -> None:
        """Wait for the end; raises what it was."""
        await self._end
