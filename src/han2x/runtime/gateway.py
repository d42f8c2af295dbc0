"""What every service is handed: the live cells, the door to change settings, the time, and where files go."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from ..model.state import Snapshot
from ..model.telegram import Telegram
from ..model.view import View, view
from ..settings.amend import Complaint, Refused, amend, changed_names
from ..settings.schema import Meter, Settings
from ..tariff.account import NO_ACCOUNT
from . import network_trial, page_trial
from .audit import FILE, PROGRAM, Audit, Who
from .clients import Provider
from .health import Condition, HealthReports
from .latest import Latest
from .logbook import Logbook
from .meter_states import MeterStates
from .meter_time import MeterTime
from .page_trial import PageTrial
from .providers import Providers
from .stored_files import damaged_files, mark_seen

if TYPE_CHECKING:
    from .accounts import Accounts
    from .outbox import Outbox

log = logging.getLogger("han2x")


STORED_FILES = "stored files"
"""Their name in health."""
DAMAGED_SHOWN = 8
STORING_S = 10.0


@dataclass(frozen=True, slots=True)
class Saved:
    """An attempt to have settings in the settings file; `trouble`: why it failed, "" if it did not."""

    settings: Settings
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """The wish to begin anew with factory settings; `history`: without it; `who`: whose wish it is."""

    history: bool
    who: Who = field(default=PROGRAM, compare=False)


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
        self.health = HealthReports({})
        self.report, self.forget = self.health.report, self.health.forget
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
        self._telegrams: dict[str, Latest[Telegram | None]] = {}
        self._octets: dict[str, Latest[bytes]] = {}
        self._diagnoses: dict[str, Latest[Diagnosis]] = {}
        self._damaged = [f"{path}: a damaged file that was set aside" for path in damaged_files(state_dir)]
        self._report_damaged()
        self._meters = MeterStates(settings, state_dir, self.damaged, self.health)
        self._lines: dict[str, LineStatus] = {}

    def snapshot(self, meter: str) -> Latest[Snapshot]:
        """The cell with the newest snapshot of a meter, by the meter's id; what was kept comes first."""
        return self._meters.snapshot(meter)

    def number(self, meter: str) -> int:
        """A meter's number in other systems (manual row M32)."""
        return self._meters.number(meter, self.now())

    def dismiss(self, meter: str) -> None:
        """No meter has this id any more: what was stored by it is deleted, but for its number."""
        self._meters.dismiss(meter)

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
        self._meter_time.received(meter, reading, now)
        self._meters.received(meter, reading, now, self.local_time(now, meter))

    def recall(self) -> None:
        """Take scale factors that were written but had not reached the settings file when it ended.

        And take a network setting back that was on trial then.
        """
        settings = self.settings.value
        changes = network_trial.taken_back(settings, self.state_dir, self.damaged)
        changes |= page_trial.rolled_back(settings, self.state_dir, self.damaged)
        for index, meter in enumerate(settings.meters):
            stored = self._meters.stored(meter.id)
            known = (stored.scale_on_disk, stored.scale_in_writing) if stored else ()
            if stored and meter.scale in known and meter.scale != stored.scale:
                changes[f"meters.{index}.scale"] = stored.scale
        if changes:
            self.amend(changes)
        self.page_trial.trust(self.settings.value)
        self.trusted.set(self.settings.value.network)

    def factory_reset(self, *, history: bool, who: Who = PROGRAM) -> None:
        """Have everything begin anew with factory settings, at once; `history`: without that too."""
        self.wish.set(Reset(history, who))

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
            rescaled = self._meters.set_settings(settings)
            self.settings.set(settings)
            for meter, before in rescaled.items():
                self._meters.rescale(meter, before, self.now())

    def mended(self, settings: Settings) -> None:
        """The settings file can be used again and holds these, which need no confirmation.

        A scale factor that was written before and had not reached the file is still to be written.
        """
        on_disk = {meter.id: meter.scale for meter in self.on_disk.meters}
        pending = {name: scale for name, scale in self._meters.scales.items() if scale != on_disk.get(name)}
        self.page_trial.trust(settings)
        self.trusted.set(settings.network)
        self.written(settings)
        self._put(settings, FILE)
        self.broken.set(None)
        for index, meter in enumerate(settings.meters):
            if meter.id in pending and meter.scale == on_disk.get(meter.id):
                self.amend({f"meters.{index}.scale": pending[meter.id]})

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
        return self._meters.trouble

    def meter_synced(self, meter: str) -> asyncio.Future[str] | None:
        """Tells when what is kept of a meter, its scale factor too, is on the disk; None if it is.

        Its result: "" then, else why it is not.
        """
        return self._meters.synced(meter, self.now())

    def stuck_ms(self, now: Instant) -> int:
        """For how long a disk has not taken what is to be kept."""
        return self._meters.stuck_ms(now)

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
        self._meters.writing(settings)

    def written(self, settings: Settings) -> None:
        """The settings file now holds these settings."""
        self.on_disk = settings
        self._meters.written(settings, self.now())
