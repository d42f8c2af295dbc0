"""Meter clocks over the switches of summer time, and the octets they send."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from han2x.model.reading import TimeBase
from han2x.simulator.clock import ClockStyle, is_summer, local_time, octets, unix_ms


def utc(*fields: int) -> int:
    return unix_ms(datetime(*fields, tzinfo=UTC))  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("at_ms", "civil", "standard"),
    [
        (utc(2025, 3, 30, 0, 59, 58), (1, 59, 58), (1, 59, 58)),
        (utc(2025, 3, 30, 1, 0, 0), (3, 0, 0), (2, 0, 0)),
        (utc(2025, 10, 26, 0, 59, 58), (2, 59, 58), (1, 59, 58)),
        (utc(2025, 10, 26, 1, 0, 0), (2, 0, 0), (2, 0, 0)),
        (utc(2025, 12, 31, 23, 0, 0), (0, 0, 0), (0, 0, 0)),
    ],
)
def test_civil_time_switches_and_standard_time_does_not(
    at_ms: int, civil: tuple[int, ...], standard: tuple[int, ...]
) -> None:
    """Civil time jumps at 01:00 UTC of the last Sundays of March and October."""
    assert local_time(at_ms, TimeBase.CIVIL).timetuple()[3:6] == civil
    assert local_time(at_ms, TimeBase.STANDARD).timetuple()[3:6] == standard


def test_the_rule_agrees_with_the_time_zone_database() -> None:
    """Every thirteenth hour from 1996, the year of the common rule, to 2040 is what Europe/Oslo says."""
    try:
        oslo = ZoneInfo("Europe/Oslo")
    except ZoneInfoNotFoundError:
        pytest.skip("no time zone database here")
    moment = datetime(1996, 1, 1, 1, tzinfo=UTC)
    while moment.year < 2041:
        expected = moment.astimezone(oslo).replace(tzinfo=None)
        assert local_time(unix_ms(moment), TimeBase.CIVIL) == expected
        moment += timedelta(hours=13)


def test_new_year_is_never_summer() -> None:
    """The hours around new year are winter, whichever year they are reckoned to."""
    assert not any(
        is_summer(utc(year, 1, 1) + ms) for year in range(1990, 2060) for ms in (-1, 0, 86_400_000)
    )


def test_the_octets_of_a_sunday() -> None:
    """Sunday is 0 for Aidon and 7 for the others; hundredths are not specified."""
    sunday = datetime(2025, 12, 14, 16, 0, 10)
    aidon = ClockStyle(TimeBase.STANDARD, sunday=0, deviation=0)
    kaifa = ClockStyle(TimeBase.CIVIL, sunday=7, deviation=0x8000)
    assert octets(sunday, aidon).hex() == "07e90c0e0010000aff000000"
    assert octets(sunday, kaifa).hex() == "07e90c0e0710000aff800000"


def test_a_naive_start_is_refused() -> None:
    """A moment without a time zone is no moment."""
    with pytest.raises(ValueError, match="time zone"):
        unix_ms(datetime(2025, 12, 14))
