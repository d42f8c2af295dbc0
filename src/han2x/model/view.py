"""What every output reads: a snapshot, scaled once, estimated and aged to one moment.

The scale factor (manual row M22) multiplies powers, currents and energies, never voltages; 1000 is 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .estimate import WMS_PER_WH
from .instant import Instant
from .quantity import ENERGIES, Quantity
from .reading import Identity, ListType
from .state import Snapshot

SCALE_ONE = 1000
SCALE_MIN, SCALE_MAX = 10, 999_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One meter at one moment. `values` and `estimates` (Wh, varh) are scaled; absent is absent.

    `age_ms`: since the last correct telegram, None before the first. `uptime_s`: of the process.
    `scale`: thousandths.
    """

    vendor: str
    identity: Identity
    values: Mapping[Quantity, int]
    estimates: Mapping[Quantity, int]
    clock: datetime | None
    age_ms: int | None
    list_age_ms: Mapping[ListType, int]
    last_unix_ms: int | None
    received: int
    scale: int
    uptime_s: int

    def value(self, quantity: Quantity) -> int:
        """A value for outputs that have no way to say "unknown": 0 then (manual row M6)."""
        return self.values.get(quantity, 0)

    def estimate(self, quantity: Quantity) -> int:
        """An estimated energy in Wh (varh), 0 before the first register (manual row M19)."""
        return self.estimates.get(quantity, 0)


def view(snapshot: Snapshot, *, scale: int, now: Instant, uptime_s: int) -> View:
    """The snapshot as outputs see it at `now`, with the scale factor in thousandths."""
    last = snapshot.last
    return View(
        vendor=snapshot.vendor,
        identity=snapshot.identity,
        values=_scaled_values(snapshot.values, scale),
        estimates={
            energy: snapshot.estimates[energy].shown * scale // (SCALE_ONE * WMS_PER_WH)
            for energy in ENERGIES
            if energy in snapshot.estimates and snapshot.estimates[energy].known
        },
        clock=snapshot.clock.local if snapshot.clock else None,
        age_ms=now.mono_ms - last.mono_ms if last else None,
        list_age_ms={kind: now.mono_ms - at.mono_ms for kind, at in snapshot.list_at.items()},
        last_unix_ms=last.unix_ms if last else None,
        received=snapshot.received,
        scale=scale,
        uptime_s=uptime_s,
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
