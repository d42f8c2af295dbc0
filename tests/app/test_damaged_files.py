"""Every stored file of the program, damaged in every way: it starts, serves and says so; its numbers stay.

The whole program, one start a way of damage, all files at once. Two writers: tests/cli/test_one_state.py.
"""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import Enum
from pathlib import Path
from time import monotonic, sleep

import httpx2
import pytest

from han2x.runtime.stored_files import STORED_FILES

from ..ports import free_port

PATIENCE_S = 25
VOLTAGE = bytes.fromhex("00010000000601030000000f")
SETTINGS = """
[[meters]]
source = "simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z"
tariff = "alut-business"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[web]
host = "127.0.0.1"
port = {web}
tls = true
[modbus_tls]
enabled = true
host = "127.0.0.1"
port = {secure}
[[mqtt]]
enabled = true
id = "one"
host = "127.0.0.1"
port = {broker}
"""


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the file's place."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def of_format(number: int) -> Callable[[Path], object]:
    """The same file as another version of the program would have written it."""

    def damage(path: Path) -> None:
        content = path.read_bytes()
        if path.suffix == ".sqlite":
            with closing(sqlite3.connect(path)) as file:
                file.execute(f"PRAGMA user_version = {1000 if number else 0}")
        elif path.suffix == ".toml":
            path.write_bytes(b"format = %d\n" % number + content.replace(b"format = ", b"# "))
        elif path.suffix == ".state":
            path.write_bytes(content.replace(b'"format":', b'"format":%d,"was":' % number))
        elif path.suffix == ".json":
            found = json.loads(content)
            path.write_text(json.dumps(found | {"format": number} if isinstance(found, dict) else [number]))

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: min(30, path.stat().st_size // 3)]),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "random": lambda path: path.write_bytes(bytes(range(255, -1, -1)) * 40),
    "too large": lambda path: path.write_bytes(b"1" * 5_000_000),
    "too deep": lambda path: path.write_bytes(b"[" * 100_000),
    "an endless device": instead(lambda path: path.symlink_to("/dev/zero")),
    "a full device": instead(lambda path: path.symlink_to("/dev/full")),
    "a pipe": instead(os.mkfifo),
    "a folder": instead(Path.mkdir),
    "no permission": lambda path: path.chmod(0),
    "a newer format": of_format(99),
    "an older format": of_format(0),
}


class Met(Enum):
    """How a damaged file is met."""

    ASIDE = "renamed, and named in log and health"
    LEFT = "left as it is, and named in log or health"
    ANEW = "written anew, or skipped: nothing rests on it alone"
    REFUSED = "left as it is: a person has to do something, and tests of its own try it"


MET: dict[str, tuple[str, Met]] = {
    "*.state": ("main.state", Met.ASIDE),
    "numbers.json": ("numbers.json", Met.ASIDE),
    "identities.json": ("identities.json", Met.ASIDE),
    "web.json": ("web.json", Met.ASIDE),
    "initial-password": ("initial-password", Met.ANEW),
    "web-cert.pem": ("web-cert.pem", Met.ASIDE),
    "web-key.pem": ("web-key.pem", Met.ASIDE),
    "modbus-tls/ca.pem": ("modbus-tls/ca.pem", Met.REFUSED),
    "modbus-tls/ca-key.pem": ("modbus-tls/ca-key.pem", Met.REFUSED),
    "modbus-tls/server.pem": ("modbus-tls/server.pem", Met.ASIDE),
    "modbus-tls/server-key.pem": ("modbus-tls/server-key.pem", Met.ASIDE),
    "modbus-tls/clients.json": ("modbus-tls/clients.json", Met.LEFT),
    "network.json": ("network.json", Met.ASIDE),
    "page-trial.json": ("page-trial.json", Met.ASIDE),
    "mqtt-*.json": ("mqtt-one.json", Met.ASIDE),
    "tariffs.json": ("tariffs.json", Met.ASIDE),
    "format": ("format", Met.ASIDE),
    "history.sqlite": ("history.sqlite", Met.LEFT),
    "settings.good.toml": ("settings.good.toml", Met.ANEW),
    "han2x.toml": ("../han2x.toml", Met.REFUSED),
    "factory.toml": ("../factory.toml", Met.LEFT),
    "audit.jsonl": ("audit.jsonl", Met.ANEW),
    "audit.1.jsonl": ("audit.1.jsonl", Met.ANEW),
}
"""By the pattern of the table in docs/files.md: a file, and how it is met."""

FILES = dict(MET.values())
SPARED = (*("numbers.json", "main.state") * 6, "numbers.json")
TIMELESS = (
    "format",
    "tariffs.json",
    "page-trial.json",
    *(n for n in FILES if n.endswith((".pem", ".jsonl", "-password"))),
)
NO_DAMAGE = {
    "empty": ("history.sqlite", "../factory.toml"),
    "a newer format": TIMELESS,
    "an older format": (*TIMELESS, "history.sqlite", "../factory.toml"),
}
"""What may be empty, has no format, or is brought up to date; that a newer directory is refused is tried
in tests/runtime/test_state_version.py."""


class Program:
    """The program with state of its own, which may be damaged between two runs."""

    def __init__(self, folder: Path) -> None:
        self.state, self.file, self.log = folder / "state", folder / "han2x.toml", folder / "log"
        self.modbus, self.web = free_port(), free_port()
        ports = {"modbus": self.modbus, "web": self.web, "broker": free_port(), "secure": free_port()}
        self.file.write_text(SETTINGS.format(**ports))

    def start(self, *before: str) -> httpx2.Client:
        """Start it, by another program's words if wanted; a logged-in client, once all answer."""
        words = [
            *before,
            sys.executable,
            "-m",
            "han2x",
            "run",
            "--settings",
            str(self.file),
            "--state",
            str(self.state),
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(words, stderr=log)
        self.until(self.answers)
        client = httpx2.Client(base_url=f"https://127.0.0.1:{self.web}/", verify=False, timeout=5)
        self.until(lambda: client.get("v1/openapi.json").status_code == 200)
        assert client.post("v1/session", json={"user": "bits", "password": "vari"}).status_code == 204
        client.headers["X-CSRF"] = client.get("v1/session").json()["csrf"]
        return client

    def answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.modbus), timeout=2) as client:
            client.sendall(VOLTAGE)
            return client.recv(64)[7:9] == bytes((3, 30))

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE_S
        while True:
            try:
                if holds():
                    return
            except (OSError, httpx2.HTTPError):
                pass
            assert self.process.poll() is None, self.log.read_text()
            assert monotonic() < deadline, self.log.read_text()
            sleep(0.05)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def health(client: httpx2.Client) -> str:
    """All that health says."""
    return " ".join(one["text"] for one in client.get("v1/system").json()["services"])


def number(state: Path) -> int:
    return int(json.loads((state / "numbers.json").read_bytes())["numbers"]["main"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, dict[str, bytes]]]:
    """A program that has run, and all that it has stored."""
    program = Program(tmp_path_factory.mktemp("stored"))
    client = program.start()
    assert client.post("v1/tokens", json={"name": "plc", "scope": "read"}).status_code in (200, 201)
    assert client.post("v1/certificates", json={"name": "plc"}).is_success
    assert client.patch("v1/settings", json={"changes": {"web.name": "one"}}).is_success
    state = program.state
    program.until(lambda: all((state / name).exists() for name in ("numbers.json", "history.sqlite")))
    program.until(lambda: (state / "audit.jsonl").exists() and (state / "settings.good.toml").exists())
    program.stop()
    pending = {"tried": {"method": "static"}, "before": {"method": "dhcp"}}
    (state / "network.json").write_text(json.dumps(pending))
    reach = {"tried": {"port": 1}, "before": {"port": 2}}
    (state / "page-trial.json").write_text(json.dumps(reach))
    (state / "mqtt-one.json").write_text(json.dumps({"format": 1, "announced": []}))
    (state / "tariffs.json").write_text(json.dumps({"address": "", "day": "2026-11-01", "texts": {}}))
    (state / "audit.1.jsonl").write_bytes((state / "audit.jsonl").read_bytes())
    (state / "initial-password").write_text("secret\n")
    (state / ".." / "factory.toml").write_text("format = 1\n")
    yield program, {name: (state / name).read_bytes() for name in FILES}
    program.close()


def restored(program: Program, content: dict[str, bytes]) -> None:
    """All as it was, and nothing runs."""
    program.close()
    shutil.rmtree(program.state)
    (program.state / "modbus-tls").mkdir(parents=True)
    for path in program.state.parent.glob("*.toml*"):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    for name, octets in content.items():
        (program.state / name).write_bytes(octets)
        (program.state / name).chmod(0o600)


def harm(program: Program, way: str, spared: str) -> list[str]:
    """Damage all files but one; those that are."""
    left = {spared, *NO_DAMAGE.get(way, ())}
    names = [name for name, met in FILES.items() if met is not Met.REFUSED and name not in left]
    for name in names:
        DAMAGES[way](program.state / name)
    return names


READ_AGAIN = {("main.state", "no permission")}
"""Left as it is: it is read again as soon as it may be."""

UNSTORED = ("lock", "ca.srl")
"""Who has the lock, which goes with the process; and what openssl leaves."""

WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Root reads what nobody may, unless it is told not to."""


@pytest.mark.parametrize(("way", "spared"), list(zip(DAMAGES, SPARED, strict=True)), ids=DAMAGES)
def test_damaged_files_are_said_to_be_and_cost_no_number(
    whole: tuple[Program, dict[str, bytes]], way: str, spared: str
) -> None:
    """All serves; each file is met as the table says."""
    program, content = whole
    restored(program, content)
    before, names = number(program.state), harm(program, way, spared)
    client = program.start(*WITHOUT_RIGHTS if way == "no permission" and os.geteuid() == 0 else ())
    try:
        program.until(lambda: not unsaid(program, health(client), names))
    except AssertionError:
        missing = unsaid(program, health(client), names)
        raise AssertionError(f"not named: {missing}\n{program.log.read_text()}") from None
    log = program.log.read_text()
    assert "Traceback" not in log
    assert "internal error" not in log
    for name in names:
        aside = os.path.lexists(program.state / f"{name}.damaged-1")
        if FILES[name] is not Met.ANEW and (name, way) not in READ_AGAIN:
            assert aside is (FILES[name] is Met.ASIDE), name
    program.until(lambda: number(program.state) == before)
    assert client.post("v1/tokens", json={"name": "new", "scope": "read"}).is_success
    program.stop()


def unsaid(program: Program, told: str, names: list[str]) -> list[str]:
    """The damaged files that neither log nor health names, though one of them has to."""
    told += program.log.read_text()
    return [name for name in names if FILES[name] is not Met.ANEW and Path(name).name not in told]


def test_every_stored_file_has_its_run() -> None:
    """None of the table of docs/files.md is left out above."""
    table = (Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8")
    assert re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) == [kind.pattern for kind in STORED_FILES]
    assert set(MET) == {kind.pattern for kind in STORED_FILES}


def test_a_full_disk_changes_no_stored_file(whole: tuple[Program, dict[str, bytes]]) -> None:
    """Nothing can be written from the start on: it serves, says so, and each file is as it was."""
    program, content = whole
    restored(program, content)
    client = program.start("prlimit", "--fsize=0")
    program.until(lambda: "File too large" in health(client))
    assert client.post("v1/tokens", json={"name": "new", "scope": "read"}).status_code == 507
    program.stop()
    log = program.log.read_bytes()
    assert b"Traceback" not in log
    kept = {name: (program.state / name).read_bytes() for name in FILES if (program.state / name).exists()}
    assert {name for name in kept if kept[name] != content[name]} == set()
    assert set(FILES) - set(kept) <= {"network.json", "page-trial.json"}  # trials that are over


def test_what_was_damaged_is_spoken_of_until_it_was_seen(whole: tuple[Program, dict[str, bytes]]) -> None:
    """Over a restart too; what was written anew is right."""
    program, content = whole
    restored(program, content)
    (program.state / "web.json").write_text('{"format": 99}')
    for _ in range(2):
        client = program.start()
        assert "/web.json" in health(client)
        assert client.get("v1/tokens").json() == []
        program.stop()
    assert not (program.state / "web.json.damaged-2").exists()


def test_the_table_of_stored_files_is_whole(whole: tuple[Program, dict[str, bytes]]) -> None:
    """Whatever the program has made in its state directory is in the table."""
    program, content = whole
    restored(program, content)
    program.start()
    program.stop()
    found = (path for path in program.state.rglob("*") if path.is_file())
    made = [path for path in found if ".damaged-" not in path.name and path.name not in UNSTORED]
    assert len(made) >= 12
    for path in made:
        known = [
            kind
            for kind in STORED_FILES
            if path.match(kind.pattern) or path.name.startswith("history.sqlite-")
        ]
        assert known, path.name
