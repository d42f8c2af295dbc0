"""Renaming meters and brokers, with a history, a real Mosquitto and a Modbus client watching.

What is compared is what others hold on to: topics, registers, entity ids, stored rows, and connections.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from han2x.history.store import Store
from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.quantity import Quantity
from han2x.web.times import seconds

from ..mqtt.conftest import MISSING, Listener, Mosquitto
from .conftest import Gateway

START = seconds("2025-12-13T23:00:00Z")
HOURS = "v1/history/main?resolution=hour&begin=2025-12-13T23:00:00Z&end=2025-12-14T23:00:00Z"
REGISTERS, ENERGIES = 36, slice(20, 36)
SETTINGS = """\
[modbus_tcp]
host = "127.0.0.1"
port = {{modbus_port}}

[web]
host = "127.0.0.1"
port = {{web_port}}
metrics = true
homewizard = true

[[meters]]
id = "main"
name = "main"
source = "{source}"

[[meters]]
id = "cabin"
name = "Cabin"
source = "mqtt:cabin/raw?broker=hus"
unit_id = 2

[[mqtt]]
id = "hus"
name = "Hus"
enabled = true
host = "127.0.0.1"
port = {broker}
"""
LABEL, BROKER = "Mitt Hus 房子", "Kjelleren"


class Bridge:
    """A TCP bridge that counts how often it was opened, and says a telegram when it is told to."""

    def __init__(self, telegram: bytes) -> None:
        self._telegram, self.opened = telegram, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                self.opened += 1
                self.say()

    def say(self) -> None:
        for connection in self._open:
            with suppress(OSError):
                connection.sendall(self._telegram)

    def close(self) -> None:
        for one in (self._listener, *self._open):
            one.close()


class House:
    """A gateway with two meters and a broker, and those who watch it."""

    def __init__(self, folder: Path, telegram: bytes) -> None:
        self.bridge = Bridge(telegram)
        (folder / "broker").mkdir()
        (folder / "state").mkdir()
        self.broker = Mosquitto(folder / "broker").start()
        self.heard = Listener(self.broker.port, folder / "heard", "-t", "#")
        used = {Quantity.ACT_ENERGY_POS: 1500}
        hours = [
            Hour(start=START + n * HOUR_S, energies=used, basis=Basis.IMPORTED, drift={}) for n in range(5)
        ]
        Store(folder / "state" / "history.sqlite").adopt("main", hours)
        text = SETTINGS.format(source=f"tcp:127.0.0.1:{self.bridge.port}", broker=self.broker.port)
        self.gateway = Gateway(folder, text)
        self.owner = self.gateway.owner()
        self.modbus = ModbusTcpClient("127.0.0.1", port=self.gateway.modbus_port, retries=0)
        assert self.modbus.connect()  # type: ignore[no-untyped-call]
        self.gateway.until(lambda: self.registers()[0:2] == [0, 1234])
        self.gateway.until(lambda: len(self.announced()) == 1)
        self.gateway.until(lambda: len(self.rows()) == 5)

    def close(self) -> None:
        self.modbus.close()  # type: ignore[no-untyped-call]
        self.heard.stop()
        self.gateway.close()
        self.broker.stop()
        self.bridge.close()

    def registers(self) -> list[int]:
        answer = self.modbus.read_holding_registers(0, count=REGISTERS, device_id=1)
        assert not answer.isError(), answer
        return list(answer.registers)

    def rows(self) -> list[Any]:
        """The stored hours of the first meter."""
        return list(self.owner.get(HOURS).json().get("rows", ()))

    def announced(self) -> Mapping[str, Any]:
        """The newest announcement of each meter to Home Assistant, by topic."""
        return {
            line.topic: json.loads(line.payload)
            for line in self.heard.lines
            if line.topic.startswith("homeassistant/device/")
        }

    def kept(self) -> dict[str, Any]:
        """What no name may change."""
        configs = {
            topic: {
                key: (one["unique_id"], one.get("default_entity_id"), one["state_topic"])
                for key, one in config["components"].items()
            }
            for topic, config in self.announced().items()
        }
        return {
            "entities": configs,
            "identifiers": [one["device"]["identifiers"] for one in self.announced().values()],
            "topics": {line.topic for line in self.heard.lines},
            "registers": self.registers(),
            "history": self.rows(),
            "ids": [one["id"] for one in self.owner.get("v1/meters").json()],
            "brokers": [one["id"] for one in self.owner.get("v1/mqtt").json()["brokers"]],
            "serial": self.owner.get("api").json()["serial"],
            "state": sorted(path.name for path in self.gateway.state.glob("*.state")),
        }

    def said_again(self, broker: str) -> bool:
        """Whether a broker of this id or name is there, and is told everything again."""
        return bool(self.owner.post(f"v1/mqtt/{broker}/again").status_code == 204)

    def connections(self) -> tuple[int, int]:
        """How often the source was opened, and how often the gateway connected to the broker."""
        return self.bridge.opened, self.broker.log.read_text().count(" as han2x-")

    def called(self) -> list[str]:
        """What the meter and the broker are called, face by face."""
        health = [one["label"] for one in self.owner.get("v1/health").json()["services"]]
        metrics = [line for line in self.owner.get("metrics").text.splitlines() if "_meter_name{" in line]
        objects: Any = self.modbus.read_device_information(read_code=4, object_id=6, device_id=1)
        units = self.owner.get("v1/modbus").json()["units"]
        return [
            self.owner.get("v1/meters").json()[0]["name"],
            self.owner.get("v1/meters/main").json()["name"],
            next(one["name"] for one in units if one["unit_id"] == 1),
            next(name.removeprefix("meter ") for name in health if name.startswith("meter ")),
            next(line.partition('name="')[2].partition('"')[0] for line in metrics if '"main"' in line),
            objects.information[6].decode(),
            *(one["device"]["name"].removeprefix("Electricity meter ") for one in self.announced().values()),
        ]


@pytest.fixture
def house(tmp_path: Path, vectors: Mapping[str, bytes]) -> Iterator[House]:
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    with closing(House(tmp_path, vectors["AID-L3-3w"])) as house:
        yield house


def api(house: House) -> None:
    """Over the API, while it runs."""
    changes = {"meters.0.name": LABEL, "mqtt.0.name": BROKER}
    answer = house.owner.patch("v1/settings", json={"changes": changes})
    assert answer.status_code == 200, answer.text


def _edited(house: House, *, ids: bool) -> None:
    text = house.gateway.file.read_text().replace('name = "main"', f'name = "{LABEL}"')
    text = text.replace('name = "Hus"', f'name = "{BROKER}"')
    if not ids:
        text = "\n".join(line for line in text.splitlines() if not line.startswith("id = "))
    house.gateway.file.write_text(text + "\n")


def _restart(house: House) -> None:
    assert house.gateway.stop() == 0
    house.gateway.start()


def stopped(house: House) -> None:
    """In the file, while it does not run."""
    assert house.gateway.stop() == 0
    _edited(house, ids=True)
    house.gateway.start()


def by_hand(house: House) -> None:
    """In the file, while it runs; in force from the next start."""
    _edited(house, ids=True)
    _restart(house)


def without_ids(house: House) -> None:
    """In the file, which loses its ids as well, as with one that is generated by a script."""
    assert house.gateway.stop() == 0
    _edited(house, ids=False)
    house.gateway.start()


@pytest.mark.parametrize("rename", [api, stopped, by_hand, without_ids], ids=lambda one: one.__name__)
def test_a_name_changes_and_nothing_else(house: House, rename: Callable[[House], None]) -> None:
    """Rows, energies, topics, registers, entities stay; each face has the new name; nothing connects anew."""
    before, connections = house.kept(), house.connections()
    assert set(house.called()) == {"main"}
    rename(house)
    if rename is not api:
        house.modbus.close()  # type: ignore[no-untyped-call]
        assert house.modbus.connect()  # type: ignore[no-untyped-call]
        house.bridge.say()
        house.gateway.until(lambda: house.registers()[0:2] == [0, 1234])
    house.gateway.until(lambda: set(house.called()) == {LABEL})
    assert house.owner.get("v1/mqtt").json()["brokers"][0]["name"] == BROKER
    house.bridge.say()
    house.gateway.until(lambda: len(house.rows()) == 5)
    after = house.kept()
    assert after["registers"][ENERGIES] >= before["registers"][ENERGIES]
    assert after == before
    for name in ("hus", BROKER):
        house.gateway.until(partial(house.said_again, name))
    assert not house.said_again("Hus")
    if rename is api:
        assert house.connections() == connections


def test_another_broker_renames_no_service(house: House) -> None:
    """Health, API and connection of a broker stay as they are when another one comes, and when it goes."""

    def told() -> tuple[Any, ...]:
        brokers = house.owner.get("v1/mqtt").json()["brokers"]
        known = [one for one in house.owner.get("v1/health").json()["services"] if "mqtt" in one["name"]]
        return brokers[0]["id"], brokers[0]["condition"], known, house.connections()

    house.gateway.until(lambda: told()[1] == "ok")
    before = told()
    acts = ("POST", "v1/settings/mqtt", {"name": "Hytta"}), ("DELETE", "v1/settings/mqtt/1", None)
    for method, path, body in acts:
        assert house.owner.request(method, path, json=body).status_code == 200
        house.bridge.say()
        house.gateway.until(lambda: len(house.rows()) == 5)
        assert told() == before
    assert [one["name"] for one in before[2]] == ["mqtt hus"]
