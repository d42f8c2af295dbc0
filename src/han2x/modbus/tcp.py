"""The Modbus TCP server: a listening port, its clients, and the limits on them."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, ClassVar

from ..runtime.clients import Clients
from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.listening import listen, names
from ..settings.modbus import ModbusTcp
from .admission import Admission
from .bank import Banks
from .connection import Connection, Door
from .lending import Registers
from .ready import Ready

log = logging.getLogger("han2x.modbus")

SECOND = 1.0


async def run(section: ModbusTcp, gateway: Gateway, name: str) -> None:
    """Serve the registers until cancelled; raises `Trouble` when the port cannot be opened (M10)."""
    await serve(Server(section, gateway, clock=time.monotonic), gateway, name)


async def serve(server: "Server", gateway: Gateway, name: str) -> None:
    """Serve until cancelled; raises `Trouble` when the port cannot be opened."""
    limits = server.limits
    try:
        listener = await listen(limits.host, limits.port, server.door, section=server.section)
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

    `section`: the name of the settings' table; `speaks`: what its clients are. `connections`: those that are
    open, oldest first.
    `clock`: seconds that never jump, fine enough to tell who was heard first (uvloop's own has steps of a
    millisecond).
    """

    section = "modbus_tcp"
    speaks: ClassVar[type[Connection]] = Connection

    def __init__(self, limits: ModbusTcp, gateway: Gateway, *, clock: Callable[[], float]) -> None:
        self.banks = Banks(gateway, writable=limits.writable)
        self.clock = clock
        self.ready = Ready()
        self.connections: dict[Connection, None] = {}
        self.limits = limits
        self._admission = Admission(limits.allow, clock=clock)
        self._closed = False

    def door(self) -> Door:
        """What the loop hands a new client's socket to."""
        return Door(self)

    def admit(self, client: socket.socket, name: tuple[Any, ...] | None) -> None:
        """Take a client in, `name` being its address; when all places are taken, the idlest is dropped."""
        if self._closed or not self._admission.admits(str(name[0]) if name else ""):
            client.close()
            return
        if len(self.connections) >= self.limits.max_connections:
            min(self.connections, key=lambda other: other.worth).drop()
        connection = self.speaks(self, client, name)
        self.connections[connection] = None
        try:
            connection.begin()
        except OSError as error:
            log.warning("a client more cannot be served: %s", error.strerror)
            connection.drop()

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
        self.ready.close()
