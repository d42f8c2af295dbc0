"""What every output reads: a snapshot, scaled once, estimated and aged to one moment.

The scale factor (manual row M22) multiplies powers, currents and energies, never voltages; 1000 is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..tariff.account import NO_ACCOUNT, Account
from ..tariff.budget import Budget, Pace, budget
from .box import NO_BOX, Box
from .estimate import WMS_PER_WH
from .instant import Instant
from .line import UNHEARD, LineStatus
from .load import MINUTE_MS, Ahead
from .quantity import ENERGIES, PHASE_ENERGIES, POWER_OF_ENERGY, Quantity
from .reading import Identity, ListType, Net
from .running import IMPORT
from .state import Snapshot

if TYPE_CHECKING:
    from ..tariff.capacity import Capacity
    from ..tariff.cost import Costs
    from ..tariff.standing import Said, Standing

SCALE_ONE = 1000
SCALE_MIN, SCALE_MAX = 10, 999_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One meter at one moment. `values`, `estimates` and `hour` (Wh, varh) are scaled; absent is absent.

    `hour`: energy of the running hour so far, since the meter's own mark. `budget`: where that leads, and
    what may still be drawn; None while telegrams or the hour's beginning are missing. `capacity`, `costs`:
    what the hours before make, None where no tariff or prices are chosen. `age_ms`: since the last correct
    telegram, None before the first. `energies_unix_ms`: when the known energies came, even if before a
    restart. `uptime_s`: of the process. `scale`: thousandths. `digital_input`: closed;
    open where there is none (manual row M23). `temperature`: of the board in hundredths of °C, None without a
    sensor.
    """

    vendor: str
    identity: Identity
    net: Net | None
    values: Mapping[Quantity, int]
    estimates: Mapping[Quantity, int]
    hour: Mapping[Quantity, int]
    clock: datetime | None
    clock_plausible: bool
    age_ms: int | None
    list_age_ms: Mapping[ListType, int]
    last_unix_ms: int | None
    energies_unix_ms: int | None
    received: int
    line: LineStatus
    scale: int
    uptime_s: int
    digital_input: bool = False
    temperature: int | None = None
    budget: Budget | None = None
    capacity: "Capacity | None" = None
    costs: "Costs | None" = None
    standing: "Standing | None" = None
    notices: "tuple[Said, ...]" = ()

    @property
    def net_power(self) -> int | None:
        """Active power in W, import positive, export negative; None while neither is known."""
        return self._net(Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG)

    @property
    def net_reactive_power(self) -> int | None:
        """Reactive power in var, import positive; None while neither is known."""
        return self._net(Quantity.REACT_POW_POS, Quantity.REACT_POW_NEG)

    def _net(self, positive: Quantity, negative: Quantity) -> int | None:
        if positive not in self.values and negative not in self.values:
            return None
        return self.value(positive) - self.value(negative)

    def is_fresh(self, quantity: Quantity) -> bool:
        """Whether a quantity is known and came lately: within 30 s, an energy within two hours."""
        age_ms = self.age_of(quantity)
        return age_ms is not None and age_ms <= _CARRIERS.get(quantity, _ELSE)[1]

    def age_of(self, quantity: Quantity) -> int | None:
        """Since a list that carries a known quantity came, in ms; None if none has since the start."""
        if quantity not in self.values:
            return None
        youngest = None
        for kind in _CARRIERS.get(quantity, _ELSE)[0]:
            age = self.list_age_ms.get(kind)
            if age is not None and (youngest is None or age < youngest):
                youngest = age
        return youngest

    @property
    def is_live(self) -> bool:
        """Whether any telegram came within 30 s."""
        return self.age_ms is not None and self.age_ms <= FRESH_MS

    def value(self, quantity: Quantity) -> int:
        """A value for outputs that have no way to say "unknown": 0 then (manual row M6)."""
        return self.values.get(quantity, 0)

    def estimate(self, quantity: Quantity) -> int:
        """An estimated energy in Wh (varh), 0 before the first register (manual row M19)."""
        return self.estimates.get(quantity, 0)


FRESH_MS = 30_000
"""Three periods of the slowest list: older powers, currents and voltages are stale (han-port sheet 5)."""

ENERGY_FRESH_MS = 2 * 3_600_000
"""Hourly energies are good until the list after next."""

_FULL_LISTS = (ListType.TEN_SECONDS, ListType.HOURLY, ListType.OTHER)
_CARRIERS: Mapping[Quantity, tuple[tuple[ListType, ...], int]] = {
    Quantity.ACT_POW_POS: ((ListType.FAST, *_FULL_LISTS), FRESH_MS),
    **dict.fromkeys((*ENERGIES, *PHASE_ENERGIES), ((ListType.HOURLY, ListType.OTHER), ENERGY_FRESH_MS)),
}
"""Which lists carry a quantity, and how long it stays fresh."""
_ELSE = (_FULL_LISTS, FRESH_MS)

HOUR_FRESH_MS = 65 * 60_000
"""How long after an hour's mark what came after it may be called that hour's."""

CLOCK_DOUBT = timedelta(days=1)
"""A meter's clock further than this from the machine's is not believed (han-port sheet 5.27)."""


def view(
    snapshot: Snapshot,
    *,
    scale: int,
    now: Instant,
    uptime_s: int,
    line: LineStatus = UNHEARD,
    account: Account = NO_ACCOUNT,
    limit_w: int = 0,
    box: Box = NO_BOX,
) -> View:
    """The snapshot as outputs see it at `now`, with the scale factor in thousandths.

    `account`: what the meter's hours make at `now`. `limit_w`: the most an hour may use, in Wh and so in W;
    0 takes what the capacity step leaves. `box`: the machine that the program runs in.
    """
    last = snapshot.last
    hour = _hour(snapshot, scale, now)
    pace = _pace(snapshot, hour, scale, now)
    headroom = account.capacity.headroom if account.capacity else None
    return View(
        vendor=snapshot.vendor,
        identity=snapshot.identity,
        net=snapshot.net,
        values=_scaled_values(snapshot.values, scale),
        estimates={
            energy: snapshot.estimates[energy].shown * scale // (SCALE_ONE * WMS_PER_WH)
            for energy in ENERGIES
            if energy in snapshot.estimates and snapshot.estimates[energy].known
        },
        hour=hour,
        clock=snapshot.clock.local if snapshot.clock else None,
        clock_plausible=_plausible(snapshot),
        age_ms=now.mono_ms - last.mono_ms if last else None,
        list_age_ms={kind: now.mono_ms - at.mono_ms for kind, at in snapshot.list_at.items()},
        last_unix_ms=last.unix_ms if last else None,
        energies_unix_ms=snapshot.energies_unix_ms,
        received=snapshot.received,
        line=line,
        scale=scale,
        uptime_s=uptime_s,
        budget=budget(pace, limit_w or headroom) if pace else None,
        capacity=account.capacity,
        costs=account.costs,
        standing=account.standing,
        notices=account.notices,
        digital_input=bool(box.digital_input),
        temperature=box.temperature,
    )


def _scaled_values(values: Mapping[Quantity, int], scale: int) -> Mapping[Quantity, int]:
    """Each value by the factor, truncated toward zero; a factor of one changes nothing."""
    if scale == SCALE_ONE:
        return values
    return {
        quantity: _times(value, scale) if quantity.scaled else value for quantity, value in values.items()
    }


def _times(value: int, scale: int) -> int:
    product = abs(value) * scale // SCALE_ONE
    return -product if value < 0 else product


def _hour(snapshot: Snapshot, scale: int, now: Instant) -> Mapping[Quantity, int]:
    """Energy since the running hour's mark, as of the last telegram; nothing when the next is overdue."""
    running = snapshot.running
    if running is None or now.mono_ms - running.start_ms > HOUR_FRESH_MS:
        return {}
    return {
        energy: max(0, known.made - running.base[energy]) * scale // (SCALE_ONE * WMS_PER_WH)
        for energy, known in snapshot.estimates.items()
        if known.known and energy in running.base
    }


def _pace(snapshot: Snapshot, hour: Mapping[Quantity, int], scale: int, now: Instant) -> Pace | None:
    """How the running hour goes as of the last telegram; None when that is stale, or no power is known."""
    running, last = snapshot.running, snapshot.last
    used = hour.get(IMPORT)
    latest = snapshot.values.get(POWER_OF_ENERGY[IMPORT])
    if running is None or last is None or used is None or latest is None:
        return None
    if now.mono_ms - last.mono_ms > FRESH_MS:
        return None
    ahead = running.load.ahead(last.mono_ms) or Ahead(latest)
    return Pace(
        elapsed_ms=last.mono_ms - running.start_ms,
        used=used,
        gap_ms=running.gap_ms,
        power=_times(ahead.watts, scale),
        rests_on_ms=len(running.load.minutes) * MINUTE_MS,
        passing=_times(ahead.passing_w, scale),
        passing_ms=ahead.passing_ms,
    )


def _plausible(snapshot: Snapshot) -> bool:
    """Whether the meter vouches for its clock, and the machine's own does not contradict it."""
    if snapshot.clock is None or snapshot.last is None or not snapshot.clock.valid:
        return False
    machine = datetime(1970, 1, 1) + timedelta(milliseconds=snapshot.last.unix_ms)
    return abs(snapshot.clock.local - machine) <= CLOCK_DOUBT
