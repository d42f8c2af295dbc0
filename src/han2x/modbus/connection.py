"""One client's socket: octets in, answers out, and when to read no more for a while.

One turn, `TURN` octets, is the most that a client gets done before the others have theirs. A client that does
not take its answers is not read from, so that it costs at most what one turn made.
"""

import asyncio
import logging
import os
import socket
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..runtime.clients import ClientInfo
from ..runtime.listening import peer_name
from ..runtime.turns import turns
from .session import PLAIN_READ, Session

if TYPE_CHECKING:
    from .tcp import Server

log = logging.getLogger("han2x.modbus")

FIRST, TURN = 479, 2048
"""Octets read in one turn: up to 170 requests, some 19 KiB of answers; fewer until a client has filled those,
as Python's own allocator has room for them ready."""

UNFINISHED_S = 20


class Door(asyncio.Protocol):
    """Takes a client's socket from the loop, which has accepted it."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the socket on; a transport that ends before it has read anything leaves it as it is."""
        try:
            fd = os.dup(transport.get_extra_info("socket").fileno())
        except OSError:
            log.debug("too many files are open: a client is sent away")
        else:
            self._server.admit(socket.socket(fileno=fd), transport.get_extra_info("peername"))
        cast(asyncio.Transport, transport).abort()


class Connection:
    """One client's socket. `since` and `heard`: the clock at its connect and at its last octets.

    Reading stops for two reasons: the client has not taken its answers (`_untaken`), or it has had its turn
    and the others come first (`_held`). After the client's end, or nonsense, untaken answers are all that
    keeps it (`_leaving`).
    """

    __slots__ = (
        "_clock",
        "_fd",
        "_held",
        "_known",
        "_leaving",
        "_ready",
        "_server",
        "_size",
        "_unfinished",
        "_untaken",
        "heard",
        "session",
        "since",
        "socket",
    )

    conversation: ClassVar[type[Session]] = Session
    session: Session

    def __init__(self, server: "Server", client: socket.socket, name: tuple[Any, ...] | None) -> None:
        self._server, self._ready, self._clock = server, server.ready, server.clock
        self.socket, self._fd = client, client.fileno()
        client.setblocking(False)
        self._held = self._leaving = False
        self._untaken = b""
        self._unfinished: float | None = None
        self._size = FIRST
        self.since = self.heard = server.clock()
        self.session = self.conversation(server.banks, peer_name(name))
        self._known = self.session.known

    def begin(self) -> None:
        """Read from now on; raises OSError when the kernel cannot watch one more."""
        self._ready.add(self._fd, self)

    def readable(self) -> None:
        """Answer what has come; nearly always that is one read whose answer is known."""
        try:
            octets = os.read(self._fd, self._size)
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        self.heard = self._clock()
        session = self.session
        if len(octets) == PLAIN_READ and (answer := self._known.get(octets[2:])) and not session.rest:
            session.requests += 1
            self._send(octets[:2] + answer)
        elif octets:
            if len(octets) == FIRST:
                self._size = TURN
            self.received(octets)
        else:
            self._leave()

    def received(self, octets: bytes) -> None:
        """Answer octets; b"" for those that were left for another turn."""
        session = self.session
        if answers := session.feed(octets):
            self._unfinished = None
            self._send(answers)
        if session.storing:
            self._await(session.storing)
        elif session.rest:
            self._left(session)

    def drop(self) -> None:
        """Close at once; answers that were not taken are lost."""
        if self._fd >= 0:
            self._stop_reading()
            self._stop_writing()
            self._fd = -1
            self.socket.close()
            self._server.remove(self)

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
        return self._unfinished is not None and not self._untaken and now - self._unfinished >= UNFINISHED_S

    @property
    def worth(self) -> float:
        """The connection with the least makes room for a new one."""
        return self.heard

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._fd < 0

    def send(self, answers: bytes) -> None:
        """Send what was decided while nothing was read; it may be that the client takes nothing now."""
        if self._untaken:
            self._untaken += answers
        elif not self.closed:
            self._send(answers)

    def _write(self, octets: bytes) -> None:
        try:
            taken = os.write(self._fd, octets)
        except BlockingIOError:
            taken = 0
        except OSError:
            self.drop()
            return
        if taken < len(octets):
            self._untaken = octets[taken:]
            self._stop_reading()
            asyncio.get_running_loop().add_writer(self._fd, self._take_on)

    _send = _write
    """Send answers; as they are, where nothing is around them."""

    def _take_on(self) -> None:
        """The client takes answers again; with the last, the time for an unfinished request begins anew."""
        untaken, self._untaken = self._untaken, b""
        asyncio.get_running_loop().remove_writer(self._fd)
        self._write(untaken)
        if self._untaken or self.closed:
            return
        self._unfinished = None
        if self._leaving:
            self.drop()
        elif self.session.storing:
            return
        elif self.session.pending:
            self._hold()
        else:
            self._read_on()

    def _await(self, storing: "asyncio.Future[bool]") -> None:
        """Read and answer nothing until what was written is on the disk."""
        self._stop_reading()
        storing.add_done_callback(lambda _: self._stored())

    def _stored(self) -> None:
        if self.closed:
            return
        if answers := self.session.stored():
            self.send(answers)
        if self.session.storing:
            self._await(self.session.storing)
        elif not (self._untaken or self._leaving):
            self.received(b"")
            self._read_on()

    def _left(self, session: Session) -> None:
        """Not all that came could be answered, for one of three reasons."""
        if session.broken:
            self._leave()
        elif session.pending:
            self._hold()
        elif self._unfinished is None:
            self._unfinished = self.heard

    def _leave(self) -> None:
        """Close once the answers are taken."""
        self._leaving = True
        self._stop_reading()
        if not self._untaken:
            self.drop()

    def _hold(self) -> None:
        """Let the other clients have their turn."""
        if not (self._held or self._leaving or self.closed):
            self._held = True
            self._stop_reading()
            turns().add(self._go_on)

    def _go_on(self) -> None:
        self._held = False
        if not (self._untaken or self._leaving or self.closed):
            self.received(b"")
            self._read_on()

    def _read_on(self) -> None:
        if not (self._untaken or self._held or self._leaving or self.closed or self.session.storing):
            self._ready.add(self._fd, self)

    def _stop_reading(self) -> None:
        self._ready.remove(self._fd)

    def _stop_writing(self) -> None:
        if self._untaken:
            self._untaken = b""
            asyncio.get_running_loop().remove_writer(self._fd)
