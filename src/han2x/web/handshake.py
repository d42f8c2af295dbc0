"""TLS before a connection: who has not shaken hands takes a place like any, for ten seconds at most.

asyncio's own TLS server tells nobody of a client before its handshake: it would hold any number of them, and
shake hands with as many in one turn of the loop. Here TLS begins when the client's first bytes are there, and
with few clients in a turn; who says nothing costs a socket.
"""

import asyncio
import ssl
from asyncio import sslproto
from collections.abc import Callable
from typing import Any, cast

from ..runtime.turns import turns
from .protocol import Connection

HANDSHAKE_S = 10.0
COST_S = 0.0005
"""What a handshake takes of the loop: so few are begun in one turn of it."""

READ_MAX = 16_384
"""Bytes of a client that are read at once: a record of TLS. asyncio makes room for sixteen times as many."""

sslproto.SSLProtocol.max_size = READ_MAX


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
        self._loop = asyncio.get_running_loop()
        self._hello = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give it a place, or none."""
        self._plain, self._connection = cast(asyncio.Transport, transport), self._make()
        self._silence = self._loop.call_later(HANDSHAKE_S, self._plain.abort)
        if not isinstance(self._loop, asyncio.BaseEventLoop):  # uvloop's TLS reads for itself only
            self._plain.pause_reading()
            turns().add(self._begin, COST_S)
        self._connection.admitted(self._plain)

    def data_received(self, data: bytes) -> None:
        """It speaks: TLS begins when it has its turn."""
        if not self._hello:
            self._plain.pause_reading()
            turns().add(self._begin, COST_S)
        self._hello += data

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone before it has begun, or has made room for another."""
        self._silence.cancel()
        self._connection.withdrawn()

    def _begin(self) -> None:
        self._silence.cancel()
        if not self._plain.is_closing():
            self._shaking = self._loop.create_task(self._shake())

    async def _shake(self) -> None:
        plain, connection, early = self._plain, self._connection, _Early()
        wrapping = self._loop.create_task(self._wrapped(early))
        for _ in range(2):  # TLS has taken the place of this protocol, and has begun
            await asyncio.sleep(0)
        _hand_on(plain.get_protocol(), self._hello)
        try:
            secured: Any = await wrapping
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

    async def _wrapped(self, early: _Early) -> asyncio.Transport | None:
        return await self._loop.start_tls(
            self._plain,
            early,
            self._context,
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_S,
            ssl_shutdown_timeout=HANDSHAKE_S,
        )


def _hand_on(protocol: asyncio.BaseProtocol, octets: bytes) -> None:
    """Give a protocol bytes that were read before it was there."""
    if not isinstance(protocol, asyncio.BufferedProtocol):
        return
    while octets:
        room: Any = protocol.get_buffer(len(octets))
        size = min(len(room), len(octets))
        room[:size] = octets[:size]
        protocol.buffer_updated(size)
        octets = octets[size:]
