"""What the rest of an hour is expected to take (model/load.py), with figures worked out by hand."""

import pytest

from han2x.model.estimate import Estimate
from han2x.model.load import MINUTE_MS, Load


class Powers:
    """Powers of a meter, one every `list_ms`."""

    def __init__(self, list_ms: int) -> None:
        self.list_ms, self.at_ms = list_ms, 0
        self.load, self.estimate = Load(), Estimate()

    def last(self, watts: int, ms: int) -> int:
        """So many W for so long; W that are then expected on average for 30 minutes more."""
        for _ in range(ms // self.list_ms):
            self.estimate = self.estimate.powered(watts, self.at_ms)
            self.load = self.load.after(self.estimate.samples)
            self.at_ms += self.list_ms
        return self.expected(30 * MINUTE_MS, watts)

    def expected(self, rest_ms: int, latest: int) -> int:
        """The mean of the time left, W."""
        ahead = self.load.ahead(self.at_ms - self.list_ms)
        if ahead is None:
            return latest
        passed_ms = max(0, rest_ms - ahead.passing_ms)
        return (ahead.watts * rest_ms - ahead.passing_w * passed_ms) // rest_ms


@pytest.mark.parametrize("list_ms", [2000, 2500, 10_000])
@pytest.mark.parametrize(("before", "after"), [(400, 3400), (3400, 400), (9000, 200), (200, 11_200)])
def test_a_step_counts_within_thirty_seconds(list_ms: int, before: int, after: int) -> None:
    """Beyond what a kettle takes, up or down; the next minutes change nothing any more."""
    house = Powers(list_ms)
    assert house.last(before, 15 * MINUTE_MS) == before
    assert house.last(after, 30_000) == after
    assert [house.last(after, MINUTE_MS) for _ in range(12)] == [after] * 12


@pytest.mark.parametrize("list_ms", [2000, 10_000])
def test_a_kettle_changes_nothing(list_ms: int) -> None:
    """2.2 kW for two minutes are the highest fifth of ten."""
    house = Powers(list_ms)
    house.last(400, 15 * MINUTE_MS)
    seen = {house.last(2600, 20_000) for _ in range(6)} | {house.last(400, 20_000) for _ in range(30)}
    assert seen == {400}


def test_a_moment_of_high_power_is_no_change() -> None:
    """A motor that starts takes 5 kW for ten seconds."""
    house = Powers(2000)
    house.last(400, 15 * MINUTE_MS)
    house.last(5400, 10_000)
    assert {house.last(400, 2000) for _ in range(300)} == {400}


def test_what_has_switched_itself_off_before_will_again() -> None:
    """A boiler of 3 kW ran for 160 s: the next time it is expected to, too, and then is over."""
    house = Powers(2000)
    house.last(800, 15 * MINUTE_MS)
    assert house.last(3800, 160_000) == 3800  # nobody knows yet
    assert house.last(800, 20 * MINUTE_MS) == 800
    assert house.last(3900, 20_000) == 800 + 3100 * (160 - 18) // 1800  # 142 s more, seen 18 s after it began
    assert house.last(3900, 6 * MINUTE_MS) == 3900  # more than half as long again: this time it stays
    assert house.last(800, 20_000) == 800


def test_of_another_size_it_is_something_else() -> None:
    """A boiler that ran for 160 s says nothing of a car."""
    house = Powers(2000)
    house.last(800, 15 * MINUTE_MS)
    house.last(3800, 160_000)
    house.last(800, 20 * MINUTE_MS)
    assert house.last(8000, 20_000) == 8000


def test_the_end_of_a_rise_counts_where_it_is_less_than_a_step() -> None:
    """3 kW came and 2.4 of it went: what is left goes on."""
    house = Powers(2000)
    house.last(400, 15 * MINUTE_MS)
    house.last(3400, MINUTE_MS)
    assert house.last(1000, 20_000) == 1000


def test_a_gap_is_no_change() -> None:
    """After a minute without telegrams nothing is known of the minutes before; the latest power tells."""
    house = Powers(2000)
    house.last(400, 15 * MINUTE_MS)
    house.at_ms += 2 * MINUTE_MS
    assert house.last(9000, 2000) == 9000
    assert (house.load.minutes, house.load.rise) == ((), None)
