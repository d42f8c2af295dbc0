"""Modbus RTU frames over TCP, for serial device servers that connect to us.

Rules: what goes over the connection is a line as `rtu.Line` hears it, other slaves' traffic included; so an
unknown unit is silence here. There is no t3.5 to wait for, the device server keeps it. Silence on a
network means less than on a wire, so it is given more time. Sockets, limits and turns are those of
`tcp`: this is that server with another session.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

from ..runtime.gateway import Gateway
from ..settings.modbus import ModbusRtuTcp, ModbusTcp
from .bank import Banks
from .connection import Connection
from .line import Served
from .rtu import MAX_FRAME, Line, Request
from .session import Session
from .tcp import Server, serve

GAP_S, QUIET_S = 0.050, 0.500
"""As the silences of a serial line, with a network's delays between the pieces of a frame."""

MAX_CONNECTIONS = 64
"""Device servers are few; the longest idle one makes room."""


async def run(section: ModbusRtuTcp, gateway: Gateway, name: str) -> None:
    """Serve the registers until cancelled; raises `Trouble` when the port cannot be opened (M11)."""
    limits = ModbusTcp(max_connections=MAX_CONNECTIONS, **asdict(section))
    await serve(RtuServer(limits, gateway, clock=time.monotonic), gateway, name)


class RtuSession(Session):
    """The conversation with one device server: as many octets a turn as a frame may have."""

    __slots__ = ("_line", "_requests", "_units", "_waiting")

    def __init__(self, banks: Banks, peer: str) -> None:
        super().__init__(banks, peer)
        self._units = Served(banks)
        self._line = Line(self._units.serves)
        self._waiting = b""
        self._requests: deque[Request] = deque()

    def feed(self, octets: bytes) -> bytes:
        """The answers to what the octets complete; what is over waits for another turn, `feed(b"")`."""
        octets = self._waiting + octets
        self._waiting = self.rest = octets[MAX_FRAME:]
        self.pending = bool(self._waiting)
        return self._answers(self._line.feed(octets[:MAX_FRAME]))

    @property
    def known(self) -> Mapping[bytes, bytes]:
        """Nothing: what a silence decides cannot be known before."""
        return {}

    def gap(self) -> bytes:
        """The answers to what the silence decided."""
        return self._answers(self._line.gap())

    def quiet(self) -> None:
        """The silence is so long that nothing of what was before can still come."""
        self._line.quiet()

    def _answers(self, requests: list[Request]) -> bytes:
        self._requests += requests
        answers = []
        while self._requests and not self.storing:
            request = self._requests.popleft()
            octets = self._units.answer(request, self._peer)
            self.storing = self._units.claim()
            if self.storing:
                self._owed = partial(self._stored, request, octets)
            else:
                answers.append(octets)
        self.requests, self.exceptions, self.last_exception = self._units.counts
        return b"".join(answers)

    def _stored(self, request: Request, octets: bytes, stored: bool) -> bytes:
        return (octets if stored else self._units.failed(request)) + self._answers([])


class RtuConnection(Connection):
    """One device server's socket, and the timer of its silences."""

    conversation = RtuSession
    session: RtuSession

    _timer: asyncio.TimerHandle | None = None

    def received(self, octets: bytes) -> None:
        """Answer what has come, and listen for the silence after it."""
        super().received(octets)
        self._after(GAP_S, self._gap)

    def drop(self) -> None:
        """Close at once."""
        self._stop()
        super().drop()

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _after(self, silence_s: float, then: Callable[[], None]) -> None:
        self._stop()
        if not self.closed:
            self._timer = asyncio.get_running_loop().call_later(silence_s, then)

    def _gap(self) -> None:
        if self.session.pending:  # no silence: octets wait for their turn
            self._after(GAP_S, self._gap)
            return
        if answers := self.session.gap():
            self.send(answers)
        if self.session.storing:
            self._await(self.session.storing)
        self._after(QUIET_S - GAP_S, self.session.quiet)


class RtuServer(Server):
    """The Modbus TCP server with connections that speak RTU."""

    section = "modbus_rtu_tcp"
    speaks = RtuConnection
