"""Snapshots to rows: the mean of each quantity over ten seconds and over a minute. Pure.

A value holds until the next telegram, `HOLD_MS` at most, and is weighted with the time it held. A period
in which nothing was known has no row, a quantity that was not known in it has None: never a zero.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..model.estimate import HOLD_MS
from ..model.hour import ONE
from ..model.instant import Instant
from ..model.quantity import Quantity
from ..model.reading import ListType
from ..model.record import MEASURED
from ..model.state import Snapshot

__all__ = ["MEASURED", "MINUTE_S", "RAW_S", "Recorder", "Row", "all_means", "shifted"]

RAW_S, MINUTE_S = 10, 60

_KEPT = frozenset(MEASURED)
_FULL_LISTS = (ListType.TEN_SECONDS, ListType.HOURLY, ListType.OTHER)
_IMPORT, _EXPORT = Quantity.ACT_POW_POS, Quantity.ACT_POW_NEG


class Row(NamedTuple):
    """One period of one meter, raw: before the scale factor.

    `start`: Unix seconds, a multiple of `span_s`. `covered_s`: how much of it something was known.
    `scale`: the factor in force when it began, in thousandths; outputs multiply. `low`, `high`: of the net
    active power, W. `means`: of `MEASURED`, each in its quantity's unit; those left out at the end are
    unknown. `sure`: the meter's own clock says that it was then. `ahead_s`: else, by how much the clock that
    dated it was ahead of monotonic time.
    """

    start: int
    span_s: int
    covered_s: int
    scale: int
    low: int | None
    high: int | None
    means: tuple[int | None, ...]
    sure: bool = True
    ahead_s: int = 0


def all_means(row: Row) -> tuple[int | None, ...]:
    """A value for each of `MEASURED`."""
    return (*row.means, *[None] * (len(MEASURED) - len(row.means)))


def shifted(row: Row, by_s: int, *, sure: bool) -> Row:
    """The same row so many seconds later, as near as its span allows."""
    by = (by_s + row.span_s // 2) // row.span_s * row.span_s
    return row._replace(start=row.start + by, sure=sure)


@dataclass(slots=True)
class _Sums:
    """A period that is still open: by quantity, value x ms and ms."""

    start: int
    scale: int
    covered_ms: int = 0
    low: int | None = None
    high: int | None = None
    mixed: bool = False
    last_scale: int = 0
    sums: dict[Quantity, int] = field(default_factory=dict)
    times: dict[Quantity, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last_scale = self.scale

    def turn(self, scale: int) -> None:
        """Another factor within the period: from then on the sums are multiplied, their factor `ONE`."""
        if scale == self.last_scale:
            return
        if not self.mixed:
            for quantity in self.sums:
                self.sums[quantity] = _times(quantity, self.sums[quantity], self.scale)
            self.low, self.high = (_whole(net, self.scale) for net in (self.low, self.high))
        self.scale, self.mixed, self.last_scale = ONE, True, scale

    def add(self, values: Mapping[Quantity, int], net: int | None, ms: int) -> None:
        if self.mixed:
            values = {q: _times(q, value, self.last_scale) for q, value in values.items()}
            net = _whole(net, self.last_scale)
        sums, times = self.sums, self.times
        for quantity, value in values.items():
            sums[quantity] = sums.get(quantity, 0) + value * ms
            times[quantity] = times.get(quantity, 0) + ms
        self.covered_ms += ms
        if net is not None:
            self.low = net if self.low is None or net < self.low else self.low
            self.high = net if self.high is None or net > self.high else self.high

    def merge(self, part: "_Sums") -> None:
        self.turn(part.scale)
        part.turn(self.scale)
        for quantity, total in part.sums.items():
            self.sums[quantity] = self.sums.get(quantity, 0) + total
            self.times[quantity] = self.times.get(quantity, 0) + part.times[quantity]
        self.covered_ms += part.covered_ms
        if part.low is not None and part.high is not None:
            self.low = part.low if self.low is None else min(self.low, part.low)
            self.high = part.high if self.high is None else max(self.high, part.high)

    def row(self, span_s: int) -> Row:
        covered_s = min(span_s, (self.covered_ms + 500) // 1000)
        means = tuple(_mean(self.sums.get(q), self.times.get(q, 0)) for q in MEASURED)
        return Row(self.start, span_s, covered_s, self.scale, self.low, self.high, means)


def _whole(net: int | None, scale: int) -> int | None:
    return None if net is None else int(net * scale / ONE)


def _times(quantity: Quantity, value: int, scale: int) -> int:
    return value * scale // ONE if quantity.scaled else value


def _mean(total: int | None, ms: int) -> int | None:
    """Rounded to the nearest; None where nothing was known."""
    return (2 * total + ms) // (2 * ms) if total is not None and ms else None


class Recorder:
    """One meter's telegrams to rows, as periods end."""

    __slots__ = ("_at", "_minute", "_net", "_raw", "_spent_ms", "_values")

    def __init__(self) -> None:
        self._values: Mapping[Quantity, int] = {}
        self._net: int | None = None
        self._at: Instant | None = None
        self._spent_ms = 0  # since the telegram until `_at`
        self._raw: _Sums | None = None
        self._minute: _Sums | None = None

    def take(self, snapshot: Snapshot, now: Instant, scale: int) -> list[Row]:
        """The rows that a telegram received at `now` completes; `scale`: the factor in force till then."""
        rows = list(self._held(now, scale))
        self._values, self._at, self._spent_ms = _known(snapshot, now), now, 0
        values = self._values
        known = _IMPORT in values or _EXPORT in values
        self._net = values.get(_IMPORT, 0) - values.get(_EXPORT, 0) if known else None
        return rows

    def hold(self, now: Instant, scale: int) -> list[Row]:
        """The rows that are complete at `now` without a telegram; another factor is in force from here on."""
        rows = list(self._held(now, scale))
        if self._at is not None:
            self._spent_ms += max(0, now.mono_ms - self._at.mono_ms)
            self._at = now
        return rows

    def close(self, now: Instant, scale: int) -> list[Row]:
        """The rows of periods that are not over: nothing more is coming, or it may be long until it does."""
        rows = [*self._held(now, scale), *self._raw_done(), *self._minute_done()]
        self._values, self._at = {}, None
        return rows

    def _held(self, now: Instant, scale: int) -> Iterator[Row]:
        """The last telegram's values are true until now, but for no longer than they may be held."""
        if self._at is None or not self._values:
            return
        begin = self._at.unix_ms
        end = begin + min(max(now.mono_ms - self._at.mono_ms, 0), max(0, HOLD_MS - self._spent_ms))
        while begin < end:
            start = begin // 1000 // RAW_S * RAW_S
            until = min(end, (start + RAW_S) * 1000)
            if self._raw is None or self._raw.start != start:
                yield from self._begin(start, scale)
                self._raw = _Sums(start, scale)
            self._raw.turn(scale)
            self._raw.add(self._values, self._net, until - begin)
            begin = until

    def _begin(self, start: int, scale: int) -> Iterator[Row]:
        """Another ten seconds begin: those before are over, and so may be their minute."""
        yield from self._raw_done()
        minute = start // MINUTE_S * MINUTE_S
        if self._minute is None or self._minute.start != minute:
            yield from self._minute_done()
            self._minute = _Sums(minute, scale)

    def _raw_done(self) -> Iterator[Row]:
        raw, self._raw = self._raw, None
        if raw is not None and self._minute is not None:
            row = raw.row(RAW_S)
            self._minute.merge(raw)
            yield row

    def _minute_done(self) -> Iterator[Row]:
        minute, self._minute = self._minute, None
        if minute is not None:
            yield minute.row(MINUTE_S)


def _known(snapshot: Snapshot, now: Instant) -> Mapping[Quantity, int]:
    """What of a snapshot is true now: while full lists are missing, what the fast list tells."""
    values = snapshot.values
    heard = (at for kind, at in snapshot.list_at.items() if kind in _FULL_LISTS)
    if any(now.mono_ms - at.mono_ms <= HOLD_MS for at in heard):
        return {quantity: value for quantity, value in values.items() if quantity in _KEPT}
    if ListType.FAST not in snapshot.list_at or _IMPORT not in values:
        return {}
    return {_IMPORT: values[_IMPORT], **({_EXPORT: 0} if values[_IMPORT] else {})}
