"""Who may connect: clients from the networks that are allowed, all others are closed at once (TCP 4.2.3)."""

import logging
from collections.abc import Callable

from ..settings.networks import parse_networks, within

log = logging.getLogger("han2x.modbus")

QUIET_S = 60.0
"""The least time between two lines in the log, for a client that is refused may try again for ever."""


class Admission:
    """`allow`: networks as the setting has them, empty for everyone. `refused` counts who was not let in."""

    def __init__(self, allow: str, *, clock: Callable[[], float]) -> None:
        self._networks = parse_networks(allow)
        self._clock = clock
        self._told: float | None = None
        self._untold = 0
        self.refused = 0

    def admits(self, host: str) -> bool:
        """Whether a client with this address may come in; those that may not are counted."""
        if not self._networks or within(host, self._networks):
            return True
        self.refused += 1
        self._tell(host)
        return False

    def _tell(self, host: str) -> None:
        now = self._clock()
        if self._told is not None and now - self._told < QUIET_S:
            self._untold += 1
            return
        more = f", and {self._untold} more since the last such line" if self._untold else ""
        log.warning("%s is in no allowed network: refused%s", host, more)
        self._told, self._untold = now, 0
