"""The Modbus TCP server: a listening port, its clients, and the limits on them."""

import asyncio
import time
from collections.abc import Callable

from ..runtime.clients import Clients
from ..runtime.gateway import Condition, Gateway
from ..runtime.listening import listen, names
from ..settings.schema import ModbusTcp
from .admission import Admission
from .bank import Banks
from .connection import Connection
from .lending import Registers

SECOND = 1.0


async def run(section: ModbusTcp, gateway: Gateway, name: str) -> None:
    """Serve the registers until cancelled; raises `Trouble` when the port cannot be opened (M10)."""
    await serve(Server(section, gateway, clock=time.monotonic), gateway, name)


async def serve(server: "Server", gateway: Gateway, name: str) -> None:
    """Serve until cancelled; raises `Trouble` when the port cannot be opened."""
    limits = server.limits
    try:
        listener = await listen(limits.host, limits.port, server.connection, section=server.section)
        try:
            gateway.clients[name] = server.clients
            gateway.providers.registers = Registers(gateway)
            gateway.report(name, Condition.OK, f"listening on {names(listener)}")
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

    `section` is the name of the settings' table. `connections`: those that are open, oldest first.
    `clock`: seconds that never jump, fine enough to tell who was heard first (uvloop's own has steps of a
    millisecond).
    """

    section = "modbus_tcp"

    def __init__(self, limits: ModbusTcp, gateway: Gateway, *, clock: Callable[[], float]) -> None:
        self.banks = Banks(gateway, writable=limits.writable)
        self.clock = clock
        self.connections: dict[Connection, None] = {}
        self.limits = limits
        self._admission = Admission(limits.allow, clock=clock)
        self._closed = False

    def connection(self) -> Connection:
        """The protocol of a new connection."""
        return Connection(self)

    def admit(self, connection: Connection) -> None:
        """Add a connection; when all places are taken, the one that has been idle longest is dropped."""
        if self._closed or not self._admission.admits(connection.host):
            connection.drop()
            return
        if len(self.connections) >= self.limits.max_connections:
            idlest = min(self.connections, key=lambda other: other.heard)
            self.remove(idlest)
            idlest.drop()
        self.connections[connection] = None

    def remove(self, connection: Connection) -> None:
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
            if connection.overdue(now, self.limits.idle_timeout_s):
                connection.drop()

    def close(self) -> None:
        """Drop all connections, and those that are about to be made."""
        self._closed = True
        self.banks.close()
        for connection in list(self.connections):
            connection.drop()
