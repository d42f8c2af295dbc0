"""What every service is handed: the live cells, the door to change settings, the time, and where files go."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.box import NO_BOX
from ..model.diagnosis import LISTENING, Diagnosis
from ..model.hour import Hour
from ..model.instant import Instant
from ..model.line import UNHEARD, LineStatus
from ..model.network import UNMANAGED
from ..model.reading import Reading
from ..model.registers import PHYSICAL_W, limit_w
from ..model.running import refactored
from ..model.state import EMPTY, Snapshot, fold
from ..model.telegram import Telegram
from ..model.view import SCALE_ONE, View, view
from ..settings.amend import Complaint, Refused, amend, changed_names
from ..settings.schema import Meter, Settings
from ..tariff.account import NO_ACCOUNT
from . import page_trial, trial
from .audit import FILE, PROGRAM, Audit, Who
from .clients import Provider
from .keeper import Keeper
from .latest import Latest
from .logbook import Logbook
from .meter_time import MeterTime
from .numbers import NUMBER_MIN, Numbers
from .page_trial import PageTrial
from .providers import Providers
from .stored import Stored
from .stored_files import damaged_files, mark_seen

if TYPE_CHECKING:
    from .accounts import Accounts
    from .outbox import Outbox

log = logging.getLogger("han2x")


STORED_FILES = "stored files"
"""Their name in health."""
DAMAGED_SHOWN = 8
STORING_S = 10.0


class Condition(StrEnum):
    """How a service fares."""

    STARTING = "starting"
    OK = "ok"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Health:
    """How a service fares, and a sentence for people when it does not fare well."""

    condition: Condition
    text: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """An attempt to have settings in the settings file; `trouble`: why it failed, "" if it did not."""

    settings: Settings
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """The wish to begin anew with factory settings; `history`: without it."""

    history: bool


class Trouble(Exception):
    """Something outside the program is wrong; the message says what, and what to do about it."""


class Gateway:
    """The shared state of one gateway. One event loop; nothing here blocks.

    `clock` tells the time; `state_dir` is where stored state goes, None to store nothing; `settings_file` is
    where the settings are kept, for people to know. `settings`
    are those of the settings file, `on_disk` what of them it holds or held when it was last written.
    `hours`: those that history has last written or corrected, by meter; a watcher misses none; none named:
    another program has written to the history, which is to be read again.
    `broken`: why the settings in force are not those of the file and cannot be changed; None if they are.
    `outbox`: what history lets others take over; None while it does not run.
    `saved`: the last attempt to write them, None before the first.
    `clients`: by service, how to ask who is connected to it; asked only when someone wants to see.
    `box`, `network`: the machine as it is. `trusted`: the network setting that needs no confirmation: the one
    the program began with, or the last one confirmed. `wish`: set when everything is to begin anew, of which
    `was_reset` tells afterwards.
    `providers`: what else services lend to those that show it. `logbook`: the last log lines.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], Instant],
        state_dir: Path | None = None,
        settings_file: Path | None = None,
        was_reset: bool = False,
    ) -> None:
        self.audit = Audit(state_dir)
        self.settings = Latest(settings)
        self.page_trial = PageTrial(settings, self.take, clock, state_dir)
        self.settings.watch(self.page_trial.changed)
        self.box = Latest(NO_BOX)
        self.network = Latest(UNMANAGED)
        self.trusted = Latest(settings.network)
        self.wish: Latest[Reset | None] = Latest(None)
        self.was_reset = was_reset
        self.broken: Latest[Refused | None] = Latest(None)
        self.on_disk = settings
        self.saved: Latest[Saved | None] = Latest(None)
        self._scales = self._scales_on_disk = self._scales_in_writing = _scales(settings)
        self._limits = _limits(settings)
        self.health: Latest[Mapping[str, Health]] = Latest({})
        self.clients: dict[str, Provider] = {}
        self.providers = Providers()
        self.logbook = Logbook()
        self.hours: Latest[Mapping[str, Sequence[Hour]]] = Latest({})
        self.outbox: Latest[Outbox | None] = Latest(None)
        self.now = clock
        self._meter_time = MeterTime(lambda: self.settings.value.site.time_zone)
        self.started = clock()
        self.state_dir = state_dir
        self.settings_file = settings_file
        self._numbers: dict[str, int] = {}
        self._telegrams: dict[str, Latest[Telegram | None]] = {}
        self._octets: dict[str, Latest[bytes]] = {}
        self._diagnoses: dict[str, Latest[Diagnosis]] = {}
        self._damaged = [f"{path}: a damaged file that was set aside" for path in damaged_files(state_dir)]
        self._report_damaged()
        self._keeper = Keeper(state_dir, self.damaged)
        self._kept_numbers = Numbers(state_dir, self.damaged)
        self._snapshots: dict[str, Latest[Snapshot]] = {}
        self._lines: dict[str, LineStatus] = {}

    def snapshot(self, meter: str) -> Latest[Snapshot]:
        """The cell with the newest snapshot of a meter, by the meter's id; what was kept comes first."""
        cell = self._snapshots.get(meter)
        if cell is None:
            stored = self._keeper.load(meter)
            self._numbers[meter] = self._kept_numbers.reconciled(meter, stored.number if stored else 0)
            cell = self._snapshots[meter] = Latest(stored.snapshot if stored else EMPTY)
        return cell

    def number(self, meter: str) -> int:
        """A meter's number in other systems (manual row M32): drawn once, and kept before anyone sees it."""
        snapshot = self.snapshot(meter).value
        if not self._numbers[meter]:
            import secrets  # costs memory, and a number is drawn once

            self._numbers[meter] = NUMBER_MIN + secrets.randbelow(9 * NUMBER_MIN)
            self._keep(meter, snapshot, self.now(), durable=True)
        self._kept_numbers.keep(meter, self._numbers[meter])
        return self._numbers[meter]

    def telegram(self, meter: str) -> Latest[Telegram | None]:
        """The cell with the newest telegram of a meter as it came; whoever wants each one watches it."""
        return self._telegrams.setdefault(meter, Latest(None))

    @cached_property
    def accounts(self) -> "Accounts":
        """What the meters' hours make in capacity and cost."""
        from .accounts import Accounts  # costs start time, and most gateways have no account

        return Accounts(self.settings, self.hours, self.now())

    def octets(self, meter: str) -> Latest[bytes]:
        """The cell with the octets of a meter's line as they were read last, telegrams or not."""
        return self._octets.setdefault(meter, Latest(b""))

    def diagnosis(self, meter: str) -> Latest[Diagnosis]:
        """The cell with what a meter's line is like."""
        return self._diagnoses.setdefault(meter, Latest(LISTENING))

    def line(self, meter: str) -> LineStatus:
        """How the line to a meter fares."""
        return self._lines.get(meter, UNHEARD)

    def view(self, meter: Meter, now: Instant) -> View:
        """A meter as every output sees it at `now`."""
        billed = meter.tariff or self.settings.value.prices.enabled
        return view(
            self.snapshot(meter.id).value,
            scale=meter.scale,
            now=now,
            uptime_s=(now.mono_ms - self.started.mono_ms) // 1000,
            line=self.line(meter.id),
            account=self.accounts.at(meter, self.local_time(now, meter.id)) if billed else NO_ACCOUNT,
            limit_w=meter.limit_w,
            box=self.box.value,
        )

    def local_time(self, now: Instant, meter: str | None = None) -> Instant:
        """A moment by a meter's clock, or any meter's, once one has told: by it goes what is today."""
        return self._meter_time.now(now, meter)

    def heard(self, meter: str, line: LineStatus) -> None:
        """How the line to a meter fares now."""
        self._lines[meter] = line

    def received(self, meter: str, reading: Reading) -> None:
        """A reading has arrived: it is in the cell, and kept, when this returns."""
        now = self.now()
        cell = self.snapshot(meter)
        before = cell.value
        self._meter_time.received(meter, reading, now)
        most_w = self._limits.get(meter, PHYSICAL_W)
        snapshot = fold(before, reading, now, limit_w=most_w, told=self.local_time(now, meter))
        suspected = snapshot.suspect != before.suspect
        if suspected:
            self._say_suspect(meter, before, snapshot)
        self._keep(meter, snapshot, now, durable=suspected or _hour(snapshot) != _hour(before))
        cell.set(snapshot)

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
            self.report(name, Condition.OK, text)
            return
        kept = "were wrong and are dropped" if after.refused > before.refused else "are confirmed"
        log.warning("%s: the energies that were held back %s", name, kept)
        self.forget(name)

    def recall(self) -> None:
        """Take scale factors that were written but had not reached the settings file when it ended.

        And take a network setting back that was on trial then.
        """
        settings = self.settings.value
        changes = trial.taken_back(settings, self.state_dir, self.damaged)
        changes |= page_trial.rolled_back(settings, self.state_dir, self.damaged)
        for index, meter in enumerate(settings.meters):
            stored = self._keeper.load(meter.id)
            known = (stored.scale_on_disk, stored.scale_in_writing) if stored else ()
            if stored and meter.scale in known and meter.scale != stored.scale:
                changes[f"meters.{index}.scale"] = stored.scale
        if changes:
            self.amend(changes)
        self.page_trial.trust(self.settings.value)
        self.trusted.set(self.settings.value.network)

    def factory_reset(self, *, history: bool) -> None:
        """Have everything begin anew with factory settings, at once; `history`: without that too."""
        self.wish.set(Reset(history))

    def start_dhcp(self, who: Who) -> None:
        """Take the address from DHCP from now on, where the network is managed (manual row M52)."""
        self.amend({"network.method": "dhcp"}, who)
        self.trusted.set(self.settings.value.network)

    def confirm_network(self, at: str) -> bool:
        """Keep the network setting that is on trial; False unless `at` is an address it has now.

        `at`: the local address at which whoever confirms has reached us.
        """
        addresses = [address.partition("/")[0] for address in self.network.value.addresses]
        if at not in addresses:
            return False
        self.trusted.set(self.settings.value.network)
        return True

    def undo_network(self, who: Who) -> None:
        """Take the network setting back that is on trial."""
        before, tried = asdict(self.trusted.value), asdict(self.settings.value.network)
        self.amend({f"network.{key}": value for key, value in before.items() if tried[key] != value}, who)

    def amend(self, changes: Mapping[str, object], who: Who = PROGRAM) -> Refused | None:
        """Change settings, all or nothing; the reasons if they are refused. `who`: whose change it is."""
        return self.take(amend(self.settings.value, changes), who)

    def take(self, result: Settings | Refused, who: Who = PROGRAM) -> Refused | None:
        """Settings that were made of those in force take their place; the reasons if they are refused."""
        if isinstance(result, Refused):
            return result
        if self.broken.value:
            return Refused((Complaint("settings", "cannot be changed: their file is broken", "broken"),))
        self._put(result, who)
        return None

    def _put(self, settings: Settings, who: Who) -> None:
        """The one place where settings become others: so who did it is noted here."""
        if settings != self.settings.value:
            self.audit.note(who, changed_names(self.settings.value, settings), self.now())
            self._scales, known = _scales(settings), self._scales
            self._limits = _limits(settings)
            self.settings.set(settings)
            for name in [name for name, scale in self._scales.items() if known.get(name) != scale]:
                self._refactor(name, known.get(name))
                self._keep(name, self.snapshot(name).value, self.now(), durable=True)

    def mended(self, settings: Settings) -> None:
        """The settings file can be used again and holds these, which need no confirmation.

        A scale factor that was written before and had not reached the file is still to be written.
        """
        on_disk = {meter.id: meter.scale for meter in self.on_disk.meters}
        pending = {name: scale for name, scale in self._scales.items() if scale != on_disk.get(name)}
        self.page_trial.trust(settings)
        self.trusted.set(settings.network)
        self.written(settings)
        self._put(settings, FILE)
        self.broken.set(None)
        for index, meter in enumerate(settings.meters):
            if meter.id in pending and meter.scale == on_disk.get(meter.id):
                self.amend({f"meters.{index}.scale": pending[meter.id]})

    def _refactor(self, name: str, before: int | None) -> None:
        """The running hour is the sum of its parts, each by the factor then in force."""
        cell = self.snapshot(name)
        running = cell.value.running
        if running and before:
            scale = self._scales[name]
            running = refactored(running, cell.value.estimates, before, scale)
            cell.set(replace(cell.value, running=running))

    async def settings_stored(self) -> str:
        """Wait until the settings in force are in the settings file; why they are not, "" if they are."""
        try:
            async with asyncio.timeout(STORING_S):
                while self.settings_file:
                    saved = self.saved.value
                    if saved and saved.settings == self.settings.value:
                        return saved.trouble
                    await self.saved.changed(saved)
        except TimeoutError:
            return f"{self.settings_file} was not written within {STORING_S:.0f} s"
        return ""

    @property
    def state_trouble(self) -> str:
        """Why what was last to be stored of a meter is not, "" if it is."""
        return self._keeper.trouble

    def stuck_ms(self, now: Instant) -> int:
        """For how long a disk has not taken what is to be kept."""
        return self._keeper.stuck_ms(now)

    def report(self, service: str, condition: Condition, text: str = "") -> None:
        """Say how a service fares."""
        health = Health(condition, text)
        if self.health.value.get(service) != health:
            self.health.set({**self.health.value, service: health})

    def forget(self, service: str) -> None:
        """A service is no longer wanted."""
        self.health.set({name: health for name, health in self.health.value.items() if name != service})

    def damaged(self, text: str) -> None:
        """Say that a stored file is damaged: in the log, and in health until somebody has seen it."""
        log.warning("%s", text)
        self._damaged.append(text)
        self._report_damaged()

    def damaged_seen(self) -> None:
        """Somebody has seen which files are damaged; raises OSError."""
        mark_seen(self.state_dir)
        self._damaged.clear()
        self.forget(STORED_FILES)

    def _report_damaged(self) -> None:
        if self._damaged:
            self.report(STORED_FILES, Condition.FAILING, "; ".join(self._damaged[-DAMAGED_SHOWN:]))

    def writing(self, settings: Settings) -> None:
        """The settings file is about to hold these settings; a kill leaves open whether it does."""
        self._scales_in_writing = _scales(settings)

    def written(self, settings: Settings) -> None:
        """The settings file now holds these settings."""
        self.on_disk = settings
        before, self._scales_on_disk = self._scales_on_disk, _scales(settings)
        self._scales_in_writing = self._scales_on_disk
        for name, scale in self._scales_on_disk.items():
            if before.get(name) != scale:  # or one taken back by hand would look as if still to be written
                self._keep(name, self.snapshot(name).value, self.now(), durable=True)

    def _keep(self, name: str, snapshot: Snapshot, now: Instant, *, durable: bool) -> None:
        scale = self._scales.get(name, SCALE_ONE)
        on_disk, in_writing = self._scales_on_disk, self._scales_in_writing
        number = self._numbers.get(name, 0)
        stored = Stored(snapshot, scale, on_disk.get(name, scale), in_writing.get(name, scale), number)
        self._keeper.save(name, stored, now, durable=durable)
        if self._keeper.trouble:
            if "state" not in self.health.value:
                log.warning("%s", self._keeper.trouble)
            self.report("state", Condition.FAILING, self._keeper.trouble)
        elif "state" in self.health.value:
            self.forget("state")


def _hour(snapshot: Snapshot) -> datetime | None:
    """The hour of the newest energies. P1 sends them each second: too often to sync the disk each time."""
    clock = snapshot.energies_clock
    return clock.replace(minute=0, second=0) if clock else None


def _limits(settings: Settings) -> dict[str, int]:
    return {meter.id: limit_w(meter.fuse_a, meter.scale) for meter in settings.meters}


def _scales(settings: Settings) -> dict[str, int]:
    return {meter.id: meter.scale for meter in settings.meters}
