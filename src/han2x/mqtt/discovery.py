"""Home Assistant's MQTT discovery: what is announced of a meter, and how that changes. Pure.

One retained message describes the whole device (Home Assistant 2024.11 and newer), or one each entity. Only
what this meter sends is announced, and what was announced stays so until the meter is another: an entity that
vanished with each restart would lose its history. Device classes and units are as Home Assistant has them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_origin, get_type_hints

from .. import __version__
from ..model.reading import Net
from ..model.vendor_names import vendor_name
from ..model.view import View
from ..runtime.message import Message
from ..settings.broker import Mqtt
from .entities import BY_KEY, ENTITIES, EXPIRES_S, LATE, Entity
from .objects import DIAGNOSTICS, METER_STATUS, OFFLINE, ONLINE, STATE

Config = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What Home Assistant was told of one meter, as it is remembered.

    `number`: the meter's (manual row M32). `meter_id`: whose these entities are. `label`: names the device.
    `entity_stem`: what the entities' ids begin with, which stays when the label changes.
    """

    prefix: str
    form: str
    number: int
    main_topic: str
    status_topic: str
    label: str = ""
    entity_stem: str = ""
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
    except (TypeError, KeyError, AttributeError):
        return None
    fields = get_type_hints(Announced)
    right = all(isinstance(getattr(known, name), get_origin(kind) or kind) for name, kind in fields.items())
    return known if right else None


def to_table(announced: Announced) -> dict[str, object]:
    """As it is remembered."""
    return asdict(announced)


def announce(before: Announced | None, view: View, broker: Mqtt, **fixed: Any) -> Announced:
    """What is to be announced of a meter now; `fixed`: its number, topics, label and entity stem.

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


def change(before: Announced | None, after: Announced | None) -> list[Message]:
    """The messages that take Home Assistant from one announcement to another, none if they are alike."""
    if before == after:
        return []
    old, new = _configs(before), _configs(after)
    gone = [topic for topic in old if topic not in new]
    messages: list[Message] = []
    if before and after and before.prefix == after.prefix:
        if before.form != after.form:
            messages += [_kept(topic, {"migrate_discovery": True}) for topic in gone]
        elif after.form == "device":
            messages += _without(before, after)
    messages += [Message(topic, b"", 1, True) for topic in gone]  # first, or it takes them for a conflict
    return messages + [_kept(topic, config) for topic, config in new.items()]


def again(announced: Announced) -> list[Message]:
    """The whole announcement once more."""
    return [_kept(topic, config) for topic, config in _configs(announced).items()]


def _without(before: Announced, after: Announced) -> list[Message]:
    """A device's message that names the components to be removed; the message without them follows."""
    removed = [BY_KEY[key] for key in before.keys if key not in after.keys]
    if not removed:
        return []
    config = _device_config(after)
    components = {entity.key: {"platform": entity.platform} for entity in removed}
    return [_kept(_device_topic(after), {**config, "components": {**_components(after), **components}})]


def _kept(topic: str, config: Mapping[str, object]) -> Message:
    return Message(topic, json.dumps(config, ensure_ascii=False, separators=(",", ":")).encode(), 1, True)


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
        "manufacturer": vendor_name(announced.vendor),
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
        "default_entity_id": f"{entity.platform}.{_stem(announced)}_{_slug(entity.name)}",
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


def _stem(announced: Announced) -> str:
    """What entity ids begin with; older versions remembered none, and took the label."""
    return _slug(announced.entity_stem or announced.label)


def _slug(text: str) -> str:
    return "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split())
