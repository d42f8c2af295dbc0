"""Answers in the shape of other readers, so that what reads those reads us: each off or on, without a log-in.

They answer for the first meter, or the one that `?meter=` names. While its telegrams are missing they answer
503: programs that read them act on power, and none of these shapes can say that a value is old. Fields that
we know nothing of are left out.
"""

from typing import Any

from .. import __version__
from ..model import derived
from ..model.quantity import Quantity as Q
from ..model.view import View
from ..settings.schema import Meter
from .api_meters import named
from .endpoint import Call, Refusal

KILO = 1000
PHASES = (
    ("l1", Q.VOLT_L1, Q.CURR_L1),
    ("l2", Q.VOLT_L2, Q.CURR_L2),
    ("l3", Q.VOLT_L3, Q.CURR_L3),
)
HAN_OK, MQTT_OFF, WIFI_OK = 1, 0, 1


async def amsreader(call: Call) -> dict[str, Any]:
    """As amsreader's `/data.json`: powers in W, energies in kWh, voltages and currents by phase."""
    _, view = _live(call)
    imported, exported = view.value(Q.ACT_POW_POS), view.value(Q.ACT_POW_NEG)
    energies = {
        "ic": Q.ACT_ENERGY_POS,
        "ec": Q.ACT_ENERGY_NEG,
        "ric": Q.REACT_ENERGY_POS,
        "rec": Q.REACT_ENERGY_NEG,
    }
    found: dict[str, Any] = {
        "i": imported,
        "e": exported,
        "w": imported - exported,
        "ri": view.value(Q.REACT_POW_POS),
        "re": view.value(Q.REACT_POW_NEG),
        "u": view.uptime_s,
        "em": 1,
        "hm": HAN_OK,
        "wm": WIFI_OK,
        "mm": MQTT_OFF,
        "me": 0,
        "c": call.now.unix_ms // KILO,
    }
    found |= {key: kwh for key, energy in energies.items() if (kwh := _kwh(view, energy)) is not None}
    return found | amsreader_phases(view)


def amsreader_phases(view: View) -> dict[str, dict[str, int | float]]:
    """Voltage and current of each phase, and its import `p` and export `q` where the meter sends them."""
    found: dict[str, dict[str, int | float]] = {}
    for (name, voltage, current), power in zip(PHASES, derived.phase_powers(view), strict=True):
        sent = {"u": _displayed(view, voltage), "i": _displayed(view, current)}
        if power.value is not None and power.origin is derived.Origin.MEASURED:
            sent |= {"p": max(power.value, 0), "q": max(-power.value, 0)}
        found[name] = {key: value for key, value in sent.items() if value is not None}
    return found


async def homewizard(call: Call) -> dict[str, Any]:
    """As a HomeWizard P1 meter's `/api`: who it is."""
    return {
        "product_type": "HWE-P1",
        "product_name": "P1 meter",
        "serial": f"{call.gateway.number(_chosen(call).id):012x}",
        "firmware_version": __version__,
        "api_version": "v1",
    }


async def homewizard_data(call: Call) -> dict[str, Any]:
    """As a HomeWizard P1 meter's `/api/v1/data`; one tariff, for the meter has one register."""
    settings, view = _live(call)
    imported, exported = (_kwh(view, energy) for energy in (Q.ACT_ENERGY_POS, Q.ACT_ENERGY_NEG))
    found: dict[str, Any] = {
        "wifi_ssid": "han2x",
        "wifi_strength": 100,
        "smr_version": 50,
        "meter_model": " ".join(filter(None, (view.vendor, view.identity.meter_type))) or settings.name,
        "unique_id": (view.identity.meter_id or str(call.gateway.number(settings.id))).encode().hex(),
        "active_tariff": 1,
        "total_power_import_kwh": imported,
        "total_power_import_t1_kwh": imported,
        "total_power_export_kwh": exported,
        "total_power_export_t1_kwh": exported,
        "active_power_w": view.net_power,
    }
    frequency = derived.measured(view, Q.FREQUENCY).value
    found["active_frequency_hz"] = None if frequency is None else Q.FREQUENCY.displayed(frequency)
    powers = derived.phase_powers(view)
    for number, (name, voltage, current) in enumerate(PHASES):
        power, origin, _ = powers[number]
        found[f"active_power_{name}_w"] = power if origin is derived.Origin.MEASURED else None
        found[f"active_voltage_{name}_v"] = _displayed(view, voltage)
        found[f"active_current_{name}_a"] = _displayed(view, current)
    return {key: value for key, value in found.items() if value is not None}


def _chosen(call: Call) -> Meter:
    name = call.query.get("meter")
    return named(call, name) if name else call.gateway.settings.value.meters[0]


def _live(call: Call) -> tuple[Meter, View]:
    """A meter whose telegrams come; raises `Refusal`."""
    settings = _chosen(call)
    view = call.gateway.view(settings, call.now)
    if not view.is_live or view.net_power is None:
        raise Refusal(503, "stale", "No telegrams come from the meter.", retry_s=10)
    return settings, view


def _kwh(view: View, energy: Q) -> float | None:
    """The estimated energy, which moves between the hourly registers."""
    known = view.estimates.get(energy, view.values.get(energy))
    return None if known is None else known / KILO


def _displayed(view: View, quantity: Q) -> float | None:
    return quantity.displayed(view.values[quantity]) if quantity in view.values else None
