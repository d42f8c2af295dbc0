"""A real Home Assistant finds the meter by MQTT discovery, and shows the truth whatever goes away.

`HAN2X_HOMEASSISTANT_MQTT` names a Python that has it, as `homeassistant_setup` makes it. `HAN2X_DISCOVERY` is
`entities` for one before 2025.6. The tests build on one another: each leaves the program running with that
form of discovery, and the meter sending.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import han2x

from ..ports import free_port
from .homeassistant_lab import CLEANED_UP, DEVICE, ENTITIES, MEASURED, Lab, expected
from .homeassistant_server import HomeAssistant, Json, until
from .mqtt_lab import Broker, Bus, Meter, Program

FORM = os.environ.get("HAN2X_DISCOVERY", "device")
PYTHON = os.environ.get("HAN2X_HOMEASSISTANT_MQTT", "")
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="HAN2X_HOMEASSISTANT_MQTT does not name a Python that has it"
)
takes_devices = pytest.mark.skipif(FORM == "entities", reason="an old one does not take all of a device")

METER = "simulate:kaifa?net=tn&solar=5000&start=2026-06-21T10:59:50Z"
SILENCE_S, LIST_S, HOURLY_S = 30, 10, 25
"""Silence that counts, the period of list 2, and when list 3 has come."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A broker, a meter, Home Assistant, and the program with all its entities taken in."""
    folder = tmp_path_factory.mktemp("mqtt")
    (folder / "home").mkdir()
    ends: list[Callable[[], None]] = []
    try:
        broker = Broker(folder, free_port())
        ends.append(broker.stop)
        bus = Bus(broker)
        ends.append(bus.stop)
        meter = Meter(METER)
        ends.append(meter.stop)
        home = HomeAssistant(PYTHON, folder / "home", free_port())
        ends.append(home.stop)
        home.start()
        home.add_mqtt(broker.port)
        program = Program(folder, meter, broker)
        ends.append(program.stop)
        lab = Lab(broker, bus, meter, home, program)
        program.start(FORM)
        until(lab.complete, HOURLY_S + 20, lambda: f"{lab.missing()}\n{program.log}")
        until(lab.all_known, LIST_S + 5, lambda: f"all values {lab.shown()}")
        yield lab
    finally:
        for end in reversed(ends):
            end()


@pytest.fixture(autouse=True)
def _without_complaint(lab: Lab) -> Iterator[None]:
    """Whatever a test does, Home Assistant logs no warning and no error, and shows no repair."""
    yield
    assert not lab.trouble()


def test_every_entity_is_taken_as_what_it_is(lab: Lab) -> None:
    """Device class, state class and unit of all that is measured; the rest is diagnostic."""
    registry, kinds = lab.registry(), lab.kinds()
    for unique_id, one in lab.announced().items():
        entity = registry[unique_id]
        assert entity["entity_id"].startswith(f"{one.platform}."), entity
        assert (entity["entity_category"] == "diagnostic") == (one.key not in MEASURED), (one, entity)
    assert kinds == {key: kind for key, kind in expected(FORM).items() if key in kinds}
    assert len(kinds) > 15
    print(lab.shown())


def test_the_device_says_what_it_is(lab: Lab) -> None:
    """One device, of the meter's maker and model, with the program's version."""
    (device,) = lab.devices()
    assert device["manufacturer"] == "Kaifa"
    assert device["model"] == "MA304H4"
    assert device["sw_version"] == han2x.__version__
    assert {entity["device_id"] for entity in lab.registry().values()} == {device["id"]}


def test_every_state_is_what_is_on_the_bus(lab: Lab) -> None:
    """Between two telegrams each state is the last value that was published."""
    with lab.silence():
        until(lambda: lab.bus.quiet_s() > 2, 20, "the bus falls silent")
        assert not lab.differences()


def test_a_silent_meter_is_unavailable_and_comes_back(lab: Lab) -> None:
    """After 30 s of silence only how the line fares is shown; values return with a list."""
    with lab.silence():
        began = time.monotonic()
        until(lambda: lab.all_unavailable(diagnostic=False), SILENCE_S + 10, lambda: f"silence {lab.shown()}")
        assert time.monotonic() - began > SILENCE_S - LIST_S
        assert "unavailable" not in {state["state"] for state in lab.states(diagnostic=True).values()}
    until(lab.all_known, 2 * LIST_S, lambda: f"values return {lab.shown()}")


@pytest.mark.parametrize("end", [Program.kill, Program.stop])
def test_without_the_program_all_is_unavailable_until_it_runs(
    lab: Lab, end: Callable[[Program], None]
) -> None:
    """Killed or stopped, at once no entity shows a value; started again, all do."""
    end(lab.program)
    until(lab.all_unavailable, 5, lambda: f"all unavailable {lab.shown()}")
    lab.program.start(FORM)
    until(lab.all_known, 2 * LIST_S, lambda: f"values return {lab.shown()}\n{lab.program.log}")


def test_home_assistant_restarted_shows_all_without_a_telegram(lab: Lab) -> None:
    """Restarted while the meter says nothing, it shows all values again before that silence counts."""
    lab.home.stop()
    with lab.silence():
        began = time.monotonic()
        lab.home.start()
        until(lab.all_known, 15, lambda: f"values return {lab.shown()}")
        assert time.monotonic() - began < SILENCE_S - LIST_S
        assert not lab.differences()


def test_a_birth_message_is_answered(lab: Lab) -> None:
    """On Home Assistant's birth message discovery and every topic that it reads are published again."""
    wanted = {one.topic for one in lab.announced().values()} | lab.configs()
    before = len(lab.bus.messages)
    lab.broker.publish("homeassistant/status", "online")
    until(
        lambda: wanted <= {message.topic for message in lab.bus.messages[before:]},
        10,
        lambda: f"{wanted} is said",
    )


def test_a_broker_that_has_lost_all_is_told_again(lab: Lab) -> None:
    """A broker that comes back with nothing retained gets discovery and values anew."""
    lab.broker.stop()
    until(lab.all_unavailable, 10, "all unavailable without a broker")
    before = len(lab.bus.messages)
    lab.broker.start()
    until(lab.all_known, 60, lambda: f"values return {lab.shown()}")
    again = {message.topic for message in lab.bus.messages[before:]}
    assert lab.configs() <= again


def test_another_main_topic_is_followed(lab: Lab) -> None:
    """With another main topic the entities are the same and read from there, and back."""
    before = lab.registry()
    for topic in ("house/meter", ""):
        lab.program.set("main_topic", topic)
        restart(lab, FORM)
        read = {one.topic for one in lab.announced().values()}
        assert all(one.startswith("house/meter/") == bool(topic) for one in read), read
        assert _ids(lab.registry()) == _ids(before)


@takes_devices
def test_either_form_of_discovery_makes_the_same_entities(lab: Lab) -> None:
    """From the device's message to one for each entity and back: the same ids and user's names."""
    before = lab.registry()
    chosen = next(iter(before.values()))["entity_id"]
    lab.home.ask({"type": "config/entity_registry/update", "entity_id": chosen, "name": "Mine"})
    for form, here, gone in (("entities", ENTITIES, DEVICE), ("device", DEVICE, ENTITIES)):
        restart(lab, form)
        assert lab.bus.retained(here)
        assert not lab.bus.retained(gone)
        kinds = lab.kinds()
        assert kinds == {key: kind for key, kind in expected(form).items() if key in kinds}
        after = lab.registry()
        assert _ids(after) == _ids(before)
        assert [row["entity_id"] for row in after.values() if row["name"] == "Mine"] == [chosen]
        assert len(lab.devices()) == 1
    assert not lab.trouble(CLEANED_UP)


def restart(lab: Lab, form: str) -> None:
    """Start the program anew with this form of discovery, and wait until all is there."""
    lab.program.stop()
    lab.program.start(form)
    until(lambda: lab.complete() and lab.all_known(), 40, lambda: f"{form}: {lab.missing()}")


def _ids(registry: dict[str, Json]) -> dict[str, str]:
    return {unique_id: entity["entity_id"] for unique_id, entity in registry.items()}


@pytest.mark.parametrize("form", [pytest.param("device", marks=takes_devices), "entities"])
def test_discovery_turned_off_takes_the_device_back(lab: Lab, form: str) -> None:
    """Whichever form it had, device and entities are gone; turned on again they are all there."""
    restart(lab, form)
    lab.program.stop()
    lab.program.start("off")
    until(lambda: not lab.registry() and not lab.devices(), 20, lambda: f"gone {lab.devices()}")
    assert not lab.configs()
    restart(lab, FORM)
    assert not lab.trouble(CLEANED_UP)


def test_the_energy_dashboard_takes_the_estimates_and_a_renamed_meter(lab: Lab) -> None:
    """The energy dashboard finds nothing wrong, and does not notice that the meter is renamed."""
    keys = {one.key: lab.registry()[unique_id]["entity_id"] for unique_id, one in lab.announced().items()}
    imported, exported = keys["act_energy_pos_est"], keys["act_energy_neg_est"]
    flow_from = {"stat_energy_from": imported, "stat_cost": None, "entity_energy_price": None}
    flow_to = {"stat_energy_to": exported, "stat_compensation": None, "entity_energy_price": None}
    grid = {
        "type": "grid",
        "flow_from": [{**flow_from, "number_energy_price": None}],
        "flow_to": [{**flow_to, "number_energy_price": None}],
        "cost_adjustment_day": 0,
    }
    lab.home.ask({"type": "energy/save_prefs", "energy_sources": [grid]})
    until(lambda: not _objections(lab), 330, lambda: f"the dashboard: {_objections(lab)}", every=5)
    before, sums = _held(lab), _sums(lab, exported)
    assert {imported, exported} <= set(before["statistics"])
    for rename in (_on_the_page, _in_the_file):
        label = rename(lab)
        until(partial(_is_called, lab, label), 40, lambda: f"the label: {_labels(lab)}")
        until(lab.all_known, 2 * LIST_S, lambda: f"values return {lab.shown()}")
        assert _held(lab) == before
        assert not _objections(lab)
    lab.home.stop()
    lab.home.start()
    until(lab.all_known, 30, lambda: f"values return {lab.shown()}")
    assert _held(lab) == before
    until(lambda: len(_sums(lab, exported)) > len(sums) + 1, 630, "two more rows of statistics", every=5)
    after = _sums(lab, exported)
    print(f"{_labels(lab)}: {len(before['entities'])} entities, {before['devices']}", *before["statistics"])
    print(f"sums of {exported}: {sums} before, {after} after; energy/validate: {_objections(lab)}")
    assert after[: len(sums)] == sums
    assert after == sorted(after)
    assert after[-1] > sums[-1], "the plant delivers all the time"
    assert not _objections(lab)


def _on_the_page(lab: Lab) -> str:
    lab.program.change(meters__0__name="Mitt Hus 房子", mqtt__0__name="Kjelleren")
    return "Mitt Hus 房子"


def _in_the_file(lab: Lab) -> str:
    lab.program.stop()
    lab.program.set("name", "Hytta", was="Mitt Hus 房子")
    lab.program.start(FORM)
    return "Hytta"


def _is_called(lab: Lab, label: str) -> bool:
    return _labels(lab) == {label}


def _labels(lab: Lab) -> set[str]:
    """What the meter is called, by the names of its device and of its entities' states."""
    registry = lab.registry()
    shown = {
        state["attributes"]["friendly_name"].removesuffix(f" {registry[unique_id]['original_name']}")
        for unique_id, state in lab.states().items()
    }
    called = {device["name"] for device in lab.devices()}
    return {one.removeprefix("Electricity meter ") for one in called | shown}


def _held(lab: Lab) -> Json:
    """What others hold on to in Home Assistant, and no name may change."""
    listed, invalid, prefs = lab.home.ask(
        {"type": "recorder/list_statistic_ids"},
        {"type": "recorder/validate_statistics"},
        {"type": "energy/get_prefs"},
    )
    assert not invalid
    named = ("entity_id", "id", "device_id", "original_name", "disabled_by")
    return {
        "entities": {
            unique_id: {name: entity[name] for name in named} for unique_id, entity in lab.registry().items()
        },
        "devices": [(device["id"], device["identifiers"]) for device in lab.devices()],
        "statistics": {row["statistic_id"]: row for row in listed},
        "dashboard": prefs,
    }


def _sums(lab: Lab, statistic: str) -> list[float]:
    """The statistics of five minutes each of an energy, as the dashboard adds it up."""
    (found,) = lab.home.ask(
        {
            "type": "recorder/statistics_during_period",
            "start_time": "2020-01-01T00:00:00Z",
            "statistic_ids": [statistic],
            "period": "5minute",
            "types": ["sum"],
        }
    )
    return [row["sum"] for row in found.get(statistic, ())]


def _objections(lab: Lab) -> list[Any]:
    (answer,) = lab.home.ask({"type": "energy/validate"})
    return [issue for source in answer["energy_sources"] for issue in source]
