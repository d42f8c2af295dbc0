"""What Home Assistant makes of a meter: one row an entity. Pure.

Device classes and units are as Home Assistant has them (conventions 3.2); `discovery` writes them down.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..model.quantity import BESIDES, MILLIHERTZ, PF, PHASE_ENERGIES, VAR, WATT, Quantity
from ..model.view import View
from .objects import CAPACITY, COST, DIAGNOSTICS, ENERGY, STATE

Q = Quantity


class Entity(NamedTuple):
    """A row of the table: `key` in the JSON of `topic`; `known`: whether this meter sends it.

    `base`: unit, device class and state class. `more`: further options of Home Assistant's.
    """

    key: str
    name: str
    topic: str
    base: tuple[str | None, str | None, str | None]
    known: Callable[[View], bool]
    more: Mapping[str, object] = {}
    platform: str = "sensor"


POWER = ("W", "power", "measurement")
REACTIVE = ("var", "reactive_power", "measurement")
CURRENT = ("A", "current", "measurement")
VOLTAGE = ("V", "voltage", "measurement")
FACTOR = (None, "power_factor", "measurement")
FREQUENCY = ("Hz", "frequency", "measurement")
KWH = ("kWh", "energy", "total_increasing")
KVARH = ("kvarh", "reactive_energy", "total_increasing")
FORECAST = ("kWh", "energy", None)
STEP = (None, None, None)
PRICE = ("NOK/kWh", None, "measurement")
MONEY = ("NOK", "monetary", "total")
COUNT = (None, None, "total_increasing")
TIME = (None, "timestamp", None)
DIAGNOSTIC: dict[str, object] = {"entity_category": "diagnostic"}
RARE: dict[str, object] = {"enabled_by_default": False}
EXPIRES_S = 60
LATE = frozenset({"reactive_energy"})
"""Device classes that Home Assistant before 2025.6 rejects; the form for old ones does without."""


def _sent(quantity: Quantity) -> Callable[[View], bool]:
    return lambda view: quantity in view.values


def _exported(quantity: Quantity) -> Callable[[View], bool]:
    """Every meter sends its export; it is worth an entity once there was any."""
    return lambda view: view.values.get(quantity, 0) > 0


def _estimated(energy: Quantity) -> Callable[[View], bool]:
    return lambda view: (
        energy in view.estimates and (energy is not Q.ACT_ENERGY_NEG or view.estimates[energy] > 0)
    )


def _limited(view: View) -> bool:
    return view.budget is not None and view.budget.limit is not None


def _stepped(view: View) -> bool:
    return view.capacity is not None


def _priced(view: View) -> bool:
    return view.costs is not None


def _totalled(view: View) -> bool:
    return view.costs is not None and any(one.total is not None for one in view.costs.per_kwh)


def _sells(view: View) -> bool:
    return view.costs is not None and view.values.get(Q.ACT_ENERGY_NEG, 0) > 0


def _since(part: str) -> dict[str, object]:
    """From when Home Assistant is to count a sum that begins anew each day or month."""
    return {"last_reset_value_template": f"{{{{ value_json.{part}.since }}}}"}


def _always(_: View) -> bool:
    return True


def _digits(count: int) -> dict[str, object]:
    return {"suggested_display_precision": count}


def _besides(quantity: Quantity) -> Entity:
    """What only some meters send; what few people look at is there but off."""
    name = quantity.label.replace("active ", "").capitalize().replace(" l", " L")
    if quantity in PHASE_ENERGIES:
        return Entity(quantity.value, f"{name} hourly", ENERGY, KWH, _sent(quantity), _digits(2) | RARE)
    base = _BASES[quantity.unit]
    rare = RARE if base in (REACTIVE, FACTOR) else {}
    return Entity(quantity.value, name, STATE, base, _sent(quantity), _digits(_DIGITS[quantity.unit]) | rare)


_BASES = {WATT: POWER, VAR: REACTIVE, PF: FACTOR, MILLIHERTZ: FREQUENCY}
_DIGITS = {WATT: 0, VAR: 0, PF: 2, MILLIHERTZ: 2}

ENTITIES: tuple[Entity, ...] = (
    Entity("net_pow", "Net power", STATE, POWER, _sent(Q.ACT_POW_POS), _digits(0)),
    Entity("act_pow_pos", "Power import", STATE, POWER, _sent(Q.ACT_POW_POS), _digits(0)),
    Entity("act_pow_neg", "Power export", STATE, POWER, _exported(Q.ACT_POW_NEG), _digits(0)),
    Entity("react_pow_pos", "Reactive power import", STATE, REACTIVE, _sent(Q.REACT_POW_POS), _digits(0)),
    Entity("react_pow_neg", "Reactive power export", STATE, REACTIVE, _sent(Q.REACT_POW_NEG), _digits(0)),
    Entity("curr_l1", "Current L1", STATE, CURRENT, _sent(Q.CURR_L1), _digits(2)),
    Entity("curr_l2", "Current L2", STATE, CURRENT, _sent(Q.CURR_L2), _digits(2)),
    Entity("curr_l3", "Current L3", STATE, CURRENT, _sent(Q.CURR_L3), _digits(2)),
    Entity("volt_l1", "Voltage L1", STATE, VOLTAGE, _sent(Q.VOLT_L1), _digits(1)),
    Entity("volt_l2", "Voltage L2", STATE, VOLTAGE, _sent(Q.VOLT_L2), _digits(1)),
    Entity("volt_l3", "Voltage L3", STATE, VOLTAGE, _sent(Q.VOLT_L3), _digits(1)),
    Entity("act_energy_pos_est", "Energy import", STATE, KWH, _estimated(Q.ACT_ENERGY_POS), _digits(3)),
    Entity("act_energy_neg_est", "Energy export", STATE, KWH, _estimated(Q.ACT_ENERGY_NEG), _digits(3)),
    Entity(
        "react_energy_pos_est",
        "Reactive energy import",
        STATE,
        KVARH,
        _estimated(Q.REACT_ENERGY_POS),
        _digits(3) | RARE,
    ),
    Entity(
        "react_energy_neg_est",
        "Reactive energy export",
        STATE,
        KVARH,
        _estimated(Q.REACT_ENERGY_NEG),
        _digits(3) | RARE,
    ),
    Entity(
        "act_energy_pos_hour", "Energy import this hour", STATE, KWH, _estimated(Q.ACT_ENERGY_POS), _digits(3)
    ),
    Entity("act_energy_pos", "Energy import hourly", ENERGY, KWH, _sent(Q.ACT_ENERGY_POS), _digits(2)),
    Entity("act_energy_neg", "Energy export hourly", ENERGY, KWH, _exported(Q.ACT_ENERGY_NEG), _digits(2)),
    Entity(
        "react_energy_pos",
        "Reactive energy import hourly",
        ENERGY,
        KVARH,
        _sent(Q.REACT_ENERGY_POS),
        _digits(2),
    ),
    Entity(
        "react_energy_neg",
        "Reactive energy export hourly",
        ENERGY,
        KVARH,
        _sent(Q.REACT_ENERGY_NEG),
        _digits(2),
    ),
    *map(_besides, BESIDES),
    Entity("hour_forecast", "Energy forecast this hour", STATE, FORECAST, _limited, _digits(2)),
    Entity("power_left", "Power left this hour", STATE, POWER, _limited, _digits(0)),
    Entity("month_peak", "Month's peak", CAPACITY, POWER, _stepped, _digits(0)),
    Entity("capacity_step", "Capacity step", CAPACITY, STEP, _stepped),
    Entity("spot_price", "Spot price", COST, PRICE, _priced, _digits(3)),
    Entity("price_total", "Price of a kWh", COST, PRICE, _totalled, _digits(3)),
    Entity("price_export", "Price of a sold kWh", COST, PRICE, _sells, _digits(3)),
    Entity("cost_today", "Cost today", COST, MONEY, _priced, _digits(2) | _since("today")),
    Entity("cost_month", "Cost this month", COST, MONEY, _priced, _digits(2) | _since("month")),
    Entity(
        "live",
        "HAN port",
        DIAGNOSTICS,
        (None, "connectivity", None),
        _always,
        DIAGNOSTIC | {"value_template": "{{ 'ON' if value_json.live else 'OFF' }}"},
        "binary_sensor",
    ),
    Entity("fault", "Last fault of the line", DIAGNOSTICS, (None, None, None), _always, DIAGNOSTIC),
    Entity("last_telegram", "Last telegram", DIAGNOSTICS, TIME, _always, DIAGNOSTIC),
    Entity("telegrams", "Telegrams", DIAGNOSTICS, COUNT, _always, DIAGNOSTIC | RARE),
    Entity("checksum_errors", "Checksum errors", DIAGNOSTICS, COUNT, _always, DIAGNOSTIC),
)
"""Estimated energies carry the plain names: they move with every telegram, so hours come out right."""

BY_KEY = {entity.key: entity for entity in ENTITIES}
