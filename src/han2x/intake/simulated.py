"""A simulated meter inside this process, as a link."""

from collections.abc import AsyncIterator
from datetime import datetime

from ..runtime.gateway import Trouble
from ..settings.source import SimulatedSource, SourceError
from ..simulator.meter import telegrams
from ..simulator.outlets import paced
from .link import Take


class SimulatedLink:
    """The simulator's bytes on the vendor's schedule, `speed` times as fast."""

    idle_s = 0.0

    def __init__(self, source: SimulatedSource, now: datetime) -> None:
        try:
            self._octets: AsyncIterator[bytes] = paced(telegrams(source, now), source.speed)
        except SourceError as error:
            raise Trouble(str(error)) from None

    async def read(self, take: Take) -> None:
        """Hand on each telegram when it is due."""
        try:
            async for octets in self._octets:
                take(octets)
        except SourceError as error:
            raise Trouble(str(error)) from None

    def set_line(self, line: str) -> None:
        """There is no serial line."""

    def close(self) -> None:
        """Nothing to let go of."""
