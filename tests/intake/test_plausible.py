"""What an owner is advised of (intake/plausible.py): figures made by hand."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from han2x.intake.plausible import TOO_FAST, TOO_SLOW, Plausibility, partial, same_number
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.model.state import EMPTY

START = datetime(2026, 1, 5, 12)


def reading(
    seconds: float, values: dict[Quantity, int], vendor: str = "kamstrup", kind: str = "6841131"
) -> Reading:
    clock = MeterClock(START + timedelta(seconds=seconds), True, TimeBase.STANDARD)
    identity = Identity(meter_type=kind)
    return Reading(vendor=vendor, list_type=ListType.OTHER, values=values, identity=identity, clock=clock)


def an_hour(step: int, rise_wh: int, *, gap_s: int = 10) -> str:
    """An hour at 2000 W between two registers."""
    plausibility = Plausibility(step)
    for second in range(0, 3601, gap_s):
        plausibility.read(reading(second, {Quantity.ACT_POW_POS: 2000}))
        if second == 0:
            plausibility.read(reading(0, {Quantity.ACT_ENERGY_POS: 1_000_000}))
    plausibility.read(reading(3605, {Quantity.ACT_ENERGY_POS: 1_000_000 + rise_wh}))
    return plausibility.advice(lambda: 1000)


@pytest.mark.parametrize(
    ("step", "rise_wh", "advice"),
    [
        (10, 2000, ""),
        (10, 2010, ""),
        (10, 20_000, TOO_FAST),
        (1, 2000, ""),
        (1, 200, TOO_SLOW),
        (10, 0, ""),
    ],
)
def test_kamstrups_step(step: int, rise_wh: int, advice: str) -> None:
    """Two kilowatts for an hour are two kilowatt-hours; ten times that, or a tenth, is the other step."""
    assert an_hour(step, rise_wh) == advice


def test_a_gap_tells_nothing() -> None:
    """What was used while nothing was received is not held against the register."""
    assert an_hour(10, 20_000, gap_s=60) == ""


def test_little_power_tells_nothing() -> None:
    """Below ten steps of 10 Wh no verdict is given."""
    plausibility = Plausibility(10)
    plausibility.read(reading(0, {Quantity.ACT_POW_POS: 50, Quantity.ACT_ENERGY_POS: 1000}))
    for second in range(10, 3601, 10):
        plausibility.read(reading(second, {Quantity.ACT_POW_POS: 50}))
    plausibility.read(reading(3605, {Quantity.ACT_ENERGY_POS: 1500}))
    assert plausibility.advice(lambda: 1000) == ""


@pytest.mark.parametrize(
    ("vendor", "kind", "advised"),
    [
        ("kamstrup", "6851131BN243101040", True),
        ("kamstrup", "6841131BN243101040", False),
        ("aidon", "6540", True),
        ("aidon", "6525", False),
        ("kaifa", "MA304T4", True),
        ("kaifa", "MA304H3E", False),
        ("landisgyr", "ZFF1", False),
    ],
)
def test_transformers(vendor: str, kind: str, advised: bool) -> None:
    """A meter on current transformers with a factor of 1 asks for its ratio; with another it does not."""
    plausibility = Plausibility(10)
    plausibility.read(reading(0, {Quantity.ACT_POW_POS: 1}, vendor, kind))
    assert bool(plausibility.advice(lambda: 1000)) is advised
    assert plausibility.advice(lambda: 50_000) == ""


@pytest.mark.parametrize(("volts", "advised"), [(230.0, False), (0.0, False), (2.3, True), (22_199.0, True)])
def test_voltages(volts: float, advised: bool) -> None:
    """A voltage that cannot be is told; a phase without one is none."""
    plausibility = Plausibility(10)
    plausibility.read(reading(0, {Quantity.VOLT_L1: int(volts * 1000)}))
    assert bool(plausibility.advice(lambda: 1000)) is advised


def test_two_meters_with_one_number() -> None:
    """Either is told of the other; a meter without a number is like none."""
    one, same, other, none = (
        replace(EMPTY, identity=Identity(meter_id=number)) for number in ("7000", "7000", "7001", None)
    )
    known = {"a": ("Hall", one), "b": ("Barn", same), "c": ("Shed", other), "d": ("Pump", none)}
    assert "Hall and Barn" in same_number("a", known)
    assert "Barn and Hall" in same_number("b", known)
    assert same_number("c", known) == ""
    assert same_number("d", {**known, "e": ("Well", none)}) == ""


def test_a_total_that_is_held() -> None:
    """It is said which one stands still."""
    assert partial(EMPTY) == ""
    held = replace(EMPTY, partial=frozenset({Quantity.ACT_ENERGY_POS}))
    assert partial(held).startswith("Active energy import stands still")
