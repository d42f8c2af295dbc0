"""All that is known of one meter, and how a reading changes it: `fold(snapshot, reading, now)`.

A snapshot is immutable, raw and unscaled; `view.View` is what outputs read. What must outlive the
process is a snapshot's `Kept` part: the energies, their clock, the estimates and who the meter is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from .dropped_parts import Dropped, gone_on
from .estimate import HOLD_MS, WMS_PER_WH, Estimate
from .instant import Instant
from .partial import complete
from .quantity import ENERGIES, PHASE_QUANTITIES, POWER_OF_ENERGY, Quantity
from .reading import NO_IDENTITY, Identity, ListType, MeterClock, Net, Parts, Reading
from .registers import PHYSICAL_W, Since, can_be_first, can_confirm, can_follow
from .running import Paused, Running, advanced, is_mark, marked

NO_VALUES: Mapping[Quantity, int] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything known of one meter. Quantities that were never sent are absent.

    `values`: the newest of each quantity, in its integer unit; what the meter does not measure and sends as
    0 is absent. `clock_at`: when the newest `clock` was true. `energies_clock`: the meter's local time in the
    list that brought the energies, `energies_unix_ms`: when that came. `list_at`: when each list last came.
    `received`: telegrams since the process started. `running`: the hour that runs, None while its beginning
    is not known; `paused`: the one that ran when the process before this one ended. `suspect`: energies that
    fell or rose by more than can be, waiting to be confirmed by a newer list than that of `suspect_clock`;
    `refused`: how often that did not come. `confirmed`, `confirmed_clock`: those that were suspect and with
    which the newest energies go on, so that the ones before them were wrong or of another count.
    `covered_ms`: for how long telegrams have told since the energies.
    `parts`: what sums have been made of; `partial`: those held since a part of them is missing;
    `dropped`: the parts that are missing, also of sums that go on without them.
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
    confirmed: Mapping[Quantity, int] = field(default_factory=dict)
    confirmed_clock: datetime | None = None
    refused: int = 0
    covered_ms: int = 0
    parts: Parts = field(default_factory=dict)
    partial: frozenset[Quantity] = frozenset()
    dropped: Mapping[Quantity, Dropped] = field(default_factory=dict)
    list_at: Mapping[ListType, Instant] = field(default_factory=dict)
    last: Instant | None = None
    received: int = 0
    running: Running | None = None
    paused: Paused | None = None


EMPTY = Snapshot()


def fold(
    snapshot: Snapshot,
    reading: Reading,
    now: Instant,
    *,
    limit_w: int = PHYSICAL_W,
    told: Instant | None = None,
) -> Snapshot:
    """The snapshot after a reading whose last octet arrived at `now`.

    `limit_w`: what the meter can show at most, by its main fuse. `told`: the same moment by the meter's
    clock, where that has told, for the beginning of an hour.

    A meter with another id starts from nothing; only the count of telegrams goes on.
    """
    known = snapshot.identity.meter_id
    if known and reading.identity.meter_id and reading.identity.meter_id != known:
        snapshot = Snapshot(received=snapshot.received)
    parts, held = complete(snapshot.parts, reading)
    dropped, reading = gone_on(
        snapshot.dropped, (snapshot.parts, snapshot.values), reading, held, now.unix_ms
    )
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
            running=advanced(snapshot.running, snapshot.paused, estimates, snapshot.last, told or now),
            clock=reading.clock or snapshot.clock,
            clock_at=now.plus_ms(-reading.mark_age_ms) if reading.clock else snapshot.clock_at,
            list_at={**snapshot.list_at, reading.list_type: now},
            last=now,
            received=snapshot.received + 1,
            covered_ms=snapshot.covered_ms + _held_ms(snapshot.last, now),
            parts=parts,
            dropped=dropped,
            partial=(snapshot.partial | reading.partial) - reading.values.keys(),
        ),
        reading,
        now,
        limit_w,
    )


def _held_ms(last: Instant | None, now: Instant) -> int:
    """For how long what the telegram before told has been true."""
    return max(0, min(now.mono_ms - last.mono_ms, HOLD_MS)) if last else 0


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
    *zip(PHASE_QUANTITIES[Quantity.ACT_POW_POS], PHASE_QUANTITIES[Quantity.ACT_POW_NEG], strict=True),
    *zip(PHASE_QUANTITIES[Quantity.REACT_POW_POS], PHASE_QUANTITIES[Quantity.REACT_POW_NEG], strict=True),
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


def _with_energies(snapshot: Snapshot, reading: Reading, now: Instant, limit_w: int) -> Snapshot:
    """The snapshot after the energies of an hourly list, unless they are old or cannot be true.

    A repeated old hour (Aidon, han-port sheet 5.1) has a clock that is not newer and brings nothing above
    what is known. Registers that fell, or rose by more than can be, are believed only when the next list
    confirms them with a newer clock: a register that began anew, not one bad telegram.
    """
    sent = {energy: reading.values[energy] for energy in ENERGIES if energy in reading.values}
    clock = reading.clock.local if reading.clock else None
    if not sent or _is_old(snapshot, sent, clock):
        return snapshot
    known = {energy: snapshot.values[energy] for energy in sent if energy in snapshot.values}
    since = _since(snapshot, clock, now, limit_w)
    mark = now.plus_ms(-reading.mark_age_ms)
    if _follows(known, sent, since):
        refused = snapshot.refused + bool(snapshot.suspect)
        return _accepted(replace(snapshot, refused=refused), sent, clock, mark, now)
    if not _confirms(snapshot, sent, clock, since):
        refused = snapshot.refused + bool(snapshot.suspect)
        return replace(snapshot, suspect=sent, suspect_clock=clock, refused=refused)
    fell = _fell(known, sent)
    found = _anew(snapshot, sent, clock, now) if fell else _accepted(snapshot, sent, clock, mark, now)
    return replace(found, confirmed=snapshot.suspect, confirmed_clock=snapshot.suspect_clock)


def _fell(known: Mapping[Quantity, int], sent: Mapping[Quantity, int]) -> bool:
    return any(sent[energy] < wh for energy, wh in known.items())


def _is_old(snapshot: Snapshot, sent: Mapping[Quantity, int], clock: datetime | None) -> bool:
    """Whether energies are of a clock that is not newer, and above nothing that is known."""
    if clock is None or snapshot.energies_clock is None or clock > snapshot.energies_clock:
        return False
    known = {energy: snapshot.values[energy] for energy in sent if energy in snapshot.values}
    grew = any(sent[energy] > wh for energy, wh in known.items())
    return _fell(known, sent) or (bool(known) and not grew)


def _follows(known: Mapping[Quantity, int], sent: Mapping[Quantity, int], since: Since) -> bool:
    """Whether energies are believed as they come."""
    if not known:
        return can_be_first(sent)
    return not _fell(known, sent) and can_follow(known, sent, since)


def _accepted(
    snapshot: Snapshot, sent: Mapping[Quantity, int], clock: datetime | None, mark: Instant, now: Instant
) -> Snapshot:
    """With registers that are believed and go on from what is known; nothing is suspect any more."""
    estimates = {
        energy: snapshot.estimates.get(energy, Estimate()).registered(
            wh, mark_ms=mark.mono_ms, vendor=snapshot.vendor
        )
        for energy, wh in sent.items()
    }
    base = {energy: known.nearest(mark.mono_ms) for energy, known in estimates.items()}
    return replace(
        _registered(snapshot, sent, clock, now),
        running=marked(snapshot.running, base, mark, now) if is_mark(clock, mark) else snapshot.running,
        estimates={**snapshot.estimates, **estimates},
    )


def _anew(snapshot: Snapshot, sent: Mapping[Quantity, int], clock: datetime | None, now: Instant) -> Snapshot:
    """With registers that began anew: no estimate and no running hour goes on."""
    return replace(
        _registered(snapshot, sent, clock, now),
        running=None,
        estimates={energy: Estimate().registered(wh, mark_ms=0) for energy, wh in sent.items()},
    )


def _registered(
    snapshot: Snapshot, sent: Mapping[Quantity, int], clock: datetime | None, now: Instant
) -> Snapshot:
    return replace(
        snapshot,
        values={**snapshot.values, **sent},
        energies_clock=clock,
        energies_unix_ms=now.unix_ms,
        covered_ms=0,
        suspect=NO_VALUES,
        suspect_clock=None,
        confirmed=NO_VALUES,
        confirmed_clock=None,
    )


LOOSE, TIGHT = 15, 2
"""A Kamstrup may be set to count in 10 Wh what it sends in 1 Wh; that is for its owner to put right."""


def _since(snapshot: Snapshot, clock: datetime | None, now: Instant, limit_w: int) -> Since:
    """The time since the known energies: by the meter's clock, else by the machine's."""
    passed_s = (now.unix_ms - (snapshot.energies_unix_ms or now.unix_ms)) // 1000
    if clock and snapshot.energies_clock and clock > snapshot.energies_clock:
        passed_s = int((clock - snapshot.energies_clock).total_seconds())
    made = {
        energy: max(0, known.made // WMS_PER_WH - snapshot.values[energy])
        for energy, known in snapshot.estimates.items()
        if known.known and known.samples and energy in snapshot.values
    }
    drawn = max((snapshot.values.get(power, 0) for power in POWER_OF_ENERGY.values()), default=0)
    factor = LOOSE if snapshot.vendor == "kamstrup" else TIGHT
    return Since(max(0, passed_s), snapshot.covered_ms // 1000, made, factor, max(limit_w, 2 * drawn))


def _confirms(snapshot: Snapshot, sent: Mapping[Quantity, int], clock: datetime | None, since: Since) -> bool:
    """Whether registers go on from those that were suspect."""
    suspect, before = snapshot.suspect, snapshot.suspect_clock
    if not suspect or (clock and before and clock <= before):
        return False
    passed_s = int((clock - before).total_seconds()) if clock and before else since.passed_s
    since = since._replace(passed_s=passed_s, made=NO_VALUES)
    return can_confirm(suspect, sent) and can_follow(suspect, sent, since)
