"""What every service is handed: the live cells, the door to change settings, the time, and where files go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..model.instant import Instant
from ..model.state import EMPTY, Snapshot
from ..model.view import View, view
from ..settings.amend import Refused, amend
from ..settings.schema import Meter, Settings
from .latest import Latest


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


class Trouble(Exception):
    """Something outside the program is wrong; the message says what, and what to do about it."""


class Gateway:
    """The shared state of one gateway. One event loop; nothing here blocks.

    `clock` tells the time, `state_dir` is where stored state goes, None to store nothing.
    """

    def __init__(
        self, settings: Settings, *, clock: Callable[[], Instant], state_dir: Path | None = None
    ) -> None:
        self.settings = Latest(settings)
        self.health: Latest[Mapping[str, Health]] = Latest({})
        self.now = clock
        self.started = clock()
        self.state_dir = state_dir
        self._snapshots: dict[str, Latest[Snapshot]] = {}

    def snapshot(self, meter: str) -> Latest[Snapshot]:
        """The cell with the newest snapshot of a meter, by the meter's name."""
        return self._snapshots.setdefault(meter, Latest(EMPTY))

    def view(self, meter: Meter, now: Instant) -> View:
        """A meter as every output sees it at `now`."""
        return view(
            self.snapshot(meter.name).value,
            scale=meter.scale,
            now=now,
            uptime_s=(now.mono_ms - self.started.mono_ms) // 1000,
        )

    def report(self, service: str, condition: Condition, text: str = "") -> None:
        """Say how a service fares."""
        health = Health(condition, text)
        if self.health.value.get(service) != health:
            self.health.set({**self.health.value, service: health})

    def forget(self, service: str) -> None:
        """A service is no longer wanted."""
        self.health.set({name: health for name, health in self.health.value.items() if name != service})

    def amend(self, changes: Mapping[str, object]) -> Refused | None:
        """Change settings, all or nothing; the reasons if they are refused."""
        result = amend(self.settings.value, changes)
        if isinstance(result, Refused):
            return result
        if result != self.settings.value:
            self.settings.set(result)
        return None
