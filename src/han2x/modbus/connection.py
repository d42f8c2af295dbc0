"""One client's socket: octets in, answers out, and when to read no more for a while.

One turn, `TURN` octets, is the most that a client gets done before the others have theirs. A client that does
not take its answers is not read from, so that it costs at most what one turn made.
"""

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from ..runtime.clients import ClientInfo
from ..runtime.listening import peer_name
from .session import PLAIN_READ, Session

if TYPE_CHECKING:
    from .tcp import Server

TURN = 8192
"""Octets read in one turn: up to 682 requests, some 75 KiB of answers."""

FIRST = 479
"""Octets read at once before a client has filled that: Python's own allocator has room so large ready."""

UNFINISHED_S = 20


class Connection(asyncio.Protocol):
    """One client's socket. `since` and `heard`: the clock at its connect and at its last octets.

    Reading stops for two reasons, each with its flag: the client does not take its answers (`_blocked`), or
    it has had its turn and the others come first (`_held`). While it is read from, no answer is untaken, so
    that answers may go straight to the socket.
    """

    __slots__ = (
        "_blocked",
        "_clock",
        "_fd",
        "_held",
        "_known",
        "_server",
        "_unfinished",
        "_waiting",
        "heard",
        "session",
        "since",
        "transport",
    )

    conversation: ClassVar[type[Session]] = Session
    transport: asyncio.Transport
    session: Session

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._blocked = False
        self._held = False
        self._waiting = b""
        self._unfinished: float | None = None
        self._clock = server.clock
        self.since = self.heard = server.clock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=0)
        self._read_at_once(FIRST)
        self._fd = transport.get_extra_info("socket").fileno()
        self.session = self.conversation(self._server.banks, peer_name(transport.get_extra_info("peername")))
        self._known = self.session.known
        self._server.admit(self)

    def _read_at_once(self, size: int) -> None:
        with suppress(AttributeError):  # asyncio's own can be told; uvloop has its own mind
            self.transport.max_size = size  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Answer what has come; who has had a whole turn lets the others come first.

        The first lines are the way of nearly everything that ever comes: one read whose answer is known.
        """
        self.heard = self._clock()
        session = self.session
        if len(data) == PLAIN_READ and (answer := self._known.get(data[2:])) and not session.rest:
            session.requests += 1
            self._send(data[:2] + answer)
        elif len(data) < TURN:
            self._answer(data)
            if len(data) == FIRST:
                self._read_at_once(TURN)
        else:
            self._waiting = data[TURN:]
            self._answer(data[:TURN])
            self._hold()

    def eof_received(self) -> None:
        """The client sends no more; asyncio sends what is still to be sent, and closes."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whichever end."""
        self._server.remove(self)

    def pause_writing(self) -> None:
        """The client does not take its answers: read no more from it."""
        self._blocked = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """All answers are on their way; the time for an unfinished request begins anew."""
        self._blocked = False
        self._unfinished = None
        if self._waiting or self.session.pending:
            self._hold()
        else:
            self._read_on()

    def drop(self) -> None:
        """Close at once; answers that were not taken are lost."""
        self.transport.abort()

    @property
    def host(self) -> str:
        """The client's address."""
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if name else ""

    def info(self, now: float) -> ClientInfo:
        """What there is to say of this client."""
        session = self.session
        return ClientInfo(
            peer=session.peer,
            connected_s=int(now - self.since),
            idle_s=int(now - self.heard),
            requests=session.requests,
            exceptions=session.exceptions,
            last_exception=session.last_exception,
        )

    def overdue(self, now: float, idle_s: int) -> bool:
        """Whether a request is unfinished for too long, or the client silent for `idle_s` (0: never)."""
        if idle_s and now - self.heard >= idle_s:
            return True
        return self._unfinished is not None and not self._blocked and now - self._unfinished >= UNFINISHED_S

    def _answer(self, octets: bytes) -> None:
        session = self.session
        if answers := session.feed(octets):
            self._unfinished = None
            self._send(answers)
        if session.rest:
            self._left(session)

    def _send(self, answers: bytes) -> None:
        """Past the transport, which has nothing waiting; it gets what the socket does not take."""
        try:
            taken = os.write(self._fd, answers)
        except OSError:  # full, or the client is gone: the transport meets the same
            taken = 0
        if taken < len(answers):
            self.transport.write(answers[taken:])

    def _left(self, session: Session) -> None:
        """Not all that came could be answered, for one of three reasons."""
        if session.broken:
            self.transport.close()
        elif session.pending:
            self._hold()
        elif self._unfinished is None:
            self._unfinished = self.heard

    def _hold(self) -> None:
        """Let the other clients have their turn."""
        if not self._held and not self.transport.is_closing():
            self._held = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._held = False
        if self._blocked or self.transport.is_closing():
            return
        if self.session.pending:
            self._answer(b"")
        else:
            octets, self._waiting = self._waiting[:TURN], self._waiting[TURN:]
            self._answer(octets)
        if self._waiting:
            self._hold()
        self._read_on()

    def _read_on(self) -> None:
        if not (self._blocked or self._held or self.transport.is_closing()):
            self.transport.resume_reading()
