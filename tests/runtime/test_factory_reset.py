"""Back to factory settings (M51): files, damaged or not, and the whole program as a process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from han2x.cli import main
from han2x.runtime.factory_reset import defaults, erase, factory
from han2x.runtime.gateway import Trouble
from han2x.runtime.settings_file import load
from han2x.settings.broker import Mqtt
from han2x.settings.device import Board, Network
from han2x.settings.schema import History, Settings

from ..ports import free_port

SETTINGS = """
[[mqtt]]
password = "secret"
[[meters]]
scale = 2000
[board]
button = "FACTRESET"
[network]
manage = true
interface = "lan0"
method = "dhcp"
address = "10.0.0.7/8"
"""
STATE = ("main.state", "mqtt-main.json", "network.json", "web.json", "format")
HISTORY = ("history.sqlite", "history.sqlite-wal", "history.sqlite.damaged-1")


class Box:
    """A settings file and a state directory, with all that the program may leave there."""

    def __init__(self, folder: Path, settings: str = SETTINGS) -> None:
        self.file, self.state = folder / "han2x.toml", folder / "state"
        self.file.write_text(settings)
        self.state.mkdir()
        for name in (*STATE, *HISTORY):
            (self.state / name).write_text("x")

    @property
    def left(self) -> set[str]:
        return {path.name for path in self.state.iterdir()}


def erased(box: Box, *, history: bool = False) -> None:
    settings = load(box.file)
    assert isinstance(settings, Settings)
    erase(settings, box.file, box.state, history=history)


def test_everything_is_back_and_history_is_kept(tmp_path: Path) -> None:
    """Settings and state are gone, secrets too; wiring, and which interface is managed, outlive it."""
    box = Box(tmp_path)
    erased(box)
    assert box.left == set(HISTORY)
    assert "secret" not in box.file.read_text()
    assert load(box.file) == Settings(
        board=Board(button="FACTRESET"), network=Network(manage=True, interface="lan0")
    )


def test_certificates_of_clients_open_nothing_any_more(tmp_path: Path) -> None:
    """The CA of Modbus clients and its list go too."""
    box = Box(tmp_path)
    folder = box.state / "modbus-tls"
    folder.mkdir()
    for name in ("ca.pem", "ca-key.pem", "server.pem", "server-key.pem", "clients.json"):
        (folder / name).write_text("x")
    erased(box)
    assert list(folder.iterdir()) == []


def test_history_goes_when_asked(tmp_path: Path) -> None:
    """Asked for, the history goes with what SQLite has beside it; what a damaged one was saved as stays."""
    box = Box(tmp_path)
    erased(box, history=True)
    assert box.left == {"history.sqlite.damaged-1"}


def test_a_history_elsewhere_is_kept_or_goes_likewise(tmp_path: Path) -> None:
    """The file that history.path names is the history."""
    elsewhere = tmp_path / "state" / "h.db"
    box = Box(tmp_path, f'[history]\npath = "{elsewhere}"\n')
    elsewhere.write_text("x")
    settings = Settings(history=History(path=str(elsewhere)))
    erase(settings, box.file, box.state, history=False)
    assert elsewhere.exists()
    erase(settings, box.file, box.state, history=True)
    assert not elsewhere.exists()
    assert load(box.file) == Settings()


def test_factory_settings_are_those_of_the_box(tmp_path: Path) -> None:
    """What factory.toml says is the default, before and after a reset, and what a short file leaves out."""
    (tmp_path / "factory.toml").write_text('[modbus_tcp]\nport = 502\n[board]\nhan_lamp = "led:ACT"\n')
    file = tmp_path / "han2x.toml"
    made = load(file)
    assert isinstance(made, Settings)
    assert (made.modbus_tcp.port, made.board.han_lamp) == (502, "led:ACT")
    file.write_text("[modbus_tcp]\nwritable = false\n")
    short = load(file)
    assert isinstance(short, Settings)
    assert (short.modbus_tcp.port, short.modbus_tcp.writable) == (502, False)
    assert factory(short, file) == made
    erase(short, file, None, history=False)
    assert load(file) == made


@pytest.mark.parametrize("text", ["[modbus_tcp]\nport = 0\n", "port 502", "\xff", "format = 99\n"])
def test_damaged_factory_settings_are_none(tmp_path: Path, text: str) -> None:
    """A factory file that is not valid is passed over: the program's own defaults hold."""
    (tmp_path / "factory.toml").write_bytes(text.encode("latin-1"))
    assert defaults(tmp_path / "han2x.toml") == {}
    assert load(tmp_path / "han2x.toml") == Settings()


@pytest.mark.parametrize(
    "damage", [b"\xff\x00\x01", b"[[mqtt]]\nport = 0\n", b"format = 99\n", b"[board\n", b"[boards]\n"]
)
def test_the_command_works_on_damaged_settings(tmp_path: Path, damage: bytes) -> None:
    """Whatever the settings file holds, `factory-reset` puts everything back."""
    box = Box(tmp_path)
    box.file.write_bytes(damage)
    assert main(["factory-reset", "--yes", "--settings", str(box.file), "--state", str(box.state)]) == 0
    assert box.left == set(HISTORY)
    assert load(box.file) == Settings()


def test_the_command_saves_the_wiring_of_a_refused_file(tmp_path: Path) -> None:
    """One wrong value elsewhere does not cost the wiring."""
    box = Box(tmp_path, SETTINGS + '[modbus_tcp]\nport = "x"\n')
    words = ["factory-reset", "--yes", "--history", "--settings", str(box.file), "--state", str(box.state)]
    assert main(words) == 0
    settings = load(box.file)
    assert isinstance(settings, Settings)
    assert settings.board == Board(button="FACTRESET")
    assert box.left == {"history.sqlite.damaged-1"}


def test_what_cannot_be_deleted_is_named_and_the_rest_goes(tmp_path: Path) -> None:
    """A settings file that is a folder: the state is gone all the same, and a sentence says what is left."""
    box = Box(tmp_path)
    box.file.unlink()
    box.file.mkdir()
    with pytest.raises(Trouble, match=r"could not delete everything: .*han2x\.toml: Is a directory"):
        erase(Settings(mqtt=(Mqtt(password="x"),)), box.file, box.state, history=False)
    assert box.left == set(HISTORY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for others")
def test_what_root_writes_is_the_services(tmp_path: Path) -> None:
    """A reset by root leaves a settings file that the folder's owner can read and write."""
    os.chown(tmp_path, 12345, 12346)
    box = Box(tmp_path)
    erased(box)
    made = box.file.stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (12345, 12346, 0o600)


WITH_A_WISH = """
import asyncio, sys
from pathlib import Path
from han2x import app
from han2x.runtime.settings_file import load
began = []
def ready(gateway):
    began.append(gateway.was_reset)
    print("began", gateway.was_reset, gateway.settings.value.meters[0].scale, flush=True)
    if len(began) == 1:
        gateway.health.watch(lambda h: asyncio.get_running_loop().call_later(0.3, gateway.factory_reset_now))
folder = Path(sys.argv[1])
from han2x.runtime.gateway import Gateway
Gateway.factory_reset_now = lambda self: self.wish.value or self.factory_reset(history=False)
asyncio.run(app.run(load(folder / "han2x.toml"), settings_file=folder / "han2x.toml",
    state_dir=folder / "state", ready=ready))
"""


def test_a_running_program_begins_anew(tmp_path: Path) -> None:
    """The reset of a running program: files are gone, Modbus answers again with the default factor."""
    port = free_port()
    (tmp_path / "factory.toml").write_text(f'[modbus_tcp]\nhost = "127.0.0.1"\nport = {port}\n')
    (tmp_path / "han2x.toml").write_text(
        '[[meters]]\nscale = 5000\nsource = "simulate:kaifa?speed=50"\n[[mqtt]]\npassword = "secret"\n'
    )
    process = subprocess.Popen([sys.executable, "-c", WITH_A_WISH, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"began False 5000\n"
        assert process.stdout.readline() == b"began True 1000\n"
        assert _scale(port) == 1000
        assert not (tmp_path / "han2x.toml").exists(), "the settings are those of factory.toml"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    assert "history.sqlite" in os.listdir(tmp_path / "state")


def _scale(port: int) -> int:
    deadline = monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(bytes.fromhex("000100000006010300300002"))
                return int.from_bytes(client.recv(100)[-4:])
        except ConnectionError:
            assert monotonic() < deadline
            sleep(0.05)
