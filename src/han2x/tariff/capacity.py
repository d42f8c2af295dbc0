"""The capacity step of a month: its peaks, their mean, what the step costs, and what an hour may still use.

Everything is worked out anew from the hours, so a corrected hour counts from then on as if it had always
been so. Means are compared with limits as whole numbers, without rounding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from .calendar import day_start, local, month_of
from .tariff import RULES, Period, Rule, Tariff
from .use import HOUR_S, Use


class Peak(NamedTuple):
    """The highest hour of its group: `hour` by the local clock, `power` in W, `weight` in percent."""

    hour: datetime
    power: int
    weight: int = 100
    estimated: bool = False

    @property
    def counted(self) -> int:
        """What it counts, in W times percent."""
        return self.power * self.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A metering point's capacity step as its finished hours have it.

    `month`: its first day. `peaks`: those that count, the highest first. `mean`: theirs, weighted, in W;
    None before the first hour. `step`: from 1; None where a tariff has no steps. `limit`, `next_limit`:
    where this step and the next one end, in W (A of a fuse); None where there is no end. `price`,
    `next_price`, `billed_price`: milliøre a month, with VAT; `billed_price` is this month's, which may go
    by the peaks before it, and is None if those are not known. `headroom`: Wh that the running hour may
    have in all before the step changes; None where nothing it does can change it. `estimated`: a peak that
    counts is not metered yet. `missing`: finished hours that nothing is known of.
    """

    tariff: str
    month: date
    rule: str
    peaks: tuple[Peak, ...] = ()
    mean: int | None = None
    step: int | None = None
    limit: int | None = None
    next_limit: int | None = None
    price: int
    billed_price: int | None
    next_price: int | None = None
    headroom: int | None = None
    estimated: bool = False
    missing: int = 0


def capacity(
    tariff: Tariff, uses: Iterable[Use], *, now_s: int, zone: tzinfo, fuse_a: int = 0, vat: int = 0
) -> Capacity | None:
    """The capacity step at `now_s` (Unix seconds); None where no price list is in force.

    `uses`: hours in any order, each at most once, at least those that `begins` tells; the running hour's
    is not counted. `fuse_a`: the main fuse, for tariffs by fuse; 0 is unknown, and gives None then. `vat`:
    percent to add to prices.
    """
    today = local(now_s, zone).date()
    period = tariff.on(today)
    if period is None:
        return None
    rule = RULES[period.rule]
    if rule is None:
        return _taxed(_by_fuse(tariff, period, month_of(today), fuse_a), vat) if fuse_a else None
    return _taxed(_by_peaks(tariff, period, rule, list(uses), now_s // HOUR_S * HOUR_S, zone), vat)


def begins(tariff: Tariff, *, now_s: int, zone: tzinfo) -> int:
    """From which moment (Unix seconds) on a tariff asks for hours."""
    today = local(now_s, zone).date()
    period = tariff.on(today)
    rule = RULES[period.rule] if period else None
    back = 1 - rule.months - period.by_month_before if period and rule else 0
    return day_start(month_of(today, back), zone)


def _by_fuse(tariff: Tariff, period: Period, month: date, fuse_a: int) -> Capacity:
    index = _step(period, fuse_a, 1)
    price = period.steps[index].price
    return Capacity(
        tariff=tariff.name,
        month=month,
        rule=period.rule,
        step=index + 1,
        limit=_limit(period, index + 1),
        price=price,
        billed_price=price,
    )


def _by_peaks(
    tariff: Tariff, period: Period, rule: Rule, uses: list[Use], running: int, zone: tzinfo
) -> Capacity:
    month = month_of(local(running, zone).date())
    now = _Window.of(uses, period, rule, day_start(month_of(month, 1 - rule.months), zone), running, zone)
    mean = now.mean
    index = _step(period, *mean) if period.steps else None
    billed_price: int | None = _price(period, mean)
    if period.by_month_before:
        begin, end = day_start(month_of(month, -rule.months), zone), day_start(month, zone)
        before = _Window.of(uses, period, rule, begin, end, zone)
        billed_price = _price(period, before.mean) if before.peaks else None
    return Capacity(
        tariff=tariff.name,
        month=month,
        rule=period.rule,
        peaks=now.counting,
        mean=mean.total // mean.parts if now.peaks else None,
        step=None if index is None else index + 1,
        limit=None if index is None else _limit(period, index + 1),
        next_limit=None if index is None else _limit(period, index + 2),
        price=_price(period, mean),
        next_price=None if index is None else _price_of_step(period, index + 1),
        billed_price=billed_price,
        headroom=None if index is None else _headroom(period, index, now, local(running, zone), rule),
        estimated=any(peak.estimated for peak in now.counting),
        missing=now.missing,
    )


class _Mean(NamedTuple):
    """A weighted mean as a fraction: `total` W times percent, by `parts`, a hundred for each peak."""

    total: int
    parts: int


class _Window(NamedTuple):
    """The highest hour of each group in a stretch of time, by its group; `missing`: hours not known."""

    peaks: dict[object, Peak]
    most: int
    missing: int

    @classmethod
    def of(cls, uses: list[Use], period: Period, rule: Rule, begin: int, end: int, zone: tzinfo) -> "_Window":
        """From the hours that begin at `begin` or later, and before `end`."""
        within = sorted(use for use in uses if begin <= use.start < end)
        peaks: dict[object, Peak] = {}
        for use in within:
            hour = local(use.start, zone)
            peak = Peak(hour, use.imported, period.weights[hour.month - 1], use.estimated)
            group = rule.group(hour)
            if group not in peaks or peak.counted > peaks[group].counted:  # of equals, the first
                peaks[group] = peak
        return cls(peaks, period.count, (end - begin) // HOUR_S - len(within))

    @property
    def counting(self) -> tuple[Peak, ...]:
        """The peaks that count, the highest first, of equals the earlier; fewer while there are fewer."""
        return tuple(
            sorted(self.peaks.values(), key=lambda peak: (-peak.counted, peak.hour.timestamp()))[: self.most]
        )

    @property
    def mean(self) -> _Mean:
        """Of the peaks that count; 0 where there is none."""
        counting = self.counting
        return _Mean(sum(peak.counted for peak in counting), 100 * max(len(counting), 1))


def _step(period: Period, total: int, parts: int) -> int:
    """The index of the step that `total` by `parts` is in."""
    reached = [
        index
        for index, step in enumerate(period.steps)
        if step.limit * parts < total or (period.at_limit_higher and step.limit * parts == total)
    ]
    return max(reached, default=0)


def _limit(period: Period, index: int) -> int | None:
    """Where the step with this index begins; None if there is none."""
    return period.steps[index].limit if index < len(period.steps) else None


def _headroom(period: Period, index: int, window: _Window, hour: datetime, rule: Rule) -> int | None:
    """Wh that the running hour may have before the mean passes the present step's end.

    Its group counts with the higher of itself and the hours before it, so what it may have is what the
    other groups that count leave of the limit.
    """
    limit = _limit(period, index + 1)
    if limit is None:
        return None
    group = rule.group(hour)
    others = sorted((peak.counted for key, peak in window.peaks.items() if key != group), reverse=True)
    beside = others[: period.count - 1]
    allowed = limit * 100 * (len(beside) + 1) - sum(beside) - period.at_limit_higher
    weight = period.weights[hour.month - 1]
    return allowed // weight if weight else None


def _price(period: Period, mean: _Mean) -> int:
    if period.steps:
        return period.steps[_step(period, *mean)].price
    return period.base + period.per_kw * mean.total // (1000 * mean.parts)


def _price_of_step(period: Period, index: int) -> int | None:
    return period.steps[index].price if index < len(period.steps) else None


def _taxed(found: Capacity, vat: int) -> Capacity:
    """A year's prices as a month's with VAT, to the nearest milliøre."""

    def monthly(price: int) -> int:
        return (price * (100 + vat) + 600) // 1200

    return replace(
        found,
        price=monthly(found.price),
        next_price=None if found.next_price is None else monthly(found.next_price),
        billed_price=None if found.billed_price is None else monthly(found.billed_price),
    )
