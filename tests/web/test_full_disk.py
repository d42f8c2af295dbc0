"""Nothing is answered as done before it is on the disk: what the disk refuses is refused, and undone."""

import resource
from typing import Any


def test_what_the_disk_does_not_take_is_refused_and_was_never_done(own: Any) -> None:
    """Tokens, log-outs, password, settings, factor over Modbus: as before, at once and after a restart."""
    browser = own.owner()
    kept = browser.post("v1/tokens", json={"name": "plc", "scope": "read"}).json()
    scale = own.modbus()
    limits = resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    refused = [
        browser.delete(f"v1/tokens/{kept['id']}"),
        browser.post("v1/tokens", json={"name": "new", "scope": "write"}),
        browser.delete("v1/session"),
        browser.delete("v1/sessions"),
        browser.put("v1/user", json={"password": "vari", "new_password": "long enough"}),
        browser.patch("v1/settings", json={"changes": {"web.name": "another"}}),
        browser.post("v1/settings/mqtt", json={"name": "second"}),
    ]
    assert [one.status_code for one in refused] == [507] * len(refused)
    assert {one.json()["error"] for one in refused} == {"not_stored"}
    assert own.modbus("00010000000b01100030000204000007d0")[14:] == "9004"
    for _ in range(2):
        assert own.anybody(Authorization=f"Bearer {kept['token']}").get("v1/meters").status_code == 200
        assert [one["name"] for one in browser.get("v1/tokens").json()] == ["plc"]
        assert browser.get("v1/settings").json()["settings"]["web"]["name"] == "han2x"
        assert own.owner().get("v1/session").json()["default_password"] is True
        assert own.modbus() == scale
        resource.prlimit(own.process.pid, resource.RLIMIT_FSIZE, limits)
        own.stop()
        own.start()


def test_a_notice_of_damage_stays_until_it_was_seen(own: Any) -> None:
    """Over a restart; a token that only reads cannot end it."""
    own.owner()
    own.stop()
    (own.folder / "factory.toml").write_bytes(b"\xff")
    web = next(own.folder.rglob("web.json"))
    web.write_bytes(b"{")

    def told() -> str:
        services = own.owner().get("v1/system").json()["services"]
        return " ".join(one["text"] for one in services if one["name"] == "stored files")

    for _ in range(2):
        own.start()
        assert "/web.json" in told()
        assert "factory.toml" in told()
        own.stop()
    (own.folder / "factory.toml").unlink()
    own.start()
    browser = own.owner()
    reader = browser.post("v1/tokens", json={"name": "r", "scope": "read"}).json()["token"]
    seen = "v1/system/stored-files/seen"
    assert own.anybody(Authorization=f"Bearer {reader}").post(seen).status_code == 403
    assert browser.post(seen).status_code == 204
    assert told() == ""
    own.stop()
    own.start()
    assert told() == ""
    assert web.with_name("web.json.seen-1").exists()
