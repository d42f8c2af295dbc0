"""A link's octets, piece by piece: a link hands them on by itself."""

import asyncio

from han2x.intake.link import Link


class Pull:
    """What a link is reading."""

    def __init__(self, link: Link) -> None:
        self._pieces: list[bytes] = []
        self._some = asyncio.Event()
        self._reading = asyncio.create_task(link.read(self._take))
        self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # may go unread

    def _take(self, octets: bytes) -> None:
        self._pieces.append(octets)
        self._some.set()

    async def read(self) -> bytes:
        """The next piece, b"" after the last; raises what the reading ended with."""
        if not self._pieces:
            self._some.clear()
            some = asyncio.create_task(self._some.wait())
            await asyncio.wait((some, self._reading), return_when=asyncio.FIRST_COMPLETED)
            some.cancel()
        if self._pieces:
            return self._pieces.pop(0)
        await self._reading
        return b""

    async def stop(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.wait((self._reading,))


async def exactly(link: Link, size: int) -> bytes:
    """So many octets, and none beyond; then the link is read no more."""
    pull, octets = Pull(link), b""
    while len(octets) < size:
        octets += await pull.read()
    await pull.stop()
    return octets


async def ended(link: Link) -> None:
    """What a link ends with where nothing else comes."""
    await link.read(lambda octets: None)
