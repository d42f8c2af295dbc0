"""What of a meter outlives the process, as JSON (manual rows M7, M19). Pure.

Kept are who the meter is, its energies with their clock, those that are suspect, the estimates, the running
hour and the scale factor. Powers,
currents and voltages are not: after a restart they would be old values that look live.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ..model.dropped_parts import Dropped
from ..model.estimate import WMS_PER_WH, Estimate
from ..model.partial import TARIFF_MAX
from ..model.quantity import ENERGIES, PHASE_ENERGIES, Quantity
from ..model.reading import Identity
from ..model.register_step import ENOUGH, RegisterStep
from ..model.running import Paused, paused
from ..model.state import Snapshot
from .stored_files import Damaged, table_of, text, whole

FORMAT = 1
_json = json.JSONEncoder(check_circular=False).encode
_ENERGY = {energy.value: energy for energy in ENERGIES}
_PHASE_ENERGY = {energy.value: energy for energy in PHASE_ENERGIES}


class Stored(NamedTuple):
    """A meter as it is stored.

    `scale_on_disk`: the factor in the settings file when it was stored; `scale_in_writing`: the one that
    was on its way there, 0 for none. They tell at the next start whether the settings file was still to
    be written (it holds one of them) or has been edited by hand since (it holds neither). `number`: drawn
    once for the meter's names in other systems, 0 before.
    """

    snapshot: Snapshot
    scale: int
    scale_on_disk: int
    scale_in_writing: int = 0
    number: int = 0


def to_json(stored: Stored) -> bytes:
    """The stored form."""
    snapshot = stored.snapshot
    estimates = {energy: known.settled() for energy, known in snapshot.estimates.items() if known.known}
    table = {
        "format": FORMAT,
        "vendor": snapshot.vendor,
        "identity": list(snapshot.identity),
        "energies": {energy: snapshot.values[energy] for energy in ENERGIES if energy in snapshot.values},
        "phase_energies": {q: snapshot.values[q] for q in PHASE_ENERGIES if q in snapshot.values},
        "energies_unix_ms": snapshot.energies_unix_ms,
        "energies_clock": _iso(snapshot.energies_clock),
        "suspect": [dict(snapshot.suspect), _iso(snapshot.suspect_clock)] if snapshot.suspect else None,
        "parts": {energy: sorted(snapshot.parts[energy]) for energy in ENERGIES if energy in snapshot.parts},
        "dropped": {
            energy: [sorted(each.missing), *each[1:]]
            for energy, each in snapshot.dropped.items()
            if energy in ENERGIES
        },
        "estimates": {energy: [known.truth, known.shown] for energy, known in estimates.items()},
        "register_steps": {energy: known.step for energy, known in estimates.items()},
        "running": _running(snapshot),
        "scale": stored.scale,
        "scale_on_disk": stored.scale_on_disk,
        "scale_in_writing": stored.scale_in_writing,
        "number": stored.number,
    }
    return _json(table).encode()


def _iso(clock: datetime | None) -> str | None:
    return clock.isoformat() if clock else None


def _running(snapshot: Snapshot) -> Paused | None:
    if snapshot.running and snapshot.last:
        return paused(snapshot.running, snapshot.last)
    return snapshot.paused


WH_MAX = 1 << 63
SUSPECT_MAX = 1 << 80
"""What cannot be may be as large as a telegram can make it."""

SCALE_MAX = 999_999_999
MS_MAX = 253_402_300_799_999
"""The last of the year 9999, in Unix milliseconds."""


def from_json(payload: bytes) -> Stored | None:
    """What was stored; None for what no version of this program has written."""
    try:
        return _stored(table_of(payload, FORMAT))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _energies(table: Mapping[str, Any]) -> dict[Quantity, int]:
    return {_ENERGY[name]: whole(value, 0, WH_MAX) for name, value in table.items()}


def _phase_energies(table: Mapping[str, Any]) -> dict[Quantity, int]:
    """Those that this version knows."""
    known = {_PHASE_ENERGY[name]: value for name, value in table.items() if name in _PHASE_ENERGY}
    return {energy: whole(value, 0, WH_MAX) for energy, value in known.items()}


def _paused(start_unix_ms: Any, last_unix_ms: Any, gap_ms: Any, base: Any) -> Paused:
    start, last, gap = (whole(value, 0, MS_MAX) for value in (start_unix_ms, last_unix_ms, gap_ms))
    return Paused(start, last, gap, _energies(base))


def _estimate(truth: Any, shown: Any, step: RegisterStep, vendor: str) -> Estimate:
    most = WH_MAX * WMS_PER_WH
    step_wh = step.wh(vendor)
    return Estimate(whole(truth, -most, most), whole(shown, 0, most), known=True, step=step, step_wh=step_wh)


def _step(last: Any = -1, divisor: Any = 0, seen: Any = 0) -> RegisterStep:
    return RegisterStep(whole(last, -1, WH_MAX), whole(divisor, 0, WH_MAX), whole(seen, 0, ENOUGH))


def _parts(numbers: Any) -> frozenset[int]:
    return frozenset(whole(number, 0, TARIFF_MAX) for number in numbers)


def _dropped(missing: Any, last: Any, since_ms: Any, total: Any) -> Dropped:
    return Dropped(
        _parts(missing), whole(last, 0, WH_MAX), whole(since_ms, 0, MS_MAX), whole(total, -WH_MAX, WH_MAX)
    )


def _identity(*parts: Any) -> Identity:
    return Identity(*(None if part is None else text(part) for part in parts))


def _clock(stored: Any) -> datetime | None:
    clock = datetime.fromisoformat(stored) if stored else None
    if clock and clock.tzinfo:  # the meter's own time has none
        raise Damaged("its content is damaged")
    return clock


def _stored(table: dict[str, Any]) -> Stored:
    arrived = table.get("energies_unix_ms")
    suspect, suspect_clock = table.get("suspect") or ({}, None)
    vendor, steps = text(table["vendor"]), table.get("register_steps") or {}
    snapshot = Snapshot(
        vendor=vendor,
        identity=_identity(*table["identity"]),
        values={**_energies(table["energies"]), **_phase_energies(table.get("phase_energies") or {})},
        energies_clock=_clock(table["energies_clock"]),
        energies_unix_ms=whole(arrived, 0, MS_MAX) if arrived else None,
        suspect={_ENERGY[name]: whole(value, -SUSPECT_MAX, SUSPECT_MAX) for name, value in suspect.items()},
        suspect_clock=_clock(suspect_clock),
        parts={_ENERGY[name]: _parts(numbers) for name, numbers in table.get("parts", {}).items()},
        dropped={_ENERGY[name]: _dropped(*each) for name, each in table.get("dropped", {}).items()},
        estimates={
            _ENERGY[name]: _estimate(truth, shown, _step(*steps.get(name, ())), vendor)
            for name, (truth, shown) in table["estimates"].items()
        },
        paused=_paused(*table["running"]) if table.get("running") else None,
    )
    return Stored(
        snapshot,
        whole(table["scale"], 1, SCALE_MAX),
        whole(table["scale_on_disk"], 1, SCALE_MAX),
        whole(table.get("scale_in_writing", 0), 0, SCALE_MAX),
        int(table.get("number", 0)),
    )
