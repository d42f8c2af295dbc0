"""What the page's server knows beside the gateway: who is logged in, who listens, what was before.

Made once a gateway and kept when the server is restarted for another port.
"""

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.stored_files import WEB
from ..settings.amend import Refused
from ..settings.schema import Settings
from .connection_limits import ConnectionLimits
from .endpoint import Refusal
from .events import Hub
from .long_answers import LongAnswers
from .passwords import Passwords
from .sessions import Keys, stamp
from .settings_undo import Former
from .signal import Recorder
from .throttle import Throttle

T = TypeVar("T")

LOG_INS = "log-ins"
"""Their name in health."""


class State:
    """One gateway's. Everything runs on one loop."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._file = gateway.state_dir / WEB.pattern if gateway.state_dir else None
        self.keys = Keys(self._file, gateway.damaged)
        self.passwords = Passwords()
        self.throttle = Throttle(gateway.now().mono_ms)
        self.former = Former(gateway)
        self.hub = Hub(gateway, lambda: self.former.version)
        self.recorder: Recorder | None = None
        self.limits: ConnectionLimits | None = None
        self.long_answers = LongAnswers()
        self.ending = asyncio.Event()
        self.refused = 0
        self._saving, self._changing = asyncio.Lock(), asyncio.Lock()

    @property
    def demo(self) -> bool:
        """Whether nothing is stored."""
        return self.gateway.state_dir is None

    @property
    def stamp(self) -> str:
        """What sessions of the credentials in force keep of them."""
        web = self.gateway.settings.value.web
        return stamp(web.user, web.password or self.keys.initial or "")

    @property
    def manual_default(self) -> bool:
        """Whether the manual's password is in force; so it is where an older version drew none."""
        web = self.gateway.settings.value.web
        return not web.password and (web.manual_default or self.keys.initial is None)

    @property
    def initial_password(self) -> bool:
        """Whether the first password is in force."""
        return not self.gateway.settings.value.web.password and bool(self.keys.initial)

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers do not tell ports apart, and two gateways may be on one machine."""
        return f"han2x-{self.gateway.settings.value.web.port}"

    def begin(self) -> None:
        """The server starts."""
        self.ending.clear()
        self.recorder = Recorder(self.gateway, self.hub.telegram)

    def end(self) -> None:
        """The server ends: all that would go on for long is told so."""
        self.ending.set()
        self.hub.end()
        if self.recorder:
            self.recorder.stop()
            self.recorder = None

    async def save(self) -> None:
        """Keep sessions and tokens, if they changed; without a disk they last until the process ends."""
        if not self.keys.changed:
            return
        async with self._saving:
            if why := await self._written():
                self.gateway.report(LOG_INS, Condition.FAILING, f"{self._file} cannot be written: {why}")
            else:
                self.gateway.forget(LOG_INS)

    async def keep(self, change: Callable[[], T]) -> T:
        """Change sessions or tokens, on the disk too; raises `Refusal`, and then nothing has changed."""
        async with self._saving:
            before = self.keys.memory()
            made = change()
            if self.keys.changed and (why := await self._written()):
                self.keys.restore(before)
                raise not_stored(f"{self._file} cannot be written: {why}")
            return made

    async def take(self, change: Callable[[], Refused | None]) -> Refused | None:
        """Change settings, on the disk too; raises `Refusal`, and then those before are in force."""
        async with self._changing:
            before, memory = self.gateway.settings.value, self.former.memory()
            if refused := change():
                return refused
            made = self.gateway.settings.value
            if made != before and (why := await self.gateway.settings_stored()):
                self.former.withdraw(_without(self.gateway.settings.value, made, before), memory)
                raise not_stored(why)
            return None

    async def _written(self) -> str:
        """Write sessions and tokens; why that failed, "" if it did not."""
        text = self.keys.to_text()
        try:
            await asyncio.to_thread(self.keys.write, text)
        except OSError as error:
            self.keys.changed = True
            return error.strerror or str(error)
        return ""


def not_stored(why: str) -> Refusal:
    """The refusal of what could not be written to the disk."""
    return Refusal(507, "not_stored", f"Nothing was changed, as it cannot be stored: {why}.")


def _without(now: Settings, made: Settings, before: Settings) -> Settings:
    """Settings without what a change has made of those before; what others have changed since stays."""
    changes: dict[str, Any] = {
        one.name: getattr(before, one.name)
        for one in fields(Settings)
        if getattr(now, one.name) == getattr(made, one.name)
    }
    return replace(now, **changes)


_STATES: WeakKeyDictionary[Gateway, State] = WeakKeyDictionary()


def state_of(gateway: Gateway) -> State:
    """The state of a gateway."""
    if gateway not in _STATES:
        _STATES[gateway] = State(gateway)
    return _STATES[gateway]
