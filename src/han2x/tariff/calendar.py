"""Local days and months of hours that are counted in UTC, and the public holidays of Norway.

An hour belongs to the day on which it begins by the local clock. So a day has 23, 24 or 25 hours, and both
hours called 02 on the night when summer time ends are hours of their own.
"""

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache


@lru_cache(maxsize=10_000)
def local(start: int, zone: tzinfo) -> datetime:
    """The local time of a moment in Unix seconds. Kept for a year's hours, which all meters share."""
    return datetime.fromtimestamp(start, zone)


def day_start(day: date, zone: tzinfo) -> int:
    """Unix seconds of a local day's beginning."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def month_of(day: date, months: int = 0) -> date:
    """The first day of a day's month, or of the one so many months later (before, if negative)."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def days_of_month(day: date) -> int:
    """How many days a day's month has."""
    return (month_of(day, 1) - month_of(day)).days


@lru_cache(maxsize=64)
def holidays(year: int) -> frozenset[date]:
    """The public holidays of Norway in a year."""
    easter = _easter(year)
    moving = (-3, -2, 0, 1, 39, 49, 50)  # Maundy Thursday, Good Friday, Easter, Ascension, Whitsun
    fixed = ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))
    return frozenset(
        [easter + timedelta(days=days) for days in moving] + [date(year, month, day) for month, day in fixed]
    )


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous computus)."""
    golden, century = year % 19, year // 100
    leap = century - century // 4 - (8 * century + 13) // 25
    epact = (leap + 19 * golden + 15) % 30
    epact -= epact // 28 * (1 - 29 // (epact + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    days = epact - weekday
    month = 3 + (days + 40) // 44
    return date(year, month, days + 28 - 31 * (month // 4))
