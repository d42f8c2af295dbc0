"""Home Assistant's MQTT discovery: what is announced of a meter, and how that changes. Pure.

One retained message describes the whole device (Home Assistant 2024.11 and newer), or one each entity. Only
what this meter sends is announced, and what was announced stays so until the meter is another: an entity that
vanished with each restart would lose its history. Device classes and units are as Home Assistant has them.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from .. import __version__
from ..model.quantity import Quantity
from ..model.reading import Net
from ..model.view import View
from ..settings.schema import Mqtt
from .plan import Due
from .topics import CAPACITY, COST, DIAGNOSTICS, ENERGY, METER_STATUS, OFFLINE, ONLINE, STATE

Q = Quantity
Config = dict[str, object]


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
KWH = ("kWh", "energy", "total_increasing")
KVARH = ("kvarh", "reactive_energy", "total_increasing")
FORECAST = ("kWh", "energy", None)
STEP = (None, None, None)
PRICE = ("NOK/kWh", None, "measurement")
MONEY = ("NOK", "monetary", None)
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


def _always(_: View) -> bool:
    return True


def _digits(count: int) -> dict[str, object]:
    return {"suggested_display_precision": count}


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
    Entity("hour_forecast", "Energy forecast this hour", STATE, FORECAST, _limited, _digits(2)),
    Entity("power_left", "Power left this hour", STATE, POWER, _limited, _digits(0)),
    Entity("month_peak", "Month's peak", CAPACITY, POWER, _stepped, _digits(0)),
    Entity("capacity_step", "Capacity step", CAPACITY, STEP, _stepped),
    Entity("spot_price", "Spot price", COST, PRICE, _priced, _digits(3)),
    Entity("cost_today", "Cost today", COST, MONEY, _priced, _digits(2)),
    Entity("cost_month", "Cost this month", COST, MONEY, _priced, _digits(2)),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What Home Assistant was told of one meter, as it is remembered.

    `number`: the meter's (manual row M32). `meter_id`: whose these entities are. `label`: names the device.
    """

    prefix: str
    form: str
    number: int
    main_topic: str
    status_topic: str
    label: str = ""
    vendor: str = ""
    meter_id: str = ""
    meter_type: str = ""
    net: str = ""
    expires_s: int = EXPIRES_S
    keys: tuple[str, ...] = field(default=())


def from_table(table: Mapping[str, Any]) -> Announced | None:
    """What was remembered as `asdict` makes it; None for what no version of this program has written."""
    try:
        known = Announced(**{**table, "keys": tuple(key for key in table["keys"] if key in BY_KEY)})
    except (TypeError, KeyError):
        return None
    return known


def to_table(announced: Announced) -> dict[str, object]:
    """As it is remembered."""
    return asdict(announced)


def announce(before: Announced | None, view: View, broker: Mqtt, **fixed: Any) -> Announced:
    """What is to be announced of a meter now; `fixed`: its number, topics and label.

    What the same meter was known to send before stays, whether or not it has sent it since the start.
    """
    meter_id = view.identity.meter_id or (before.meter_id if before else "")
    same = before is not None and before.meter_id in ("", meter_id)
    kept = before.keys if before is not None and same else ()
    return Announced(
        prefix=broker.discovery_prefix,
        form=broker.discovery,
        vendor=view.vendor or (before.vendor if before else ""),
        meter_id=meter_id,
        meter_type=view.identity.meter_type or (before.meter_type if before and same else ""),
        net=str(view.net or (before.net if before and same else "") or ""),
        expires_s=max(EXPIRES_S, 3 * broker.interval_s if broker.publish == "interval" else 0),
        keys=tuple(entity.key for entity in ENTITIES if entity.key in kept or entity.known(view)),
        **fixed,
    )


# -- one announcement to the next ---------------------------------------------------------------------


def change(before: Announced | None, after: Announced | None) -> list[Due]:
    """The messages that take Home Assistant from one announcement to another, none if they are alike."""
    if before == after:
        return []
    old, new = _configs(before), _configs(after)
    gone = [topic for topic in old if topic not in new]
    messages: list[Due] = []
    if before and after and before.prefix == after.prefix:
        if before.form != after.form:
            messages += [_kept(topic, {"migrate_discovery": True}) for topic in gone]
        elif after.form == "device":
            messages += _without(before, after)
    messages += [Due(topic, b"", 1, True) for topic in gone]  # first, or it takes them for a conflict
    return messages + [_kept(topic, config) for topic, config in new.items()]


def again(announced: Announced) -> list[Due]:
    """The whole announcement once more."""
    return [_kept(topic, config) for topic, config in _configs(announced).items()]


def _without(before: Announced, after: Announced) -> list[Due]:
    """A device's message that names the components to be removed; the message without them follows."""
    removed = [BY_KEY[key] for key in before.keys if key not in after.keys]
    if not removed:
        return []
    config = _device_config(after)
    components = {entity.key: {"platform": entity.platform} for entity in removed}
    return [_kept(_device_topic(after), {**config, "components": {**_components(after), **components}})]


def _kept(topic: str, config: Mapping[str, object]) -> Due:
    return Due(topic, json.dumps(config, ensure_ascii=False, separators=(",", ":")).encode(), 1, True)


def _configs(announced: Announced | None) -> dict[str, Config]:
    """Each configuration topic and its content."""
    if announced is None:
        return {}
    if announced.form == "device":
        return {_device_topic(announced): _device_config(announced)}
    return {
        f"{announced.prefix}/{entity.platform}/{_id(announced)}/{entity.key}/config": {
            **_component(announced, entity),
            **_shared(announced),
            "availability": _availability(announced, entity),
            "availability_mode": "all",
        }
        for entity in _entities(announced)
    }


def _device_topic(announced: Announced) -> str:
    return f"{announced.prefix}/device/{_id(announced)}/config"


def _id(announced: Announced) -> str:
    return f"han2x_{announced.number}"


def _entities(announced: Announced) -> Iterable[Entity]:
    return (BY_KEY[key] for key in announced.keys)


def _device_config(announced: Announced) -> Config:
    return {
        **_shared(announced),
        "state_topic": f"{announced.main_topic}/{STATE}",
        "availability": _both(announced),
        "availability_mode": "all",
        "components": _components(announced),
    }


def _components(announced: Announced) -> Config:
    return {
        entity.key: {"platform": entity.platform, **_component(announced, entity)}
        for entity in _entities(announced)
    }


def _shared(announced: Announced) -> Config:
    device = {
        "identifiers": [_id(announced)],
        "name": announced.label,
        "manufacturer": announced.vendor.capitalize(),
        "model": announced.meter_type,
        "serial_number": announced.meter_id,
        "sw_version": __version__,
    }
    return {
        "device": {key: value for key, value in device.items() if value},
        "origin": {"name": "han2x", "sw_version": __version__},
    }


def _component(announced: Announced, entity: Entity) -> Config:
    unit, device_class, state_class = entity.base
    if announced.form == "entities" and device_class in LATE:
        device_class = None
    config: Config = {
        "name": _named(entity, announced.net),
        "unique_id": f"{_id(announced)}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{_slug(announced.label)}_{_slug(entity.name)}",
        "state_topic": f"{announced.main_topic}/{entity.topic}",
        "value_template": f"{{{{ value_json.{entity.key} }}}}",
        "unit_of_measurement": unit,
        "device_class": device_class,
        "state_class": state_class,
        **entity.more,
    }
    if entity.topic == STATE and state_class == "measurement":
        config["expire_after"] = announced.expires_s
    if entity.topic == DIAGNOSTICS and announced.form == "device":
        config |= {"availability": _availability(announced, entity)}
    return {key: value for key, value in config.items() if value is not None}


def _named(entity: Entity, net: str) -> str:
    """The entity's name; voltages of a net without neutral are between phases."""
    return _BETWEEN.get(entity.key, entity.name) if net == Net.IT else entity.name


_BETWEEN = {"volt_l1": "Voltage L1-L2", "volt_l2": "Voltage L1-L3", "volt_l3": "Voltage L2-L3"}


def _availability(announced: Announced, entity: Entity) -> list[Config]:
    """Diagnostics ask for the program alone, so that they tell why the rest is unavailable."""
    both = _both(announced)
    return both[:1] if entity.topic == DIAGNOSTICS else both


def _both(announced: Announced) -> list[Config]:
    topics = (announced.status_topic, f"{announced.main_topic}/{METER_STATUS}")
    return [
        {"topic": topic, "payload_available": ONLINE, "payload_not_available": OFFLINE} for topic in topics
    ]


def _slug(text: str) -> str:
    return "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split())
