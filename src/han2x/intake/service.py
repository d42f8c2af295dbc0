"""One meter, from its source to its cell: read for ever, opened again whenever it fails."""

import asyncio
import logging
from collections.abc import Callable

from ..model.reading import Reading
from ..model.telegram import Telegram
from ..model.view import SCALE_ONE
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import Intake
from ..settings.source import parse_source
from ..vendors.manner import Manner, manner
from ..wire.result import Discarded
from .diagnosis import Verdict
from .pipeline import Outcome
from .plausible import Plausibility
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
            plausibility.read(outcome)

    def tap(octets: bytes, outcome: Outcome) -> None:
        reading = outcome if isinstance(outcome, Reading) else None
        reason = outcome.reason if isinstance(outcome, Discarded) else ""
        telegrams.set(Telegram(gateway.now(), octets, reading, reason))

    def scale() -> int:
        meters = gateway.settings.value.meters
        return next((meter.scale for meter in meters if meter.name == section.name), SCALE_ONE)

    def say() -> None:
        found = reader.diagnosis()
        if found.verdict in _FARES_WELL:
            gateway.report(name, Condition.OK, plausibility.advice(scale))
        else:
            gateway.report(name, Condition.FAILING, f"{found.headline}. {found.next_step}")

    telegrams = gateway.telegram(section.name)
    source = parse_source(section.source)
    plausibility = Plausibility(section.kamstrup_energy_wh)
    reader = Reader(source, gateway.now, deliver, tap=tap, broker=section.broker, manner=_manner(section))
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
            gateway.heard(section.name, reader.status(open=False))
            log.warning("%s: %s", name, trouble)
        finally:
            reporting.cancel()
        await asyncio.sleep(RETRY_S)


def _manner(section: Intake) -> Manner:
    return manner(
        section.key,
        section.auth_key,
        unchecked=section.unchecked,
        kamstrup_energy_wh=section.kamstrup_energy_wh,
    )


async def _report(say: Callable[[], None]) -> None:
    """Say how the line fares, whenever that changes; first when there has been time to open it."""
    while True:
        await asyncio.sleep(REPORT_S)
        say()
