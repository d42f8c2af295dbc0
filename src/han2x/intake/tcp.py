"""A network serial bridge (ser2net and the like): whatever it sends, without asking for anything.

The bridge may be unplugged without a word, so the connection is kept alive by TCP itself and given up
when nothing has come for longer than any meter is silent.
"""

import asyncio
import socket
from contextlib import suppress
from typing import cast

from ..runtime.gateway import Trouble
from ..wire.enveloped_stream import EnvelopedStream
from .link import PIECE, Inflow, Take

CONNECT_S = 10.0
SILENT_S = 120.0
PAUSE_S = 0.01
"""After a whole piece nothing is read for so long: no more than twenty times what a meter's line carries."""

MESSAGE_END_S = 0.2
"""Silence that ends a message in an envelope. Telegrams that begin as such are never held back."""

KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class TcpLink(asyncio.Protocol):
    """A connection to a bridge. Silence says nothing about the end of a frame here."""

    idle_s = 0.0

    _transport: asyncio.Transport
    _inflow: Inflow | None = None
    _heard: float
    _silence: asyncio.TimerHandle

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._ahead = b""
        self._ready = b""
        self._envelopes = EnvelopedStream()
        self._gone = False
        self._resting: asyncio.TimerHandle | None = None
        self._message_end: asyncio.TimerHandle | None = None
        self._end = Trouble(f"{peer} closed the connection; connecting anew")

    async def read(self, take: Take) -> None:
        """Hand on octets until the bridge has gone; raises `Trouble` then."""
        self._inflow = Inflow(take)
        self._heard = self._loop.time()
        self._go_on()
        self._watch(self._inflow)
        try:
            await self._inflow.ended()
        finally:
            self._silence.cancel()
            for timer in filter(None, (self._resting, self._message_end)):
                timer.cancel()
            self._transport.pause_reading()
            self._inflow = None

    def _go_on(self) -> None:
        """Hand on a piece of what is there; after a whole one rest, else read what comes."""
        if self._inflow is None:
            return
        self._resting = None
        if not self._ready:
            self._open_piece()
        piece, self._ready = self._ready[:PIECE], self._ready[PIECE:]
        if piece:
            self._inflow.put(piece)
        if self._ready or self._ahead or len(piece) == PIECE:
            self._transport.pause_reading()
            self._resting = self._loop.call_later(PAUSE_S, self._go_on)
        elif self._gone:
            self._inflow.fail(self._end)
        else:
            self._transport.resume_reading()

    def _open_piece(self) -> None:
        """Take a piece of what has come out of its envelopes; what may be part of one waits for a silence."""
        piece, self._ahead = self._ahead[:PIECE], self._ahead[PIECE:]
        self._ready = self._envelopes.feed(piece)
        if self._gone and not self._ahead:
            self._ready += self._envelopes.flush()
        if self._message_end:
            self._message_end.cancel()
            self._message_end = None
        if self._envelopes.waiting:
            self._message_end = self._loop.call_later(MESSAGE_END_S, self._end_message)

    def _end_message(self) -> None:
        """Nothing has come for a while: what is held is all there is of a message."""
        if self._resting:
            self._message_end = self._loop.call_later(MESSAGE_END_S, self._end_message)
            return
        self._message_end = None
        self._ready += self._envelopes.flush()
        self._go_on()

    def _watch(self, inflow: Inflow) -> None:
        silent_at = self._heard + SILENT_S
        if self._loop.time() < silent_at:
            self._silence = self._loop.call_at(silent_at, self._watch, inflow)
        else:
            text = f"{self._peer} has sent nothing for {SILENT_S:.0f} s; connecting anew"
            inflow.fail(Trouble(text))

    def set_line(self, line: str) -> None:
        """The bridge has its own serial settings."""

    def close(self) -> None:
        """Let go of the connection."""
        self._transport.abort()

    # -- what asyncio calls -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection alive, and look out for its end."""
        self._transport = cast(asyncio.Transport, transport)
        with suppress(AttributeError):  # asyncio's own would make room for 256 KiB each time
            self._transport.max_size = PIECE  # type: ignore[attr-defined]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """Octets have come; until somebody reads, or while we rest, a few are kept and no more are taken."""
        self._heard = self._loop.time()
        self._ahead += data
        if self._inflow is None:
            self._transport.pause_reading()
        elif self._resting is None:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """The bridge has gone."""
        if isinstance(exc, OSError):
            self._end = Trouble(f"{self._peer}: {exc.strerror or exc}; connecting anew")
        self._gone = True
        if self._inflow and self._resting is None:
            self._go_on()


async def connect(host: str, port: int) -> TcpLink:
    """A link to a bridge; raises `Trouble` with what is in the way."""
    peer = f"{host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            _, link = await loop.create_connection(lambda: TcpLink(peer), host, port)
    except TimeoutError:
        raise Trouble(f"{peer} does not answer: is the bridge on, and the address right?") from None
    except (socket.gaierror, UnicodeError):  # the latter for a name that cannot be one
        raise Trouble(f"{host} is not known on this network: check the name") from None
    except ConnectionRefusedError:
        raise Trouble(f"{peer} refuses: is the bridge's serial port served on this port?") from None
    except OSError as error:
        raise Trouble(f"{peer} cannot be reached: {error.strerror or error}") from None
    return link
