"""Which day, hours, months and prices count, by the meter's clock where the machine's is wrong."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import ListType, MeterClock, Reading, TimeBase
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Meter, Settings
from han2x.tariff.tariff import Period, Step, Tariff

OSLO = ZoneInfo("Europe/Oslo")
DAY = 86_400
TRUE_S = int(datetime(2027, 1, 14, 9, tzinfo=UTC).timestamp())
METER = Meter(name="main", tariff="grid")
STEPS = tuple(Step(kw * 1000, kw * 12_000_000) for kw in (0, 2, 5, 10))
TARIFF = Tariff(
    name="grid",
    periods=(
        Period(begins=date(2026, 1, 1), steps=STEPS),
        Period(begins=date(2028, 1, 1), steps=tuple(Step(s.limit, 9 * s.price) for s in STEPS)),
    ),
)


def clock_at(at: int, base: TimeBase) -> MeterClock:
    zone = OSLO if base is TimeBase.CIVIL else timezone(timedelta(hours=1))
    return MeterClock(datetime.fromtimestamp(at, zone).replace(tzinfo=None), True, base)


class Site:
    """A gateway on a machine whose clock is ahead by some seconds; true time goes from `TRUE_S`."""

    def __init__(self, ahead_s: int) -> None:
        self.ahead_s, self.passed_s = ahead_s, 0
        self.gateway = Gateway(Settings(meters=(METER,)), clock=self.now)
        self.gateway.accounts.tariffs.set({"grid": TARIFF})

    def now(self) -> Instant:
        return Instant((TRUE_S + self.passed_s + self.ahead_s) * 1000, (1000 + self.passed_s) * 1000)

    def list(self, base: TimeBase | None = None) -> None:
        clock = clock_at(TRUE_S + self.passed_s, base) if base else None
        values = {Q.ACT_POW_POS: 3000, Q.VOLT_L1: 230_000}
        reading = Reading(vendor="kaifa", list_type=ListType.TEN_SECONDS, values=values, clock=clock)
        self.gateway.received("main", reading)

    def hours(self) -> None:
        """5 kWh in an hour of the true day before, and 3 in one of the day before that."""
        for days, wh in ((1, 5000), (2, 3000)):
            start = (TRUE_S - days * DAY) // HOUR_S * HOUR_S
            hour = Hour(start=start, energies={Q.ACT_ENERGY_POS: wh}, basis=Basis.METERED, drift={})
            self.gateway.accounts.put("main", [hour])

    @property
    def mean(self) -> int | None:
        capacity = self.gateway.view(METER, self.now()).capacity
        assert capacity
        return capacity.mean

    @property
    def told_s(self) -> int:
        return self.gateway.local_time(self.now()).unix_ms // 1000


WRONG = (450 * DAY, 40 * DAY, -40 * DAY, -450 * DAY, -57 * 365 * DAY, 13 * HOUR_S, 300)


@pytest.mark.parametrize("base", TimeBase)
@pytest.mark.parametrize("ahead_s", WRONG)
def test_month_is_the_meters(ahead_s: int, base: TimeBase) -> None:
    """With a machine's clock off by minutes to decades, the month that counts is the meter's."""
    site = Site(ahead_s)
    site.list(base)
    _ = site.mean  # the view asks for the hours that are needed
    assert site.gateway.accounts.asking.value["main"] <= TRUE_S - 13 * DAY
    site.hours()
    assert (site.mean, site.told_s) == (4000, TRUE_S)


@pytest.mark.parametrize("ahead_s", WRONG)
def test_time_goes_on_when_the_machine_is_set(ahead_s: int) -> None:
    """Set right in mid-run, or set wrong: no month turns for it, before or after the meter tells again."""
    site = Site(ahead_s)
    site.list(TimeBase.STANDARD)
    _ = site.mean
    site.hours()
    for ahead in (0, ahead_s, 0):
        site.passed_s, site.ahead_s = site.passed_s + 10, ahead
        assert (site.mean, site.told_s) == (4000, TRUE_S + site.passed_s)
        site.list()
        assert (site.mean, site.told_s) == (4000, TRUE_S + site.passed_s)
        site.list(TimeBase.STANDARD)
        assert (site.mean, site.told_s) == (4000, TRUE_S + site.passed_s)


def test_until_a_meter_tells_it_is_the_machines() -> None:
    """Nothing else is known; a small correction of the machine's clock is followed."""
    site = Site(450 * DAY)
    site.list()
    assert site.told_s == TRUE_S + 450 * DAY
    site.ahead_s = 0
    site.list(TimeBase.STANDARD)
    site.ahead_s = 20
    assert site.told_s == TRUE_S + 20


@pytest.mark.parametrize("shown", [datetime(1970, 1, 1), datetime(2000, 1, 1), datetime(2100, 1, 1)])
def test_meter_that_was_never_set_tells_nothing(shown: datetime) -> None:
    """The machine's clock stays."""
    site = Site(0)
    clock = MeterClock(shown, True, TimeBase.STANDARD)
    reading = Reading(vendor="kaifa", list_type=ListType.TEN_SECONDS, values={}, clock=clock)
    site.gateway.received("main", reading)
    assert site.told_s == TRUE_S


def test_hour_begins_by_the_meters_clock() -> None:
    """After a start the running hour begins at the meter's full hour, with a machine 17 minutes behind."""
    site = Site(-1020)
    site.passed_s = 3540
    for _ in range(12):
        values = {Q.ACT_POW_POS: 3000, Q.VOLT_L1: 230_000, Q.ACT_ENERGY_POS: 5000}
        clock = clock_at(TRUE_S + site.passed_s, TimeBase.STANDARD)
        reading = Reading(vendor="kaifa", list_type=ListType.OTHER, values=values, clock=clock)
        site.gateway.received("main", reading)
        site.passed_s += 10
    running = site.gateway.snapshot("main").value.running
    assert running
    assert running.start_ms == (1000 + 3600) * 1000
