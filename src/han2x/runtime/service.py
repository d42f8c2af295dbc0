"""Services: coroutines that are born with their section of the settings, and kept running.

A service is restarted, not reconfigured: when its section differs, when it fails (after a pause that
grows from 1 s to 60 s and is forgotten after a healthy minute), never because of another service. The
pauses are not quite alike, so that many gateways do not return to a broker all at once.
"""

import asyncio
import importlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..settings.schema import Settings
from .gateway import Gateway, Trouble
from .health import Condition

log = logging.getLogger("han2x")

Run = Callable[[Any, Gateway, str], Awaitable[None]]

PAUSE_MIN_S, PAUSE_MAX_S, HEALTHY_S = 1.0, 60.0, 60.0
JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Service:
    """A row of the table of services.

    `sections`: the wanted instances by name, each with its section of the settings; none when it is off.
    `entry`: `package.module:coroutine`, imported when first wanted, called with section, gateway, name.
    """

    sections: Callable[[Settings], Mapping[str, object]]
    entry: str

    def load(self) -> Run:
        """The coroutine function; importing it is what makes a service cost anything."""
        module, _, name = self.entry.partition(":")
        run: Run = getattr(importlib.import_module(module, "han2x"), name)
        return run


async def keep(service: Service, gateway: Gateway) -> None:
    """Run what the settings want of a service until cancelled, and stop all of it then."""
    running: dict[str, tuple[object, asyncio.Task[None]]] = {}
    try:
        while True:
            settings = gateway.settings.value
            wanted = service.sections(settings)
            for name in [name for name, (section, _) in running.items() if wanted.get(name) != section]:
                await _stop(running.pop(name)[1])
                if name not in wanted:
                    gateway.forget(name)
            for name, section in wanted.items():
                if name not in running:
                    task = asyncio.create_task(_persist(service, section, gateway, name), name=name)
                    running[name] = section, task
            await gateway.settings.changed(settings)
    finally:
        await asyncio.gather(*(_stop(task) for _, task in running.values()))


async def _persist(service: Service, section: object, gateway: Gateway, name: str) -> None:
    """Run one instance again and again."""
    loop = asyncio.get_running_loop()
    pause = PAUSE_MIN_S
    said = ""
    while True:
        if not said:  # what went wrong stays on show while it is tried again
            gateway.report(name, Condition.STARTING)
        began = loop.time()
        try:
            await service.load()(section, gateway, name)
            text = "stopped by itself"
        except Trouble as trouble:
            text = str(trouble)
        except Exception as error:
            text = f"internal error: {error!r}; please report it"
            log.debug("%s failed", name, exc_info=True)
        if loop.time() - began >= HEALTHY_S:
            pause, said = PAUSE_MIN_S, ""
        gateway.report(name, Condition.FAILING, text)
        if text != said:
            log.warning("%s: %s (trying again)", name, text)
        said = text
        await asyncio.sleep(pause * random.uniform(1 - JITTER, 1))
        pause = min(2 * pause, PAUSE_MAX_S)


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end, without swallowing a cancellation of our own."""
    task.cancel()
    await asyncio.wait([task])
