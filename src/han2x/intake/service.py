"""One meter, from its source to its cell: read for ever, opened again whenever it fails."""

import asyncio
import logging
from collections.abc import Callable

from ..model.diagnosis import Verdict, no_source
from ..model.reading import Reading
from ..model.telegram import Telegram
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import Intake
from ..settings.source import parse_source
from ..wire.result import Discarded
from .pipeline import FRAMES, Outcome
from .reader import Reader
from .sources import Sources

log = logging.getLogger("han2x")

REPORT_S = 2.0
RETRY_S = 2.0
"""Pause before a source that failed is tried again: an adapter that was plugged in is found soon."""

_GOOD = (Verdict.GOOD, Verdict.WEAK)
_FARES_WELL = (Verdict.GOOD, Verdict.WAITING)


async def run(section: Intake, gateway: Gateway, name: str) -> None:
    """Read one meter until cancelled."""

    def deliver(outcome: Outcome) -> None:
        gateway.heard(section.name, reader.status())
        if isinstance(outcome, Reading):
            gateway.received(section.name, outcome)
            if diagnosis.value.verdict not in _GOOD:
                diagnosis.set(reader.diagnosis())

    def tap(octets: bytes, outcome: Outcome) -> None:
        if isinstance(outcome, Discarded):
            whole = outcome.kind not in FRAMES
            telegrams.set(Telegram(gateway.now(), octets, None, outcome.reason, whole))
        else:
            telegrams.set(Telegram(gateway.now(), octets, outcome))

    def say() -> None:
        found = reader.diagnosis()
        diagnosis.set(found)
        if found.verdict in _FARES_WELL:
            gateway.report(name, Condition.OK)
        else:
            gateway.report(name, Condition.FAILING, f"{found.headline}. {found.next_step}")

    gateway.providers.sources = gateway.providers.sources or Sources(gateway)
    telegrams, diagnosis = gateway.telegram(section.name), gateway.diagnosis(section.name)
    source = parse_source(section.source)
    ear = gateway.octets(section.name).set
    reader = Reader(source, gateway.now, deliver, tap=tap, broker=section.broker, ear=ear)
    while True:
        reporting = asyncio.create_task(_report(say))
        try:
            await reader.read()
            reporting.cancel()  # a recording that has ended stays what it was: no silence to complain of
            say()
            await asyncio.Event().wait()
        except Trouble as trouble:
            reporting.cancel()
            gateway.report(name, Condition.FAILING, str(trouble))
            diagnosis.set(no_source(str(trouble), reader.diagnosis().evidence))
            gateway.heard(section.name, reader.status(open=False))
            log.warning("%s: %s", name, trouble)
        finally:
            reporting.cancel()
        await asyncio.sleep(RETRY_S)


async def _report(say: Callable[[], None]) -> None:
    """Say how the line fares every so often; first when there has been time to open it."""
    while True:
        await asyncio.sleep(REPORT_S)
        say()
