"""What of a meter outlives the process, as JSON (manual rows M7, M19). Pure.

Kept are who the meter is, its energies with their clock, the estimates, the running hour and the scale
factor. Powers,
currents and voltages are not: after a restart they would be old values that look live.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

from ..model.estimate import Estimate
from ..model.quantity import ENERGIES
from ..model.reading import Identity
from ..model.running import Paused, paused
from ..model.state import Snapshot

FORMAT = 1
_json = json.JSONEncoder(check_circular=False).encode
_ENERGY = {energy.value: energy for energy in ENERGIES}


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
        "energies_unix_ms": snapshot.energies_unix_ms,
        "energies_clock": snapshot.energies_clock.isoformat() if snapshot.energies_clock else None,
        "estimates": {energy: [known.truth, known.shown] for energy, known in estimates.items()},
        "running": _running(snapshot),
        "scale": stored.scale,
        "scale_on_disk": stored.scale_on_disk,
        "scale_in_writing": stored.scale_in_writing,
        "number": stored.number,
    }
    return _json(table).encode()


def _running(snapshot: Snapshot) -> Paused | None:
    if snapshot.running and snapshot.last:
        return paused(snapshot.running, snapshot.last)
    return snapshot.paused


def from_json(payload: bytes) -> Stored | None:
    """What was stored; None for what no version of this program has written."""
    try:
        return _stored(json.loads(payload))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _paused(start_unix_ms: Any, last_unix_ms: Any, gap_ms: Any, base: Any) -> Paused:
    energies = {_ENERGY[name]: int(value) for name, value in base.items()}
    return Paused(int(start_unix_ms), int(last_unix_ms), int(gap_ms), energies)


def _stored(table: dict[str, Any]) -> Stored | None:
    if table["format"] != FORMAT:
        return None
    clock = table["energies_clock"]
    snapshot = Snapshot(
        vendor=str(table["vendor"]),
        identity=Identity(*table["identity"]),
        values={_ENERGY[name]: int(value) for name, value in table["energies"].items()},
        energies_clock=datetime.fromisoformat(clock) if clock else None,
        energies_unix_ms=int(arrived) if (arrived := table.get("energies_unix_ms")) else None,
        estimates={
            _ENERGY[name]: Estimate(int(truth), int(shown), known=True)
            for name, (truth, shown) in table["estimates"].items()
        },
        paused=_paused(*table["running"]) if table.get("running") else None,
    )
    return Stored(
        snapshot,
        int(table["scale"]),
        int(table["scale_on_disk"]),
        int(table.get("scale_in_writing", 0)),
        int(table.get("number", 0)),
    )
