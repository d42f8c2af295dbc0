"""NetworkManager's connection profiles for a setting: plain dictionaries. Pure.

Two profiles an interface: `han2x` is the setting; `han2x-fallback`, of lower priority, has the static
address, and is taken where DHCP has given none within eight seconds.
"""

import json
from dataclasses import asdict
from ipaddress import IPv4Address, IPv4Interface
from typing import Any
from uuid import UUID, uuid5

from ..settings.device import Network

SPACE = UUID("8d3f2a52-0f0e-5c57-9a53-5a1c1d1f6e64")
DHCP_TIMEOUT_S = 8
MARK = "han2x.setting"
"""Key of the profile's user data that holds the setting it was made from."""

Profile = dict[str, dict[str, tuple[str, Any]]]
"""Groups of values, each with its D-Bus signature."""


def uuid_of(interface: str, *, fallback: bool) -> str:
    """The profile's UUID, the same for ever."""
    return str(uuid5(SPACE, f"{interface}{' fallback' if fallback else ''}"))


def mark_of(network: Network) -> str:
    """The setting as text, without what the profile does not depend on."""
    return json.dumps({**asdict(network), "trial_s": 0, "host_name": ""}, sort_keys=True)


def main_profile(network: Network, interface: str) -> Profile:
    """What the setting wants."""
    dhcp = network.method == "dhcp"
    ipv4 = _dhcp(network) if dhcp else _static(network)
    return _profile(network, interface, ipv4, fallback=False)


def fallback_profile(network: Network, interface: str) -> Profile:
    """The static address, should DHCP give none."""
    bare = {"method": ("s", "manual"), "address-data": _address(network)}
    return _profile(network, interface, bare, fallback=True)


def _profile(
    network: Network, interface: str, ipv4: dict[str, tuple[str, Any]], *, fallback: bool
) -> Profile:
    connection = {
        "id": ("s", f"han2x{'-fallback' if fallback else ''} {interface}"),
        "uuid": ("s", uuid_of(interface, fallback=fallback)),
        "type": ("s", "802-3-ethernet"),
        "interface-name": ("s", interface),
        "autoconnect": ("b", True),
        "autoconnect-priority": ("i", 10 if fallback else 20),
        "autoconnect-retries": ("i", 0 if fallback else 1),
    }
    user = {"data": ("a{ss}", {MARK: mark_of(network)})}
    return {"connection": connection, "ipv4": ipv4, "ipv6": {"method": ("s", "link-local")}, "user": user}


def _dhcp(network: Network) -> dict[str, tuple[str, Any]]:
    """It fails without an IPv4 address, or IPv6's own would do, and the fallback not be taken."""
    must = {"may-fail": ("b", False), "dhcp-timeout": ("i", DHCP_TIMEOUT_S)}
    return {"method": ("s", "auto"), **must, **_dns(network)}


def _static(network: Network) -> dict[str, tuple[str, Any]]:
    way = {"gateway": ("s", network.gateway)} if network.gateway else {}
    return {"method": ("s", "manual"), "address-data": _address(network), **way, **_dns(network)}


def _address(network: Network) -> tuple[str, Any]:
    address = IPv4Interface(network.address)
    return "aa{sv}", [{"address": ("s", str(address.ip)), "prefix": ("u", address.network.prefixlen)}]


def _dns(network: Network) -> dict[str, tuple[str, Any]]:
    """Addresses as numbers in network order, which is what this form of NetworkManager's has."""
    servers = [IPv4Address(one.strip()) for one in network.dns.split(",") if one.strip()]
    if not servers:
        return {}
    return {"dns": ("au", [int.from_bytes(one.packed, "little") for one in servers])}
