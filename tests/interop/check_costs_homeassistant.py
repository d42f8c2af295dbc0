"""A real Home Assistant takes the price of a kWh and the costs into its energy dashboard.

`HAN2X_HOMEASSISTANT_MQTT` names a Python that has it, as `homeassistant_setup` makes it.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ..ports import free_port
from .homeassistant_lab import Lab
from .homeassistant_server import HomeAssistant, until
from .mqtt_lab import Broker, Bus, Meter, Program

PYTHON = os.environ.get("HAN2X_HOMEASSISTANT_MQTT", "")
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="HAN2X_HOMEASSISTANT_MQTT does not name a Python that has it"
)
METER = "simulate:kaifa?net=tn&solar=5000&start=2026-06-21T10:59:50Z"
BEGIN = datetime(2026, 5, 31, 22, tzinfo=UTC)
COSTS = """
[prices]
enabled = true
contract = "spot"
file = "{prices}"
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A broker, a meter, Home Assistant, and the program with prices of a month and a grid tariff."""
    folder = tmp_path_factory.mktemp("costs")
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
        add_prices(folder)
        add_hours(folder)
        program.start("device")
        yield Lab(broker, bus, meter, home, program)
    finally:
        for end in reversed(ends):
            end()


def add_prices(folder: Path) -> None:
    """Have the program's settings name a tariff, and a file with a price for each hour of three weeks."""
    rows = [f"{(BEGIN + timedelta(hours=n)).isoformat()},{0.5 + n % 24 / 100}" for n in range(22 * 24)]
    prices = folder / "prices.csv"
    prices.write_text("\n".join(["start,price", *rows]))
    settings = folder / "settings.toml"
    text = settings.read_text().replace('name = "main"\n', 'name = "main"\ntariff = "elvia"\n')
    settings.write_text(text + COSTS.format(prices=prices))


def add_hours(folder: Path) -> None:
    """Have all hours of the month in its history: a sum that lacks one is shown as unknown."""
    begin = datetime(2026, 6, 1)
    rows = [f"{begin + timedelta(hours=n):%d.%m.%Y %H:%M};1,5" for n in range(20 * 24 + 13)]
    hours = folder / "hours.csv"
    hours.write_text("\n".join(["Fra;KWH 60 Forbruk", *rows]))
    places = ("--settings", folder / "settings.toml", "--state", folder / "state")
    (folder / "state").mkdir()
    words: list[str | Path] = [sys.executable, "-m", "han2x", "history", *places, "import", hours]
    subprocess.run(words, check=True, capture_output=True)


def entity(lab: Lab, key: str) -> str:
    """The id in Home Assistant of the entity that shows a key."""
    for unique_id, one in lab.announced().items():
        if one.key == key and unique_id in lab.registry():
            return str(lab.registry()[unique_id]["entity_id"])
    return ""


def test_the_energy_dashboard_takes_price_and_costs(lab: Lab) -> None:
    """With the price as current price, and with the cost as a statistic, it finds nothing wrong."""
    keys = ("act_energy_pos_est", "price_total", "cost_month", "cost_today")
    until(lambda: all(entity(lab, key) for key in keys), 60, lambda: f"{lab.missing()}\n{lab.program.log}")
    imported, price, month, today = (entity(lab, key) for key in keys)
    shown = lab.home.states()
    assert float(shown[price]["state"]) > 0.5
    assert shown[price]["attributes"]["unit_of_measurement"] == "NOK/kWh"
    for one in (month, today):
        attributes = shown[one]["attributes"]
        assert (attributes["device_class"], attributes["state_class"]) == ("monetary", "total")
    for cost in (
        {"entity_energy_price": price, "stat_cost": None},
        {"entity_energy_price": None, "stat_cost": month},
    ):
        flow = {"stat_energy_from": imported, "number_energy_price": None, **cost}
        grid = {"type": "grid", "flow_from": [flow], "flow_to": [], "cost_adjustment_day": 0}
        lab.home.ask({"type": "energy/save_prefs", "energy_sources": [grid]})
        until(lambda: not objections(lab), 330, lambda: f"the dashboard: {objections(lab)}", every=5)
        print(f"{cost}: energy/validate {objections(lab)}")
    print({key: shown[entity(lab, key)]["state"] for key in keys}, shown[month]["attributes"])
    assert not lab.trouble()


def objections(lab: Lab) -> list[object]:
    """What the energy dashboard finds wrong."""
    (answer,) = lab.home.ask({"type": "energy/validate"})
    return [issue for source in answer["energy_sources"] for issue in source]
