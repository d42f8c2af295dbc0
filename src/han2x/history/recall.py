"""Hands the accounts the hours that are in the history: on a start, and whenever they ask for older ones.

What is written from then on they get as it is written. All is read again when history tells of hours that
another program has put into the file (`han2x history import`).
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from ..model.hour import Hour
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.schema import Archive
from .service import path_of

SOON_S = 10.0
"""Pause before a file that is not there yet is looked for again."""

END = 2**62
"""Later than any hour."""


async def run(section: Archive, gateway: Gateway, name: str) -> None:
    """Recall until cancelled."""
    path = path_of(section.history, gateway.state_dir)
    if path is None:
        await asyncio.Event().wait()
        return
    wanted = asyncio.Event()
    with contextlib.ExitStack() as watching:
        watching.callback(gateway.accounts.asking.watch(lambda _: wanted.set()))
        watching.callback(gateway.hours.watch(lambda hours: None if hours else wanted.set()))
        while True:
            wanted.clear()
            pause = await _recalled(path, gateway, name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wanted.wait()


async def _recalled(path: Path, gateway: Gateway, name: str) -> float | None:
    """Recall once, and say how that went; after how many seconds to try again, None if it went well."""
    try:
        await recall(path, gateway, gateway.accounts.asking.value)
    except Trouble as trouble:
        gateway.report(name, Condition.STARTING, str(trouble))
        return SOON_S
    gateway.report(name, Condition.OK)
    return None


async def recall(path: Path, gateway: Gateway, asking: Mapping[str, int]) -> None:
    """Hand over all hours that are asked for; raises `Trouble` if the history cannot be read."""
    for meter, since in asking.items():
        written = None
        while written is not gateway.hours.value:  # or an hour corrected meanwhile would be put back
            written = gateway.hours.value
            found = await asyncio.to_thread(_read, path, meter, since)
        gateway.accounts.put(meter, found)


def _read(path: Path, meter: str, since: int) -> list[Hour]:
    import sqlite3  # costs memory that most gateways keep

    from .file import as_trouble, open_reading
    from .periods import hours

    try:
        with contextlib.closing(open_reading(path)) as file:
            return list(hours(file, meter, since, END))
    except sqlite3.Error as error:
        raise as_trouble(error, path) from None
