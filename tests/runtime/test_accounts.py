"""The live accounts: from hours, tariffs and prices to what a view shows, as time passes and things change.

What peaks, steps and costs are is in tests/tariff; where tariffs and prices come from in tests/billing.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity as Q
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Meter, Prices, Settings, Site
from han2x.tariff.levies import Levies, Zone
from han2x.tariff.prices import Price, Row, Series, merge
from han2x.tariff.tariff import Period, Step, Tariff

BEGIN = 1_796_079_600  # 2026-12-01 00:00 in Oslo
METER = Meter(tariff="grid")
STEPS = tuple(Step(kw * 1000, kw * 12_000_000) for kw in (0, 2, 5, 10))
TARIFF = Tariff(name="grid", periods=(Period(begins=date(2026, 1, 1), steps=STEPS),))
WEEKS = replace(TARIFF, periods=(replace(TARIFF.periods[0], rule="weeks", count=5),))
LEVIES = Levies(zones={"south": Zone(25, True)})


class Clock:
    """Time that passes when told to; hours and seconds count from the month's beginning."""

    def __init__(self, hour: float) -> None:
        self.to(hour)

    def __call__(self) -> Instant:
        return self.now

    def to(self, hour: float) -> None:
        ms = round(hour * HOUR_S * 1000)
        self.now = Instant(BEGIN * 1000 + ms, 10**9 + ms)


def hour(index: int, wh: int, *, basis: Basis = Basis.METERED, **more: Any) -> Hour:
    energies = {Q.ACT_ENERGY_POS: wh, Q.ACT_ENERGY_NEG: 7}
    return Hour(start=BEGIN + index * HOUR_S, energies=energies, basis=basis, drift={}, **more)


def started(at_hour: float, settings: Settings | None = None) -> tuple[Gateway, Clock]:
    clock = Clock(at_hour)
    gateway = Gateway(settings or Settings(meters=(METER,)), clock=clock)
    gateway.accounts.tariffs.set({"grid": TARIFF})
    return gateway, clock


def mean(gateway: Gateway) -> int | None:
    capacity = gateway.view(gateway.settings.value.meters[0], gateway.now()).capacity
    assert capacity
    return capacity.mean


def test_the_local_month_begins_when_it_does() -> None:
    """The moment the tests count from is midnight in Oslo."""
    from datetime import datetime

    assert datetime.fromtimestamp(BEGIN, ZoneInfo("Europe/Oslo")).isoformat() == "2026-12-01T00:00:00+01:00"


def test_without_a_tariff_and_without_prices_nothing_is_kept() -> None:
    """A gateway that wants no account shows none, asks for no hours, and keeps none that are handed in."""
    gateway, _ = started(50, Settings())
    gateway.accounts.put("main", [hour(1, 5_000)])
    view = gateway.view(Meter(), gateway.now())
    assert (view.capacity, view.costs, dict(gateway.accounts.asking.value)) == (None, None, {})
    gateway.amend({"meters.0.tariff": "grid"})
    assert mean(gateway) is None


@pytest.mark.parametrize("by_history", [True, False])
def test_hours_are_in_the_next_view(by_history: bool) -> None:
    """Hours that history writes, or that are handed in, count at once; a corrected one replaces the old."""
    gateway, _ = started(50)

    def give(hours: Sequence[Hour]) -> None:
        if by_history:
            gateway.hours.set({"main": hours, "other": [hour(3, 99_000)]})
        else:
            gateway.accounts.put("main", hours)

    give([hour(1, 5_000), hour(25, 3_000)])
    assert mean(gateway) == 4_000
    give([hour(25, 4_000)])
    assert mean(gateway) == 4_500


def test_the_hour_that_runs_is_not_finished() -> None:
    """An hour counts from its end on, also when it was known before; the view needs no telegram for that."""
    gateway, clock = started(49.5)
    gateway.accounts.put("main", [hour(1, 5_000), hour(49, 1_000, basis=Basis.ESTIMATED)])
    assert mean(gateway) == 5_000
    clock.to(50)
    assert mean(gateway) == 3_000
    capacity = gateway.view(METER, gateway.now()).capacity
    assert capacity
    assert [peak.estimated for peak in capacity.peaks] == [False, True]


def test_a_month_turns() -> None:
    """At midnight of the first the old month's peaks are gone, and its hours are let go."""
    gateway, clock = started(31 * 24 - 0.001)
    gateway.accounts.put("main", [hour(1, 5_000)])
    assert mean(gateway) == 5_000
    clock.to(31 * 24)
    assert mean(gateway) is None
    clock.to(31 * 24 - 0.001)
    assert mean(gateway) is None


def test_hours_are_scaled_by_their_own_factor() -> None:
    """The factor in force in an hour multiplies it, once."""
    gateway, _ = started(50, Settings(meters=(replace(METER, scale=7_000),)))
    gateway.accounts.put("main", [hour(1, 100, scale=50_000)])
    assert mean(gateway) == 5_000


@pytest.mark.parametrize(
    ("basis", "estimated"),
    [(Basis.METERED, False), (Basis.IMPORTED, False), (Basis.SPREAD, True), (Basis.ESTIMATED, True)],
)
def test_which_hours_are_estimates(basis: Basis, estimated: bool) -> None:
    """What is spread or estimated may be corrected; what is metered or from the grid company is not."""
    gateway, _ = started(50)
    gateway.accounts.put("main", [hour(1, 100, basis=basis)])
    capacity = gateway.view(METER, gateway.now()).capacity
    assert capacity
    assert capacity.estimated is estimated


def test_asking() -> None:
    """A rule that looks back further asks for more hours; a nearer one does not, nor one not found."""
    meters = (METER, Meter(name="two", unit_id=2), Meter(name="three", unit_id=3, tariff="nowhere"))
    gateway, _ = started(50, Settings(meters=meters))
    asking = gateway.accounts.asking
    assert dict(asking.value) == {"main": BEGIN}
    gateway.accounts.tariffs.set({"grid": WEEKS})
    assert dict(asking.value) == {"main": BEGIN - 334 * 86_400}  # 1 January
    seen = asking.value
    gateway.accounts.tariffs.set({"grid": TARIFF})
    assert asking.value is seen
    gateway.amend({"meters.0.tariff": ""})
    assert dict(asking.value) == {}


def test_a_price_list_that_begins_later_asks_when_it_does() -> None:
    """When a new price list looks back further, the hours are asked for in its first hour."""
    then = replace(WEEKS.periods[0], begins=date(2026, 12, 3))
    both = replace(TARIFF, periods=(replace(TARIFF.periods[0], ends=then.begins), then))
    gateway, clock = started(47.9)
    gateway.accounts.tariffs.set({"grid": both})
    assert gateway.accounts.asking.value["main"] == BEGIN
    clock.to(48)
    mean(gateway)
    assert gateway.accounts.asking.value["main"] == BEGIN - 334 * 86_400


def test_another_time_zone() -> None:
    """Days and months are those of the site's time zone, as soon as it is set."""
    gateway, _ = started(50)
    gateway.accounts.put("main", [hour(0, 9_000), hour(1, 5_000)])
    assert mean(gateway) == 9_000
    gateway.amend({"site.time_zone": "UTC"})
    assert mean(gateway) == 5_000  # the first hour is still November in UTC


def test_prices_of_steps_have_the_vat_of_the_tax_zone() -> None:
    """What a step costs is what is paid, as soon as the levies are known."""
    gateway, _ = started(50)
    gateway.accounts.put("main", [hour(1, 3_000)])
    prices = []
    for levies in (None, LEVIES, Levies(zones={"north": Zone(0, True)})):
        gateway.accounts.levies.set(levies)
        capacity = gateway.view(METER, gateway.now()).capacity
        assert capacity
        prices.append(capacity.price)
    assert prices == [2_000_000, 2_500_000, 2_000_000]  # 240 NOK a year


def priced(at_hour: float, **prices: Any) -> tuple[Gateway, Clock]:
    gateway, clock = started(at_hour, Settings(meters=(METER,), prices=Prices(enabled=True, **prices)))
    gateway.accounts.levies.set(LEVIES)
    rows = [
        Row(BEGIN, 48 * HOUR_S, 100_000),
        Row(BEGIN + 48 * HOUR_S, 900, -5_000),
        Row(BEGIN + 49 * HOUR_S, 900, 1),
    ]
    gateway.accounts.prices.set(merge(Series("NO1"), rows))
    return gateway, clock


def test_costs() -> None:
    """With prices and levies the view has costs; what changes them changes the next view."""
    gateway, _ = priced(48.1, contract="spot")
    gateway.accounts.put("main", [hour(1, 2_000), hour(47, 4_000)])
    costs = gateway.view(METER, gateway.now()).costs
    assert costs
    assert (costs.month.power, costs.month.export, costs.today.power) == (750_000, 1_400, 0)
    gateway.amend({"prices.markup": 10_000})
    costs = gateway.view(METER, gateway.now()).costs
    assert costs
    assert costs.month.power == 825_000
    gateway.amend({"prices.enabled": False})
    assert gateway.view(METER, gateway.now()).costs is None


def test_the_price_changes_within_the_hour() -> None:
    """A new quarter has its price without a new hour; the one after the last known has none."""
    gateway, clock = priced(48.2)
    prices = []
    for at_hour in (47.999, 48.2, 48.25, 49.0):
        clock.to(at_hour)
        costs = gateway.view(METER, gateway.now()).costs
        assert costs
        prices.append(costs.price)
    assert prices == [Price(100_000, True), Price(-5_000, True), None, Price(1, True)]


@pytest.mark.parametrize("change", [{"prices.tax_zone": "moon"}, {"prices.enabled": False}])
def test_no_costs_without_their_terms(change: dict[str, Any]) -> None:
    """Without prices, or in a zone that the levies do not know, there are no costs; the step stays."""
    gateway, _ = priced(48.1)
    gateway.amend(change)
    view = gateway.view(METER, gateway.now())
    assert view.costs is None
    assert view.capacity is not None


def test_settings_that_are_neither_zone_nor_tariff_ask_nothing_new() -> None:
    """A new scale factor, which may be written every second, sends nobody to read hours."""
    gateway, _ = started(50)
    seen = gateway.accounts.asking.value
    gateway.amend({"meters.0.scale": 2_000})
    assert gateway.accounts.asking.value is seen
    assert gateway.settings.value.site == Site()
