"""One meter, from its source to its cell: read for ever, opened again whenever it fails."""

import asyncio
import logging

from ..model.reading import Reading
from ..model.telegram import Telegram
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import Intake
from ..settings.source import parse_source
from ..wire.result import Discarded
from .diagnosis import Verdict
from .pipeline import Outcome
from .reader import Reader

log = logging.getLogger("han2x")

REPORT_S = 2.0
RETRY_S = 2.0
"""Pause before a source that failed is tried again: an adapter that was plugged in is found soon."""

_FARES_WELL = (Verdict.GOOD, Verdict.WAITING)


async def run(section: Intake, gateway: Gateway, name: str) -> None:
    """Read one meter until cancelled."""

    def deliver(outcome: Outcome) -> None:
        gateway.heard(section.name, reader.status())
        if isinstance(outcome, Reading):
            gateway.received(section.name, outcome)

    def tap(octets: bytes, outcome: Outcome) -> None:
        reading = outcome if isinstance(outcome, Reading) else None
        reason = outcome.reason if isinstance(outcome, Discarded) else ""
        telegrams.set(Telegram(gateway.now(), octets, reading, reason))

    telegrams = gateway.telegram(section.name)
    source = parse_source(section.source)
    reader = Reader(source, gateway.now, deliver, tap=tap, broker=section.broker)
    while True:
        reporting = asyncio.create_task(_report(reader, gateway, name))
        try:
            await reader.read()
            reporting.cancel()  # a recording that has ended stays what it was: no silence to complain of
            _say(reader, gateway, name)
            await asyncio.Event().wait()
        except Trouble as trouble:
            reporting.cancel()
            gateway.report(name, Condition.FAILING, str(trouble))
            gateway.heard(section.name, reader.status(open=False))
            log.warning("%s: %s", name, trouble)
        finally:
            reporting.cancel()
        await asyncio.sleep(RETRY_S)


async def _report(reader: Reader, gateway: Gateway, name: str) -> None:
    """Say how the line fares, whenever that changes; first when there has been time to open it."""
    while True:
        await asyncio.sleep(REPORT_S)
        _say(reader, gateway, name)


def _say(reader: Reader, gateway: Gateway, name: str) -> None:
    found = reader.diagnosis()
    if found.verdict in _FARES_WELL:
        gateway.report(name, Condition.OK)
    else:
        gateway.report(name, Condition.FAILING, f"{found.headline}. {found.next_step}")
