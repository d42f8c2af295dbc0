"""TLS before a connection: who has not shaken hands takes a place like any, for ten seconds at most.

asyncio's own TLS server tells nobody of a client before its handshake: it would hold any number of them.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from .protocol import Connection

HANDSHAKE_S = 10.0


class _Early(asyncio.Protocol):
    """What comes in the packet that ends the handshake."""

    def __init__(self) -> None:
        self.octets, self.gone = b"", False

    def data_received(self, data: bytes) -> None:
        self.octets += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True


class Handshake(asyncio.Protocol):
    """A client that is to speak TLS; then `make` says who goes on with it."""

    def __init__(self, context: ssl.SSLContext, make: Callable[[], Connection]) -> None:
        self._context, self._make = context, make
        self._shaking: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a place, or none."""
        plain, connection = cast(asyncio.Transport, transport), self._make()
        plain.pause_reading()
        if connection.admitted(plain):
            self._shaking = asyncio.get_running_loop().create_task(self._shake(plain, connection))

    async def _shake(self, plain: asyncio.Transport, connection: Connection) -> None:
        early = _Early()
        try:
            secured: Any = await asyncio.get_running_loop().start_tls(
                plain,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=HANDSHAKE_S,
            )
        except (OSError, ValueError, asyncio.CancelledError):  # ssl's errors are OSErrors
            connection.withdrawn()
            plain.abort()
            return
        if early.gone or secured is None:
            connection.withdrawn()
            return
        secured.set_protocol(connection)
        connection.connection_made(secured)
        if early.octets:
            connection.data_received(early.octets)
