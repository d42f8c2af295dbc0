"""What tests of the history share: a run of the program's own path, with the time handed in."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from han2x.history import service
from han2x.intake.pipeline import Pipeline
from han2x.model.instant import Instant
from han2x.model.reading import Reading
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Archive, History, Settings

HOUR = 3600


@pytest.fixture(scope="session")
def play() -> Callable[..., Gateway]:
    """A whole run: octets, each with the Unix second it is heard, through pipeline, gateway and history."""
    return _play


def _play(path: Path, telegrams: Iterable[tuple[int, bytes]], state: Path | None = None) -> Gateway:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "FAREWELL_S", 600)  # a year is played in seconds, and the disk may be behind
        return asyncio.run(_run(path, telegrams, state))


async def _run(path: Path, telegrams: Iterable[tuple[int, bytes]], state: Path | None) -> Gateway:
    now = Instant(0, 0)
    archive = Archive(history=History(path=str(path)), meters=("main",), time_zone="Europe/Oslo")
    gateway = Gateway(Settings(), clock=lambda: now, state_dir=state)
    pipeline = Pipeline()
    task = asyncio.create_task(service.run(archive, gateway, "history"))
    while "history" not in gateway.health.value:  # it follows the meter from here on
        await asyncio.sleep(0)
    for second, octets in telegrams:
        now = Instant(second * 1000, second * 1000)
        for outcome in pipeline.feed(octets, now.mono_ms):
            if isinstance(outcome, Reading):
                gateway.received("main", outcome)
        if second % HOUR < 60:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return gateway
