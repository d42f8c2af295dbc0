"""The settings' version, and those that were in force before, so that a change can be undone."""

from collections import deque
from dataclasses import replace
from typing import Any

from ..runtime.audit import Who
from ..runtime.gateway import Gateway
from ..settings.amend import Refused
from ..settings.schema import Settings

KEPT = 20

LOG_IN = ("user", "password", "manual_default", "trusted_proxies")
"""Settings of the page that decide who may log in: changed by a person only, and not by undoing."""


class Former:
    """Counts changes and keeps what was. `version` begins with 1 and grows with each change."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._now = gateway.settings.value
        self._kept: deque[Settings] = deque(maxlen=KEPT)
        self._undoing = False
        self.version = 1
        gateway.settings.watch(self._changed)
        gateway.broken.watch(lambda _: self.forget())

    @property
    def known(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._kept)

    def undo(self, who: Who) -> Refused | None:
        """Back to the settings before the last change, but for how to log in; needs `known`."""
        former = self.undone()
        self._kept.pop()
        self._undoing = True
        try:
            return self._gateway.take(former, who)
        finally:
            self._undoing = False

    def undone(self) -> Settings:
        """What `undo` would put in force; needs `known`."""
        web, former = self._gateway.settings.value.web, self._kept[-1]
        kept: Any = {name: getattr(web, name) for name in LOG_IN}
        return replace(former, web=replace(former.web, **kept))

    def memory(self) -> tuple[Settings, ...]:
        """What is kept, for `withdraw`."""
        return tuple(self._kept)

    def withdraw(self, settings: Settings, memory: tuple[Settings, ...]) -> None:
        """Have settings in force again as if nothing had happened since `memory` was taken."""
        self._gateway.take(settings)
        self._kept = deque(memory, maxlen=KEPT)

    def forget(self) -> None:
        """Nothing can be undone: what was before is not to come back."""
        self._kept.clear()

    def _changed(self, settings: Settings) -> None:
        if not self._undoing:
            self._kept.append(self._now)
        self._now = settings
        self.version += 1
