"""What Home Assistant is told of a meter, and how it is taken from one announcement to the next.

That Home Assistant takes it is for `tests/interop/check_mqtt_homeassistant.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from han2x.modbus.listing import EXAMPLE_ACCOUNT
from han2x.model.instant import Instant
from han2x.model.quantity import BESIDES
from han2x.model.reading import ListType, Net, Reading
from han2x.model.state import EMPTY, fold
from han2x.model.view import View, view
from han2x.mqtt.discovery import Announced, again, announce, change, from_table, to_table
from han2x.mqtt.entities import ENTITIES
from han2x.mqtt.plan import Plan
from han2x.runtime.message import Message
from han2x.settings.broker import Mqtt
from han2x.tariff.budget import Pace, budget

from .conftest import OSLO, everything, instant, reading

NOW = Instant(1_795_600_810_000, 1000)
DEVICE = "homeassistant/device/han2x_12345678/config"


def seen(*readings: Reading) -> View:
    snapshot = EMPTY
    for one in readings:
        snapshot = fold(snapshot, one, NOW)
    return view(snapshot, scale=1000, now=NOW, uptime_s=0)


def announced(*readings: Reading, before: Announced | None = None, **broker: Any) -> Announced:
    return announce(
        before,
        seen(*readings),
        Mqtt(**broker),
        number=12345678,
        main_topic="T",
        status_topic="T/status",
        label="Electricity meter",
    )


def content(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.payload)
    return found


def components(one: Announced) -> Mapping[str, dict[str, Any]]:
    (message,) = change(None, one)
    found: Mapping[str, dict[str, Any]] = content(message)["components"]
    return found


def test_one_retained_message_describes_the_device() -> None:
    """Its topic, device, origin, state topic, and two availability topics that must both say online."""
    (message,) = change(None, announced(everything()))
    assert (message.topic, message.qos, message.retain) == (DEVICE, 1, True)
    config = content(message)
    assert config["device"] == {
        "identifiers": ["han2x_12345678"],
        "name": "Electricity meter",
        "manufacturer": "Kaifa",
        "model": "MA304H3E",
        "serial_number": "6970631400000000",
        "sw_version": "0.1.0",
    }
    assert config["origin"]["name"] == "han2x"
    assert config["state_topic"] == "T/state"
    assert [one["topic"] for one in config["availability"]] == ["T/status", "T/meter/status"]
    assert config["availability_mode"] == "all"


@pytest.mark.parametrize(
    ("key", "device_class", "state_class", "unit", "topic"),
    [
        ("net_pow", "power", "measurement", "W", "T/state"),
        ("act_pow_pos", "power", "measurement", "W", "T/state"),
        ("react_pow_pos", "reactive_power", "measurement", "var", "T/state"),
        ("curr_l2", "current", "measurement", "A", "T/state"),
        ("volt_l3", "voltage", "measurement", "V", "T/state"),
        ("act_energy_pos_est", "energy", "total_increasing", "kWh", "T/state"),
        ("act_energy_pos", "energy", "total_increasing", "kWh", "T/energy"),
        ("react_energy_neg", "reactive_energy", "total_increasing", "kvarh", "T/energy"),
        ("last_telegram", "timestamp", None, None, "T/diagnostics"),
        ("live", "connectivity", None, None, "T/diagnostics"),
        ("checksum_errors", None, "total_increasing", None, "T/diagnostics"),
    ],
)
def test_classes_and_units(
    key: str, device_class: str | None, state_class: str | None, unit: str | None, topic: str
) -> None:
    """As conventions 3.2 has them."""
    config = components(announced(everything()))[key]
    found = tuple(config.get(name) for name in ("device_class", "state_class", "unit_of_measurement"))
    assert found == (device_class, state_class, unit)
    assert config["state_topic"] == topic


def test_names_that_home_assistant_wants() -> None:
    """Unique ids go by the meter's number, entity ids by its label; the dead `object_id` is not used."""
    config = components(announced(everything()))["act_pow_pos"]
    assert config["unique_id"] == "han2x_12345678_act_pow_pos"
    assert config["default_entity_id"] == "sensor.electricity_meter_power_import"
    assert config["name"] == "Power import"
    assert config["suggested_display_precision"] == 0
    assert config["expire_after"] == 60
    assert "object_id" not in json.dumps(components(announced(everything())))


def test_what_expires() -> None:
    """Powers, currents and voltages do, after three intervals if they are that rare; registers do not."""
    found = components(announced(everything(), publish="interval", interval_s=300))
    assert found["volt_l1"]["expire_after"] == 900
    assert "expire_after" not in found["act_energy_pos"]
    assert "expire_after" not in found["act_energy_pos_est"]


def test_every_template_finds_its_value() -> None:
    """Each entity's key stands in the object that its topic carries."""
    priced = replace(seen(everything()), capacity=EXAMPLE_ACCOUNT.capacity, costs=EXAMPLE_ACCOUNT.costs)
    priced = replace(priced, values={**priced.values, **dict.fromkeys(BESIDES, 1)})
    messages = Plan(Mqtt(), "T", OSLO).due(priced, NOW)
    objects = {m.topic: json.loads(m.payload) for m in messages if m.payload.startswith(b"{")}
    for entity in ENTITIES:
        assert entity.key in objects[f"T/{entity.topic}"], entity.key


def test_money_and_limits_are_announced_once_they_are_chosen() -> None:
    """Without a tariff, a limit and prices there is no entity that would stay unknown for ever."""
    of_ours = {
        "hour_forecast",
        "power_left",
        "month_peak",
        "capacity_step",
        "spot_price",
        "cost_today",
        "cost_month",
    }
    assert of_ours.isdisjoint(announced(everything()).keys)
    account = EXAMPLE_ACCOUNT
    pace = Pace(elapsed_ms=0, used=0, gap_ms=0, power=1, rests_on_ms=0)
    chosen = replace(
        seen(everything()), capacity=account.capacity, costs=account.costs, budget=budget(pace, 5_000)
    )
    more = announce(None, chosen, Mqtt(), number=1, main_topic="T", status_topic="T/status")
    assert of_ours <= set(more.keys)
    table = components(more)
    assert (table["power_left"]["unit_of_measurement"], table["spot_price"]["unit_of_measurement"]) == (
        "W",
        "NOK/kWh",
    )
    assert table["cost_today"]["state_topic"] == "T/cost"


def test_diagnostics_depend_on_the_program_alone() -> None:
    """They tell why the rest is unavailable, so a silent meter does not make them so."""
    for key, config in components(announced(everything())).items():
        diagnostic = config.get("entity_category") == "diagnostic"
        assert diagnostic == (key in ("live", "fault", "last_telegram", "telegrams", "checksum_errors"))
        topics = [one["topic"] for one in config.get("availability", [])]
        assert topics == (["T/status"] if diagnostic else [])


def test_only_what_the_meter_sends() -> None:
    """A fast list is power alone; L2 of an IT meter without it is not there; export is once there was any."""
    fast = components(announced(reading(ListType.FAST, act_pow_pos=5)))
    assert {key for key in fast if fast[key].get("entity_category") is None} == {"net_pow", "act_pow_pos"}
    some = components(announced(reading(act_pow_pos=5, act_pow_neg=0, curr_l1=1, curr_l3=1, volt_l1=230_000)))
    assert {"curr_l1", "curr_l3", "volt_l1"} <= some.keys()
    assert some.keys().isdisjoint({"curr_l2", "act_pow_neg", "act_energy_pos", "act_energy_pos_est"})
    assert {"act_pow_neg"} <= components(announced(instant(act_pow_pos=0, act_pow_neg=7))).keys()
    assert {"act_energy_neg", "act_energy_neg_est"} <= components(announced(everything())).keys()
    assert "act_energy_neg" not in components(announced(everything(act_energy_neg=0)))


def test_voltages_of_an_it_net_are_between_phases() -> None:
    """They are named so; in a TN net they are not."""
    assert components(announced(instant()))["volt_l2"]["name"] == "Voltage L1-L3"
    tn = reading(net=Net.TN, act_pow_pos=1, volt_l2=230_000)
    assert components(announced(tn))["volt_l2"]["name"] == "Voltage L2"


def test_what_was_announced_stays_after_a_restart() -> None:
    """Before its long lists have come again, a meter's entities are those that it was known by."""
    before = announced(everything())
    again_after = announced(reading(ListType.FAST, act_pow_pos=5), before=before)
    assert again_after == before
    assert change(before, again_after) == []


def test_another_meter_begins_anew() -> None:
    """What the old meter sent is taken from the device: named with its platform alone, then left out."""
    before = announced(everything())
    new = Reading(
        vendor="aidon",
        list_type=ListType.TEN_SECONDS,
        values=reading(act_pow_pos=5, volt_l1=230_000).values,
        identity=reading().identity._replace(meter_id="7359990000000001", meter_type="6525"),
    )
    after = announced(new, before=before)
    first, second = change(before, after)
    assert first.topic == second.topic == DEVICE
    assert content(first)["components"]["curr_l2"] == {"platform": "sensor"}
    assert content(second)["components"].keys() == {*after.keys}
    assert content(second)["device"]["manufacturer"] == "Aidon"
    assert "curr_l2" not in after.keys


def test_turned_off() -> None:
    """The device's message is replaced by an empty one, which removes it."""
    assert change(announced(everything()), None) == [Message(DEVICE, b"", 1, True)]


def test_another_prefix() -> None:
    """The device is taken from the old one and announced under the new one."""
    before = announced(everything())
    old, new = change(before, announced(everything(), before=before, discovery_prefix="ha"))
    assert (new.topic, old) == ("ha/device/han2x_12345678/config", Message(DEVICE, b"", 1, True))


def test_an_entity_a_message() -> None:
    """The fallback form: each entity has the whole of its device, origin and availability."""
    one = announced(everything(), discovery="entities")
    messages = {message.topic: content(message) for message in change(None, one)}
    assert len(messages) == len(one.keys)
    config = messages["homeassistant/sensor/han2x_12345678/volt_l1/config"]
    assert config["device"]["identifiers"] == ["han2x_12345678"]
    assert config["origin"]["name"] == "han2x"
    assert config["availability_mode"] == "all"
    assert [a["topic"] for a in config["availability"]] == ["T/status", "T/meter/status"]
    live = messages["homeassistant/binary_sensor/han2x_12345678/live/config"]
    assert [a["topic"] for a in live["availability"]] == ["T/status"]


@pytest.mark.parametrize(("old", "new"), [("device", "entities"), ("entities", "device")])
def test_from_one_form_to_the_other(old: str, new: str) -> None:
    """The old topics are told to migrate and emptied, then the new ones follow."""
    before = announced(everything(), discovery=old)
    after = announced(everything(), before=before, discovery=new)
    messages = change(before, after)
    old_topics = [message.topic for message in again(before)]
    new_topics = [message.topic for message in again(after)]
    assert [message.topic for message in messages] == [*old_topics, *old_topics, *new_topics]
    assert {m.payload for m in messages[: len(old_topics)]} == {b'{"migrate_discovery":true}'}
    assert {m.payload for m in messages[len(old_topics) : 2 * len(old_topics)]} == {b""}


@pytest.mark.parametrize(("form", "device_class"), [("device", "reactive_energy"), ("entities", None)])
def test_old_home_assistants_do_not_know_reactive_energy(form: str, device_class: str | None) -> None:
    """The fallback form names no class that Home Assistant before 2025.6 rejects."""
    (first, *others) = (content(message) for message in change(None, announced(everything(), discovery=form)))
    parts = first["components"].values() if form == "device" else (first, *others)
    classes = {part.get("device_class") for part in parts if part.get("unit_of_measurement") == "kvarh"}
    assert classes == {device_class}


def test_an_entity_that_is_gone_is_emptied() -> None:
    """In the fallback form each entity has its own topic to be taken back."""
    before = announced(everything(), discovery="entities")
    new = Reading(
        vendor="kaifa",
        list_type=ListType.FAST,
        values=reading(act_pow_pos=1).values,
        identity=reading().identity._replace(meter_id="1"),
    )
    after = announced(new, before=before, discovery="entities")
    gone = {message.topic for message in change(before, after) if not message.payload}
    assert "homeassistant/sensor/han2x_12345678/volt_l1/config" in gone
    assert len(gone) == len(set(before.keys) - set(after.keys))


def test_what_is_remembered_survives_the_file() -> None:
    """Through JSON and back it is the same; what nobody wrote is nothing."""
    one = announced(everything())
    assert from_table(json.loads(json.dumps(to_table(one)))) == one
    for wrong in ({}, {"prefix": "x"}, {**to_table(one), "more": 1}, {**to_table(one), "keys": None}):
        assert from_table(wrong) is None
    unknown = {**to_table(one), "keys": ["act_pow_pos", "flux"]}
    assert from_table(unknown).keys == ("act_pow_pos",)  # type: ignore[union-attr]
