"""Meters that were removed are offered by what is stored of them; a new one is none of them."""

import time
import tomllib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from han2x.history.store import Store
from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.quantity import Quantity
from han2x.web.times import seconds

from .conftest import SETTINGS, Gateway

START = seconds("2025-12-13T23:00:00Z")
TOML = {"Content-Type": "application/toml"}
SPAN = "resolution=hour&begin=2025-12-13T23:00:00Z&end=2025-12-14T23:00:00Z"


def stored(folder: Path, *meters: str) -> None:
    """A history of two hours of each meter, and nothing else."""
    (folder / "state").mkdir(exist_ok=True)
    used = {Quantity.ACT_ENERGY_POS: 1500}
    hours = [Hour(start=START + n * HOUR_S, energies=used, basis=Basis.IMPORTED, drift={}) for n in (0, 1)]
    store = Store(folder / "state" / "history.sqlite")
    for meter in meters:
        store.adopt(meter, hours)
    store.close()


def former(browser: Any) -> Mapping[str, Any]:
    return {one["id"]: one for one in browser.get("v1/former-meters").json()}


def hours(browser: Any, meter: str) -> int:
    until = time.monotonic() + 30
    while "rows" not in (found := browser.get(f"v1/history/{meter}?{SPAN}").json()):
        assert time.monotonic() < until, found  # the history takes a new meter in
        time.sleep(0.05)
    return len(found["rows"])


def added(browser: Any, **values: object) -> str:
    answer = browser.post("v1/settings/meters", json={"unit_id": 9, "source": "tcp:127.0.0.1:1", **values})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["settings"]["meters"][-1]["id"])


def test_a_removed_meter_comes_back_only_when_it_is_said_to(tmp_path: Path) -> None:
    """Added by its id it has its rows and its number; added by its name it is new, and has none."""
    stored(tmp_path, "cabin")
    text = f'[[meters]]\nname = "cabin"\nsource = "tcp:127.0.0.1:1"\nunit_id = 9\n{SETTINGS}'
    with closing(Gateway(tmp_path, text)) as gateway:
        browser = gateway.owner()
        number = browser.get("v1/meters/cabin").json()["number"]
        gateway.until(lambda: "rows" in browser.get(f"v1/history/cabin?{SPAN}").json())
        assert hours(browser, "cabin") == 2
        browser.patch("v1/settings", json={"changes": {"meters.0.name": "Hytta på fjellet"}})
        assert former(browser) == {}
        assert browser.delete("v1/settings/meters/0").status_code == 200
        known = {"name": "Hytta på fjellet", "last": "2025-12-14T00:00:00Z"}
        gateway.until(
            lambda: former(browser)["cabin"].items() >= known.items()
        )  # list and history are behind
        assert set(former(browser)) == {"cabin"}
        other = added(browser, name="cabin")
        assert (other, hours(browser, other)) == ("cabin-2", 0)
        browser.delete("v1/settings/meters/1")
        assert added(browser, id="cabin", name="Hytta") == "cabin"
        assert hours(browser, "cabin") == 2
        assert browser.get("v1/meters/cabin").json()["number"] == number
        assert "cabin" not in former(browser)


def test_meters_removed_before_there_was_a_list_are_known(tmp_path: Path) -> None:
    """By the history alone or a state file alone; neither is continued by a new meter of its name."""
    stored(tmp_path, "barn")
    with closing(Gateway(tmp_path)) as gateway:
        assert gateway.stop() == 0
        state = gateway.state / "main.state"
        (gateway.state / "cabin.state").write_bytes(state.read_bytes())
        (gateway.state / "damaged.state").write_bytes(b"\xff" * 100)
        (gateway.state / "identities.json").unlink()
        gateway.start()
        browser = gateway.owner()
        gateway.until(lambda: set(former(browser)) == {"barn", "cabin", "damaged"})
        assert former(browser)["cabin"]["meter_id"] == browser.get("v1/meters/main").json()["meter_id"]
        assert added(browser, name="barn") == "barn-2"
        gateway.until(lambda: len(tomllib.loads(gateway.file.read_text())["meters"]) == 2)
        assert gateway.stop() == 0
        by_hand = '\n[[meters]]\nname = "cabin"\nunit_id = 11\nsource = "tcp:127.0.0.1:1"\n'
        gateway.file.write_text(gateway.file.read_text() + by_hand)
        gateway.start()
        ids = [one["id"] for one in gateway.owner().get("v1/meters").json()]
        assert ids == ["main", "barn-2", "cabin-2"]


def test_a_restored_file_without_ids_names_the_same_meters(tmp_path: Path) -> None:
    """A file that a person wrote, with another name for the only meter, restores that meter."""
    with closing(Gateway(tmp_path)) as gateway:
        browser = gateway.owner()
        number = browser.get("v1/meters/main").json()["number"]
        gateway.until(lambda: "main" in (gateway.state / "identities.json").read_text())
        lines = gateway.file.read_text().replace('name = "main"', 'name = "Mitt Hus"', 1).splitlines()
        text = "\n".join(line for line in lines if not line.startswith("id = "))
        assert browser.put("v1/settings/file", content=text.encode(), headers=TOML).status_code == 200
        found = browser.get("v1/meters").json()[0]
        assert (found["id"], found["name"], found["number"]) == ("main", "Mitt Hus", number)


def telegram_of(browser: Any, meter: str) -> Any:
    return browser.get(f"v1/meters/{meter}").json().get("meter_id")


def test_a_meter_turns_out_to_be_a_former_one(tmp_path: Path) -> None:
    """Known from history rows only: the meter that is there goes on as it, with what came since; no undo."""
    stored(tmp_path, "cabin")
    with closing(Gateway(tmp_path)) as gateway:
        browser = gateway.owner()
        gateway.until(lambda: set(former(browser)) == {"cabin"})
        gateway.until(lambda: telegram_of(browser, "main"))
        browser.patch("v1/settings", json={"changes": {"meters.0.name": "Hytta"}})
        assert gateway.until(lambda: hours(browser, "main"))
        answer = browser.patch("v1/settings", json={"changes": {"meters.0.id": "cabin"}})
        assert answer.status_code == 200, answer.text
        assert answer.json()["undo"] is False
        (meter,) = browser.get("v1/meters").json()
        assert (meter["id"], meter["name"]) == ("cabin", "Hytta")
        assert browser.get("v1/meters/main").status_code == 404
        gateway.until(lambda: telegram_of(browser, "cabin"))
        gateway.until(lambda: hours(browser, "cabin") > 2)
        assert former(browser) == {}
        assert not (gateway.state / "main.state").exists()
        assert tomllib.loads(gateway.file.read_text())["meters"][0]["id"] == "cabin"
        assert gateway.stop() == 0
        gateway.start()
        browser = gateway.owner()
        gateway.until(lambda: hours(browser, "cabin") > 2)
        assert [one["id"] for one in browser.get("v1/meters").json()] == ["cabin"]
        assert former(browser) == {}


def test_a_meter_added_by_hand_is_joined_to_its_history(tmp_path: Path) -> None:
    """A table in the file is a new meter; on the page it becomes the one it was, with its number."""
    text = f'[[meters]]\nname = "cabin"\nsource = "tcp:127.0.0.1:1"\nunit_id = 9\n{SETTINGS}'
    stored(tmp_path, "cabin")
    with closing(Gateway(tmp_path, text)) as gateway:
        browser = gateway.owner()
        number = browser.get("v1/meters/cabin").json()["number"]
        assert browser.delete("v1/settings/meters/0").status_code == 200
        gateway.until(lambda: "cabin" not in gateway.file.read_text())
        assert gateway.stop() == 0
        by_hand = '\n[[meters]]\nname = "Hytta"\nunit_id = 9\nsource = "tcp:127.0.0.1:1"\n'
        gateway.file.write_text(gateway.file.read_text() + by_hand)
        gateway.start()
        browser = gateway.owner()
        assert [one["id"] for one in browser.get("v1/meters").json()] == ["main", "hytta"]
        assert set(former(browser)) == {"cabin"}
        answer = browser.patch("v1/settings", json={"changes": {"meters.1.id": "cabin"}})
        assert answer.status_code == 200, answer.text
        assert browser.get("v1/meters/cabin").json()["number"] == number
        gateway.until(lambda: hours(browser, "cabin") == 2)
        assert former(browser) == {}


def test_no_other_id_can_be_set(tmp_path: Path) -> None:
    """Not one that nobody had, nor another meter's, nor a broker's; nothing changes then."""
    stored(tmp_path, "cabin")
    text = f'[[meters]]\nname = "barn"\nsource = "tcp:127.0.0.1:1"\nunit_id = 9\n{SETTINGS}'
    with closing(Gateway(tmp_path, text)) as gateway:
        browser = gateway.owner()
        before = browser.get("v1/settings").json()
        wrong = ("new", "barn", "main", "", 7, None, ["cabin"])
        for value in wrong:
            answer = browser.patch("v1/settings", json={"changes": {"meters.1.id": value}})
            assert answer.status_code == (200 if value == "main" else 422), (value, answer.text)
        both = {"meters.0.id": "cabin", "meters.1.id": "cabin"}
        for changes in (both, {"mqtt.0.id": "cabin"}, {"meters.1.id": "cabin", "meters.1.scale": -1}):
            assert browser.patch("v1/settings", json={"changes": changes}).status_code == 422
        assert browser.get("v1/settings").json() == before
        assert set(former(browser)) == {"cabin"}
