"""What a token may change, try and see, through every door; and where stored passwords go."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from han2x.settings.reach import Reach
from han2x.settings.schema import SECTIONS

FAR: dict[str, object] = {
    "meters.0.source": "replay:/etc/passwd?speed=max",
    "meters.0.key": "00" * 16,
    "meters.0.auth_key": "00" * 16,
    "tariffs.folder": "/etc",
    "tariffs.update": "https://example.org/lists.tar.gz",
    "tariffs.update_levies": "https://example.org/levies.toml",
    "prices.file": "/etc/passwd",
    "prices.url": "https://example.org/prices",
    "modbus_rtu.device": "/dev/watchdog",
    "modbus_tls.cert_file": "/etc/passwd",
    "modbus_tls.key_file": "/etc/passwd",
    "modbus_tls.ca_file": "/etc/passwd",
    "mqtt.0.host": "evil.example.org",
    "mqtt.0.port": 1884,
    "mqtt.0.transport": "websockets",
    "mqtt.0.path": "/other",
    "mqtt.0.tls": True,
    "mqtt.0.ca_file": "/etc/passwd",
    "mqtt.0.cert_file": "/etc/passwd",
    "mqtt.0.key_file": "/etc/passwd",
    "mqtt.0.raw": "hex",
    "history.path": "/var/tmp/other.sqlite",
    "postgres.dsn": "postgresql://user:word@evil.example.org/db",
    "board.temperature": "/dev/zero",
    "web.trusted_proxies": "10.0.0.1/32",
    "web.cert_file": "/etc/passwd",
    "web.key_file": "/etc/passwd",
    "web.manual_default": False,
}
"""Settings that reach further than plain, each with a value that differs."""

IN_THEIR_OWN_WAY = {"web.user", "web.password"}
PASSWORD = "geheim-87"


def token(gateway: Any, owner: Any, scope: str) -> Any:
    made = owner.post("v1/tokens", json={"name": scope, "scope": scope}).json()["token"]
    return gateway.anybody(Authorization=f"Bearer {made}")


def patch(browser: Any, changes: Mapping[str, object]) -> Any:
    return browser.patch("v1/settings", json={"changes": changes})


def far_rows() -> set[str]:
    """Paths of all settings that are not plain."""
    return {
        f"{name}.0.{one.name}" if name in ("meters", "mqtt") else f"{name}.{one.name}"
        for name, section in SECTIONS.items()
        for one in fields(section)
        if one.metadata["reach"] is not Reach.PLAIN
    }


def test_every_setting_that_reaches_far_is_a_persons_through_patch(shared: Any) -> None:
    """Each by itself and beside plain ones; nothing changes, and no answer tells of a file."""
    assert far_rows() - IN_THEIR_OWN_WAY == set(FAR)
    owner = shared.owner()
    write, read = token(shared, owner, "write"), token(shared, owner, "read")
    before = owner.get("v1/settings").json()
    for path, value in FAR.items():
        for changes in ({path: value}, {"web.name": "taken", path: value}):
            refused = patch(write, changes)
            assert (refused.status_code, refused.json()["error"]) == (403, "scope"), path
            assert [(one["path"], one["code"]) for one in refused.json()["complaints"]] == [(path, "reach")]
        assert patch(read, {path: value}).status_code == 403
        assert patch(shared.anybody(), {path: value}).status_code == 401
    assert owner.get("v1/settings").json() == before
    assert patch(write, {"web.user": "me"}).status_code == 403


def test_plain_settings_are_a_write_tokens(own: Any) -> None:
    """As before: names, factors, bounds, and sources that name no file or device."""
    write = token(own, own.owner(), "write")
    plain = {
        "web.name": "new",
        "meters.0.scale": 2000,
        "meters.0.source": "simulate:aidon",
        "mqtt.0.user": "u",
    }
    assert patch(write, plain).status_code == 200
    assert write.post("v1/settings/undo").status_code == 200


def test_every_other_door_is_as_narrow(own: Any) -> None:
    """Rows, undo, a whole file and trials let a token no further."""
    owner = own.owner()
    write = token(own, owner, "write")
    rows = [
        ("meters", {"name": "two", "unit_id": 9, "source": "replay:/etc/passwd"}),
        ("meters", {"name": "two", "unit_id": 9, "source": "/dev/watchdog"}),
        ("mqtt", {"name": "two", "host": "evil.example.org"}),
        ("mqtt", {"name": "two", "ca_file": "/etc/passwd"}),
    ]
    for section, row in rows:
        assert write.post(f"v1/settings/{section}", json=row).json()["error"] == "scope"
    assert patch(owner, {"mqtt.0.host": "other.example.org"}).status_code == 200
    assert write.post("v1/settings/undo").json()["error"] == "scope"
    assert owner.get("v1/settings").json()["settings"]["mqtt"][0]["host"] == "other.example.org"
    file = write.put("v1/settings/file", content="", headers={"Content-Type": "text/plain"})
    assert file.json()["error"] == "scope"
    for source in ("replay:/etc/passwd", "/etc/passwd", "serial:/dev/watchdog"):
        tried = write.post("v1/try/source", json={"source": source, "seconds": 1})
        assert tried.json()["error"] == "scope"
    for wanted in ({"host": "evil.example.org"}, {"ca_file": "/etc/passwd"}, {"tls": True}):
        assert write.post("v1/try/broker", json=wanted).json()["error"] == "scope"
    assert owner.post("v1/settings/undo").status_code == 200


class Listener:
    """A server that takes what is sent to it, and hangs up."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                self.received += peer.recv(4096)


@pytest.fixture
def home() -> Iterator[Listener]:
    listener = Listener()
    with closing(listener.socket):
        yield listener


@pytest.fixture
def evil() -> Iterator[Listener]:
    listener = Listener()
    with closing(listener.socket):
        yield listener


def test_a_stored_password_goes_only_where_it_was_entered_for(own: Any, home: Any, evil: Any) -> None:
    """Trials, changes and restored files send it to no other server, unless it is entered again."""
    owner = own.owner()
    stored = {
        "mqtt.0.host": "127.0.0.1",
        "mqtt.0.port": home.port,
        "mqtt.0.password": PASSWORD,
        "mqtt.0.user": "u",
    }
    assert patch(owner, stored).status_code == 200
    known = {"id": owner.get("v1/settings").json()["settings"]["mqtt"][0]["id"], "user": "u"}

    def tried(**values: object) -> Any:
        return owner.post("v1/try/broker", json={**known, **values}).json()

    assert tried(host="127.0.0.1", port=evil.port)["error"] == "secret_again"
    assert tried(host="localhost", port=home.port)["error"] == "secret_again"
    assert tried(name="main", host="127.0.0.1", port=evil.port)["error"] == "secret_again"
    assert tried()["error"] == "secret_again"  # what is left out is by default: another server
    assert tried(host="127.0.0.1", port=home.port)["ok"] is False
    assert PASSWORD.encode() in home.received

    refused = patch(owner, {"mqtt.0.port": evil.port, "mqtt.0.enabled": True})
    assert (refused.status_code, refused.json()["error"]) == (422, "secret_again")
    found = [(one["path"], one["params"]) for one in refused.json()["complaints"]]
    assert found == [("mqtt.0.password", {"changed": "port"})]
    file = owner.get("v1/settings/file").text.replace(f"port = {home.port}", f"port = {evil.port}")
    headers = {"Content-Type": "text/plain"}
    restored = owner.put("v1/settings/file", content=file, headers=headers)
    assert (restored.status_code, restored.json()["error"]) == (422, "secret_again")
    assert PASSWORD.encode() not in evil.received
    assert patch(owner, {"mqtt.0.port": evil.port, "mqtt.0.password": PASSWORD}).status_code == 200
    assert owner.post("v1/settings/undo").status_code == 200  # back to where it was entered for


def test_secrets_that_a_saved_file_left_out_are_asked_for_where_nobody_knows_them(
    own: Any, tmp_path: Path, gateway: Any
) -> None:
    """Here they stay; on another gateway each is named, with its line, until it is entered or given up."""
    dsn = f"postgresql://han2x:{PASSWORD}@db.example.org/energy"
    owner, headers = own.owner(), {"Content-Type": "text/plain"}
    stored = {"postgres.dsn": dsn, "mqtt.0.password": PASSWORD, "meters.0.key": "00" * 16}
    assert patch(owner, stored).status_code == 200
    file = owner.get("v1/settings/file").text
    assert PASSWORD not in file
    assert owner.put("v1/settings/file", content=file, headers=headers).status_code == 200
    whole = owner.get("v1/settings/file?secrets=1", headers={"X-Password": "vari"}).text
    assert f'dsn = "{dsn}"' in whole
    assert f'password = "{PASSWORD}"' in whole

    (tmp_path / "other").mkdir()
    other = gateway(tmp_path / "other")
    try:
        stranger = other.owner()
        for own_port, port in ((own.modbus_port, other.modbus_port), (own.web_port, other.web_port)):
            file = file.replace(f"port = {own_port}", f"port = {port}")
        before = stranger.get("v1/settings").json()["settings"]
        refused = stranger.put("v1/settings/file", content=file, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (422, "secret_again")
        complaints = refused.json()["complaints"]
        assert {one["code"] for one in complaints} == {"secret_left_out"}
        assert [one["path"] for one in complaints] == ["meters.0.key", "mqtt.0.password", "postgres.dsn"]
        assert stranger.get("v1/settings").json()["settings"] == before
        lines = file.split("\n")
        for one, value in zip(complaints, ("11" * 16, "", dsn), strict=True):
            key = one["path"].rpartition(".")[2]
            assert lines[one["params"]["line"] - 1] == f"# {key} is set, and not shown"
            lines[one["params"]["line"] - 1] = f'{key} = "{value}"'
        restored = stranger.put("v1/settings/file", content="\n".join(lines), headers=headers)
        assert restored.status_code == 200, restored.text
        shown = restored.json()["settings"]
        assert (shown["postgres"]["dsn"], shown["mqtt"][0]["password"]) == ({"set": True}, {"set": False})
    finally:
        other.close()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("prices.url", f"https://user:{PASSWORD}@prices.example.org/v1"),
        ("prices.url", f"https://prices.example.org/v1?token={PASSWORD}"),
        ("prices.url", f"http://user:{PASSWORD}@127.0.0.1/v1"),
        ("meters.0.source", f"tcp:user:{PASSWORD}@bridge.local:3001"),
        ("meters.0.source", f"mqtt://user:{PASSWORD}@broker.local/t"),
        ("mqtt.0.host", f"user:{PASSWORD}@broker.local"),
    ],
)
def test_addresses_that_are_shown_carry_no_password(shared: Any, path: str, value: str) -> None:
    """What has a place of its own for a password takes none in an address, for addresses are shown."""
    assert patch(shared.owner(), {path: value}).status_code == 422


def test_telegrams_of_a_meter_with_a_key_are_the_owners(own: Any, listen: Any) -> None:
    """Not a token's: neither kept ones, nor captured, nor live."""
    owner = own.owner()
    read, write = token(own, owner, "read"), token(own, owner, "write")
    doors = ("v1/meters/main/telegrams", "v1/meters/main/capture?seconds=1")
    assert [read.get(door).status_code for door in doors] == [200, 200]
    assert patch(owner, {"meters.0.key": "00" * 16}).status_code == 200
    for browser in (read, write):
        assert [browser.get(door).json()["error"] for door in doors] == ["bytes", "bytes"]
    assert [owner.get(door).status_code for door in doors] == [200, 200]
    names: list[str] = []
    for name, _ in listen(read, "?telegrams=main"):
        names.append(name)
        if names.count("meter") == 4:
            break
    assert "telegram" not in names
    assert next(name for name, _ in listen(owner, "?telegrams=main") if name == "telegram")


def test_a_capture_ends_with_the_source_it_began_with(own: Any) -> None:
    """What a recording holds that is set meanwhile is no part of it."""
    owner = own.owner()
    folder = own.state / "recordings"
    folder.mkdir()
    (folder / "file").write_bytes(b"geheim\n" * 1000)
    read, began, octets = token(own, owner, "read"), monotonic(), b""
    with read.stream("GET", "v1/meters/main/capture?seconds=30") as response:
        pieces = response.iter_raw()
        octets += next(pieces)
        source = {"meters.0.source": f"replay:{folder / 'file'}?speed=max"}
        assert patch(owner, source).status_code == 200
        octets += b"".join(pieces)
    assert octets.startswith(b"\x7e")
    assert b"geheim" not in octets
    assert monotonic() - began < 25


def test_recordings_are_listed_for_their_owner_to_choose(own: Any) -> None:
    """Regular files of one folder, which is made; each is a source that may be set and is in force."""
    owner = own.owner()
    folder = own.state / "recordings"
    assert owner.get("v1/recordings").json() == {"folder": str(folder), "files": []}
    (folder / "b.bin").write_bytes(b"7e" * 500)
    (folder / "a .txt").touch()
    for name in (".hidden", "x?speed=max", "line\nend"):
        (folder / name).touch()
    (folder / "elsewhere").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    (folder / "inner").mkdir()
    found = owner.get("v1/recordings").json()["files"]
    assert [(one["name"], one["bytes"]) for one in found] == [("a .txt", 0), ("b.bin", 1000)]
    for one in found:
        assert patch(owner, {"meters.0.source": one["source"]}).status_code == 200
    assert token(own, owner, "write").get("v1/recordings").status_code == 403


def test_forms_are_told_why_a_person_changes_a_setting(shared: Any) -> None:
    """In the schema, from the same table, with a text in both languages."""
    owner = shared.owner()
    sections = owner.get("v1/settings/schema").json()["sections"]
    told = {(s["name"], f["key"]): f["reach"] for s in sections for f in s["fields"]}
    assert told["mqtt", "ca_file"] == ["reads_file", "takes_secret"]
    assert told["meters", "source"] == ["by_value"]
    assert told["web", "name"] == []
    words = {word for reach in told.values() for word in reach}
    for language in ("en", "nb"):
        texts = owner.get(f"locales/{language}.json").json()
        assert all(texts[f"reach.{word}"] for word in words)


def test_a_pipe_in_a_files_place_stops_nothing(own: Any, tmp_path: Path) -> None:
    """A trial of a broker that names it is refused at once, and Modbus answers as before."""
    owner, pipe = own.owner(), tmp_path / "pipe"
    os.mkfifo(pipe)
    wanted: dict[str, object] = {"host": "127.0.0.1", "tls": True}
    for name in ("ca_file", "cert_file", "key_file"):
        for path in (pipe, "/dev/zero", tmp_path):
            beside = {"cert_file": str(own.file)} if name == "key_file" else {}
            answer = owner.post("v1/try/broker", json={**wanted, **beside, name: str(path)}, timeout=10)
            assert answer.json()["ok"] is False
            assert str(path) in answer.json()["text"]
            assert own.modbus() == "000100000007010304000003e8"
