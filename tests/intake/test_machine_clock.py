"""A machine's clock that is wrong is said to be, by how much, and no longer than it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from han2x.intake.machine_clock import MachineClock
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType, MeterClock, Reading, TimeBase

OSLO = ZoneInfo("Europe/Oslo")
NOON = int(datetime(2027, 1, 14, 12, tzinfo=UTC).timestamp())


def hourly(hour: int) -> Reading:
    local = datetime(2027, 1, 14, 13) + timedelta(hours=hour)
    return Reading(
        vendor="aidon",
        list_type=ListType.HOURLY,
        values={Quantity.ACT_ENERGY_POS: 1},
        clock=MeterClock(local, True, TimeBase.STANDARD),
        mark_age_ms=10_000,
    )


def after(*errors: int) -> str:
    """What is said after an hourly list each, by a clock that is so many seconds ahead."""
    clock = MachineClock()
    for hour, ahead in enumerate(errors):
        clock.read(hourly(hour), Instant((NOON + hour * 3600 + 10 + ahead) * 1000, 0), OSLO)
    return clock.text


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((0, 0), ""),
        ((59, -59), ""),
        ((3600, 3600), "1 h ahead of the meter"),
        ((-3660, -3661), "1 h 1 min behind the meter"),
        ((450 * 86_400,) * 2, "450 days ahead of the meter"),
        ((125, 125), "2 min 5 s ahead of the meter"),
        ((3600,), ""),  # one list may have come late
        ((-56 * 365 * 86_400,), "20440 days behind the meter"),  # before the program's release: at once
        ((3600, 3600, 0), ""),
        ((3600, 3600, 3605), "1 h ahead of the meter"),
    ],
)
def test_what_is_said_of_a_clock(errors: tuple[int, ...], said: str) -> None:
    """Nothing for a minute and less, else by how much it is wrong; nothing once it is right."""
    text = after(*errors)
    assert said in text
    assert bool(said) is bool(text)
