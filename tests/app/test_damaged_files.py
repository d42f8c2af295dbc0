"""Every stored file of the program, damaged in every way: it starts, serves and says so; its numbers stay."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx2
import pytest

from han2x.runtime.stored_files import STORED_FILES

from ..ports import free_port

PATIENCE_S = 20
VOLTAGE = bytes.fromhex("00010000000601030000000f")
SETTINGS = """
[[meters]]
source = "simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[web]
host = "127.0.0.1"
port = {web}
tls = true
[[mqtt]]
enabled = true
host = "127.0.0.1"
port = {broker}
"""


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the file's place."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

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
}
FILES = ("main.state", "numbers.json", "web.json", "web-cert.pem", "web-key.pem", "network.json", "format")
SPARED = ("numbers.json", "main.state") * 5


class Program:
    """The program with state of its own, which may be damaged between two runs."""

    def __init__(self, folder: Path) -> None:
        self.state, self.file, self.log = folder / "state", folder / "han2x.toml", folder / "log"
        self.modbus, self.web = free_port(), free_port()
        self.file.write_text(SETTINGS.format(modbus=self.modbus, web=self.web, broker=free_port()))

    def start(self) -> httpx2.Client:
        """Start it; a logged-in client of the page, once Modbus and the page answer."""
        words = [
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
    services = client.get("v1/system").json()["services"]
    return " ".join(one["text"] for one in services if one["name"] == "stored files")


def number(state: Path) -> int:
    return int(json.loads((state / "numbers.json").read_bytes())["numbers"]["main"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, dict[str, bytes]]]:
    """A program that has run, and all that it has stored."""
    program = Program(tmp_path_factory.mktemp("stored"))
    client = program.start()
    assert client.post("v1/tokens", json={"name": "plc", "scope": "read"}).status_code in (200, 201)
    program.until(lambda: (program.state / "numbers.json").exists())
    program.stop()
    network = {"tried": {"method": "static"}, "before": {"method": "dhcp"}}
    (program.state / "network.json").write_text(json.dumps(network))
    yield program, {name: (program.state / name).read_bytes() for name in FILES}
    program.close()


def restored(program: Program, content: dict[str, bytes]) -> None:
    for path in program.state.iterdir():
        if not path.is_dir() or path.is_symlink():
            path.unlink()
        else:
            path.rmdir()
    for name, octets in content.items():
        (program.state / name).write_bytes(octets)


@pytest.mark.parametrize(("damage", "spared"), list(zip(DAMAGES.values(), SPARED, strict=True)), ids=DAMAGES)
def test_damaged_files_are_said_to_be_and_cost_no_number(
    whole: tuple[Program, dict[str, bytes]], damage: Callable[[Path], object], spared: str
) -> None:
    """All serves, each file is named in log and health, and there under another name."""
    program, content = whole
    restored(program, content)
    before, names = number(program.state), [name for name in FILES if name != spared]
    for name in names:
        damage(program.state / name)
    client = program.start()
    program.until(lambda: all(f"/{name}" in health(client) for name in names))
    log = program.log.read_text()
    assert "Traceback" not in log
    assert "internal error" not in log
    assert all(f"/{name}" in log for name in names), log
    assert all(os.path.lexists(program.state / f"{name}.damaged-1") for name in names)
    program.until(lambda: number(program.state) == before)
    assert client.post("v1/tokens", json={"name": "new", "scope": "read"}).is_success
    program.stop()


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
    made = [path for path in program.state.iterdir() if ".damaged-" not in path.name]
    assert len(made) >= len(FILES) - 1
    for path in made:
        known = [
            kind
            for kind in STORED_FILES
            if path.match(kind.pattern) or path.name.startswith("history.sqlite-")
        ]
        assert known, path.name
