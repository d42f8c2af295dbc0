"""The page's server: its sockets, its certificate, and how it ends. It comes up after Modbus.

uvicorn's protocol answers, in this loop; its server, which takes the signals and looks at the clock ten
times a second, is not used.
"""

import asyncio
import logging
from functools import partial
from pathlib import Path

from uvicorn.server import ServerState

from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.listening import listen, names
from ..settings.schema import Page
from . import first_password
from .answering import Answering
from .certificate import context_of
from .connection_limits import ConnectionLimits
from .handshake import Handshake
from .protocol import Connection, config
from .routes import ROUTES
from .state import State, state_of
from .static import Files

STATIC = Path(__file__).parent / "static"
FAREWELL_S = 2.0
"""How long answers that are being sent have when the server ends."""


async def run(section: Page, gateway: Gateway, name: str) -> None:
    """Serve until cancelled; raises `Trouble` when the port cannot be opened, or there is no certificate."""
    logging.getLogger("uvicorn.error").disabled = True  # what strangers send is no news
    context = await context_of(section, gateway.state_dir, gateway.damaged) if section.tls else None
    state, connections = state_of(gateway), ServerState()
    files = await asyncio.to_thread(Files, STATIC)
    state.hub.build = files.build
    password = await first_password.draw(state)
    limits = state.limits = ConnectionLimits(lambda: gateway.settings.value.web.allow)
    connection = partial(Connection, config(Answering(state, ROUTES, files)), connections, limits)
    protocol = partial(Handshake, context, connection) if context else connection
    listener = await listen(section.host, section.port, protocol, section="web")
    state.begin()
    first_password.show(state, password)
    try:
        scheme = "https" if section.tls else "http"
        gateway.report(name, Condition.OK, f"listening on {scheme}://{names(listener)}")
        await asyncio.Event().wait()
    finally:
        listener.close()
        await asyncio.shield(_end(state, connections))


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
