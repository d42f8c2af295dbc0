"""Who may connect, and how many at once: counted by address, so that nobody takes every place. Pure."""

from collections import Counter
from collections.abc import Callable

from ..settings.networks import parse_networks, within

TOTAL, EACH = 256, 96
"""Connections at once: of all, and of one address. A proxy is one address for all who come through it."""


class Door:
    """`allow`: tells the networks that may come in, as the setting has them now.

    `refused`: who was not let in; `cut`: who was too slow.
    """

    def __init__(self, allow: Callable[[], str], *, total: int = TOTAL, each: int = EACH) -> None:
        self._allow, self._total, self._each = allow, total, each
        self._inside: Counter[str] = Counter()
        self.refused = self.cut = 0

    @property
    def inside(self) -> int:
        """How many are connected."""
        return self._inside.total()

    def enter(self, host: str) -> bool:
        """Whether a client may come in; then it must `leave`."""
        if self._full(host) or not self._allowed(host):
            self.refused += 1
            return False
        self._inside[host] += 1
        return True

    def leave(self, host: str) -> None:
        """A client is gone."""
        self._inside[host] -= 1
        if self._inside[host] <= 0:
            del self._inside[host]

    def _full(self, host: str) -> bool:
        return self._inside.get(host, 0) >= self._each or self.inside >= self._total

    def _allowed(self, host: str) -> bool:
        allow = self._allow()
        return not allow or within(host, parse_networks(allow))
