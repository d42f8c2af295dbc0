"""The page's server: its sockets, its certificate, and how it ends. It comes up after Modbus.

uvicorn's protocol answers, in this loop; its server, which takes the signals and looks at the clock ten
times a second, is not used.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from uvicorn.server import ServerState

from ..runtime.arenas import share_memory
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.listening import listen, names
from ..settings.schema import Page
from . import first_password
from .answering import Answering
from .certificate import Pair, pair_of
from .connection_limits import ConnectionLimits
from .handshake import Handshake
from .protocol import Connection, config
from .routes import ROUTES
from .state import State, state_of
from .static import Files

STATIC = Path(__file__).parent / "static"
LOOK_S = 86_400
"""How often the certificate is looked at: it may have come to its end, or been replaced by its owner."""

FAREWELL_S = 2.0
"""How long answers that are being sent have when the server ends."""


async def run(section: Page, gateway: Gateway, name: str) -> None:
    """Serve until cancelled; raises `Trouble` when the port cannot be opened, or there is no certificate."""
    logging.getLogger("uvicorn.error").disabled = True  # what strangers send is no news
    tls = _Tls(section, gateway)
    await tls.look()
    share_memory()
    state, connections = state_of(gateway), ServerState()
    files = await asyncio.to_thread(Files, STATIC)
    state.hub.build = files.build
    password = await first_password.draw(state)
    limits = state.limits = ConnectionLimits(lambda: gateway.settings.value.web.allow)
    connection = partial(Connection, config(Answering(state, ROUTES, files)), connections, limits)
    protocol = partial(tls.handshake, connection) if section.tls else connection
    listener = await listen(section.host, section.port, protocol, section="web")
    state.begin()
    first_password.show(state, password)
    try:
        scheme = "https" if section.tls else "http"
        listening = f"listening on {scheme}://{names(listener)}"
        while True:
            gateway.report(name, Condition.OK, " · ".join(filter(None, (listening, tls.notice))))
            await asyncio.sleep(LOOK_S)
            await tls.look_again()
    finally:
        listener.close()
        await asyncio.shield(_end(state, connections))


class _Tls:
    """The certificate that new connections get."""

    def __init__(self, section: Page, gateway: Gateway) -> None:
        self._section, self._gateway = section, gateway
        self._pair: Pair | None = None
        self.notice = ""

    async def look(self) -> None:
        """Take the pair as it is now, which is made anew where it has to be; raises `Trouble`."""
        if self._section.tls:
            now_s = self._gateway.now().unix_ms // 1000
            self._pair = await pair_of(self._section, self._gateway.state_dir, self._gateway.damaged, now_s)
            self.notice = self._pair.notice

    async def look_again(self) -> None:
        """The same; a pair that can no longer be read is served on."""
        try:
            await self.look()
        except Trouble as trouble:
            self.notice = str(trouble)

    def handshake(self, make: Callable[[], Connection]) -> Handshake:
        """For a client that connects now."""
        assert self._pair
        return Handshake(self._pair.context, make)


async def _end(state: State, connections: ServerState) -> None:
    """Let what is being answered be answered, and then let go of everybody."""
    state.end()
    for connection in tuple(connections.connections):
        connection.shutdown()
    tasks = tuple(connections.tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=FAREWELL_S)
    for task in connections.tasks:
        task.cancel()
    for connection in tuple(connections.connections):
        connection.transport.abort()
