"""A grid company's price list as data: dated periods, each with a rule, steps and energy charges.

Prices are without taxes, as `taxes.Levies` adds them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import NamedTuple

from .calendar import holidays

Group = Callable[[datetime], object]


class Rule(NamedTuple):
    """How peaks are found: the highest hour of each group counts, and of those the highest few.

    `group`: what a local hour belongs to. `months`: how many calendar months are looked back to, this one
    included. `peaks`: how many count unless the period says otherwise.
    """

    group: Group
    months: int
    peaks: int


def _week(hour: datetime) -> object:
    return hour.isocalendar()[:2]


RULES: dict[str, Rule | None] = {
    "days": Rule(datetime.date, months=1, peaks=3),
    "hours": Rule(datetime.timestamp, months=1, peaks=3),
    "month": Rule(datetime.date, months=1, peaks=1),
    "weeks": Rule(_week, months=12, peaks=5),
    "fuse": None,
}
"""The rules in use: the highest hours on different days of the month, the highest hours on whatever days,
the highest hour of the month, the highest hours of different weeks in twelve months, and the main fuse,
which no hour changes."""


class Step(NamedTuple):
    """From `limit` (W; A of the main fuse) up to the next step; `price` in milliøre a year."""

    limit: int
    price: int


class Charge(NamedTuple):
    """A price per kWh, in milliøre, in some hours (local, 0 to 23), on any of some days, in some months."""

    price: int
    hours: frozenset[int]
    days: tuple[str, ...] = ("all",)
    months: frozenset[int] = frozenset(range(1, 13))

    def holds(self, hour: datetime) -> bool:
        """Whether this is the charge of a local hour."""
        return hour.hour in self.hours and hour.month in self.months and self.holds_on(hour.date())

    def holds_on(self, day: date) -> bool:
        """Whether a local day is of the kinds of days this is the charge of."""
        return any(DAYS[kind](day) for kind in self.days)


def _is_workday(day: date) -> bool:
    return day.weekday() < 5 and not _is_holiday(day)


def _is_holiday(day: date) -> bool:
    return day in holidays(day.year)


def _is_weekday(number: int, day: date) -> bool:
    return day.weekday() == number


WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

DAYS: dict[str, Callable[[date], bool]] = {
    "all": lambda _: True,
    "workdays": _is_workday,
    "free-days": lambda day: not _is_workday(day),
    "weekdays": lambda day: day.weekday() < 5,
    "weekends": lambda day: day.weekday() >= 5,
    "holidays": _is_holiday,
    **{name: partial(_is_weekday, number) for number, name in enumerate(WEEK)},
}
"""Kinds of days; workdays are Monday to Friday without public holidays, free-days all others."""

CUSTOMERS = ("home", "cabin", "business")
"""Kinds of customers: homes, cabins, small businesses."""

UNWEIGHTED = (100,) * 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A price list while it is in force: from a local day, until another day that it no longer is.

    `count`: peaks that count. `weights`: percent by month, from January, that an hour counts with.
    `at_limit_higher`: whether a value equal to a step's limit is in that step already. `by_month_before`:
    whether a month is billed by the peaks of those before it. `steps`: ascending, the first from 0; none
    if the price is `base` and `per_kw` (milliøre a year). `charges`: the first that holds is the charge.
    """

    begins: date
    ends: date | None = None
    rule: str = "days"
    count: int = 3
    weights: tuple[int, ...] = UNWEIGHTED
    at_limit_higher: bool = True
    by_month_before: bool = False
    steps: tuple[Step, ...] = ()
    base: int = 0
    per_kw: int = 0
    charges: tuple[Charge, ...] = ()

    def charge(self, hour: datetime) -> int | None:
        """Milliøre per kWh in a local hour; None where the price list says nothing."""
        return next((charge.price for charge in self.charges if charge.holds(hour)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A grid company's price lists, one after the other. `source`: where the figures are from.

    `title`: what people call it. `checked`: the day on which the figures were last compared with the
    company's own. `customers`: the kinds of customers it is for, none where the file does not say.
    """

    name: str
    title: str = ""
    customers: tuple[str, ...] = ()
    source: str = ""
    checked: date | None = None
    periods: tuple[Period, ...] = field(default=())

    def on(self, day: date) -> Period | None:
        """The price list in force on a local day; None if there is none."""
        for period in self.periods:
            if period.begins <= day and (period.ends is None or day < period.ends):
                return period
        return None
