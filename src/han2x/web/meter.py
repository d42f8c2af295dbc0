"""A meter as JSON: what the page shows, and what every program that reads the API gets. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from ..model.diagnosis import Diagnosis
from ..model.instant import Instant
from ..model.quantity import Quantity
from ..model.vendor_names import vendor_name
from ..model.view import View
from ..settings.schema import Meter as MeterSettings
from ..tariff.budget import Budget
from ..tariff.capacity import Capacity
from ..tariff.cost import Cost, Costs
from ..tariff.standing import Said, Standing
from ..tariff.tariff import RULES
from . import live_shapes
from .times import iso

LAMP_MS = 60_000
"""How long the HAN lamp is lit after a telegram (manual row M3)."""

MILLIOERE = 100_000
KILO = 1000
_KILO_UNITS = {"Wh": "kWh", "varh": "kvarh"}


def meter(
    settings: MeterSettings, view: View, diagnosis: Diagnosis, now: Instant, *, number: int
) -> live_shapes.Meter:
    """Everything that is known of a meter at a moment."""
    return {
        "id": settings.id,
        "name": settings.name,
        "number": number,
        "vendor": view.vendor,
        "meter_id": view.identity.meter_id,
        "meter_type": view.identity.meter_type,
        "list_version": view.identity.list_version,
        "net": _net(view),
        "label": label(settings, view),
        "live": view.is_live,
        "lamp": lamp(view),
        "age_s": _seconds(view.age_ms),
        "received": view.received,
        "last_telegram": None if view.last_unix_ms is None else iso(view.last_unix_ms),
        "clock": view.clock.isoformat() if view.clock else None,
        "clock_plausible": view.clock_plausible,
        "scale": view.scale,
        "lists": {kind.value: {"age_s": age_ms / KILO} for kind, age_ms in view.list_age_ms.items()},
        "line": _line(settings, view, diagnosis),
        "diagnosis": verdict(diagnosis, now),
        "values": {quantity.value: _value(view, quantity) for quantity in view.values},
        "net_power": view.net_power,
        "estimates": energies(view.estimates),
        "hour": energies(view.hour),
        "budget": _budget(view.budget) if view.budget else None,
        "capacity": capacity(view.capacity) if view.capacity else None,
        "costs": _costs(view.costs) if view.costs else None,
        "tariff": tariff(view.standing) if view.standing else None,
        "notices": [_notice(one) for one in view.notices],
        "fuse_a": settings.fuse_a or None,
        "digital_input": view.digital_input,
    }


def summary(settings: MeterSettings, view: View, diagnosis: Diagnosis, *, number: int) -> live_shapes.Summary:
    """A meter in a list."""
    return {
        "id": settings.id,
        "name": settings.name,
        "number": number,
        "vendor": view.vendor,
        "meter_id": view.identity.meter_id,
        "meter_type": view.identity.meter_type,
        "net": _net(view),
        "label": label(settings, view),
        "live": view.is_live,
        "lamp": lamp(view),
        "age_s": _seconds(view.age_ms),
        "net_power": view.net_power,
        "verdict": diagnosis.verdict.value,
    }


def label(settings: MeterSettings, view: View) -> str:
    """A name for people: who made the meter and its type, else the name in the settings."""
    known = (vendor_name(view.vendor), view.identity.meter_type)
    return " ".join(filter(None, known)) or settings.name


def lamp(view: View) -> bool:
    """Whether the HAN lamp is lit."""
    return view.age_ms is not None and view.age_ms <= LAMP_MS


def verdict(diagnosis: Diagnosis, now: Instant) -> live_shapes.DiagnosisShape:
    """What a line is like."""
    evidence = diagnosis.evidence
    return {
        "verdict": diagnosis.verdict.value,
        "text": diagnosis.headline,
        "next": diagnosis.next_step,
        "seen": {
            "octets": evidence.octets,
            "age_s": None if evidence.octet_at is None else (now.mono_ms - evidence.octet_at) / KILO,
            "good": evidence.good,
            "discarded": dict(evidence.discarded),
            "text": diagnosis.seen,
        },
    }


def energies(known: Mapping[Quantity, int]) -> dict[str, float]:
    """Energies in kWh (kvarh) by their names."""
    return {energy.value: wh / KILO for energy, wh in known.items()}


def _net(view: View) -> Literal["1", "it", "tn"] | None:
    return view.net.value if view.net else None


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / KILO


def _line(settings: MeterSettings, view: View, diagnosis: Diagnosis) -> live_shapes.LineShape:
    line, evidence = view.line, diagnosis.evidence
    return {
        "open": line.open,
        "fault": line.last_fault.name.lower(),
        "checksum_errors": line.checksum_errors,
        "discarded": line.discarded,
        "octets": evidence.octets,
        "octets_per_s": round(evidence.octets_per_s, 1),
        "source": settings.source,
        "line": line.serial or None,
    }


def _value(view: View, quantity: Quantity) -> live_shapes.ValueShape:
    value, unit = quantity.displayed(view.values[quantity]), quantity.unit.display
    if unit in _KILO_UNITS:
        value = value / KILO
    return {
        "value": value,
        "unit": _KILO_UNITS.get(unit, unit),
        "valid": view.is_fresh(quantity),
        "age_s": _seconds(view.age_of(quantity)),
        "label": quantity.label,
    }


def _budget(budget: Budget) -> live_shapes.BudgetShape:
    pace = budget.pace
    return {
        "elapsed_s": pace.elapsed_ms / KILO,
        "rest_s": budget.rest_s,
        "used": budget.used / KILO,
        "forecast": budget.forecast / KILO,
        "limit": _kilo(budget.limit),
        "left_w": budget.left,
        "basis": {
            "power_w": pace.power,
            "rests_on_s": pace.rests_on_ms / KILO,
            "gap_s": pace.gap_ms / KILO,
        },
    }


def capacity(found: Capacity) -> live_shapes.CapacityShape:
    """The capacity step of a month; a step by fuse has no limits in kW."""
    by_power = RULES.get(found.rule) is not None
    return {
        "tariff": found.tariff,
        "rule": found.rule,
        "month": f"{found.month:%Y-%m}",
        "peaks": [
            {
                "hour": peak.hour.isoformat(),
                "kw": peak.power / KILO,
                "weight": peak.weight,
                "estimated": peak.estimated,
            }
            for peak in found.peaks
        ],
        "mean_kw": _kilo(found.mean),
        "step": found.step,
        "limit_kw": _kilo(found.limit) if by_power else None,
        "next_limit_kw": _kilo(found.next_limit) if by_power else None,
        "price_nok": found.price / MILLIOERE,
        "next_price_nok": _nok(found.next_price),
        "billed_price_nok": _nok(found.billed_price),
        "headroom_kwh": _kilo(found.headroom),
        "estimated": found.estimated,
        "missing": found.missing,
    }


def tariff(found: Standing) -> live_shapes.TariffShape:
    """A grid tariff, and how it stands today."""
    return {
        "name": found.name,
        "title": found.title,
        "customers": list(found.customers),
        "source": found.source,
        "checked": _day(found.checked),
        "age_days": found.age_days,
        "begins": _day(found.begins),
        "ends": _day(found.ends),
        "state": found.state.value,
        "by_fuse": found.by_fuse,
    }


def _notice(said: Said) -> live_shapes.NoticeShape:
    return {"code": said.notice.value, "day": _day(said.day), "tariff": said.name}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _costs(found: Costs) -> live_shapes.CostsShape:
    price = found.price
    return {
        "area": found.area,
        "price": {"nok_per_kwh": price.price / MILLIOERE, "provisional": not price.final} if price else None,
        "total_nok_per_kwh": _nok(found.kwh.total) if found.kwh else None,
        "export_nok_per_kwh": _nok(found.kwh.sold) if found.kwh else None,
        "today": cost(found.today),
        "month": cost(found.month),
    }


def cost(cost: Cost) -> live_shapes.CostShape:
    """What some hours cost, in NOK."""
    return {
        "total": cost.total / MILLIOERE,
        "power": cost.power / MILLIOERE,
        "support": cost.support / MILLIOERE,
        "grid": cost.grid / MILLIOERE,
        "fee": cost.fee / MILLIOERE,
        "export": cost.export / MILLIOERE,
        "imported_kwh": cost.imported / KILO,
        "exported_kwh": cost.exported / KILO,
        "unpriced_kwh": cost.unpriced / KILO,
        "hours": cost.hours,
        "missing": cost.missing,
        "complete": cost.complete,
    }


def _kilo(value: int | None) -> float | None:
    return None if value is None else value / KILO


def _nok(milliore: int | None) -> float | None:
    return None if milliore is None else milliore / MILLIOERE
