"""The machine's network as it really is, read back; never what the settings would have it be."""

from dataclasses import dataclass
from enum import StrEnum

from .instant import Instant


class Stage(StrEnum):
    """How far an interface has come. Only one that is up has addresses, and a fallback in use."""

    UNPLUGGED = "unplugged"
    DOWN = "down"
    COMING_UP = "coming up"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """One interface. `addresses` with their prefix, as `192.168.1.232/24`.

    `method`: `static`, `dhcp`, or empty where nobody knows. `fallback`: DHCP gave nothing, and the fallback
    address is in use. `trial_ends`: when an unconfirmed setting undoes itself, None if all is confirmed.
    """

    managed: bool = False
    interface: str = ""
    stage: Stage = Stage.DOWN
    method: str = ""
    addresses: tuple[str, ...] = ()
    gateway: str = ""
    dns: tuple[str, ...] = ()
    host_name: str = ""
    fallback: bool = False
    trial_ends: Instant | None = None
    text: str = ""


UNMANAGED = NetworkState()
