"""Meters, events, the doctor, Modbus, history and look-alikes, as a running gateway tells of them."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from han2x.history.store import Store
from han2x.model.hour import HOUR_S, Basis, Hour
from han2x.model.quantity import Quantity
from han2x.web.times import seconds

Listen = Callable[..., Iterator[tuple[str, str]]]


@pytest.fixture(scope="module")
def browser(shared: Any) -> Any:
    """A browser that is logged in, at a meter whose first hour has come."""
    browser = shared.owner()
    shared.until(lambda: "act_energy_pos" in browser.get("v1/meters/main").json()["values"])
    return browser


def test_a_meter_is_told_with_units_ages_and_validity(shared: Any, browser: Any) -> None:
    """Every quantity has value, unit, age and label; what it does not measure is absent, not 0 (M6)."""
    meter = browser.get("v1/meters/main").json()
    assert (meter["vendor"], meter["net"], meter["live"], meter["lamp"]) == ("kaifa", "it", True, True)
    assert meter["label"] == "Kaifa MA304H3E"
    volt = meter["values"]["volt_l1"]
    assert volt["unit"] == "V"
    assert volt["valid"] is True
    assert 200 < volt["value"] < 260
    assert volt["age_s"] < 30
    assert "volt_l2" not in meter["values"]
    energy = meter["values"]["act_energy_pos"]
    assert energy["unit"] == "kWh"
    assert energy["value"] < meter["estimates"]["act_energy_pos"] + 1e-9
    assert meter["diagnosis"]["verdict"] == "good"
    assert meter["line"]["source"].startswith("simulate:")
    assert [one["name"] for one in browser.get("v1/meters").json()] == ["main"]
    assert browser.get("v1/meters/cabin").json()["error"] == "no_meter"


def test_what_the_page_shows_is_what_modbus_answers(shared: Any, browser: Any) -> None:
    """The live register table's words are those on the wire, and its value is what they say."""
    rows = {row["name"]: row for row in browser.get("v1/modbus/registers/1").json()}
    scale = rows["scale"]
    assert (scale["register"], scale["hex"], scale["raw"], scale["value"]) == (
        "40049-40050",
        "0x0030",
        "0000 03e8",
        1000,
    )
    assert shared.modbus().endswith("000003e8")
    floats = {row["name"]: row for row in browser.get("v1/modbus/registers/2").json()}
    assert 200 < floats["volt_l1"]["value"] < 260
    assert browser.get("v1/modbus/registers/9").status_code == 404
    assert browser.get("v1/modbus/registers/99999").status_code == 404


def test_register_lists_name_this_gateway(shared: Any, browser: Any) -> None:
    """A tool's list has the host the browser used, the port and the unit id that are set."""
    text = browser.get("v1/modbus/lists/float/evcc").text
    assert f"127.0.0.1:{shared.modbus_port}" in text
    assert "id: 2" in text
    assert browser.get("v1/modbus/lists/han2x/csv").text.startswith("register,address,hex,name")
    assert browser.get("v1/modbus/lists/han2x/nix").status_code == 404


def test_events_begin_with_everything_and_follow_the_meter(browser: Any, listen: Listen) -> None:
    """Hello, health, settings, clients and the meter come at once, then each telegram moves it."""
    seen: list[tuple[str, Any]] = []
    for name, data in listen(browser, "?telegrams=main&clients=1"):
        seen.append((name, json.loads(data)))
        meters = [data for name, data in seen if name == "meter"]
        if len(meters) >= 3 and any(name == "telegram" for name, _ in seen):
            break
    assert [name for name, _ in seen][:4] == ["hello", "health", "settings", "clients"]
    assert next(data for name, data in seen if name == "clients")[0]["name"] == "modbus tcp"
    assert meters[-1]["received"] > meters[0]["received"]
    telegram = next(data for name, data in seen if name == "telegram")
    assert telegram["meter"] == "main"
    assert telegram["octets"].startswith("7ea0")


def test_settings_and_log_lines_are_pushed(own: Any, listen: Listen) -> None:
    """A change elsewhere reaches every page with its version; a page that asks hears the log."""
    watching, acting = own.owner(), own.owner()
    stream = listen(watching, "?meters=&log=1")
    assert next(stream)[0] == "hello"
    acting.patch("v1/settings", json={"changes": {"web.name": "Cabin"}})
    found: dict[str, Any] = {}
    for name, data in stream:
        found[name] = json.loads(data)
        if name == "log" and "settings" in found["log"]["text"]:
            break
    assert found["settings"] == {"version": 2}
    assert found["log"]["text"].endswith("settings changed by PATCH /v1/settings")
    assert found["log"]["level"] == "info"
    lines = acting.get("v1/log?lines=5").json()
    assert found["log"] in lines


def test_a_telegram_is_explained_octet_by_octet(browser: Any) -> None:
    """The parts cover every octet once, in order, and say what the values are."""
    telegrams = browser.get("v1/meters/main/telegrams?limit=50").json()
    assert telegrams[0]["id"] > telegrams[-1]["id"]
    long = next(one for one in telegrams if one["list"] == "2")
    at = 0
    for part in long["tree"]:
        assert part["offset"] == at
        assert len(part["hex"]) == 2 * part["length"] > 0
        at += part["length"]
    assert 2 * at == len(long["octets"])
    said = {part["text"]: part for part in long["tree"]}
    assert said["frame check sequence"]["value"] == "right"
    assert said["list version"]["value"] == "KFM_001"
    assert said["active power import"]["obis"] == "1-0:1.7.0"
    assert said["active power import"]["value"].endswith(" W")
    assert int(said["active power import"]["hex"][2:], 16) == int(said["active power import"]["value"][:-2])


def test_rates_count_each_list(browser: Any) -> None:
    """In the last minute list 1 came most often; nothing was discarded."""
    rates = browser.get("v1/meters/main/rates").json()
    counts = {one["list"]: one["count"] for one in rates["minute"]}
    assert counts["1"] > counts["2"] > 0
    assert (rates["errors"], rates["per"]) == ({}, 60)


def test_a_capture_is_the_line_as_it_is(browser: Any) -> None:
    """The octets of a second hold whole telegrams."""
    octets = browser.get("v1/meters/main/capture?seconds=1").content
    assert octets.startswith(b"\x7e\xa0")
    assert octets.endswith(b"\x7e")


def test_no_file_of_the_machine_is_read_by_way_of_a_recording(own: Any, tmp_path: Path) -> None:
    """Only recordings in their folder are set; one that holds no telegrams is not captured, nor shown."""
    browser, outside = own.owner(), tmp_path / "secret"
    outside.write_text("root:geheim\n" * 50)
    folder = own.state / "recordings"
    folder.mkdir()
    inside, link = folder / "secret", folder / "link"
    inside.write_bytes(outside.read_bytes())
    link.symlink_to(outside)
    row = {"name": "file", "unit_id": 9}
    for path in (outside, link, folder / ".." / ".." / "secret", "secret"):
        refused = browser.post("v1/settings/meters", json={**row, "source": f"replay:{path}?speed=max"})
        assert [one["code"] for one in refused.json()["complaints"]] == ["recording_elsewhere"]
        tried = browser.post("v1/try/source", json={"source": f"replay:{path}", "seconds": 1})
        assert (tried.status_code, tried.json()["error"]) == (422, "recording_elsewhere")
    source = f"replay:{inside}?speed=max"
    assert browser.post("v1/settings/meters", json={**row, "source": source}).status_code == 200
    own.until(lambda: browser.get("v1/meters/file").json()["line"]["octets"] == 600, 10)
    assert browser.get("v1/meters/file/capture?seconds=1").json()["error"] == "replay"
    assert browser.get("v1/meters/file/telegrams").json() == []
    tried = browser.post("v1/try/source", json={"source": f"replay:{inside}", "seconds": 1})
    assert tried.status_code == 200
    assert "geheim" not in tried.text


@pytest.mark.parametrize(
    ("faults", "verdict"),
    [("", "good"), ("encrypted", "encrypted")],
)
def test_a_source_is_tried(browser: Any, faults: str, verdict: str) -> None:
    """A trial ends with a verdict, and with a reading if one came."""
    source = f"simulate:kaifa?speed=50&faults={faults}" if faults else "simulate:kaifa?speed=50"
    answer = browser.post("v1/try/source", json={"source": source, "seconds": 1})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["done"] for line in lines] == [True]
    assert lines[-1]["diagnosis"]["verdict"] == verdict
    assert (lines[-1]["reading"] is None) == (faults == "encrypted")


def test_a_source_that_is_not_there_says_so(browser: Any) -> None:
    """An adapter that is missing is a sentence, a source that makes no sense a complaint."""
    answer = browser.post("v1/try/source", json={"source": "serial:/dev/nix", "seconds": 2})
    assert json.loads(answer.text) == {
        "error": "no-source",
        "text": "/dev/nix is not there: is the adapter plugged in? It is looked for again",
        "done": True,
    }
    refused = browser.post("v1/try/source", json={"source": "usb"})
    assert refused.json()["complaints"][0]["path"] == "source"


def test_a_missing_source_is_diagnosed(own: Any) -> None:
    """A meter whose adapter is not there has a verdict of its own, with the sentence that says why."""
    browser = own.owner()
    browser.post("v1/settings/meters", json={"name": "b", "source": "serial:/dev/nix", "unit_id": 9})
    found = own.until(
        lambda: (d := browser.get("v1/meters/b").json()["diagnosis"])["verdict"] == "no-source" and d, 10
    )
    assert "/dev/nix is not there" in found["next"]


def test_history_comes_as_columns_and_as_csv(tmp_path: Path, gateway: Callable[[Path], Any]) -> None:
    """Two hours of 1.5 kWh make a day of 3 kWh; what is asked in vain or wrongly is told."""
    start = seconds("2025-12-12T10:00:00Z")
    used = {Quantity.ACT_ENERGY_POS: 1500}
    hours = [Hour(start=at, energies=used, basis=Basis.IMPORTED, drift={}) for at in (start, start + HOUR_S)]
    (tmp_path / "state").mkdir()
    Store(tmp_path / "state" / "history.sqlite").adopt("main", hours)
    with contextlib.closing(gateway(tmp_path)) as running:
        _asked(running.owner(), start)


def _asked(browser: Any, start: int) -> None:
    span = "begin=2025-12-11T23:00:00Z&end=2025-12-12T23:00:00Z"
    day = browser.get(f"v1/history/main?resolution=day&{span}").json()
    row = dict(zip(day["columns"], day["rows"][0], strict=True))
    assert (row["t"], row["end"]) == (seconds("2025-12-11T23:00:00Z"), seconds("2025-12-12T23:00:00Z"))
    assert (row["act_energy_pos_kwh"], row["act_energy_neg_kwh"]) == (3.0, None)
    assert (row["hours_imported"], row["missing"]) == (2, 22)
    csv = browser.get(f"v1/history/main?resolution=hour&format=csv&{span}").text.splitlines()
    assert csv[0].startswith("start,end,unix,basis,act_energy_pos_wh")
    assert csv[1].startswith(f"2025-12-12T11:00:00+01:00,2025-12-12T12:00:00+01:00,{start},imported,1500,")
    extent = browser.get("v1/history/main/extent").json()["hour"]
    assert extent["first"] == "2025-12-12T10:00:00Z"
    assert extent["count"] >= 2  # the simulated meter's hours are beside them
    for wrong in (
        "resolution=second",
        "begin=now",
        "begin=2026-01-01",
        "end=9999-12-31T23:59:59Z",
        "format=x",
    ):
        assert browser.get(f"v1/history/main?{wrong}").status_code == 400
    long = "begin=2020-01-01T00:00:00Z&end=2026-01-01T00:00:00Z"
    assert browser.get(f"v1/history/main?resolution=10s&{long}").status_code == 400


def test_prices_are_fed_and_read(browser: Any) -> None:
    """Hours become quarters; a row that makes no sense refuses all."""
    row = {"start": "2026-01-31T14:00:00+01:00", "price": -0.125, "final": False}
    assert browser.post("v1/prices", json=[row]).status_code == 204
    span = "begin=2026-01-31T00:00:00Z&end=2026-02-01T00:00:00Z"
    found = browser.get(f"v1/prices?{span}").json()
    assert [one["t"] for one in found] == [f"2026-01-31T13:{m:02}:00Z" for m in (0, 15, 30, 45)]
    assert found[0] == {"t": "2026-01-31T13:00:00Z", "nok_per_kwh": -0.125, "provisional": True}
    refused = browser.post("v1/prices", json=[row, {"start": "noon", "price": 1}])
    assert refused.json()["error"] == "prices"


def test_what_past_hours_cost_and_what_a_kwh_costs(tmp_path: Path, gateway: Callable[[Path], Any]) -> None:
    """Two hours of 1.5 kWh at 1 NOK are 3.75 NOK with VAT; without a grid tariff no kWh has a total."""
    start = seconds("2025-12-12T10:00:00Z")
    used = {Quantity.ACT_ENERGY_POS: 1500}
    hours = [Hour(start=at, energies=used, basis=Basis.IMPORTED, drift={}) for at in (start, start + HOUR_S)]
    (tmp_path / "state").mkdir()
    Store(tmp_path / "state" / "history.sqlite").adopt("main", hours)
    with contextlib.closing(gateway(tmp_path)) as running:
        browser = running.owner()
        span = "begin=2025-12-11T23:00:00Z&end=2025-12-12T23:00:00Z"
        assert browser.get(f"v1/costs/main?{span}").json()["error"] == "no_prices"
        assert browser.get("v1/kwh-prices/main").json() is None
        changes = {"prices.enabled": True, "prices.contract": "spot"}
        assert browser.patch("v1/settings", json={"changes": changes}).status_code == 200
        rows = [{"start": f"2025-12-{day}T00:00:00+01:00", "minutes": 1440, "price": 1} for day in (12, 14)]
        running.until(lambda: browser.post("v1/prices", json=rows).status_code == 204)
        running.until(lambda: browser.get(f"v1/costs/main?{span}").status_code == 200)
        (day,) = browser.get(f"v1/costs/main?{span}").json()
        assert (day["t"], day["end"]) == ("2025-12-11T23:00:00Z", "2025-12-12T23:00:00Z")
        assert (day["power"], day["total"], day["imported_kwh"]) == (3.75, 3.75, 3.0)
        assert (day["hours"], day["missing"], day["complete"]) == (24, 22, False)
        by_hour = browser.get(f"v1/costs/main?period=hour&{span}").json()
        assert [one["total"] for one in by_hour] == [1.875, 1.875]
        assert browser.get("v1/costs/main?period=hour&begin=2020-01-01T00:00:00Z").status_code == 400
        found = running.until(
            lambda: (one := browser.get("v1/kwh-prices/main").json()) and one["prices"] and one
        )
        assert len(found["prices"]) == 96
        assert found["prices"][0] == {
            "start": "2025-12-13T23:00:00Z",
            "spot": 1.0,
            "total": None,
            "export": 1.0,
            "final": True,
        }
        assert found["cheapest_hours"] == []


LOOKALIKES = ("metrics", "data.json", "api", "api/v1/data")


def test_look_alikes_are_off_until_they_are_turned_on(shared: Any) -> None:
    """Without their setting they are not there, for anybody."""
    for path in LOOKALIKES:
        assert shared.anybody().get(path).json()["error"] == "off"


def test_look_alikes_are_read_as_other_readers_are(own: Any) -> None:
    """evcc's templates and a Prometheus server find what they look for, without a log-in."""
    owner, reader = own.owner(), own.anybody()
    changes = {"web.metrics": True, "web.amsreader": True, "web.homewizard": True}
    assert owner.patch("v1/settings", json={"changes": changes}).status_code == 200
    own.until(lambda: "act_energy_pos" in owner.get("v1/meters/main").json()["values"])
    ams = reader.get("data.json").json()
    assert ams["w"] == ams["i"] - ams["e"]
    assert ams["ic"] > 100
    assert {"u", "i"} == set(ams["l1"])
    wizard = reader.get("api").json()
    assert (wizard["product_type"], wizard["api_version"]) == ("HWE-P1", "v1")
    data = reader.get("api/v1/data").json()
    imported = sum(value for key, value in data.items() if key.startswith("total_power_import_t"))
    assert imported == pytest.approx(ams["ic"], abs=1)
    assert abs(data["active_power_w"]) < 50_000
    assert "active_voltage_l2_v" not in data
    text = reader.get("metrics").text
    assert 'han2x_voltage_volts{meter="main",phase="L1"} 2' in text
    assert "# TYPE han2x_energy_import_joules_total counter" in text


def test_the_system_is_told(own: Any) -> None:
    """Version, memory, files and services, of a gateway that nobody has used before."""
    system = own.owner().get("v1/system").json()
    assert system["settings_file"] == str(own.file)
    assert 20 < system["memory_mb"] < 60
    assert {one["name"] for one in system["services"]} >= {"modbus tcp", "meter main", "history", "web"}


def test_the_page_is_served_with_tags(shared: Any) -> None:
    """Files are compressed and known by a tag, where there are any."""
    folder = Path(__file__).parents[2] / "src" / "han2x" / "web" / "static"
    first = shared.anybody().get("")
    assert first.headers["content-encoding"] == "gzip"
    assert first.text == (folder / "index.html").read_text("utf-8")
    again = shared.anybody().get("", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_tls_with_a_certificate_made_here(own: Any) -> None:
    """Turned on, the page answers over TLS with a certificate of its own, and the cookie is secure."""
    import httpx2

    browser = own.owner()
    assert browser.patch("v1/settings", json={"changes": {"web.tls": True}}).status_code == 200
    with httpx2.Client(base_url=f"https://127.0.0.1:{own.web_port}/", verify=False) as client:
        login = {"user": "bits", "password": "vari"}
        response = own.until(lambda: client.post("v1/session", json=login), 10)
        assert "Secure" in response.headers["set-cookie"]
        assert client.get("v1/meters").status_code == 200
    assert (own.state / "web-key.pem").stat().st_mode & 0o77 == 0
