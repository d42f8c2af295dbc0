"""The house and its net: believable sizes, exact minutes, and the sum rules of the meters."""

from datetime import UTC, datetime

import pytest

from han2x.settings.source import NETS
from han2x.simulator import mains
from han2x.simulator.clock import unix_ms
from han2x.simulator.household import Household
from han2x.simulator.mains import Weather
from han2x.simulator.solar import SOLAR_NOON

KWH = 3_600_000 * 1000
WINTER = unix_ms(datetime(2025, 1, 20, tzinfo=UTC))
SUMMER = unix_ms(datetime(2025, 6, 20, tzinfo=UTC))
DAY_MS, MINUTE_MS = 86_400_000, 60_000


def house(net: str = "it", *, seed: int = 1, solar_w: int = 0, slot_ms: int = 2_000) -> Household:
    return Household(seed=seed, net=net, solar_w=solar_w, slot_ms=slot_ms)


def measured(net: str, home: Household, at_ms: int) -> mains.Mains:
    return mains.NETS[net](home.loads(at_ms), Weather(1).factors(at_ms))


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_house_uses_what_norwegian_houses_use(seed: int) -> None:
    """Some 30 to 130 kWh on a winter day, less than half of it in summer, never more than the fuse bears."""
    home = house(seed=seed)
    winter, summer = (
        sum(
            home.flow(begin + day * DAY_MS + ms).active
            for day in range(7)
            for ms in range(0, DAY_MS, MINUTE_MS)
        )
        / 60_000
        for begin in (WINTER, SUMMER)
    )
    assert 30 * 7 < winter < 130 * 7
    assert summer < winter * 0.6
    assert max(home.flow(WINTER + ms).active for ms in range(0, DAY_MS, MINUTE_MS)) < 25_000


@pytest.mark.parametrize("slot_ms", [2_000, 2_500, 10_000])
def test_the_noise_of_a_minute_adds_up_to_zero(slot_ms: int) -> None:
    """Whatever the grid, an hour's energy is the same: so are the counters of all vendors."""
    home = house(solar_w=5_000, slot_ms=slot_ms)
    begin = SUMMER + 8 * 3_600_000
    counters = home.counters(begin)
    for at_ms in range(begin, begin + 3_600_000, slot_ms):
        counters = counters.plus(home.flow(at_ms), slot_ms)
    assert counters == house(solar_w=5_000).counters(begin + 3_600_000)


def test_counters_of_any_moment_agree_with_the_samples() -> None:
    """In the middle of a sample as well."""
    home = house()
    begin = WINTER + 12_345
    assert home.counters(begin + 655) == home.counters(begin).plus(home.flow(begin), 655)


def test_counters_rise_from_year_to_year() -> None:
    """From the first year of these meters on, at any moment one starts."""
    home = house(solar_w=6_000)
    months = [datetime(year, month, 3, tzinfo=UTC) for year in range(2018, 2036) for month in (2, 12)]
    seen = [home.counters(unix_ms(month)) for month in months]
    assert all(sorted(column) == list(column) for column in zip(*seen, strict=True))


@pytest.mark.parametrize("net", NETS)
def test_the_elements_of_a_meter_add_up_to_the_power(net: str) -> None:
    """TN sums its phases; 3-wire IT has P = U12 I1 cos + U32 I3 cos, and I L1 and I L3 alone define P."""
    home = house(net, solar_w=5_000)
    for at_ms in range(SUMMER, SUMMER + DAY_MS, 613_000):
        seen = measured(net, home, at_ms)
        assert sum(seen.elements) == pytest.approx(home.flow(at_ms).active, abs=1e-3)


@pytest.mark.parametrize("net", NETS)
def test_no_element_has_more_power_than_its_voltage_and_current(net: str) -> None:
    """|P| is at most U I for each element, within the rounding to mA and mV."""
    home = house(net)
    volts = {"1": (0,), "tn": (0, 1, 2), "it": (0, 2)}[net]
    amperes = {"1": (0,), "tn": (0, 1, 2), "it": (0, 2)}[net]
    for at_ms in range(WINTER, WINTER + DAY_MS, 613_000):
        seen = measured(net, home, at_ms)
        for element, volt, ampere in zip(seen.elements, volts, amperes, strict=True):
            assert abs(element) <= seen.voltages[volt] * seen.currents[ampere] / 1e6 + 0.5


@pytest.mark.parametrize("net", NETS)
def test_voltages_stay_in_the_usual_band(net: str) -> None:
    """220 to 245 V in summer and winter, exporting and importing."""
    home = house(net, solar_w=10_000)
    seen = [
        volt
        for begin in (WINTER, SUMMER)
        for at_ms in range(begin, begin + DAY_MS, 300_000)
        for volt in measured(net, home, at_ms).voltages
    ]
    assert min(seen) > 218_000
    assert max(seen) < 245_000


def test_a_resistor_between_two_lines_of_it() -> None:
    """Its current flows in both lines and in no other."""
    seen = mains.it((2310 + 0j, 0j, 0j), (1, 1, 1))
    assert seen.currents[0] == seen.currents[1] == pytest.approx(10_000, rel=0.02)
    assert seen.currents[2] == 0


def test_the_sun_shines_by_day_and_more_in_summer() -> None:
    """Nothing at midnight; over a week in June the plant sells, in January next to nothing."""
    with_sun, without = house(solar_w=10_000), house()
    noon = SOLAR_NOON * MINUTE_MS - 3_600_000
    assert with_sun.flow(WINTER) == without.flow(WINTER)
    assert with_sun.flow(SUMMER + noon).active < without.flow(SUMMER + noon).active
    sold = [
        home.counters(begin + 7 * DAY_MS).act_neg - home.counters(begin).act_neg
        for home, begin in ((with_sun, SUMMER), (with_sun, WINTER), (without, SUMMER))
    ]
    assert sold[0] > 100 * KWH > sold[1]
    assert sold[2] == 0
