"""What the page's server knows beside the gateway: who is logged in, who listens, what was before.

Made once a gateway and kept when the server is restarted for another port.
"""

import asyncio
import logging
from weakref import WeakKeyDictionary

from ..runtime.gateway import Gateway
from .door import Door
from .events import Hub
from .former import Former
from .passwords import Passwords
from .sessions import Keys, stamp
from .signal import Recorder
from .throttle import Throttle

log = logging.getLogger("han2x.web")

FILE = "web.json"
STREAMS = 4
"""Long answers (histories, captures, trials) at once; whoever comes then is told to wait."""


class State:
    """One gateway's. Everything runs on one loop."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.keys = Keys(gateway.state_dir / FILE if gateway.state_dir else None)
        self.passwords = Passwords()
        self.throttle = Throttle(gateway.now().mono_ms)
        self.former = Former(gateway)
        self.hub = Hub(gateway, lambda: self.former.version)
        self.recorder: Recorder | None = None
        self.door: Door | None = None
        self.streams = asyncio.Semaphore(STREAMS)
        self.ending = asyncio.Event()
        self.refused = 0
        self._saving = asyncio.Lock()

    @property
    def demo(self) -> bool:
        """Whether nothing is stored."""
        return self.gateway.state_dir is None

    @property
    def stamp(self) -> str:
        """What sessions of the credentials in force keep of them."""
        web = self.gateway.settings.value.web
        return stamp(web.user, web.password)

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
            text = self.keys.to_text()
            try:
                await asyncio.to_thread(self.keys.write, text)
            except OSError as error:
                log.warning("log-ins cannot be stored: %s", error.strerror or error)


_STATES: WeakKeyDictionary[Gateway, State] = WeakKeyDictionary()


def state_of(gateway: Gateway) -> State:
    """The state of a gateway."""
    if gateway not in _STATES:
        _STATES[gateway] = State(gateway)
    return _STATES[gateway]
