"""The TCP servers that settings ask for, and which addresses keep each other from listening. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from .schema import SECTIONS, Settings, rules

SERVERS = tuple(
    name for name, kind in SECTIONS.items() if {"enabled", "host", "port", "allow"} <= rules(kind).keys()
)
"""Sections of a server, which are those that say whom they let in; look-alikes are served by the page's."""

LOOPBACK = ("127.0.0.1", "::1")

Address = IPv4Address | IPv6Address | str


@dataclass(frozen=True, slots=True)
class Listener:
    """A server by its section of the settings; `host` empty for all addresses of the machine."""

    section: str
    host: str
    port: int


def listeners(settings: Settings) -> Iterator[Listener]:
    """The servers that run."""
    for name in SERVERS:
        section = getattr(settings, name)
        if section.enabled:
            yield Listener(name, section.host, section.port)


def overlap(one: str, other: str) -> bool:
    """Whether two servers at one port cannot both listen, by their hosts.

    An empty host is IPv4 and IPv6 in one socket; `::` takes IPv6 only, as asyncio opens it. A name may
    mean any address, so that it stands in the way of a wildcard, but of no other address.
    """
    return any(_meet(a, b) for a in _addresses(one) for b in _addresses(other))


def reaches(host: str, listener: Listener) -> bool:
    """Whether whoever connects to a host on this machine reaches a server."""
    if host.lower() not in (*LOOPBACK, "localhost"):
        return bool(listener.host) and _addresses(host) == _addresses(listener.host)
    return overlap(host, listener.host)


def _meet(one: Address, other: Address) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other or any(not isinstance(each, str) and _is_all(each) for each in (one, other))
    if one.version != other.version:
        return False
    return one == other or _is_all(one) or _is_all(other)


def _is_all(address: IPv4Address | IPv6Address) -> bool:
    return int(address) == 0


def _addresses(host: str) -> tuple[Address, ...]:
    if not host:
        return IPv4Address(0), IPv6Address(0)
    if host.lower() == "localhost":
        return tuple(map(ip_address, LOOPBACK))
    try:
        address = ip_address(host)
    except ValueError:
        return (host.lower().rstrip("."),)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address,)
