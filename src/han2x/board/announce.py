"""Says on the local network who we are (mDNS, DNS-SD): as `han2x-NUMBER.local`, with its page and Modbus.

The host name carries the unit's own number, because a library that answers for names does not notice that
another gateway has taken the same one.
"""

import asyncio
import contextlib
import socket
from typing import Any

from .. import __version__
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.device import Announced

LOOK_S = 10.0
DOMAIN = "local."
HTTP, MODBUS = f"_http._tcp.{DOMAIN}", f"_modbus._tcp.{DOMAIN}"
PRODUCT = "han2x"


async def run(section: Announced, gateway: Gateway, name: str) -> None:
    """Announce until cancelled, anew whenever the machine's addresses change; raises `Trouble`."""
    host = section.announce.name or f"{PRODUCT}-{gateway.number(section.meter)}"
    while True:
        addresses = own_addresses()
        if addresses:
            async with _announced(section, host, addresses):
                gateway.report(name, Condition.OK, f"{host}.local is at {', '.join(addresses)}")
                while own_addresses() == addresses:
                    await asyncio.sleep(LOOK_S)
        else:
            gateway.report(name, Condition.FAILING, "this machine has no address yet")
            await asyncio.sleep(LOOK_S)


def own_addresses() -> list[str]:
    """IPv4 addresses of this machine that others can reach."""
    try:
        import ifaddr
    except ImportError:
        raise Trouble("being found needs mDNS: install han2x[mdns]") from None
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return sorted(str(ip) for ip in found if not str(ip).startswith("127."))


@contextlib.asynccontextmanager
async def _announced(section: Announced, host: str, addresses: list[str]) -> Any:
    """The services are there while this lasts, and said to be gone after it."""
    try:
        from zeroconf import IPVersion, NonUniqueNameException
        from zeroconf.asyncio import AsyncZeroconf
    except ImportError:
        raise Trouble("being found needs mDNS: install han2x[mdns]") from None
    try:
        zeroconf = AsyncZeroconf(interfaces=addresses, ip_version=IPVersion.V4Only)
    except OSError as error:
        raise Trouble(f"mDNS cannot be used: {error.strerror or error}") from None
    try:
        said = [zeroconf.async_register_service(info) for info in _services(section, host, addresses)]
        await asyncio.gather(*await asyncio.gather(*said))
        yield
    except NonUniqueNameException:
        raise Trouble(f"another gateway on this network is named {host}: set announce.name") from None
    except OSError as error:
        raise Trouble(f"mDNS does not work: {error.strerror or error}") from None
    finally:
        await zeroconf.async_close()


def _services(section: Announced, host: str, addresses: list[str]) -> list[Any]:
    from zeroconf.asyncio import AsyncServiceInfo

    ports = ((HTTP, section.web_port), (MODBUS, section.modbus_port))
    return [
        AsyncServiceInfo(
            kind,
            f"{host}.{kind}",
            addresses=[socket.inet_aton(address) for address in addresses],
            port=port,
            properties={"product": PRODUCT, "version": __version__},
            server=f"{host}.{DOMAIN}",
        )
        for kind, port in ports
        if port
    ]
