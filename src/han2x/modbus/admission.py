"""Who may connect: clients from the networks that are allowed, all others are closed at once (TCP 4.2.3)."""

import logging
from collections.abc import Callable

from ..runtime.rate_limited_log import RateLimitedLog
from ..settings.networks import parse_networks, within

log = logging.getLogger("han2x.modbus")


class Admission:
    """`allow`: networks as the setting has them, empty for everyone. `refused` counts who was not let in."""

    def __init__(self, allow: str, *, clock: Callable[[], float]) -> None:
        self._networks = parse_networks(allow)
        self._log = RateLimitedLog(log, clock=clock)
        self.refused = 0

    def admits(self, host: str) -> bool:
        """Whether a client with this address may come in; those that may not are counted."""
        if not self._networks or within(host, self._networks):
            return True
        self.refused += 1
        self._log.warning(f"{host} is in no allowed network: refused")
        return False
