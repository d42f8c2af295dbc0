"""One meter, from its source to its cell: read for ever, opened again whenever it fails."""

import asyncio
import logging
from zoneinfo import ZoneInfo

from ..model.diagnosis import Verdict, no_source
from ..model.reading import Reading
from ..model.telegram import Telegram
from ..model.view import SCALE_ONE
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.schema import Intake
from ..settings.source import ReplaySource, SimulatedSource, parse_source
from ..vendors.decoding_options import Manner, manner
from ..wire.result import Discarded
from .machine_clock import MachineClock
from .pipeline import FRAMES, Outcome
from .plausible import Plausibility, partial, same_number
from .reader import Reader
from .sources import Sources

log = logging.getLogger("han2x")

REPORT_S = 2.0
RETRY_S = 2.0
"""Pause before a source that failed is tried again: an adapter that was plugged in is found soon."""

_GOOD = (Verdict.GOOD, Verdict.WEAK, Verdict.REDUCED)
_FARES_WELL = (Verdict.GOOD, Verdict.WAITING, Verdict.REDUCED)


async def run(section: Intake, gateway: Gateway, name: str) -> None:
    """Read one meter until cancelled."""
    gateway.providers.sources = gateway.providers.sources or Sources(gateway)
    await _Meter(section, gateway, name).read()


class _Meter:
    """What is read of one meter, and who is told of it."""

    def __init__(self, section: Intake, gateway: Gateway, name: str) -> None:
        self._meter, self._gateway, self._name = section.id, gateway, name
        self._telegrams, self._diagnosis = gateway.telegram(section.id), gateway.diagnosis(section.id)
        self._plausibility = Plausibility(section.kamstrup_energy_wh)
        self._clock = MachineClock()
        self._zone = ZoneInfo(gateway.settings.value.site.time_zone)
        source = parse_source(section.source)
        self._judges_clock = not isinstance(source, ReplaySource | SimulatedSource)  # of another time
        self._reader = Reader(
            source,
            gateway.now,
            self._deliver,
            tap=self._tap,
            broker=section.broker,
            ear=gateway.octets(section.id).set,
            manner=_manner(section),
        )

    async def read(self) -> None:
        """Open the source and read it, again whenever it fails."""
        while True:
            reporting = asyncio.create_task(self._report())
            try:
                await self._reader.read()
                reporting.cancel()  # a recording that has ended stays what it was: no silence to complain of
                self._say()
                await asyncio.Event().wait()
            except Trouble as trouble:
                self._failed(trouble)
            finally:
                reporting.cancel()
            await asyncio.sleep(RETRY_S)

    def _deliver(self, outcome: Outcome) -> None:
        self._gateway.heard(self._meter, self._reader.status())
        if isinstance(outcome, Reading):
            self._gateway.received(self._meter, outcome)
            if self._diagnosis.value.verdict not in _GOOD:
                self._diagnosis.set(self._reader.diagnosis())
            self._plausibility.read(outcome)
            if outcome.clock and self._judges_clock:
                self._compare_clocks(outcome)

    def _compare_clocks(self, reading: Reading) -> None:
        """Say once when the machine's clock turns out to be wrong, and when it is right again."""
        before = self._clock.text
        self._clock.read(reading, self._gateway.now(), self._zone)
        if self._clock.text == before:
            return
        if self._clock.text:
            log.warning("%s", self._clock.text)
            self._gateway.report("clock", Condition.OK, self._clock.text)
        else:
            log.warning("The machine's clock is right again")
            self._gateway.forget("clock")

    def _tap(self, octets: bytes, outcome: Outcome) -> None:
        now = self._gateway.now()
        if isinstance(outcome, Discarded):
            whole = outcome.kind not in FRAMES
            self._telegrams.set(Telegram(now, octets, None, outcome.reason, whole, outcome.kind))
        else:
            self._telegrams.set(Telegram(now, octets, outcome))

    async def _report(self) -> None:
        """Say how the line fares every so often; first when there has been time to open it."""
        while True:
            await asyncio.sleep(REPORT_S)
            self._say()

    def _say(self) -> None:
        found = self._reader.diagnosis()
        self._diagnosis.set(found)
        said = f"{found.headline}. {found.next_step}"
        if found.verdict in _FARES_WELL:
            advice = self._advice() or (said if found.verdict is Verdict.REDUCED else "")
            self._gateway.report(self._name, Condition.OK, advice)
        else:
            self._gateway.report(self._name, Condition.FAILING, said)

    def _failed(self, trouble: Trouble) -> None:
        self._gateway.report(self._name, Condition.FAILING, str(trouble))
        self._diagnosis.set(no_source(str(trouble), self._reader.diagnosis().evidence))
        self._gateway.heard(self._meter, self._reader.status(open=False))
        log.warning("%s: %s", self._name, trouble)

    def _advice(self) -> str:
        """What the meter's owner should look at, "" for nothing."""
        snapshot = self._gateway.snapshot(self._meter).value
        meters = self._gateway.settings.value.meters
        same = same_number(self._meter, {m.id: (m.name, self._gateway.snapshot(m.id).value) for m in meters})
        return same or partial(snapshot) or self._plausibility.advice(self._scale)

    def _scale(self) -> int:
        meters = self._gateway.settings.value.meters
        return next((meter.scale for meter in meters if meter.id == self._meter), SCALE_ONE)


def _manner(section: Intake) -> Manner:
    return manner(
        section.key,
        section.auth_key,
        unchecked=section.unchecked,
        kamstrup_energy_wh=section.kamstrup_energy_wh,
        lists=section.lists,
    )
