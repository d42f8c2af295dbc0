"""Budgets, steps and costs as plain values: units, and null for what is not known."""

import json
from datetime import date

from han2x.tariff import plain
from han2x.tariff.budget import Pace, budget
from han2x.tariff.capacity import capacity
from han2x.tariff.cost import Cost, Costs
from han2x.tariff.prices import Price

from .conftest import OSLO, at, read, use


def test_hour() -> None:
    """kWh and W of the running hour, and what the forecast rests on; the same keys without a budget."""
    pace = Pace(elapsed_ms=1_800_000, used=2_000, gap_ms=60_000, power=3_000, rests_on_ms=600_000)
    assert plain.hour(budget(pace, 5_000)) == {
        "hour_forecast": 3.55,
        "hour_limit": 5.0,
        "hour_rest_s": 1_800,
        "hour_power": 3_000,
        "hour_rests_on_s": 600,
        "hour_gap_s": 60,
        "power_left": 5_900,
    }
    assert plain.hour(None) == dict.fromkeys(plain.hour(budget(pace, None)))


def test_step() -> None:
    """Peaks with their local hours, limits in W, prices in NOK a month."""
    steps = [{"from_kw": 0, "price": 1200}, {"from_kw": 5, "price": 2400.12}]
    tariff = read({"periods": [{"from": date(2026, 1, 1), "steps": steps, "billed_by": "month-before"}]})
    found = capacity(
        tariff,
        [use("2026-10-25 02:00", 4_000, fold=1, estimated=True)],
        now_s=at("2026-10-25 12:00"),
        zone=OSLO,
    )
    assert found
    assert json.loads(json.dumps(plain.step(found))) == {
        "tariff": "test",
        "rule": "days",
        "month": "2026-10",
        "month_peak": 4_000,
        "peaks": [{"hour": "2026-10-25T02:00:00+01:00", "power": 4_000, "weight": 100, "estimated": True}],
        "estimated": True,
        "missing_hours": 24 * 24 + 13 - 1,
        "capacity_step": 1,
        "step_limit": 5_000,
        "next_limit": None,
        "step_left": 4.999,
        "step_price": 100.0,
        "next_price": 200.01,
        "billed_price": None,
    }


def test_money() -> None:
    """NOK; a total is told as complete only if it is."""
    today = Cost(power=125_000, support=25_000, grid=46_600, export=-1, hours=2)
    month = Cost(power=125_000, hours=3, missing=1, unpriced=1_500)
    table = plain.money(Costs(area="NO1", today=today, month=month, price=Price(-1_280, False)))
    assert (table["spot_price"], table["spot_final"]) == (-0.0128, False)
    assert (table["cost_today"], table["cost_month"]) == (1.46601, None)
    parts = table["month"]
    assert isinstance(parts, dict)
    assert (parts["total"], parts["missing_hours"], parts["unpriced"]) == (1.25, 1, 1.5)
    assert plain.money(Costs(area="NO1", today=today, month=month, price=None))["spot_price"] is None
