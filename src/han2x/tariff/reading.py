"""A tariff from the table of its TOML file, or what is wrong with the file, all of it at once."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from . import complaint
from .complaint import Reader, Unfit
from .tariff import CUSTOMERS, DAYS, RULES, UNWEIGHTED, Charge, Period, Step, Tariff

T = TypeVar("T")

_ALL_HOURS = frozenset(range(24))
_ALL_MONTHS = frozenset(range(1, 13))
_NEVER = date(1970, 1, 1)
_COUNT_MAX = 100


def tariff(name: str, table: Mapping[str, Any]) -> tuple[Tariff, list[str]]:
    """The tariff that a file says, and the complaints about it; it is good only if there are none."""
    top = Reader("", table)
    periods = [_period(row) for row in top.rows("periods")]
    if not periods:
        top.complaints.append("periods is missing: a tariff has at least one [[periods]] table")
    read = Tariff(
        name=name,
        title=top.take("title", complaint.text, ""),
        customers=top.take("customers", partial(_some, complaint.one_of(*CUSTOMERS)), ()),
        source=top.take("source", complaint.text, ""),
        checked=top.take("checked", complaint.day, None),
        periods=_in_order(top, periods),
    )
    top.done()
    return read, top.complaints


def _in_order(top: Reader, periods: list[Period]) -> tuple[Period, ...]:
    """The periods from the first to the last; two on one day are a complaint."""
    ordered = sorted(periods, key=lambda period: period.begins)
    for one, other in pairwise(ordered):
        if one.ends is None or one.ends > other.begins:
            top.complaints.append(f"periods: that from {one.begins} must end before that from {other.begins}")
    return tuple(ordered)


def _period(row: Reader) -> Period:
    rule = row.take("rule", complaint.one_of(*RULES), "days")
    usual = RULES[rule]
    a_year = 1 if row.take("per", complaint.one_of("year", "month"), "year") == "year" else 12
    period = Period(
        begins=row.need("from", complaint.day, _NEVER),
        ends=row.take("until", complaint.day, None),
        rule=rule,
        count=row.take("count", complaint.whole(1, _COUNT_MAX), usual.peaks if usual else 1),
        weights=row.take("weights", _weights, UNWEIGHTED),
        at_limit_higher=row.take("at_limit", complaint.one_of("higher", "lower"), "higher") == "higher",
        by_month_before=row.take("billed_by", complaint.one_of("month", "month-before"), "month") != "month",
        steps=_steps(row, "from_a" if usual is None else "from_kw", a_year),
        base=row.take("base", complaint.nok, 0) * a_year,
        per_kw=row.take("per_kw", complaint.nok, 0) * a_year,
        charges=tuple(_charge(charge) for charge in row.rows("energy")),
    )
    _check(row, period)
    row.done()
    return period


def _check(row: Reader, period: Period) -> None:
    """What no single value tells."""
    if period.ends is not None and period.ends <= period.begins:
        row.complaints.append(f"{row.where}until must be after from")
    if bool(period.steps) == bool(period.base or period.per_kw):
        row.complaints.append(f"{row.where}steps, or else base and per_kw, must tell the price")
    if period.rule == "fuse" and not period.steps:
        row.complaints.append(f"{row.where}steps must tell the price of each fuse")


def _steps(row: Reader, limit: str, a_year: int) -> tuple[Step, ...]:
    read = complaint.watts if limit == "from_kw" else complaint.whole(0, 10_000)
    steps = []
    for one in row.rows("steps"):
        price = one.need("price", complaint.nok, 0) * a_year
        steps.append(Step(one.need(limit, read, 0), price))
        one.done()
    if steps and steps[0].limit:
        row.complaints.append(f"{row.where}steps[0].{limit} must be 0")
    if any(lower.limit >= upper.limit for lower, upper in pairwise(steps)):
        row.complaints.append(f"{row.where}steps must have ascending limits")
    return tuple(steps)


def _charge(row: Reader) -> Charge:
    charge = Charge(
        price=row.need("price", complaint.ore_per_kwh, 0),
        hours=row.take("hours", partial(_spans, _ALL_HOURS, 0), _ALL_HOURS),
        days=row.take("days", partial(_some, complaint.one_of(*DAYS)), ("all",)),
        months=row.take("months", partial(_spans, _ALL_MONTHS, 1), _ALL_MONTHS),
    )
    row.done()
    return charge


def _some(read: Callable[[Any], T], value: Any) -> tuple[T, ...]:
    """One value, or a list of some."""
    if isinstance(value, list) and not value:
        raise Unfit("must not be an empty list; leave it out")
    return tuple(read(one) for one in (value if isinstance(value, list) else [value]))


def _spans(all: frozenset[int], last_counts: int, value: Any) -> frozenset[int]:
    return frozenset().union(*_some(partial(_span, all, last_counts), value))


def _span(all: frozenset[int], last_counts: int, value: Any) -> frozenset[int]:
    """Hours as "6-22" (until 22:00) or months as "10-3" (October to March); the second may be the lower."""
    found = re.fullmatch(r"(\d{1,2})-(\d{1,2})", value) if isinstance(value, str) else None
    if found is None:
        raise Unfit(f'must be two numbers such as "6-22", not {value!r}')
    begin, last, most = int(found[1]), int(found[2]), max(all) + 1 - last_counts
    if begin not in all or not min(all) <= last <= most:
        raise Unfit(f"must be from {min(all)} to {most}, not {value!r}")
    end = last - 1 + last_counts
    if begin <= end:
        return frozenset(number for number in all if begin <= number <= end)
    return frozenset(number for number in all if number >= begin or number <= end)


def _weights(value: Any) -> tuple[int, ...]:
    percent = complaint.whole(0, 100)
    if not isinstance(value, list) or len(value) != 12:
        raise Unfit("must be twelve whole numbers, percent from January to December")
    return tuple(percent(weight) for weight in value)
