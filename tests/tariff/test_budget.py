"""What may be drawn for the rest of an hour (tariff/budget.py), worked by hand.

How the running hour gets its figures from telegrams is in tests/model/test_running_hour.py.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.tariff.budget import GUARD_MS, HOUR_MS, Budget, Pace, budget


def pace(elapsed_ms: int, used: int, power: int, gap_ms: int = 0) -> Pace:
    return Pace(elapsed_ms=elapsed_ms, used=used, gap_ms=gap_ms, power=power, rests_on_ms=600_000)


@pytest.mark.parametrize(
    ("went", "limit", "rest_s", "forecast", "left"),
    [
        # half an hour gone: 2 kWh used, 3 kW for the rest: 3.5 kWh; 5 kWh allow 6 kW more
        (pace(1_800_000, 2_000, 3_000), 5_000, 1_800, 3_500, 6_000),
        (pace(1_800_000, 2_000, 3_000), None, 1_800, 3_500, None),
        (pace(0, 0, 4_000), 5_000, 3_600, 4_000, 5_000),
        (pace(2_700_000, 5_100, 0), 5_000, 900, 5_100, -400),  # 100 Wh too many, a quarter left
        (pace(1_800_000, 5_000, 1_000), 5_000, 1_800, 5_500, 0),
        # ten minutes without telegrams count with the recent power: 500 Wh of 3 kW
        (pace(1_800_000, 2_000, 3_000, gap_ms=600_000), 5_000, 1_800, 4_000, 5_000),
        # the last seconds count as a minute: 100 Wh in it is 6 kW
        (pace(3_590_000, 4_900, 3_600), 5_000, 10, 4_910, 6_000),
        (pace(3_605_000, 4_900, 3_600), 5_000, 0, 4_900, 6_000),  # the next hour's mark is late
    ],
)
def test_budget(went: Pace, limit: int | None, rest_s: int, forecast: int, left: int | None) -> None:
    """The forecast is what is used, and the recent power for the rest; what is left is for all the rest."""
    found = budget(went, limit)
    assert (found.rest_s, found.forecast, found.left) == (rest_s, forecast, left)
    assert (found.used, found.limit) == (went.used, limit)


@given(
    st.integers(0, HOUR_MS - GUARD_MS),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 2 * 10**6),
)
def test_drawing_what_is_left_meets_the_limit(elapsed_ms: int, used: int, power: int, limit: int) -> None:
    """Who draws exactly what is left to the end of the hour has used the limit, to the Wh."""
    found: Budget = budget(pace(elapsed_ms, used, power), limit)
    assert found.left is not None
    rest_ms = HOUR_MS - elapsed_ms
    assert limit - 1 <= used + found.left * rest_ms / HOUR_MS <= limit
