"""Settings over the API (manual rows M41, M42): in use within ten seconds, all or nothing, undone."""

import shutil
import tomllib
from typing import Any

import pytest

from ..ports import free_port

ANSWER = "000100000007010304000003e8"


def change(browser: Any, **changes: object) -> Any:
    body = {path.replace("__", "."): value for path, value in changes.items()}
    return browser.patch("v1/settings", json={"changes": body})


def test_a_new_port_is_in_use_within_ten_seconds(own: Any) -> None:
    """Modbus answers at the port that was set, no more at the one before, and the file holds it."""
    browser, port = own.owner(), free_port()
    assert own.modbus() == ANSWER
    response = change(browser, modbus_tcp__port=port)
    assert response.json()["settings"]["modbus_tcp"]["port"] == port
    assert own.until(lambda: own.modbus(port=port) == ANSWER, 10)
    with pytest.raises(ConnectionError):
        own.modbus()
    own.until(lambda: tomllib.loads(own.file.read_text())["modbus_tcp"]["port"] == port, 10)


def test_the_page_moves_to_its_new_port(own: Any) -> None:
    """The page's own port too; the session goes on there."""
    browser, port = own.owner(), free_port()
    assert change(browser, web__port=port).status_code == 200
    cookie = next(iter(browser.cookies.values()))
    moved = own.anybody(Cookie=f"han2x-{port}={cookie}")
    moved.base_url = f"http://127.0.0.1:{port}/"
    assert own.until(lambda: moved.get("v1/session").status_code == 200, 10)
    moved.headers["X-CSRF"] = moved.get("v1/session").json()["csrf"]
    assert moved.post("v1/settings/undo").status_code == 200
    assert own.until(lambda: browser.get("v1/session").status_code == 200, 10)


def test_refused_values_are_told_by_field_and_nothing_is_saved(shared: Any) -> None:
    """Each wrong value has its own complaint with its rule; the right one beside them is not taken."""
    browser = shared.owner()
    before, file = browser.get("v1/settings").json(), shared.file.read_text()
    response = change(
        browser,
        modbus_tcp__port=0,
        meters__0__source="usb",
        prices__contract="gold",
        web__name="new",
        mqtt__99999999999__host="x",
    )
    assert response.status_code == 422
    found = {one["path"]: (one["code"], one["params"]) for one in response.json()["complaints"]}
    bounds = {"low": 1, "high": 65535, "must": "a whole number from 1 to 65535"}
    assert found["modbus_tcp.port"] == ("integer", bounds)
    assert found["meters.0.source"][0] == "source"
    contracts = ["spot", "support", "norgespris", "norgespris-cabin", "fixed-price", "fixed-price-support"]
    assert found["prices.contract"][1]["choices"] == contracts
    assert found["mqtt.99999999999.host"] == ("unknown", {})
    assert "web.name" not in found
    assert browser.get("v1/settings").json() == before
    assert shared.file.read_text() == file


def test_a_change_to_settings_that_others_have_changed_is_refused(own: Any) -> None:
    """With the version it was made for, a change fails when that is not the newest."""
    browser = own.owner()
    version = browser.get("v1/settings").json()["version"]
    body = {"version": version, "changes": {"web.name": "one"}}
    assert browser.patch("v1/settings", json=body).json()["version"] == version + 1
    assert browser.patch("v1/settings", json=body).json()["error"] == "changed"


def test_a_change_is_undone_but_never_the_password(own: Any) -> None:
    """Undo goes back step by step, then there is nothing; name and password stay as they are."""
    browser = own.owner()
    names = [change(browser, web__name=name).json()["settings"]["web"]["name"] for name in ("one", "two")]
    assert names == ["one", "two"]
    browser.put("v1/user", json={"password": "vari", "new_password": "sol over fjord"})
    browser.headers["X-CSRF"] = browser.get("v1/session").json()["csrf"]
    back = [browser.post("v1/settings/undo") for _ in range(4)]
    assert [one.status_code for one in back] == [200, 200, 200, 409]
    assert [one.json()["settings"]["web"]["name"] for one in back[:3]] == ["two", "one", "han2x"]
    assert browser.get("v1/session").json()["default_password"] is False


def test_rows_are_added_and_removed_whole(own: Any) -> None:
    """A broker comes and goes; a wrong one, a second of the same name and the last one's end are refused."""
    browser = own.owner()
    added = browser.post("v1/settings/mqtt", json={"name": "second", "password": "geheim"})
    assert added.json()["settings"]["mqtt"][1]["password"] == {"set": True}
    assert "geheim" not in added.text
    refused = browser.post("v1/settings/mqtt", json={"name": "second"})
    assert refused.json()["complaints"][0]["code"] == "names_clash"
    wrong = browser.post("v1/settings/mqtt", json={"name": "third", "port": -1, "hots": "x"})
    assert {one["path"] for one in wrong.json()["complaints"]} == {"mqtt.2.port", "mqtt.2.hots"}
    assert browser.delete("v1/settings/mqtt/0").json()["settings"]["mqtt"][0]["name"] == "second"
    assert browser.delete("v1/settings/mqtt/0").status_code == 422
    assert browser.delete("v1/settings/mqtt/1").status_code == 404
    assert browser.post("v1/settings/web", json={}).status_code == 404


def test_a_meter_that_is_added_is_served(own: Any) -> None:
    """Its telegrams arrive, and its unit id answers."""
    browser = own.owner()
    row = {"name": "cabin", "source": "simulate:aidon?speed=20", "unit_id": 7}
    assert browser.post("v1/settings/meters", json=row).status_code == 200
    own.until(lambda: browser.get("v1/meters/cabin").json()["vendor"] == "aidon", 10)
    assert own.modbus("000100000006070300300002").startswith("000100000007070304")
    assert [one["unit_id"] for one in browser.get("v1/modbus").json()["units"]] == [1, 2, 7]


def test_backup_and_restore_keep_secrets_apart(own: Any) -> None:
    """Without secrets a backup holds none, and restoring it leaves those in force; with them, the password
    is asked for."""
    browser = own.owner()
    change(browser, mqtt__0__password="geheim", web__name="before")
    plain = browser.get("v1/settings/file")
    assert "geheim" not in plain.text
    assert browser.get("v1/settings/file?secrets=1").status_code == 401
    whole = browser.get("v1/settings/file?secrets=1", headers={"X-Password": "vari"})
    assert tomllib.loads(whole.text)["mqtt"][0]["password"] == "geheim"
    change(browser, web__name="after")
    text = {"Content-Type": "text/plain"}
    restored = browser.put("v1/settings/file", content=plain.content, headers=text)
    assert restored.json()["settings"]["web"]["name"] == "before"
    again = browser.get("v1/settings/file?secrets=1", headers={"X-Password": "vari"})
    assert tomllib.loads(again.text)["mqtt"][0]["password"] == "geheim"
    for wrong in ("[web]\nport = 0", "[web", "[[meters]]\nname = 'A\\tB'\nunit_id = 300", "\udcff"):
        content = wrong.encode("utf-8", "surrogateescape")
        refused = browser.put("v1/settings/file", content=content, headers=text)
        assert refused.status_code in (400, 422)
    assert browser.get("v1/settings").json()["settings"]["web"]["name"] == "before"


def test_name_and_password_are_no_settings_like_others(shared: Any) -> None:
    """A change of settings cannot put a hash of one's own in the password's place."""
    browser = shared.owner()
    known = "scrypt:" + "A" * 22 + "==:" + "B" * 43 + "="
    assert change(browser, web__password=known).status_code == 422
    assert change(browser, web__user="eve").status_code == 422
    shared.owner()


def test_the_schema_knows_every_setting_and_its_bounds(shared: Any) -> None:
    """Forms are made of it: types, bounds, choices, secrets; default and rule in words."""
    sections = {one["name"]: one for one in shared.owner().get("v1/settings/schema").json()["sections"]}
    fields = {one["key"]: one for one in sections["modbus_tcp"]["fields"]}
    assert (fields["port"]["type"], fields["port"]["low"], fields["port"]["high"]) == ("integer", 1, 65535)
    mqtt = {one["key"]: one for one in sections["mqtt"]["fields"]}
    assert mqtt["password"]["type"] == "secret"
    assert mqtt["protocol"]["choices"] == ["5", "3.1.1"]
    assert sections["mqtt"]["repeated"] is True


def test_a_factory_reset_brings_back_the_first_day(own: Any) -> None:
    """Settings, password, log-ins and tokens; it needs the password."""
    shutil.copy(own.file, own.folder / "factory.toml")
    browser = own.owner()
    browser.post("v1/tokens", json={"name": "t", "scope": "read"})
    browser.put("v1/user", json={"password": "vari", "new_password": "sol over fjord"})
    browser.headers["X-CSRF"] = browser.get("v1/session").json()["csrf"]
    assert browser.post("v1/system/factory-reset", json={"password": "vari"}).status_code == 401
    assert browser.post("v1/system/factory-reset", json={"password": "sol over fjord"}).status_code == 204
    anew = own.until(lambda: (found := own.anybody()).log_in().status_code == 204 and found, 10)
    assert anew.get("v1/tokens").json() == []
    assert anew.get("v1/session").json()["default_password"] is True
    assert browser.get("v1/session").status_code == 401
    assert not own.file.exists(), "factory settings are those of factory.toml, and nothing else"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"web.port": "modbus"}, {"modbus_tcp.port": "ports_clash", "web.port": "ports_clash"}),
        (
            {"meters.0.float_unit_id": 1},
            {"meters.0.unit_id": "units_clash", "meters.0.float_unit_id": "units_clash"},
        ),
        ({"meters.0.tariff": "nowhere"}, {"meters.0.tariff": "tariff_unknown"}),
        ({"prices.tax_zone": "east"}, {"prices.tax_zone": "zone_unknown"}),
        ({"prices.area": "NO9"}, {"prices.area": "area_unknown"}),
        ({"prices.file": "/no/prices.csv"}, {"prices.file": "file_missing"}),
        ({"meters.0.source": "mqtt:x?broker=cellar"}, {"meters.0.source": "broker_unknown"}),
        ({"modbus_rtu.enabled": True}, {"modbus_rtu.enabled": "needs", "modbus_rtu.device": "needed"}),
    ],
)
def test_contradictions_are_told_at_their_fields_and_nothing_is_saved(
    shared: Any, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    """By change and by restored file alike, with code, parameters and a sentence."""
    browser = shared.owner()
    before = browser.get("v1/settings").json()
    changes = {path: shared.modbus_port if value == "modbus" else value for path, value in changes.items()}
    refused = browser.patch("v1/settings", json={"changes": changes})
    assert refused.status_code == 422
    found = {one["path"]: one["code"] for one in refused.json()["complaints"]}
    assert {path: found.get(path) for path in expected} == expected
    assert all(one["params"] and one["text"] for one in refused.json()["complaints"])
    assert browser.get("v1/settings").json() == before
