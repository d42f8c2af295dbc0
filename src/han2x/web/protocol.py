"""One HTTP connection, by uvicorn on h11, with what a stranger may not do: too many, too slow, too much.

uvicorn counts neither connections nor the time a request takes to arrive, and waits for ever for a client
that does not read. Semi-private names of it are used here alone (its version is bounded for that).
"""

import asyncio
from typing import Any
from weakref import ref

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ..runtime.turns import turns
from .connection_limits import ConnectionLimits

REQUEST_S = 20.0
"""How long a connection may take from its beginning, or the last answer, to a whole request header."""

READ_S = 30.0
"""How long a client may take to read what is sent before it is cut off."""

HEADER_MAX = 16_384
WRITE_BUFFER = 65_536
TURN = 1024
"""Bytes of a client that are looked at in one step of `Turns`: h11 takes long for tiny chunks."""


class _Flow(FlowControl):
    """uvicorn's, which a connection can hold back too."""

    _full = _held = False

    def pause_reading(self) -> None:
        """uvicorn has enough for now."""
        self._full = True
        self._follow()

    def resume_reading(self) -> None:
        """uvicorn takes more."""
        self._full = False
        self._follow()

    def hold(self, held: bool) -> None:
        """Whether bytes wait for their turn."""
        self._held = held
        self._follow()

    def _follow(self) -> None:
        if self._full or self._held:
            super().pause_reading()
        else:
            super().resume_reading()


class Connection(H11Protocol):
    """A connection that `limits` gives a place, and takes it away from.

    `known`: a request on it has shown a log-in or token; who answers finds a weak reference to it as
    `connection` in the scope.
    """

    def __init__(self, config: Config, state: ServerState, limits: ConnectionLimits) -> None:
        super().__init__(config, state, {"connection": ref(self)})
        self._limits = limits
        self._socket: asyncio.Transport | None = None
        self.known = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._ahead = b""
        self._turns = turns()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is a place."""
        super().connection_made(transport)
        self.flow: _Flow = _Flow(transport)
        transport.set_write_buffer_limits(WRITE_BUFFER)
        if self._socket or self.admitted(transport):
            self._await_request()

    def admitted(self, transport: asyncio.Transport) -> bool:
        """Whether there is a place for a client that has connected, as yet without TLS; or it is gone."""
        peer = transport.get_extra_info("peername")
        if self._limits.enter(peer[0] if peer else "", self):
            self._socket = transport
            return True
        transport.abort()
        return False

    def withdrawn(self) -> None:
        """The client is gone before it has begun."""
        self._limits.leave(self)
        self._forget()

    @property
    def idle(self) -> bool:
        """Whether nothing is being answered."""
        return not self._answering

    def give_up(self) -> None:
        """Make room for another."""
        self._limits.leave(self)
        if self._socket:
            self._socket.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        for timer in (self._timer, self._reading):
            if timer:
                timer.cancel()
        self._limits.leave(self)
        super().connection_lost(exc)
        self._forget()

    def _forget(self) -> None:
        """Break what goes round: who is gone is freed at once, TLS and all, not when garbage is collected."""
        self.cycle = None  # type: ignore[assignment]
        self._ahead = b""

    def data_received(self, data: bytes) -> None:
        """Take bytes, a step's at once; a whole header stops the clock."""
        waiting, self._ahead = bool(self._ahead), self._ahead + data
        if not waiting:
            self._turns.add(self._go_on)

    def _go_on(self) -> None:
        """Take a step's bytes; what is left waits for the next, and nothing more is read meanwhile."""
        if self.transport.is_closing():
            self._ahead = b""
            return
        data, self._ahead = self._ahead[:TURN], self._ahead[TURN:]
        self._take(data)
        if self.transport.is_closing():
            return
        self.flow.hold(bool(self._ahead))
        if self._ahead:
            self._turns.add(self._go_on)

    def _take(self, data: bytes) -> None:
        super().data_received(data)
        if self._timer and self.conn.their_state not in (h11.IDLE, h11.ERROR) and self._answering:
            self._timer.cancel()
            self._timer = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        """The clock runs again until the next request; what remains of this one's body has the same time."""
        if not self.transport.is_closing():
            self._await_request()
        super().on_response_complete()
        if self._answering and self._timer:  # a pipelined request has begun
            self._timer.cancel()
            self._timer = None

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to."""
        super().pause_writing()
        self._reading = self._reading or self.loop.call_later(READ_S, self._cut)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if self._reading:
            self._reading.cancel()
            self._reading = None

    def _await_request(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(REQUEST_S, self._cut)

    def _cut(self) -> None:
        if not self.transport.is_closing() or self._reading:
            self._limits.cut += 1
            self.transport.abort()


def config(app: Any) -> Config:
    """uvicorn's settings for an ASGI application; nothing is logged, nothing is guessed from headers."""
    made = Config(
        app,
        http="h11",
        ws="none",
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        h11_max_incomplete_event_size=HEADER_MAX,
        timeout_keep_alive=int(REQUEST_S) + 1,  # ours comes first
    )
    made.load()
    return made
