"""The whole program while the disk of its history is full: it serves, says so, and goes on with room again.

The disk is a small tmpfs in a mount namespace of the program's own; where that is not allowed the test is
skipped. Modbus is asked over loopback by hand-made octets.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from han2x.history import periods
from han2x.history.file import open_reading

HOST = "127.0.0.1"
PATIENCE_S = 20
READ_VOLTAGE = bytes.fromhex("00010000000601030000000f")

SETTINGS = """
[[meters]]
source = "simulate:kaifa"
[modbus_tcp]
host = "127.0.0.1"
port = {port}
[history]
path = "{folder}/disk/history.sqlite"
write_every_s = 5
"""

SCENE = """
    mount -t tmpfs -o size=256k none disk && touch allowed || exit 1
    head -c 250000 /dev/zero > disk/ballast
    "$@" 2> log & echo $! > pid.new && mv pid.new pid
    until [ -e go ]; do sleep 0.05; done
    rm disk/ballast && touch room
    wait
    cp disk/history.sqlite copy.sqlite
"""


def poll(condition: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline, f"never: {what}"
        sleep(0.02)


def answered(port: int) -> bool:
    """Whether a read of registers is answered without an exception."""
    try:
        with socket.create_connection((HOST, port), timeout=2) as client:
            client.sendall(READ_VOLTAGE)
            return client.recv(64)[7:9] == bytes((3, 30))
    except OSError:
        return False


def test_full_disk_disturbs_nothing_but_the_history(tmp_path: Path) -> None:
    """Modbus answers while the history cannot be written; with room again, what came meanwhile is kept."""
    with socket.create_server((HOST, 0)) as server:
        port = int(server.getsockname()[1])
    (tmp_path / "disk").mkdir()
    (tmp_path / "han2x.toml").write_text(SETTINGS.format(port=port, folder=tmp_path))
    program = [sys.executable, "-m", "han2x", "run", "--settings", "han2x.toml", "--state", "state"]
    apart = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SCENE, "sh"]
    try:
        shell = subprocess.Popen([*apart, *program], cwd=tmp_path, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    with shell:
        poll(lambda: (tmp_path / "pid").exists() or shell.poll() is not None, "the program starts")
        if not (tmp_path / "allowed").exists():
            pytest.skip("mount namespaces are not allowed here")
        try:
            poll(
                lambda: "Make room on the disk" in (tmp_path / "log").read_text(), "the full disk is reported"
            )
            assert answered(port)
            sleep(2.5)  # a meter in real time: some of its telegrams come while the disk is full
        finally:
            (tmp_path / "go").touch()
        poll((tmp_path / "room").exists, "there is room again")
        assert answered(port)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    assert "Traceback" not in (tmp_path / "log").read_text()
    with closing(open_reading(tmp_path / "copy.sqlite")) as file:
        count, _, _ = periods.extent(file, "raw", "main")
    assert count > 0
