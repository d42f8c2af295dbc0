"""Each way to change settings leaves a line for the owner: whose it was, names, no values."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from han2x.runtime.audit import Audit

SECRET = "geheim-geheim"


def test_every_door_leaves_a_line_with_names_and_without_values(own: Any) -> None:
    """Form, token, row, Modbus, undo, restored file and log-in, in their order."""
    browser = own.owner()
    assert browser.patch("v1/settings", json={"changes": {"mqtt.0.password": SECRET}}).status_code == 200
    token = browser.post("v1/tokens", json={"name": "robot", "scope": "write"}).json()["token"]
    robot = own.anybody(Authorization=f"Bearer {token}")
    assert robot.patch("v1/settings", json={"changes": {"web.name": SECRET}}).status_code == 200
    assert browser.post("v1/settings/mqtt", json={"name": "second"}).status_code == 200
    with socket.create_connection(("127.0.0.1", own.modbus_port), timeout=5) as client:
        client.sendall(bytes.fromhex("00010000000b01100030000204000007d0"))
        assert client.recv(99).hex() == "000100000006011000300002"
    assert browser.post("v1/settings/undo").status_code == 200
    text = own.file.read_text().replace(SECRET, "gammel")
    headers = {"Content-Type": "text/plain"}
    assert browser.put("v1/settings/file", content=text, headers=headers).status_code == 200
    body = {"password": "vari", "new_password": SECRET}
    assert browser.put("v1/user", json=body).status_code == 204

    def found() -> Any:
        lines = browser.get("v1/audit").json()
        return lines if lines[-1]["settings"] == ["web.password"] else None

    lines = own.until(found)
    here = lines[0]["name"]
    assert here.startswith("127.0.")
    assert SECRET not in str(lines)
    assert [(one["who"], one["name"]) for one in lines] == [
        ("owner", here),
        ("owner", here),
        ("token", "robot"),
        ("owner", here),
        ("modbus", "127.0.0.1"),
        ("undo", here),
        ("restore", here),
        ("owner", here),
    ]
    names = [one["settings"] for one in lines]
    changed = [["web.name"], ["mqtt"], ["meters.0.scale"], ["meters.0.scale"]]
    assert names[:6] == [["mqtt.0.password"], ["token_made: robot"], *changed]
    assert names[7] == ["web.password"]

    def kept() -> str:
        return "".join(path.read_text() for path in own.file.parent.rglob("audit*.jsonl"))

    own.until(lambda: kept().count("\n") == len(lines))
    assert SECRET not in kept()


def test_what_is_handed_out_revoked_or_reset_has_a_line(own: Any) -> None:
    """Tokens and certificates by name, never their secrets; and all the log-ins' end."""
    owner = own.owner()
    token = owner.post("v1/tokens", json={"name": "Robot på hytta", "scope": "read"}).json()
    assert owner.delete(f"v1/tokens/{token['id']}").status_code == 204
    made = owner.post("v1/certificates", json={"name": "plc", "role": "read-write"}).json()
    assert owner.delete(f"v1/certificates/{made['serial']}").status_code == 204
    assert owner.delete(f"v1/certificates/{made['serial'][:-1]}").status_code == 404
    assert owner.delete("v1/sessions").status_code == 204
    lines = own.owner().get("v1/audit").json()
    assert [one["settings"] for one in lines] == [
        ["token_made: Robot på hytta"],
        ["token_revoked: Robot på hytta"],
        ["certificate_made: plc"],
        ["certificate_revoked: plc"],
        ["logged_out_everywhere"],
    ]
    assert {one["who"] for one in lines} == {"owner"}
    assert token["token"] not in str(lines)


def test_a_factory_reset_is_the_first_line_after_it(own: Any) -> None:
    """All older lines are gone with everything else."""
    owner = own.owner()
    assert owner.patch("v1/settings", json={"changes": {"web.name": "before"}}).status_code == 200
    assert owner.post("v1/system/factory-reset", json={"password": "vari"}).status_code == 204
    own.until(lambda: "factory_reset" in (own.state / "audit.jsonl").read_text())
    (line,) = (own.state / "audit.jsonl").read_text().splitlines()
    assert '"who":"owner","name":"127.0.' in line


def test_commands_leave_lines_too(tmp_path: Path) -> None:
    """`han2x keys`, in the state directory that it changes."""
    words = [sys.executable, "-m", "han2x"]
    state = ["--state", str(tmp_path / "state")]
    adding = [*words, "keys", *state, "add", "plc", "--folder", str(tmp_path)]
    assert subprocess.run(adding, check=False, stdout=subprocess.DEVNULL).returncode == 0
    assert [(one.who.kind, one.names) for one in Audit(tmp_path / "state").changes(9)] == [
        ("command", ("certificate_made: plc",))
    ]


def test_only_who_has_logged_in_sees_it(shared: Any) -> None:
    """Neither a stranger nor a token, whichever it is."""
    assert shared.anybody().get("v1/audit").status_code == 401
    owner = shared.owner()
    for scope in ("read", "write"):
        made = owner.post("v1/tokens", json={"name": scope, "scope": scope}).json()
        answer = shared.anybody(Authorization=f"Bearer {made['token']}").get("v1/audit")
        assert answer.status_code == 403
        owner.delete(f"v1/tokens/{made['id']}")
    assert owner.get("v1/audit?lines=501").status_code == 400
