"""Which gateways there are on the local network (mDNS)."""

import asyncio
from typing import Any, NamedTuple

from ..runtime.gateway import Trouble
from .announce import HTTP, MODBUS, PRODUCT

LEAST_S = 2.0
"""An answer just given to another is given again a second later at the earliest (RFC 6762 section 6), and up
to 0.7 s after that: who waits for less may miss a gateway each time, however often it asks."""


class Found(NamedTuple):
    """A gateway that has said who it is. A port of 0 is none."""

    host: str
    addresses: tuple[str, ...]
    version: str
    modbus_port: int
    web_port: int


async def find(seconds: float) -> list[Found]:
    """The gateways that answer within so many seconds, at least `LEAST_S`, by host name; raises `Trouble`."""
    try:
        from zeroconf import DNSQuestionType, InterfaceChoice, IPVersion
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf
    except ImportError:
        raise Trouble("finding gateways needs mDNS: install han2x[mdns]") from None
    try:
        zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.V4Only)
    except OSError as error:
        raise Trouble(f"mDNS cannot be used: {error.strerror or error}") from None
    names: dict[str, str] = {}

    def heard(zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        names[name] = service_type

    # Answers to all: one to us alone may reach another program of this machine, such as a gateway.
    browser = AsyncServiceBrowser(
        zeroconf.zeroconf, [HTTP, MODBUS], handlers=[heard], question_type=DNSQuestionType.QM
    )
    try:
        await asyncio.sleep(max(LEAST_S, seconds))
        found = await asyncio.gather(*(_ask(zeroconf, kind, name) for name, kind in list(names.items())))
        return _joined([one for one in found if one])
    finally:
        await browser.async_cancel()
        await zeroconf.async_close()


async def _ask(zeroconf: Any, kind: str, name: str) -> Found | None:
    """What a service says of itself; None if it is no gateway of ours, or does not answer."""
    from zeroconf import DNSQuestionType
    from zeroconf.asyncio import AsyncServiceInfo

    info = AsyncServiceInfo(kind, name)
    if not await info.async_request(zeroconf.zeroconf, 2000, question_type=DNSQuestionType.QM):
        return None
    said = info.properties
    if said.get(b"product") != PRODUCT.encode():
        return None
    port = info.port or 0
    return Found(
        host=(info.server or "").removesuffix("."),
        addresses=tuple(info.parsed_addresses()),
        version=(said.get(b"version") or b"").decode("ascii", "replace"),
        modbus_port=port if kind == MODBUS else 0,
        web_port=port if kind == HTTP else 0,
    )


def _joined(services: list[Found]) -> list[Found]:
    """One entry a gateway, from its services."""
    by_host: dict[str, Found] = {}
    for one in services:
        known = by_host.get(one.host, one)
        by_host[one.host] = known._replace(
            modbus_port=known.modbus_port or one.modbus_port, web_port=known.web_port or one.web_port
        )
    return [by_host[host] for host in sorted(by_host)]
