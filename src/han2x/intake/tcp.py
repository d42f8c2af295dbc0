"""A network serial bridge (ser2net and the like): whatever it sends, without asking for anything.

The bridge may be unplugged without a word, so the connection is kept alive by TCP itself and given up
when nothing has come for longer than any meter is silent.
"""

import asyncio
import socket

from ..runtime.gateway import Trouble

CONNECT_S = 10.0
SILENT_S = 120.0
KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class TcpLink:
    """A connection to a bridge. Silence says nothing about the end of a frame here."""

    idle_s = 0.0

    def __init__(self, peer: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peer, self._reader, self._writer = peer, reader, writer

    async def read(self) -> bytes:
        """The next octets; raises `Trouble` when the bridge has gone."""
        try:
            async with asyncio.timeout(SILENT_S):
                octets = await self._reader.read(4096)
        except TimeoutError:
            raise Trouble(f"{self._peer} has sent nothing for {SILENT_S:.0f} s; connecting anew") from None
        except OSError as error:
            raise Trouble(f"{self._peer}: {error.strerror or error}; connecting anew") from None
        if not octets:
            raise Trouble(f"{self._peer} closed the connection; connecting anew")
        return octets

    def set_line(self, line: str) -> None:
        """The bridge has its own serial settings."""

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.transport.abort()


async def connect(host: str, port: int) -> TcpLink:
    """A link to a bridge; raises `Trouble` with what is in the way."""
    peer = f"{host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=16_384)
    except TimeoutError:
        raise Trouble(f"{peer} does not answer: is the bridge on, and the address right?") from None
    except (socket.gaierror, UnicodeError):  # the latter for a name that cannot be one
        raise Trouble(f"{host} is not known on this network: check the name") from None
    except ConnectionRefusedError:
        raise Trouble(f"{peer} refuses: is the bridge's serial port served on this port?") from None
    except OSError as error:
        raise Trouble(f"{peer} cannot be reached: {error.strerror or error}") from None
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    return TcpLink(peer, reader, writer)
