"""Who is connected to a server, as a service tells it to whoever shows it."""

from collections.abc import Callable
from typing import NamedTuple


class ClientInfo(NamedTuple):
    """One client's connection: its age and silence in seconds, and what it was answered.

    `last_exception`: the code of the last exception response, 0 before the first.
    """

    peer: str
    connected_s: int
    idle_s: int
    requests: int
    exceptions: int
    last_exception: int


class Clients(NamedTuple):
    """A server's clients, the longest connected first; `refused`: how many were turned away at the door."""

    connected: tuple[ClientInfo, ...] = ()
    refused: int = 0


Provider = Callable[[], Clients]
