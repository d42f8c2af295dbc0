"""What is known of each meter: its newest snapshot, its number and its scale factor, kept on the disk.

A snapshot is kept before anyone can read it, so that a kill at any moment cannot make an energy run
backwards. One event loop; a disk that refuses is reported and costs nothing else.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..model.instant import Instant
from ..model.reading import Reading
from ..model.registers import PHYSICAL_W, limit_w
from ..model.running import refactored
from ..model.state import EMPTY, Snapshot, fold
from ..model.view import SCALE_ONE
from ..settings.schema import Settings
from .health import Condition, HealthReports
from .keeper import Keeper
from .latest import Latest
from .numbers import NUMBER_MIN, Numbers
from .stored_files import Say
from .stored_state import Stored

log = logging.getLogger("han2x")

STATE_FILES = "state"
"""Their name in health."""


class MeterStates:
    """The states of all meters, by the meter's id."""

    def __init__(self, settings: Settings, state_dir: Path | None, say: Say, health: HealthReports) -> None:
        self._health = health
        self._keeper = Keeper(state_dir, say)
        self._kept_numbers = Numbers(state_dir, say)
        self._numbers: dict[str, int] = {}
        self._snapshots: dict[str, Latest[Snapshot]] = {}
        self.scales = self._scales_on_disk = self._scales_in_writing = _scales(settings)
        self._limits = _limits(settings)

    @property
    def trouble(self) -> str:
        """Why what was last to be stored of a meter is not, "" if it is."""
        return self._keeper.trouble

    def stuck_ms(self, now: Instant) -> int:
        """For how long a disk has not taken what is to be kept."""
        return self._keeper.stuck_ms(now)

    def synced(self, meter: str, now: Instant) -> asyncio.Future[str] | None:
        """Tells when what was last saved of a meter is on the disk: "" then, else why not; None if it is."""
        return self._keeper.synced(meter, now)

    def stored(self, meter: str) -> Stored | None:
        """What the disk holds of a meter."""
        return self._keeper.load(meter)

    def snapshot(self, meter: str) -> Latest[Snapshot]:
        """The cell with the newest snapshot of a meter; what was kept comes first."""
        cell = self._snapshots.get(meter)
        if cell is None:
            stored = self._keeper.load(meter)
            self._numbers[meter] = self._kept_numbers.reconciled(meter, stored.number if stored else 0)
            cell = self._snapshots[meter] = Latest(stored.snapshot if stored else EMPTY)
        return cell

    def dismiss(self, meter: str) -> None:
        """Nothing is stored any more of a meter that is in no settings; only its number stays its own."""
        self._numbers.pop(meter, None)
        self._snapshots.pop(meter, None)
        self._keeper.drop(meter)

    def number(self, meter: str, now: Instant) -> int:
        """A meter's number in other systems (manual row M32): drawn once, and kept before anyone sees it."""
        snapshot = self.snapshot(meter).value
        if not self._numbers[meter]:
            drawn = int.from_bytes(os.urandom(8)) % (9 * NUMBER_MIN)  # `secrets` costs memory
            self._numbers[meter] = NUMBER_MIN + drawn
            self._keep(meter, snapshot, now, durable=True)
        self._kept_numbers.keep(meter, self._numbers[meter])
        return self._numbers[meter]

    def received(self, meter: str, reading: Reading, now: Instant, told: Instant) -> None:
        """A reading has arrived: it is in the cell, and kept, when this returns.

        `told`: the moment by the meter's own clock.
        """
        cell = self.snapshot(meter)
        before = cell.value
        snapshot = fold(before, reading, now, limit_w=self._limits.get(meter, PHYSICAL_W), told=told)
        suspected = snapshot.suspect != before.suspect
        if suspected:
            self._say_suspect(meter, before, snapshot)
        self._keep(meter, snapshot, now, durable=suspected or _hour(snapshot) != _hour(before))
        cell.set(snapshot)

    def set_settings(self, settings: Settings) -> Mapping[str, int | None]:
        """Go by these settings from now on; by meter, the scale factors that were and are others now."""
        known, self.scales = self.scales, _scales(settings)
        self._limits = _limits(settings)
        return {name: known.get(name) for name, scale in self.scales.items() if known.get(name) != scale}

    def rescale(self, meter: str, before: int | None, now: Instant) -> None:
        """The running hour is the sum of its parts, each by the factor then in force."""
        cell = self.snapshot(meter)
        running = cell.value.running
        if running and before:
            running = refactored(running, cell.value.estimates, before, self.scales[meter])
            cell.set(replace(cell.value, running=running))
        self._keep(meter, cell.value, now, durable=True)

    def writing(self, settings: Settings) -> None:
        """The settings file is about to hold these settings; a kill leaves open whether it does."""
        self._scales_in_writing = _scales(settings)

    def written(self, settings: Settings, now: Instant) -> None:
        """The settings file now holds these settings."""
        before, self._scales_on_disk = self._scales_on_disk, _scales(settings)
        self._scales_in_writing = self._scales_on_disk
        for name, scale in self._scales_on_disk.items():
            if before.get(name) != scale:  # or one taken back by hand would look as if still to be written
                self._keep(name, self.snapshot(name).value, now, durable=True)

    def _keep(self, meter: str, snapshot: Snapshot, now: Instant, *, durable: bool) -> None:
        scale = self.scales.get(meter, SCALE_ONE)
        on_disk, in_writing = self._scales_on_disk, self._scales_in_writing
        number = self._numbers.get(meter, 0)
        stored = Stored(snapshot, scale, on_disk.get(meter, scale), in_writing.get(meter, scale), number)
        self._keeper.save(meter, stored, now, durable=durable)
        if self._keeper.trouble:
            if STATE_FILES not in self._health.value:
                log.warning("%s", self._keeper.trouble)
            self._health.report(STATE_FILES, Condition.FAILING, self._keeper.trouble)
        else:
            self._health.forget(STATE_FILES)

    def _say_suspect(self, meter: str, before: Snapshot, after: Snapshot) -> None:
        """Say that energies are held back, and what became of them."""
        name = f"energies {meter}"
        if after.suspect:
            sent = ", ".join(f"{energy.label} {wh}" for energy, wh in after.suspect.items())
            text = (
                f"The meter sent energies that cannot be ({sent}, in Wh and varh) · the last good ones are "
                "shown until its next hourly list tells"
            )
            log.warning("%s: %s", name, text)
            self._health.report(name, Condition.OK, text)
            return
        kept = "were wrong and are dropped" if after.refused > before.refused else "are confirmed"
        log.warning("%s: the energies that were held back %s", name, kept)
        self._health.forget(name)


def _hour(snapshot: Snapshot) -> datetime | None:
    """The hour of the newest energies. P1 sends them each second: too often to sync the disk each time."""
    clock = snapshot.energies_clock
    return clock.replace(minute=0, second=0) if clock else None


def _limits(settings: Settings) -> dict[str, int]:
    return {meter.id: limit_w(meter.fuse_a, meter.scale) for meter in settings.meters}


def _scales(settings: Settings) -> dict[str, int]:
    return {meter.id: meter.scale for meter in settings.meters}
