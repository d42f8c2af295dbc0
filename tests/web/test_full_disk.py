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
