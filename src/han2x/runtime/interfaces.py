"""The networks that this machine is connected to directly, by the kernel's routes without a gateway.

Source: proc(5), route.h. A line of /proc/net/route has interface, destination, gateway, flags, three counts
and mask, in the byte order of the machine; one of /proc/net/ipv6_route destination, prefix length, source,
prefix length, next hop, three counts and flags.
"""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

from ..settings.networks import Network, parse_networks

ROUTES, ROUTES6 = Path("/proc/self/net/route"), Path("/proc/self/net/ipv6_route")
UP, GATEWAY, REJECT = 0x1, 0x2, 0x200
LOOPBACK = parse_networks("127.0.0.0/8, ::1")
MOST = 1 << 20
"""Bytes of a table that are read: a machine with more routes is a router."""


def connected_networks() -> tuple[Network, ...]:
    """The networks of the machine's own interfaces; loopback alone where the kernel does not tell."""
    return (*LOOPBACK, *routes(_read(ROUTES)), *routes6(_read(ROUTES6)))


def routes(text: str) -> Iterator[Network]:
    """The directly connected networks of /proc/net/route."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 8 and _direct(int(words[3], 16)) and int(words[7], 16):
            yield ip_network(f"{_ipv4(words[1])}/{_ipv4(words[7])}", strict=False)


def routes6(text: str) -> Iterator[Network]:
    """The directly connected networks of /proc/net/ipv6_route."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 9 and _direct(int(words[8], 16)) and int(words[1], 16):
            address = IPv6Address(bytes.fromhex(words[0]))
            if not address.is_multicast:
                yield ip_network((address, int(words[1], 16)), strict=False)


def _ipv4(word: str) -> IPv4Address:
    return IPv4Address(int(word, 16).to_bytes(4, sys.byteorder))


def _direct(flags: int) -> bool:
    return flags & (UP | GATEWAY | REJECT) == UP


def _read(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.read(MOST).rpartition("\n")[0]
    except (OSError, ValueError):
        return ""
