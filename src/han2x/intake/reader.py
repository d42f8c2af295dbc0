"""Reads one source: opens it, finds the serial settings, and hands on what the pipeline makes of the bytes.

What a telegram says is handed on in the same turn of the loop in which its last octet was read.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from ..model.diagnosis import Diagnosis
from ..model.instant import Instant
from ..model.line import UNHEARD, Fault, LineStatus
from ..model.reading import Reading
from ..runtime.gateway import Trouble
from ..settings.broker import Mqtt
from ..settings.source import MqttSource, SerialSource, Source, TcpSource
from ..vendors.decoding_options import PLAIN, Manner
from ..wire.cipher import CipherMissingError
from ..wire.result import Kind
from .diagnosis import Way, diagnose
from .line import AUTO, LineFinder
from .link import Link
from .opening import open_link
from .pipeline import Outcome, Pipeline, Tap
from .rate import Rate

_WAYS: dict[type, Way] = {MqttSource: Way.FEED, TcpSource: Way.BRIDGE}
_FAULTS = {kind: Fault[kind.name] for kind in Kind}


class Reader:
    """The reading of one source; serial settings and counts outlive the link."""

    def __init__(
        self,
        source: Source,
        clock: Callable[[], Instant],
        deliver: Callable[[Outcome], None],
        *,
        tap: Tap | None = None,
        broker: Mqtt | None = None,
        ear: Callable[[bytes], None] = lambda _: None,
        manner: Manner = PLAIN,
    ) -> None:
        """`ear` is told of all octets as they are read. Raises `Trouble` for keys without AES."""
        self._ear = ear
        self._source, self._clock, self._deliver, self._broker = source, clock, deliver, broker
        self._is_serial = isinstance(source, SerialSource)
        self._way = _WAYS.get(type(source), Way.LINE)
        self._status = UNHEARD
        self._finder = LineFinder(source.line if isinstance(source, SerialSource) else AUTO)
        self._manner = manner
        try:
            self._pipeline = Pipeline(tap, manner)
        except CipherMissingError as missing:
            raise Trouble(str(missing)) from None
        self._idle: asyncio.TimerHandle | None = None
        self._since_ms = clock().mono_ms
        self._rate = Rate(self._since_ms)

    def diagnosis(self) -> Diagnosis:
        """What the line is like now."""
        now_ms, tally = self._clock().mono_ms, self._pipeline.tally
        rate = self._rate.at(now_ms, tally.octets)
        return diagnose(tally, mono_ms=now_ms, since_ms=self._since_ms, octets_per_s=rate, way=self._way)

    @property
    def good(self) -> int:
        """Good telegrams so far."""
        return self._pipeline.tally.good

    def status(self, *, open: bool = True) -> LineStatus:
        """How the line fares, for outputs."""
        tally, serial = self._pipeline.tally, self._finder.line if self._is_serial else ""
        known = self._status
        if (known.open, known.discarded, known.serial) != (open, tally.lost, serial):
            self._status = LineStatus(
                open=open,
                checksum_errors=tally.discarded[Kind.CHECKSUM],
                discarded=tally.lost,
                last_fault=(_FAULTS[tally.last] if tally.last else Fault.NONE) if open else Fault.SOURCE,
                serial=serial,
            )
        return self._status

    async def read(self) -> None:
        """Open the source and read it to its end; raises `Trouble` when it fails."""
        link = await open_link(self._source, self._finder.line, self._clock(), self._broker, self._manner)
        try:
            self._pipeline.restart()
            await link.read(partial(self._take, link))
            self._settle()
        finally:
            self._wait_no_more()
            link.close()

    def _take(self, link: Link, octets: bytes) -> None:
        mono_ms = self._clock().mono_ms
        self._ear(octets)
        outcomes = self._pipeline.feed(octets, mono_ms)
        for outcome in outcomes:
            self._deliver(outcome)
        good = sum(isinstance(outcome, Reading) for outcome in outcomes)
        if self._finder.heard(mono_ms, good=good):
            link.set_line(self._finder.line)
        if link.idle_s:
            self._wait_no_more()
            if self._pipeline.waiting:
                self._idle = asyncio.get_running_loop().call_later(link.idle_s, self._settle)

    def _wait_no_more(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def _settle(self) -> None:
        """The line has fallen silent: what was waiting for more will not be finished."""
        for outcome in self._pipeline.flush(self._clock().mono_ms):
            self._deliver(outcome)
