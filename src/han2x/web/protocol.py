"""One HTTP connection, by uvicorn on h11, with what a stranger may not do: too many, too slow, too much.

uvicorn counts neither connections nor the time a request takes to arrive, and waits for ever for a client
that does not read. Semi-private names of it are used here alone (its version is bounded for that).
"""

import asyncio
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .door import Door

REQUEST_S = 20.0
"""How long a connection may take from its beginning, or the last answer, to a whole request header."""

READ_S = 30.0
"""How long a client may take to read what is sent before it is cut off."""

HEADER_MAX = 16_384
WRITE_BUFFER = 65_536


class Connection(H11Protocol):
    """A connection that `door` lets in, and cuts off."""

    def __init__(self, config: Config, state: ServerState, door: Door) -> None:
        super().__init__(config, state, {})
        self._door = door
        self._host = ""
        self._in = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let a client in, or show it the door."""
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        transport.set_write_buffer_limits(WRITE_BUFFER)
        self._in = self._door.enter(self._host)
        if self._in:
            self._await_request()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        for timer in (self._timer, self._reading):
            if timer:
                timer.cancel()
        if self._in:
            self._door.leave(self._host)
            self._in = False
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets; a whole header stops the clock."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._timer and self.conn.their_state not in (h11.IDLE, h11.ERROR) and self._answering:
            self._timer.cancel()
            self._timer = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        """The clock runs again until the next request; what remains of this one's body has the same time."""
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
            self._door.cut += 1
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
