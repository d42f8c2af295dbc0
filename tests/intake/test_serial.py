"""The serial link on a real pty: octets, unplugging, and every way in which a device cannot be used."""

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from han2x.intake.serial import SerialLink, find_adapter
from han2x.runtime.gateway import Trouble

from .pull import ended, exactly


class Adapter:
    """A pty under a path of its own; unplugging it takes both away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug_in()

    def plug_in(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)

    def send(self, octets: bytes) -> None:
        os.write(self._master, octets)

    @property
    def speed(self) -> int:
        return int(termios.tcgetattr(self._master)[5])

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self._master)


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    return Adapter(tmp_path / "ttyHAN")


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await scene()

    asyncio.run(main())


def test_octets_arrive_as_they_were_sent(adapter: Adapter) -> None:
    """Every octet value passes, in order: no translation, no flow control, no signals."""

    async def scene() -> None:
        link = SerialLink(str(adapter.path), "8E1")
        everything = bytes(range(256)) * 4
        adapter.send(everything)
        assert await exactly(link, len(everything)) == everything
        assert adapter.speed == termios.B2400
        link.close()

    play(scene)


def test_a_cooked_tty_is_made_raw(adapter: Adapter) -> None:
    """A tty that was left in line mode, with CR LF translation and echo, is set right."""
    with adapter.path.open("rb", buffering=0) as slave:
        attributes = termios.tcgetattr(slave)
        attributes[0] |= termios.ICRNL | termios.IXON
        attributes[3] |= termios.ICANON | termios.ECHO | termios.ISIG
        termios.tcsetattr(slave, termios.TCSANOW, attributes)

    async def scene() -> None:
        link = SerialLink(str(adapter.path), "8E1")
        octets = b"\r\n\x03\x04\x11\x13\x1a\x7f"
        adapter.send(octets)
        assert await exactly(link, len(octets)) == octets
        link.close()

    play(scene)


def test_reading_may_be_cancelled_without_loss(adapter: Adapter) -> None:
    """A read that is given up takes no octets with it."""

    async def scene() -> None:
        link, lost = SerialLink(str(adapter.path), "8E1"), list[bytes]()
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await link.read(lost.append)
        adapter.send(b"abc")
        assert await exactly(link, 3) == b"abc"
        assert lost == []
        link.close()

    play(scene)


def test_an_unplugged_adapter_is_trouble_after_its_last_octets(adapter: Adapter) -> None:
    """What had been read is handed on; then it is said that the adapter is gone, however often one asks."""

    async def scene() -> None:
        link = SerialLink(str(adapter.path), "8E1")
        adapter.send(b"last")
        assert await exactly(link, 4) == b"last"
        adapter.unplug()
        for _ in range(2):
            with pytest.raises(Trouble, match="ttyHAN is gone: was the adapter unplugged"):
                await ended(link)
        link.set_line("8N1")
        link.close()
        link.close()

    play(scene)


def test_it_is_read_again_when_it_comes_back(adapter: Adapter) -> None:
    """Under the same path another device may come back: opening it anew is all that is needed."""

    async def scene() -> None:
        for octets in (b"first", b"second", b"third"):
            link = SerialLink(str(adapter.path), "8E1")
            adapter.send(octets)
            assert await exactly(link, len(octets)) == octets
            adapter.unplug()
            with pytest.raises(Trouble):
                await ended(link)
            link.close()
            with pytest.raises(Trouble, match="is not there: is the adapter plugged in"):
                SerialLink(str(adapter.path), "8E1")
            adapter.plug_in()

    play(scene)


def test_a_device_in_use_is_trouble(adapter: Adapter) -> None:
    """Two programs on one line would each get half: the second is told so, until the first lets go."""
    with adapter.path.open("rb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        async def scene() -> None:
            with pytest.raises(Trouble, match="ttyHAN is in use by another program"):
                SerialLink(str(adapter.path), "8E1")
            fcntl.flock(other, fcntl.LOCK_UN)
            link = SerialLink(str(adapter.path), "8E1")
            with pytest.raises(Trouble, match="is in use by another program"):
                SerialLink(str(adapter.path), "8E1")
            link.close()
            SerialLink(str(adapter.path), "8E1").close()

        play(scene)


def test_what_is_no_tty_is_trouble(tmp_path: Path) -> None:
    """A file, a folder and a missing device each get their sentence."""
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    said = {
        "file": "is no serial device",
        ".": "cannot be opened: Is a directory",
        "loop": "cannot be opened: Too many levels of symbolic links",
        "missing": "is not there: is the adapter plugged in? It is looked for again",
        "missing/tty": "is not there",
    }

    async def scene() -> None:
        for name, text in said.items():
            with pytest.raises(Trouble) as trouble:
                SerialLink(str(tmp_path / name), "8E1")
            assert text in str(trouble.value)
        with pytest.raises(Trouble, match="is no serial device"):
            SerialLink("/dev/null", "8E1")

    play(scene)


def test_refused_devices_are_let_go_of(tmp_path: Path) -> None:
    """Trying again and again costs no file descriptors."""
    (tmp_path / "file").write_text("")

    async def scene() -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            with pytest.raises(Trouble):
                SerialLink(str(tmp_path / "file"), "8E1")
        assert len(os.listdir("/proc/self/fd")) == before

    play(scene)


def test_the_one_adapter_is_found(tmp_path: Path) -> None:
    """One entry is taken, none and several are trouble that says what to do."""
    with pytest.raises(Trouble, match="no serial adapter found: plug one in, or set the meter's source"):
        find_adapter(tmp_path / "none")
    folder = tmp_path / "by-id"
    folder.mkdir()
    with pytest.raises(Trouble, match="no serial adapter found"):
        find_adapter(folder)
    (folder / "usb-B").touch()
    assert find_adapter(folder) == str(folder / "usb-B")
    (folder / "usb-A").touch()
    with pytest.raises(Trouble) as trouble:
        find_adapter(folder)
    assert str(trouble.value) == (
        f"several serial adapters found: set the meter's source to one of serial:{folder}/usb-A, "
        f"serial:{folder}/usb-B"
    )


def system_calls(source: str) -> str:
    """What `listen` asks the kernel for while it opens a source; skips where that cannot be seen."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    listen = [sys.executable, "-m", "han2x", "listen", source, "--seconds", "0.1"]
    traced = subprocess.run(
        [strace, "-e", "trace=ioctl", *listen], capture_output=True, text=True, timeout=30, check=False
    )
    if not re.search(r"TCSETS\b", traced.stderr):
        pytest.skip("strace cannot trace here")
    return traced.stderr


@pytest.mark.parametrize(
    ("line", "baud_rate", "data_bits", "parity"),
    [
        ("8E1", "B2400", "CS8", True),
        ("8N1", "B2400", "CS8", False),
        ("115200-8N1", "B115200", "CS8", False),
        ("9600-7E1", "B9600", "CS7", True),
        ("9600-8N1", "B9600", "CS8", False),
        ("9600-8E1", "B9600", "CS8", True),
        ("9600-7N1", "B9600", "CS7", False),
    ],
)
def test_the_settings_asked_for(
    adapter: Adapter, line: str, baud_rate: str, data_bits: str, parity: bool
) -> None:
    """A pty has no parity, but the kernel is asked for it: that is seen in the system call."""
    calls = system_calls(f"serial:{adapter.path}?line={line}")
    asked = next(text for text in calls.splitlines() if re.search(r"TCSETS\b", text))
    assert re.search(rf"\b{baud_rate}\b", asked)
    assert data_bits in asked
    assert ("PARENB" in asked) is parity


@pytest.mark.parametrize(
    ("request_", "rts", "dtr"),
    [("both", "BIS", "BIS"), ("rts", "BIS", "BIC"), ("dtr", "BIC", "BIS"), ("none", "BIC", "BIC")],
)
def test_the_data_request(adapter: Adapter, request_: str, rts: str, dtr: str) -> None:
    """P1's data request is held up by the modem lines that the source names."""
    calls = system_calls(f"serial:{adapter.path}?request={request_}")
    assert re.search(rf"TIOCM{rts}, \[TIOCM_RTS\]", calls)
    assert re.search(rf"TIOCM{dtr}, \[TIOCM_DTR\]", calls)
