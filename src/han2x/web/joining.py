"""A meter in the settings turns out to be a former one: what was stored of it since goes along."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping

from ..runtime.gateway import Gateway, Trouble
from ..runtime.identities import forget
from ..runtime.providers import Archive
from ..settings.schema import Settings

log = logging.getLogger("han2x.web")

COMING_S, LETTING_GO_S, LOOK_S = 5.0, 15.0, 0.05
"""How long the history may take to come, and to write what waits of the meter by its id till now."""


def wants_another_id(changes: Mapping[str, object]) -> bool:
    """Whether changes say of a meter who it is."""
    return any(path.startswith("meters.") and path.endswith(".id") for path in changes)


def joined(before: Settings, after: Settings) -> Iterator[tuple[str, str]]:
    """The ids that meters had and have now, of those in the same place whose ids are others."""
    for old, new in zip(before.meters, after.meters, strict=False):
        if old.id != new.id:
            yield old.id, new.id


async def present(gateway: Gateway) -> Archive | None:
    """The history, where one is kept; it may just begin anew."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COMING_S):
            while gateway.settings.value.history.enabled and gateway.providers.archive is None:
                await asyncio.sleep(LOOK_S)
    return gateway.providers.archive


async def bring_along(gateway: Gateway, archive: Archive | None, was: str, into: str) -> None:
    """Have what was stored of a meter by the id it had; `archive`: the history that knew it by that.

    What cannot be moved stays where it is, as that of a former meter.
    """
    trouble = await gateway.settings_stored()
    if archive:
        trouble = await _moved(gateway, archive, was, into) or trouble
    if trouble:
        log.warning("history of meter %s is not joined with that of %s: %s", was, into, trouble)
        return
    gateway.dismiss(was)
    try:
        await asyncio.to_thread(forget, gateway.state_dir, was)
    except OSError as error:
        log.warning("meter %s stays in the list of former meters: %s", was, error.strerror or error)


async def _moved(gateway: Gateway, archive: Archive, was: str, into: str) -> str:
    """Have the rows moved by the history as it runs now; why they are not, "" if they are."""
    try:
        async with asyncio.timeout(LETTING_GO_S):
            while (now := gateway.providers.archive) in (None, archive):
                await asyncio.sleep(LOOK_S)
        assert now
        await asyncio.to_thread(now.join, was, into)
    except TimeoutError:
        return "the history did not start again in time"
    except Trouble as trouble:
        return str(trouble)
    return ""
