"""What the reading of meters lends to those that show it: telegrams explained, sources tried, adapters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..model.explained import Meaning, Named, Part, UnknownList
from ..model.reading import Reading
from ..runtime.gateway import Gateway, Trouble
from ..runtime.providers import Adapter, Attempt
from ..settings.broker import Mqtt
from ..settings.complaint import Complaint
from ..settings.lists import TaughtList
from ..settings.schema import Meter
from ..settings.source import SerialSource, parse_source
from ..vendors.decoding_options import Manner, manner
from ..wire.cipher import CipherMissingError
from .pipeline import Outcome
from .reader import Reader

BY_ID = Path("/dev/serial/by-id")
EVERY_S = 1.0

CHIPS = (
    ("1a86", True, "a CH340 chip, as in most M-Bus slave adapters that work"),
    ("Prolific", True, "a Prolific chip, as in many M-Bus slave adapters that work"),
    ("FTDI", True, "an FTDI chip, as in many M-Bus slave adapters that work"),
    ("Silicon_Labs", True, "a CP210x chip, as in many M-Bus slave adapters that work"),
    ("RS485", False, "looks like an RS485 adapter, which cannot read a HAN port"),
)
"""Part of an adapter's name, whether such adapters are known to work, and a hint for people."""


class Sources:
    """Lends for one gateway; see `runtime.providers.Sources`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def explain(self, octets: bytes) -> tuple[Part, ...]:
        """A telegram octet by octet."""
        from .explain import explain  # few want to see it

        return explain(octets, self._gateway.settings.value.lists)

    def unknown_list(self, meter: str, octets: bytes) -> UnknownList | None:
        """The list in a meter's telegram that no table of the program explains."""
        from .teaching import unknown_list  # few meet one

        with suppress(CipherMissingError):
            return unknown_list(octets, self._options(meter))
        return None

    def meanings(self) -> Sequence[Meaning]:
        """What the values of such a list may be taught to mean."""
        from ..vendors.teaching import meanings

        return tuple(meanings())

    def named(self, meter: str, octets: bytes, taught: TaughtList) -> Sequence[Named]:
        """What the values of such a list mean by a table."""
        from .teaching import named

        with suppress(CipherMissingError):
            return named(octets, self._options(meter), taught)
        return ()

    def list_complaints(self, lists: tuple[TaughtList, ...]) -> Sequence[Complaint]:
        """What is wrong with the meanings of lists that are right by themselves."""
        from ..vendors.teaching import complaints

        return tuple(complaints(lists))

    def _options(self, meter: str) -> Manner:
        found = next((one for one in self._gateway.settings.value.meters if one.id == meter), Meter())
        return manner(
            found.key,
            found.auth_key,
            unchecked=found.unchecked,
            kamstrup_energy_wh=found.kamstrup_energy_wh,
        )

    def adapters(self) -> Sequence[Adapter]:
        """The serial adapters that are plugged in, by the names that do not change."""
        try:
            found = sorted(BY_ID.iterdir())
        except OSError:
            return ()
        return [_adapter(path) for path in found]

    async def attempt(self, source: str, seconds: float, broker: Mqtt | None) -> AsyncIterator[Attempt]:
        """Listen to a source; one that a meter reads already is asked of that meter."""
        reading = next((m for m in self._gateway.settings.value.meters if m.source == source), None)
        if reading and isinstance(parse_source(source), SerialSource):
            async for attempt in self._overheard(reading.id, seconds):
                yield attempt
            return
        last: list[Reading] = []

        def deliver(outcome: Outcome) -> None:
            if isinstance(outcome, Reading):
                last[:] = [outcome]

        reader = Reader(parse_source(source), self._gateway.now, deliver, broker=broker)
        task = asyncio.create_task(reader.read())
        try:
            for left in range(max(1, round(seconds)), 0, -1):
                await asyncio.wait((task,), timeout=EVERY_S)
                done = left == 1 or task.done()
                reading_now = last[0] if last else None
                if task.done() and isinstance(error := task.exception(), Trouble):
                    raise error
                yield Attempt(reader.diagnosis(), reader.status().serial, reading_now, done)
                if done:
                    return
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _overheard(self, meter: str, seconds: float) -> AsyncIterator[Attempt]:
        """What the meter that reads the source hears: a tty is opened by one reader at a time."""
        for left in range(max(1, round(seconds)), 0, -1):
            await asyncio.sleep(EVERY_S)
            telegram = self._gateway.telegram(meter).value
            yield Attempt(
                self._gateway.diagnosis(meter).value,
                self._gateway.line(meter).serial,
                telegram.reading if telegram else None,
                left == 1,
            )


def _adapter(path: Path) -> Adapter:
    for part, known, hint in CHIPS:
        if part.lower() in path.name.lower():
            return Adapter(str(path), path.name, known, hint)
    return Adapter(str(path), path.name, False, "an adapter that nothing is known of")
