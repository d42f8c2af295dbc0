"""Which of many files can be read, asked of one epoll of our own that the loop watches as one file.

A loop's own way from a socket to its protocol costs as much as a Modbus answer does; this is a tenth of it.
"""

import asyncio
import logging
import select
from time import perf_counter
from typing import Protocol

log = logging.getLogger("han2x.modbus")

AT_ONCE = 64
LOOK, MOST_S = 4, 0.002
"""So many files are asked for at a time, until so many seconds are over; each that is told has its turn."""


class Readable(Protocol):
    """Whoever waits for a file."""

    def readable(self) -> None:
        """The file can be read, or has an error."""

    def drop(self) -> None:
        """Let go of the file."""


class Ready:
    """Files by their number, and who is told when one can be read, on the loop that runs.

    `at_once`: files that have their turn before the loop has its own; whoever is left comes first next time.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._waiting: dict[int, Readable] = {}
        self._loop.add_reader(self._epoll.fileno(), self._turn)

    def add(self, fd: int, readable: Readable) -> None:
        """Tell of a file from now on, again and again until it has been read."""
        if fd not in self._waiting:
            self._epoll.register(fd, select.EPOLLIN)
        self._waiting[fd] = readable

    def remove(self, fd: int) -> None:
        """Tell of it no more."""
        if self._waiting.pop(fd, None):
            self._epoll.unregister(fd)

    def close(self) -> None:
        """Tell of nothing any more."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _turn(self) -> None:
        left, end = self._at_once, perf_counter() + MOST_S
        while left > 0 and (found := self._epoll.poll(0, min(LOOK, left))):
            for fd, _ in found:
                if one := self._waiting.get(fd):  # or its turn has been ended by another's
                    self._tell(one)
            left -= LOOK
            if len(found) < LOOK or perf_counter() >= end:
                return

    def _tell(self, one: Readable) -> None:
        try:
            one.readable()
        except Exception as error:
            log.warning("a client is dropped: internal error: %r; please report it", error)
            log.debug("where it was", exc_info=True)
            one.drop()
