"""The listening sockets of a server: their options, and what to do when a port cannot be opened.

Socket options are set on the listening socket; Linux hands them on to each connection (socket(7), tcp(7)).
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from .gateway import Trouble

BACKLOG, AT_ONCE = 128, 8
"""Clients that may wait to be accepted, and those that are in one turn of the loop."""

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
    errno.EADDRINUSE: "TCP port {port} is in use by another program: stop that, or set {section}.port "
    "to a free port",
    errno.EACCES: "TCP port {port} needs privileges: set {section}.port above 1023, or give the program "
    "CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no address {host}: set {section}.host to one that it has, or "
    "leave it empty for all",
    socket.EAI_NONAME: "the name {host} is not known: set {section}.host to an address of this machine, or "
    "leave it empty for all",
}
"""What a person should do about a port that cannot be opened."""


async def listen(
    host: str,
    port: int,
    factory: Callable[[], asyncio.BaseProtocol],
    *,
    section: str,
) -> asyncio.Server:
    """The sockets, taking connections; raises `Trouble`, whose advice names the settings' section.

    `host`: an address or name, "" for all of this machine.
    """
    try:
        listener = await _open(host, port, factory)
        for sock in listener.sockets:
            for option in OPTIONS:
                sock.setsockopt(*option)
        await listener.start_serving()
        for sock in listener.sockets:
            _let_wait(sock.fileno())
    except OSError as error:
        raise Trouble(advice(error, host=host, port=port, section=section)) from error
    return listener


async def _open(host: str, port: int, factory: Callable[[], asyncio.BaseProtocol]) -> asyncio.Server:
    create = partial(asyncio.get_running_loop().create_server, factory, backlog=AT_ONCE, start_serving=False)
    if host:
        return await create(host, port)
    return await create(sock=_everywhere(port))


def _let_wait(fd: int) -> None:
    """Lengthen the queue of a socket that listens: asyncio accepts as many at once as it is told for it."""
    with socket.socket(fileno=os.dup(fd)) as same:
        same.listen(BACKLOG)


def _everywhere(port: int) -> socket.socket:
    """A socket on all interfaces: IPv4 and IPv6 in one, IPv4 alone where the machine has no IPv6."""
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        return socket.create_server(("", port))


def advice(error: OSError, *, host: str, port: int, section: str) -> str:
    """A sentence that says what to do."""
    default = "cannot listen on TCP port {port}: {error}"
    text = ADVICE.get(error.errno or 0, default)
    return text.format(host=host, port=port, section=section, error=error)


def names(listener: asyncio.Server) -> str:
    """Where clients find it: `127.0.0.1:1502`, `[::]:1502` for all addresses of the machine."""
    return ", ".join(peer_name(sock.getsockname()) for sock in listener.sockets)


def peer_name(name: tuple[Any, ...] | None) -> str:
    """A socket's name for people; IPv4 in its own shape also where IPv6 carries it."""
    if not name:
        return "someone"
    host, port = str(name[0]).removeprefix("::ffff:"), name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
