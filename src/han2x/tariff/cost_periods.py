"""What hours, local days or months cost, of the hours there are, also from before a tariff was set. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from .calendar import day_start, days_of_month, local, month_of
from .cost import Bill, Cost, Terms, bills, summed
from .use import HOUR_S, Use

PERIODS = ("hour", "day", "month")


class PeriodCost(NamedTuple):
    """From `start` to before `end` (Unix seconds), the hours of it that were asked for."""

    start: int
    end: int
    cost: Cost


def begins(begin: int, zone: tzinfo) -> int:
    """From when on hours are needed for costs from `begin` on: support and Norgespris count a month's kWh."""
    return day_start(month_of(local(begin, zone).date()), zone)


def period_costs(
    terms: Terms, uses: Iterable[Use], *, begin: int, end: int, period: str, zone: tzinfo
) -> Iterator[PeriodCost]:
    """Those from `begin` to before `end` of which any hour is known; `uses`: in order, from `begins` on."""
    for _, of_month in groupby(uses, lambda use: month_of(local(use.start, zone).date())):
        billed = (bill for bill in bills(terms, list(of_month), zone) if begin <= bill.use.start < end)
        for start, some in groupby(billed, lambda bill: _start(bill, period, zone)):
            stop = _end(start, period, zone)
            hours = (min(stop, end) - max(start, begin)) // HOUR_S
            yield PeriodCost(start, stop, summed(list(some), hours, _fee(terms, start, stop, end, zone)))


def _start(bill: Bill, period: str, zone: tzinfo) -> int:
    if period == "hour":
        return bill.use.start
    day = local(bill.use.start, zone).date()
    return day_start(month_of(day) if period == "month" else day, zone)


def _end(start: int, period: str, zone: tzinfo) -> int:
    if period == "hour":
        return start + HOUR_S
    day = local(start, zone).date()
    return day_start(month_of(day, 1) if period == "month" else day + timedelta(days=1), zone)


def _fee(terms: Terms, start: int, stop: int, end: int, zone: tzinfo) -> int:
    """The part of the days that have begun; of an hour it is none."""
    if stop - start == HOUR_S:
        return 0
    first, last = local(start, zone), datetime.fromtimestamp(min(stop, end) - 1, zone)
    return terms.fee * ((last.date() - first.date()).days + 1) // days_of_month(first.date())
