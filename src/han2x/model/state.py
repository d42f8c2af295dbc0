"""All that is known of one meter, and how a reading changes it: `fold(snapshot, reading, now)`.

A snapshot is immutable, raw and unscaled; `view.View` is what outputs read. What must outlive the
process is a snapshot's `Kept` part: the energies, their clock, the estimates and who the meter is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from .estimate import Estimate
from .instant import Instant
from .quantity import ENERGIES, POWER_OF_ENERGY, Quantity
from .reading import NO_IDENTITY, Identity, ListType, MeterClock, Net, Reading
from .running import Paused, Running, advanced, is_mark, marked

NO_VALUES: Mapping[Quantity, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything known of one meter. Quantities that were never sent are absent.

    `values`: the newest of each quantity, in its integer unit; what the meter does not measure and sends as
    0 is absent. `clock_at`: when the newest `clock` was true. `energies_clock`: the meter's local time in the
    list that brought the energies, `energies_unix_ms`: when that came. `list_at`: when each list last came.
    `received`: telegrams since the process started. `running`: the hour that runs, None while its beginning
    is not known; `paused`: the one that ran when the process before this one ended. `suspect`: energies below
    the known ones, waiting to be confirmed by a newer list than that of `suspect_clock`.
    """

    vendor: str = ""
    identity: Identity = NO_IDENTITY
    net: Net | None = None
    values: Mapping[Quantity, int] = field(default_factory=dict)
    estimates: Mapping[Quantity, Estimate] = field(default_factory=dict)
    clock: MeterClock | None = None
    clock_at: Instant | None = None
    energies_clock: datetime | None = None
    energies_unix_ms: int | None = None
    suspect: Mapping[Quantity, int] = field(default_factory=dict)
    suspect_clock: datetime | None = None
    list_at: Mapping[ListType, Instant] = field(default_factory=dict)
    last: Instant | None = None
    received: int = 0
    running: Running | None = None
    paused: Paused | None = None


EMPTY = Snapshot()


def fold(snapshot: Snapshot, reading: Reading, now: Instant) -> Snapshot:
    """The snapshot after a reading whose last octet arrived at `now`.

    A meter with another id starts from nothing; only the count of telegrams goes on.
    """
    known = snapshot.identity.meter_id
    if known and reading.identity.meter_id and reading.identity.meter_id != known:
        snapshot = Snapshot(received=snapshot.received)
    instant_values = _instant_values(snapshot.values, _measured(reading))
    estimates = _powered(snapshot.estimates, instant_values, now)
    return _with_energies(
        replace(
            snapshot,
            vendor=reading.vendor,
            identity=_merged_identity(snapshot.identity, reading.identity),
            net=reading.fitting.net or snapshot.net,
            values={**snapshot.values, **instant_values},
            estimates=estimates,
            running=advanced(snapshot.running, snapshot.paused, estimates, snapshot.last, now),
            clock=reading.clock or snapshot.clock,
            clock_at=now.plus_ms(-reading.mark_age_ms) if reading.clock else snapshot.clock_at,
            list_at={**snapshot.list_at, reading.list_type: now},
            last=now,
            received=snapshot.received + 1,
        ),
        reading,
        now,
    )


def _measured(reading: Reading) -> Mapping[Quantity, int]:
    """What was sent, without the zeros that stand for "not measured"."""
    unmeasured = reading.fitting.unmeasured
    if not unmeasured:
        return reading.values
    return {q: value for q, value in reading.values.items() if value or q not in unmeasured}


def _merged_identity(known: Identity, sent: Identity) -> Identity:
    """What was sent, and what was known where nothing (or an empty text) was sent."""
    return Identity(*(new or old for old, new in zip(known, sent, strict=True)))


def _instant_values(known: Mapping[Quantity, int], sent: Mapping[Quantity, int]) -> dict[Quantity, int]:
    """The sent values that are not energies.

    A meter exports or imports, never both (han-port sheet 4.6): a fast list that carries import alone
    and shows some ends an export known from the list before.
    """
    values = {quantity: value for quantity, value in sent.items() if quantity not in POWER_OF_ENERGY}
    for one, other in _OPPOSITES:
        if sent.get(one) and other not in sent and known.get(other):
            values[other] = 0
    return values


_OPPOSITES = (
    (Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG),
    (Quantity.REACT_POW_POS, Quantity.REACT_POW_NEG),
)


def _powered(
    estimates: Mapping[Quantity, Estimate], values: Mapping[Quantity, int], now: Instant
) -> Mapping[Quantity, Estimate]:
    """The estimates after new power values."""
    return {
        **estimates,
        **{
            energy: estimates.get(energy, Estimate()).powered(values[power], now.mono_ms)
            for energy, power in POWER_OF_ENERGY.items()
            if power in values
        },
    }


def _with_energies(snapshot: Snapshot, reading: Reading, now: Instant) -> Snapshot:
    """The snapshot after the energies of an hourly list, unless they are old or cannot be true.

    A repeated old hour (Aidon, han-port sheet 5.1) has a clock that is not newer and brings nothing above
    what is known. Registers that fell are believed only when the next list confirms them with a newer
    clock: a register that began anew, not one bad telegram.
    """
    sent = {energy: reading.values[energy] for energy in ENERGIES if energy in reading.values}
    if not sent:
        return snapshot
    clock = reading.clock.local if reading.clock else None
    known = {energy: snapshot.values[energy] for energy in sent if energy in snapshot.values}
    newer = clock is None or snapshot.energies_clock is None or clock > snapshot.energies_clock
    rose = all(sent[energy] >= value for energy, value in known.items())
    grew = any(sent[energy] > value for energy, value in known.items())
    if not rose:
        return _fell(snapshot, sent, newer, clock, now)
    if not newer and known and not grew:
        return snapshot
    mark = now.plus_ms(-reading.mark_age_ms)
    return replace(
        snapshot,
        values={**snapshot.values, **sent},
        energies_clock=clock,
        energies_unix_ms=now.unix_ms,
        suspect=NO_VALUES,
        running=marked(snapshot.running, sent, mark, now) if is_mark(clock, mark) else snapshot.running,
        estimates={
            **snapshot.estimates,
            **{
                energy: snapshot.estimates.get(energy, Estimate()).registered(wh, mark_ms=mark.mono_ms)
                for energy, wh in sent.items()
            },
        },
    )


def _fell(
    snapshot: Snapshot, sent: Mapping[Quantity, int], newer: bool, clock: datetime | None, now: Instant
) -> Snapshot:
    """Registers below the known ones: held as suspect, believed when a newer list confirms them."""
    if not newer:
        return snapshot
    suspect, before = snapshot.suspect, snapshot.suspect_clock
    lower_still = any(sent[energy] < suspect.get(energy, 0) for energy in sent)
    if not suspect or lower_still or (clock and before and clock <= before):
        return replace(snapshot, suspect=sent, suspect_clock=clock)
    return replace(
        snapshot,
        values={**snapshot.values, **sent},
        energies_clock=clock,
        energies_unix_ms=now.unix_ms,
        suspect=NO_VALUES,
        running=None,
        estimates={energy: Estimate().registered(wh, mark_ms=0) for energy, wh in sent.items()},
    )
