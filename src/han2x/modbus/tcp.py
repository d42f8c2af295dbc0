"""The Modbus TCP server: sockets, limits and time-outs around `session.Session`.

One buffer of 8 KiB serves all connections, because on one loop the read, the answers and the write happen
in one go; it is also the most that one client gets done before the others have their turn. A client
that does not read its answers is not read from either, so that it costs at most what one turn made.
Socket options are set on the listening socket; Linux hands them on to each connection (socket(7), tcp(7)).
"""

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from ..runtime.clients import ClientInfo, Clients
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import ModbusTcp
from .admission import Admission
from .bank import Banks
from .session import Session

TURN = 8192
"""Octets read in one turn: up to 682 requests, some 75 KiB of answers."""

UNTAKEN = 16384
"""Octets of answers that a client may leave untaken, beyond the kernel's buffer, and still be read from."""

BACKLOG = 128
UNFINISHED_S = 20
SECOND = 1.0

KEEPALIVE_S, PROBES, PROBE_S = 60, 3, 10
OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_S),
    # Keepalive does not look after answers that nobody takes; this does, after the same time.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, (KEEPALIVE_S + PROBES * PROBE_S) * 1000),
    # Left alone, the kernel takes up to 4 MiB for a client that does not read.
    (socket.SOL_SOCKET, socket.SO_SNDBUF, 65536),
)

ADVICE = {
    errno.EADDRINUSE: "TCP port {port} is in use by another program: stop that, or set modbus_tcp.port "
    "to a free port",
    errno.EACCES: "TCP port {port} needs privileges: set modbus_tcp.port to 1502, or give the program "
    "CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no address {host}: set modbus_tcp.host to one that it has, or "
    "leave it empty for all",
    socket.EAI_NONAME: "the name {host} is not known: set modbus_tcp.host to an address of this machine, or "
    "leave it empty for all",
}
"""What a person should do about a port that cannot be opened."""


async def run(section: ModbusTcp, gateway: Gateway, name: str) -> None:
    """Serve the registers until cancelled; raises `Trouble` when the port cannot be opened (M10)."""
    server = Server(section, gateway, clock=time.monotonic)
    try:
        listener = await listen(section, server.connection)
        try:
            gateway.clients[name] = server.clients
            gateway.report(name, Condition.OK, f"listening on {_names(listener)}")
            while True:
                await asyncio.sleep(SECOND)
                server.second()
        finally:
            gateway.clients.pop(name, None)
            listener.close()
    finally:
        server.close()


class Server:
    """What the connections share, and the limits on them.

    `connections`: those that are open, oldest first. `buffer`: where octets are read into. `clock`: seconds
    that never jump, fine enough to tell who was heard first (uvloop's own has steps of a millisecond).
    """

    def __init__(self, section: ModbusTcp, gateway: Gateway, *, clock: Callable[[], float]) -> None:
        self.banks = Banks(gateway, writable=section.writable)
        self.buffer = memoryview(bytearray(TURN))
        self.clock = clock
        self.connections: dict[Connection, None] = {}
        self._section = section
        self._admission = Admission(section.allow, clock=clock)
        self._closed = False

    def connection(self) -> "Connection":
        """The protocol of a new connection."""
        return Connection(self)

    def admit(self, connection: "Connection") -> None:
        """Add a connection; when all places are taken, the one that has been idle longest is dropped."""
        if self._closed or not self._admission.admits(connection.host):
            connection.drop()
            return
        if len(self.connections) >= self._section.max_connections:
            idlest = min(self.connections, key=lambda other: other.heard)
            self.remove(idlest)
            idlest.drop()
        self.connections[connection] = None

    def remove(self, connection: "Connection") -> None:
        """A connection is gone."""
        self.connections.pop(connection, None)

    def clients(self) -> Clients:
        """Who is connected, and how many were refused."""
        now = self.clock()
        return Clients(tuple(one.info(now) for one in self.connections), self._admission.refused)

    def second(self) -> None:
        """Another second has passed: cut new images, and drop the connections whose time is over."""
        self.banks.forget()
        now = self.clock()
        for connection in list(self.connections):
            if connection.overdue(now, self._section.idle_timeout_s):
                connection.drop()

    def close(self) -> None:
        """Drop all connections, and those that are about to be made."""
        self._closed = True
        self.banks.close()
        for connection in list(self.connections):
            connection.drop()


class Connection(asyncio.BufferedProtocol):
    """One client's socket. `since` and `heard`: the clock at its connect and at its last octets.

    Reading stops for two reasons, each with its flag: the client does not take its answers (`_blocked`), or
    it has had its turn and the others come first (`_held`).
    """

    __slots__ = (
        "_blocked",
        "_held",
        "_server",
        "_unfinished",
        "heard",
        "session",
        "since",
        "transport",
    )

    transport: asyncio.Transport
    session: Session

    def __init__(self, server: Server) -> None:
        self._server = server
        self._blocked = False
        self._held = False
        self._unfinished: float | None = None
        self.since = self.heard = server.clock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNTAKEN)
        self.session = Session(self._server.banks, _peer(transport.get_extra_info("peername")))
        self._server.admit(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read into: the one buffer, emptied before anyone else reads."""
        return self._server.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Answer what has come."""
        server = self._server
        self.heard = server.clock()
        self._answer(server.buffer[:nbytes].tobytes())
        if nbytes == TURN:
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
            self.transport.write(answers)
        if session.rest:
            self._left(session)

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
        if not self.transport.is_closing():
            self._answer(b"")
            self._read_on()

    def _read_on(self) -> None:
        if not (self._blocked or self._held or self.transport.is_closing()):
            self.transport.resume_reading()


async def listen(section: ModbusTcp, factory: Callable[[], Connection]) -> asyncio.Server:
    """The listening sockets, with their options, taking connections; raises `Trouble`."""
    try:
        listener = await _open(section, factory)
        for sock in listener.sockets:
            for option in OPTIONS:
                sock.setsockopt(*option)
        await listener.start_serving()
    except OSError as error:
        raise Trouble(advice(section, error)) from error
    return listener


async def _open(section: ModbusTcp, factory: Callable[[], Connection]) -> asyncio.Server:
    create = partial(asyncio.get_running_loop().create_server, factory, backlog=BACKLOG, start_serving=False)
    if section.host:
        return await create(section.host, section.port)
    return await create(sock=_everywhere(section.port))


def _everywhere(port: int) -> socket.socket:
    """A socket on all interfaces: IPv4 and IPv6 in one, IPv4 alone where the machine has no IPv6."""
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return socket.create_server(("", port))


def advice(section: ModbusTcp, error: OSError) -> str:
    """A sentence that says what to do."""
    default = "cannot listen on TCP port {port}: {error}"
    return ADVICE.get(error.errno or 0, default).format(host=section.host, port=section.port, error=error)


def _names(listener: asyncio.Server) -> str:
    """Where clients find it: `127.0.0.1:1502`, `[::]:1502` for all addresses of the machine."""
    return ", ".join(_peer(sock.getsockname()) for sock in listener.sockets)


def _peer(name: tuple[Any, ...] | None) -> str:
    """A socket's name for people; IPv4 in its own shape also where IPv6 carries it."""
    if not name:
        return "someone"
    host, port = str(name[0]).removeprefix("::ffff:"), name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
