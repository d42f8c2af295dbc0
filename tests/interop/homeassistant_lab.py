"""Home Assistant, a broker, a meter and the program together, and what each of them says of the entities."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from .homeassistant_server import HomeAssistant, Json
from .mqtt_lab import Broker, Bus, Meter, Program

DEVICE, ENTITIES = r"^homeassistant/device/", r"^homeassistant/(binary_)?sensor/"
"""The topics of each form of discovery."""

NOT_OURS = (
    "[homeassistant.bootstrap]",
    "[aiohttp_fast_zlib]",
    "[homeassistant.components.camera.img_util]",
    "[homeassistant.components.network]",
    "[homeassistant.setup] Error during setup of component analytics",
    "[homeassistant.components.mqtt.client] Error returned from MQTT server: The connection was lost",
    "[homeassistant.components.mqtt.client] Failed to connect to MQTT server",
)
"""What it complains of if things are not installed, and if there is no network or no broker."""


CLEANED_UP = "[homeassistant.components.mqtt.discovery] No device components to cleanup"
"""What it says when it has itself emptied a device's topic once more, for an entity that was disabled."""


class Kind(NamedTuple):
    """What Home Assistant must take an entity for."""

    device_class: str | None
    state_class: str | None
    unit: str | None


ATTRIBUTES = ("device_class", "state_class", "unit_of_measurement")
POWER, REACTIVE_POWER = Kind("power", "measurement", "W"), Kind("reactive_power", "measurement", "var")
CURRENT, VOLTAGE = Kind("current", "measurement", "A"), Kind("voltage", "measurement", "V")
ENERGY = Kind("energy", "total_increasing", "kWh")
REACTIVE_ENERGY = Kind("reactive_energy", "total_increasing", "kvarh")
MEASURED: dict[str, Kind] = {
    **dict.fromkeys(("net_pow", "act_pow_pos", "act_pow_neg"), POWER),
    **dict.fromkeys(("react_pow_pos", "react_pow_neg"), REACTIVE_POWER),
    **dict.fromkeys(("curr_l1", "curr_l2", "curr_l3"), CURRENT),
    **dict.fromkeys(("volt_l1", "volt_l2", "volt_l3"), VOLTAGE),
    **dict.fromkeys(("act_energy_pos", "act_energy_neg"), ENERGY),
    **dict.fromkeys(("act_energy_pos_est", "act_energy_neg_est", "act_energy_pos_hour"), ENERGY),
    **dict.fromkeys(("react_energy_pos", "react_energy_neg"), REACTIVE_ENERGY),
    **dict.fromkeys(("react_energy_pos_est", "react_energy_neg_est"), REACTIVE_ENERGY),
}
"""By the key in the payload: all that a three-phase meter with a solar plant sends."""

LATE = frozenset({"reactive_energy"})
"""Device classes that Home Assistant before 2025.6 rejects; the form for old ones must do without."""

HOURLY = frozenset({"act_energy_pos_hour"})
"""What a program that has just started does not know before the hourly list."""


def expected(form: str) -> dict[str, Kind]:
    """What each must be taken for, announced in this form."""
    return {
        key: kind._replace(device_class=None) if form == "entities" and kind.device_class in LATE else kind
        for key, kind in MEASURED.items()
    }


class Announced(NamedTuple):
    """An entity as a discovery message has it: where its value is, and the key there ("" for all of it).

    `on`: of a binary sensor, the value that means so.
    """

    platform: str
    topic: str
    key: str
    on: str


@dataclass
class Lab:
    """All that takes part."""

    broker: Broker
    bus: Bus
    meter: Meter
    home: HomeAssistant
    program: Program

    def announced(self) -> dict[str, Announced]:
        """By unique id, what the discovery messages that the broker keeps tell of, in either form."""
        found: dict[str, Announced] = {}
        for payload in self.bus.retained(DEVICE).values():
            device = json.loads(payload)
            for component in (device.get("components") or device["cmps"]).values():
                found |= _announced({**device, **component})
        for topic, payload in self.bus.retained(ENTITIES).items():
            found |= _announced({"p": topic.split("/")[1], **json.loads(payload)})
        return found

    def configs(self) -> set[str]:
        """The topics of discovery messages that the broker keeps, in either form."""
        return {*self.bus.retained(DEVICE), *self.bus.retained(ENTITIES)}

    def registry(self) -> dict[str, Json]:
        """By unique id, the entities that Home Assistant has made by MQTT."""
        (entities,) = self.home.ask({"type": "config/entity_registry/list"})
        return {entity["unique_id"]: entity for entity in entities if entity["platform"] == "mqtt"}

    def devices(self) -> list[Json]:
        """The devices that it has made by MQTT."""
        (devices,) = self.home.ask({"type": "config/device_registry/list"})
        return [device for device in devices if any(kind == "mqtt" for kind, _ in device["identifiers"])]

    def states(self, *, diagnostic: bool | None = None) -> dict[str, Json]:
        """By unique id, the states of the entities that are not disabled; of one sort, if it is named."""
        registry, states = self.registry(), self.home.states()
        return {
            unique_id: states[entity["entity_id"]]
            for unique_id, entity in registry.items()
            if entity["disabled_by"] is None
            and entity["entity_id"] in states  # a moment after it is registered it has none yet
            and diagnostic in (None, entity["entity_category"] == "diagnostic")
        }

    def kinds(self) -> dict[str, Kind]:
        """By key, what Home Assistant takes each measured entity for that is not disabled."""
        keys = {unique_id: one.key for unique_id, one in self.announced().items()}
        return {
            keys[unique_id]: Kind(*(state["attributes"].get(name) for name in ATTRIBUTES))
            for unique_id, state in self.states(diagnostic=False).items()
        }

    def all_known(self) -> bool:
        """Whether every measured entity shows a value, but those that wait for the next hourly list."""
        states = self.states(diagnostic=False)
        waiting = {unique_id for unique_id, one in self.announced().items() if one.key in HOURLY}
        shown = {state["state"] for unique_id, state in states.items() if unique_id not in waiting}
        return bool(shown) and not shown & {"unavailable", "unknown"}

    def all_unavailable(self, *, diagnostic: bool | None = None) -> bool:
        """Whether every entity, of one sort if it is named, is unavailable."""
        return {state["state"] for state in self.states(diagnostic=diagnostic).values()} == {"unavailable"}

    def missing(self) -> str:
        """What is not announced, what is not there or should not be, and what Home Assistant says of it."""
        announced, made = self.announced(), self.registry().keys()
        unsaid = MEASURED.keys() - {one.key for one in announced.values()}
        said = "\n".join(self.trouble())
        left, unmade = made - announced.keys(), announced.keys() - made
        return f"not announced {unsaid}, not made {unmade}, left {left}, shown {self.shown()}\n{said}"

    def shown(self) -> dict[str, str]:
        """By unique id, what is shown."""
        return {unique_id: state["state"] for unique_id, state in self.states().items()}

    def complete(self) -> bool:
        """Whether all that the meter measures is announced, and Home Assistant has just that."""
        announced = self.announced()
        return MEASURED.keys() <= {one.key for one in announced.values()} and (
            announced.keys() == self.registry().keys()
        )

    def differences(self) -> list[tuple[str, str, object]]:
        """Where Home Assistant shows something else than was last said: unique id, state, value."""
        last, states = self.bus.last(), self.states()
        said = {unique_id: _said(one, last.get(one.topic, "")) for unique_id, one in self.announced().items()}
        return [
            (unique_id, state["state"], said[unique_id])
            for unique_id, state in states.items()
            if not _same(state["state"], said[unique_id])
        ]

    @contextmanager
    def silence(self) -> Iterator[None]:
        """While it lasts the meter's line is cut."""
        self.meter.silent = True
        try:
            yield
        finally:
            self.meter.silent = False

    def trouble(self, *but: str) -> list[str]:
        """What Home Assistant has complained of since the last call, but these texts and what it lacks."""
        found = self.home.trouble()
        return [line[:500] for line in found if not any(text in line for text in (*NOT_OURS, *but))]


def _announced(component: Json) -> dict[str, Announced]:
    def either(name: str, short: str) -> str:
        return str(component.get(name, component.get(short, "")))

    topic = either("state_topic", "stat_t")
    if "~" in component:
        topic = re.sub("^~|~$", component["~"], topic)
    template = either("value_template", "val_tpl")
    key = re.search(r"value_json\.(\w+)|value_json\['(\w+)'\]", template)
    assert key or not template, f"{template} is not as these tests know it"
    name = (key[1] or key[2]) if key else ""
    one = Announced(either("platform", "p"), topic, name, either("payload_on", "pl_on") or "ON")
    return {either("unique_id", "uniq_id"): one}


def _said(one: Announced, payload: str) -> object:
    value = json.loads(payload)[one.key] if one.key else payload
    return str(value) == one.on if one.platform == "binary_sensor" and isinstance(value, str) else value


def _same(state: str, value: object) -> bool:
    """Whether a state is a value: null is unknown, a binary sensor shows true as on."""
    if value is None or isinstance(value, bool):
        return state == {None: "unknown", True: "on", False: "off"}[value]
    if isinstance(value, (int, float)):
        return re.fullmatch(r"-?\d+(\.\d+)?", state) is not None and float(state) == value
    return state == value or _moment(state) == _moment(str(value)) is not None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
