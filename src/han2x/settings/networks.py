"""Networks as a person lists them: `192.168.1.0/24, fd00::/8, 10.0.0.7`."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks that are listed; raises `ValueError` with a sentence for the writer.

    A lone address is itself; an address with a prefix (`192.168.1.7/24`) means the network it is in.
    """
    names = [name.strip() for name in text.split(",")] if text.strip() else []
    return tuple(map(_network, names))


def _network(name: str) -> Network:
    try:
        return ip_network(name, strict=False)
    except ValueError:
        raise ValueError(f"{name!r} is no network: write it as 192.168.1.0/24 or fd00::/8") from None


def within(host: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks; IPv4 that IPv6 carries counts as IPv4."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
