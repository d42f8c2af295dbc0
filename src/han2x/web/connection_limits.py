"""How many connections there are at once: of all, of a network, of an address; and who makes room.

Nobody takes every place: a machine may have as many addresses as its network gives it, so networks are
counted too, and whoever comes when a network, or everything, is full takes the place of the one there that
has waited longest without having shown who it is. Some places are kept for those who have logged in lately,
and for this machine itself. Pure.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple, Protocol

from ..settings.networks import parse_networks, within

TOTAL = 256
KEPT = 24
"""Of all places: for addresses that have logged in, and for this machine."""

SHARES = {4: {32: 96, 24: 128}, 6: {64: 96, 56: 112, 48: 128}}
"""Connections at once by prefix length: an address, and what one household or company has of addresses.

A proxy is one address for all who come through it. Of IPv6 each machine has a whole /64.
"""
KNOWN_MAX = 64
"""Addresses that are remembered as those of who has logged in."""


class Place(Protocol):
    """A connection. `idle`: it waits for a request. `known`: a request on it has shown a log-in or token."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being answered on it."""

    @property
    def known(self) -> bool:
        """Whether it has shown who it is."""

    def give_up(self) -> None:
        """End it, and `leave`."""


class _Guest(NamedTuple):
    host: str
    shares: tuple[tuple[Hashable, int], ...]
    number: int


class ConnectionLimits:
    """`allow`: tells the networks that may come in, as the setting has them now.

    `refused`: who was not let in, or made room; `cut`: who was too slow.
    """

    def __init__(self, allow: Callable[[], str], *, total: int = TOTAL, kept: int = KEPT) -> None:
        self._allow, self._total, self._kept = allow, total, kept
        self._inside: dict[Place, _Guest] = {}
        self._counts: Counter[Hashable] = Counter()
        self._logged_in: dict[str, None] = {}
        self._number = 0
        self.refused = self.cut = 0

    @property
    def inside(self) -> int:
        """How many are connected."""
        return len(self._inside)

    def enter(self, host: str, place: Place) -> bool:
        """Whether a client may come in; then it must `leave`."""
        host = plain(host)
        shares = (
            *_shares(host),
            (None, self._total if self._may_have_kept(host) else self._total - self._kept),
        )
        if not self._allowed(host) or not all(self._room(*share) for share in shares):
            self.refused += 1
            return False
        self._number += 1
        self._inside[place] = _Guest(host, shares, self._number)
        self._counts.update(share for share, _ in shares)
        return True

    def leave(self, place: Place) -> None:
        """A client is gone."""
        guest = self._inside.pop(place, None)
        if guest:
            self._counts.subtract(share for share, _ in guest.shares)
            self._counts = +self._counts

    def logged_in(self, host: str) -> None:
        """Whoever is at this address has shown a log-in: it may have a place that is kept."""
        host = plain(host)
        self._logged_in.pop(host, None)
        self._logged_in[host] = None
        if len(self._logged_in) > KNOWN_MAX:
            del self._logged_in[next(iter(self._logged_in))]

    def _room(self, share: Hashable, most: int) -> bool:
        """Whether there is a place in a network, or everywhere, if need be that of another."""
        if self._counts[share] < most:
            return True
        victim = min(self._unknown(share), key=self._worth, default=None)
        if victim is None:
            return False
        self.refused += 1
        victim.give_up()
        return self._counts[share] < most

    def _unknown(self, share: Hashable) -> Iterator[Place]:
        for place, guest in self._inside.items():
            if not place.known and any(share == one for one, _ in guest.shares):
                yield place

    def _worth(self, place: Place) -> tuple[bool, int]:
        return not place.idle, self._inside[place].number

    def _may_have_kept(self, host: str) -> bool:
        return host in self._logged_in or _is_this_machine(host)

    def _allowed(self, host: str) -> bool:
        allow = self._allow()
        return not allow or within(host, parse_networks(allow))


def plain(host: str) -> str:
    """An address in one shape: IPv4 also where IPv6 carries it, IPv6 without its zone."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def _shares(host: str) -> Iterator[tuple[Hashable, int]]:
    """The networks that an address counts in, and how many each may have; this machine is none."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        yield host, SHARES[4][32]
        return
    for prefix, most in SHARES[address.version].items():
        if prefix == address.max_prefixlen or not address.is_loopback:
            yield ip_network((address, prefix), strict=False), most
    if address.version == 6 and address.is_loopback:
        yield host, SHARES[4][32]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
