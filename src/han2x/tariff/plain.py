"""Budgets, steps and costs as plain values for people and their programs: kWh, W, NOK; null is unknown."""

from datetime import UTC, datetime

from .budget import Budget
from .capacity import Capacity, Peak
from .cost import Cost, Costs, KwhPrice, cheapest_hours

Plain = dict[str, object]

PER_NOK = 100_000
PER_KILO = 1000


def hour(budget: Budget | None) -> Plain:
    """The running hour; the same keys where there is no budget."""
    pace = budget.pace if budget else None
    return {
        "hour_forecast": _kilo(budget.forecast if budget else None),
        "hour_limit": _kilo(budget.limit if budget else None),
        "hour_rest_s": budget.rest_s if budget else None,
        "hour_power": pace.power if pace else None,
        "hour_rests_on_s": pace.rests_on_ms // 1000 if pace else None,
        "hour_gap_s": pace.gap_ms // 1000 if pace else None,
        "power_left": budget.left if budget else None,
    }


def step(capacity: Capacity) -> Plain:
    """The capacity step; prices in NOK a month, with VAT."""
    return {
        "tariff": capacity.tariff,
        "rule": capacity.rule,
        "month": f"{capacity.month:%Y-%m}",
        "month_peak": capacity.mean,
        "peaks": [_peak(peak) for peak in capacity.peaks],
        "estimated": capacity.estimated,
        "missing_hours": capacity.missing,
        "capacity_step": capacity.step,
        "step_limit": capacity.limit,
        "next_limit": capacity.next_limit,
        "step_left": _kilo(capacity.headroom),
        "step_price": _nok(capacity.price),
        "next_price": _nok(capacity.next_price),
        "billed_price": _nok(capacity.billed_price),
    }


def _peak(peak: Peak) -> Plain:
    return {
        "hour": peak.hour.isoformat(),
        "power": peak.power,
        "weight": peak.weight,
        "estimated": peak.estimated,
    }


def money(costs: Costs) -> Plain:
    """Costs in NOK; prices in NOK per kWh: the spot price without taxes, what one bought costs with all, what
    one sold earns."""
    return {
        "area": costs.area,
        "spot_price": _nok(costs.price.price) if costs.price else None,
        "spot_final": costs.price.final if costs.price else None,
        "price_total": _nok(costs.kwh.total) if costs.kwh else None,
        "price_export": _nok(costs.kwh.sold) if costs.kwh else None,
        "cost_today": _nok(costs.today.total) if costs.today.complete else None,
        "cost_month": _nok(costs.month.total) if costs.month.complete else None,
        "today": {"since": _local(costs.day_begins), **_cost(costs.today)},
        "month": {"since": _local(costs.month_begins), **_cost(costs.month)},
    }


def kwh_prices(costs: Costs) -> Plain:
    """What a kWh costs and earns in each quarter of today and tomorrow that has a price, NOK, times in UTC;
    and the hours among them, the cheapest first."""
    known = [one for one in costs.per_kwh if one.spot is not None or one.total is not None]
    return {
        "area": costs.area,
        "prices": [_kwh(one) for one in known],
        "cheapest_hours": [_utc(start) for start in cheapest_hours(costs.per_kwh)],
    }


def _kwh(price: KwhPrice) -> Plain:
    return {
        "start": _utc(price.start),
        "spot": _nok(price.spot),
        "total": _nok(price.total),
        "export": _nok(price.sold),
        "final": price.final,
    }


def _local(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _utc(start: int) -> str:
    return datetime.fromtimestamp(start, UTC).isoformat().replace("+00:00", "Z")


def _cost(cost: Cost) -> Plain:
    return {
        "power": _nok(cost.power),
        "support": _nok(cost.support),
        "grid": _nok(cost.grid),
        "fee": _nok(cost.fee),
        "export": _nok(cost.export),
        "total": _nok(cost.total),
        "imported": _kilo(cost.imported),
        "exported": _kilo(cost.exported),
        "unpriced": _kilo(cost.unpriced),
        "ungridded": _kilo(cost.ungridded),
        "hours": cost.hours,
        "missing_hours": cost.missing,
        "estimated_hours": cost.estimated,
        "provisional_hours": cost.provisional,
    }


def _nok(money: int | None) -> float | None:
    return None if money is None else money / PER_NOK


def _kilo(wh: int | None) -> float | None:
    return None if wh is None else wh / PER_KILO
