"""The whole program as a process: settings file in, Modbus out, and what restarts and kills leave of it.

pymodbus is the client. Its unit is 1, addresses count from 0: register 40001 is address 0. The kill loop
uses a simulated meter that starts later in each round; within a month its counters are a pure function of
seed and time, so that a real meter's going on while the gateway was dead is what it looks like.
"""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
from pymodbus.client import ModbusTcpClient

from han2x.runtime.settings_file import load
from han2x.runtime.state_file import StateFile
from han2x.runtime.stored_state import from_json
from han2x.settings.schema import Settings

from ..ports import free_port

HOST = "127.0.0.1"
DEADLINE_S = 60
REGISTERS = 51
SCALE, SCALE_ALIAS = 48, 44
ESTIMATES = (28, 30, 32, 34)
ENERGIES = (20, 22, 24, 26)
IN_WH = 1_000_000
"""The factor that makes kWh registers count in Wh."""


def poll(condition: Callable[[], bool], what: str) -> None:
    """Wait until something that another process does has happened."""
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, f"never: {what}"
        sleep(0.01)


class Program:
    """A gateway in a process of its own, with its files in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.log = ""
        self.port = port
        settings, state = str(folder / "han2x.toml"), str(folder / "state")
        command = [sys.executable, "-m", "han2x", "run", "--settings", settings, "--state", state]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.client = ModbusTcpClient(HOST, port=port, timeout=10, retries=0)

    def connect(self) -> None:
        """The first moment at which it answers."""
        poll(self._connected, "the gateway answers")

    def _connected(self) -> bool:
        assert self._process.poll() is None, self.read_log()
        with socket.socket() as probe:  # pymodbus logs an error for each refusal
            if probe.connect_ex((HOST, self.port)):
                return False
        return bool(self.client.connect())  # type: ignore[no-untyped-call]

    def words(self, address: int = 0, count: int = REGISTERS) -> list[int]:
        response = self.client.read_holding_registers(address, count=count, device_id=1)
        assert not response.isError(), response
        return list(response.registers)

    def number(self, address: int) -> int:
        """The 32-bit value at an address."""
        return number(self.words(address, 2), 0)

    def write_scale(self, scale: int) -> None:
        response = self.client.write_registers(SCALE, [scale >> 16, scale & 0xFFFF], device_id=1)
        assert not response.isError(), response

    def until_logged(self, text: str) -> None:
        assert self._process.stderr
        deadline = monotonic() + DEADLINE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stderr, selectors.EVENT_READ)
            while text not in self.log:
                assert selector.select(deadline - monotonic()), f"{text!r} was not logged:\n{self.log}"
                octets = os.read(self._process.stderr.fileno(), 65536)
                assert octets, f"ended before {text!r}:\n{self.log}"
                self.log += octets.decode()

    def read_log(self) -> str:
        _, rest = self._process.communicate(timeout=DEADLINE_S)
        self.log += rest.decode()
        return self.log

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; the exit status, negative for a signal."""
        self.client.close()  # type: ignore[no-untyped-call]
        if self._process.poll() is None:
            self._process.send_signal(number)
        if self._process.stderr and not self._process.stderr.closed:
            self.read_log()
        assert "Traceback" not in self.log
        assert "internal error" not in self.log
        return self._process.returncode


@contextmanager
def running(folder: Path, port: int, *, answers: bool = True) -> Iterator[Program]:
    program = Program(folder, port)
    try:
        if answers:
            program.connect()
        yield program
    finally:
        program.end(signal.SIGKILL)


def number(words: list[int], address: int) -> int:
    return words[address] << 16 | words[address + 1]


def vectors() -> Mapping[str, bytes]:
    path = Path(__file__).parents[1] / "simulator" / "vectors.txt"
    lines = [line.split() for line in path.read_text("ascii").splitlines() if not line.startswith("#")]
    return {name: bytes.fromhex(octets) for name, octets in lines}


def write_settings(folder: Path, source: str, port: int, scale: int = 1000) -> str:
    text = f"""\
# mine, by hand
[modbus_tcp]  # for the heat pump
host = "{HOST}"
port = {port}

[web]
enabled = false

[[meters]]
scale = {scale}   # do not forget why
source = "{source}"  # the cellar
"""
    (folder / "han2x.toml").write_text(text)
    return text


def loaded(folder: Path) -> Settings:
    settings = load(folder / "han2x.toml")
    assert isinstance(settings, Settings), settings
    return settings


@pytest.fixture
def recording(tmp_path: Path) -> str:
    (tmp_path / "dump.bin").write_bytes(vectors()["AID-L3-3w"])
    return f"replay:{tmp_path / 'dump.bin'}?speed=max"


def test_a_telegram_is_read_as_registers(tmp_path: Path, recording: str) -> None:
    """The values of a recorded telegram are in the manual's registers, read by another program's client."""
    port = free_port()
    write_settings(tmp_path, recording, port)
    with running(tmp_path, port) as program:
        poll(lambda: program.number(0) == 1234, "the telegram is in the registers")
        words = program.words()
        assert [number(words, at) for at in (0, 2, 4, 6)] == [1234, 0, 0, 321]
        assert [number(words, at) for at in (8, 10, 12)] == [5200, 0, 10_400]
        assert [number(words, at) for at in (14, 16, 18)] == [2312, 2305, 2298]
        assert [number(words, at) for at in ENERGIES] == [12_345, 0, 43, 987]
        assert [number(words, at) for at in ESTIMATES] == [12_345, 0, 43, 987]
        assert words[36:42] == [2025, 12, 14, 16, 0, 0]
        assert number(words, SCALE) == number(words, SCALE_ALIAS) == 1000
        assert program.end() == 0


def test_it_answers_within_five_seconds_of_its_start(tmp_path: Path, recording: str) -> None:
    """From the start of the process to the first answer is well below the manual's five seconds (M16)."""
    port = free_port()
    write_settings(tmp_path, recording, port)
    began = monotonic()
    with running(tmp_path, port) as program:
        program.words()
        assert monotonic() - began < 5


def test_a_written_scale_is_in_force_in_the_file_and_after_a_restart(tmp_path: Path, recording: str) -> None:
    """A factor written at 40049 scales the next answer, is in the settings file in 10 s, and stays (M22)."""
    port = free_port()
    text = write_settings(tmp_path, recording, port)
    file = tmp_path / "han2x.toml"
    file.chmod(0o644)
    with running(tmp_path, port) as program:
        poll(lambda: program.number(0) == 1234, "the telegram is in the registers")
        program.write_scale(2500)
        assert program.number(0) == 3085
        assert (program.number(SCALE), program.number(SCALE_ALIAS)) == (2500, 2500)
        written = monotonic()
        poll(lambda: loaded(tmp_path).meters[0].scale == 2500, "the factor is in the file")
        assert monotonic() - written < 10
        with_id = text.replace("# mine, by hand\n", "# mine, by hand\nformat = 2\n\n") + 'id = "main"\n'
        assert file.read_text() == with_id.replace("scale = 1000", "scale = 2500")
        assert file.stat().st_mode & 0o777 == 0o644
        assert program.end() == 0
    with running(tmp_path, port) as program:
        assert program.number(SCALE) == 2500
        assert program.number(ENERGIES[0]) == 30_864


def test_a_refused_scale_changes_nothing(tmp_path: Path, recording: str) -> None:
    """A factor outside the manual's bounds is exception 03; register, file and state are as before."""
    port = free_port()
    text = write_settings(tmp_path, recording, port)
    with running(tmp_path, port) as program:
        response = program.client.write_registers(SCALE, [0, 9], device_id=1)
        assert (response.isError(), response.exception_code) == (True, 3)
        assert program.number(SCALE) == 1000
        assert program.end() == 0
    assert (tmp_path / "han2x.toml").read_text() == text


def test_energies_come_back_before_the_meter_speaks(tmp_path: Path, recording: str) -> None:
    """After a restart without a meter the last energies are there, and no power that looks live (M7)."""
    port = free_port()
    write_settings(tmp_path, recording, port)
    with running(tmp_path, port) as program:
        poll(lambda: program.number(0) == 1234, "the telegram is in the registers")
        assert program.end(signal.SIGKILL) == -signal.SIGKILL
    write_settings(tmp_path, "serial:/no/tty", port)
    with running(tmp_path, port) as program:
        words = program.words()
        assert [number(words, at) for at in ENERGIES] == [12_345, 0, 43, 987]
        assert [number(words, at) for at in ESTIMATES] == [12_345, 0, 43, 987]
        assert words[:20] == [0] * 20


def test_a_taken_port_is_said_and_the_meter_goes_on(tmp_path: Path) -> None:
    """While another has the port the log says what to do, telegrams are kept, and then it is served."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        write_settings(tmp_path, "simulate:kaifa?speed=100&start=2025-12-14T14:59:40Z", port)
        with running(tmp_path, port, answers=False) as program:
            program.until_logged(
                f"modbus tcp: TCP port {port} is in use by another program: stop that, or set modbus_tcp.port"
            )
            state = tmp_path / "state" / "main.state"
            poll(lambda: b"act_energy_pos" in (StateFile(state).payload or b""), "the hour's energies")
            taken.close()
            program.connect()
            assert program.number(ENERGIES[0]) > 0
            assert program.end() == 0


def test_an_unwritable_settings_file_costs_nothing_else(tmp_path: Path, recording: str) -> None:
    """A file broken by hand while the program runs is left alone; the factor is in force and kept."""
    port = free_port()
    text = write_settings(tmp_path, recording, port)
    with running(tmp_path, port) as program:
        (tmp_path / "han2x.toml").write_text(text + "[[[\n")
        program.write_scale(2500)
        program.until_logged("has been edited and is not valid any more")
        assert program.number(SCALE) == 2500
        assert program.end() == 0
    assert (tmp_path / "han2x.toml").read_text() == text + "[[[\n"
    (tmp_path / "han2x.toml").write_text(text)
    with running(tmp_path, port) as program:
        assert program.number(SCALE) == 2500


def source_of(round_number: int) -> str:
    """The simulated meter of a round: five hours after the one before, shortly before a full hour."""
    start = datetime(2025, 12, 2, 11, 59, 40, tzinfo=UTC) + timedelta(hours=5 * round_number)
    return f"simulate:kaifa?speed=3000&solar=8000&start={start:%Y-%m-%dT%H:%M:%SZ}"


def check_files(folder: Path) -> None:
    """What a killed program leaves behind loads."""
    loaded(folder)
    file = folder / "state" / "main.state"
    if not file.exists() or not file.stat().st_size:
        return  # killed before anything was stored, or while it was stored for the first time
    state = StateFile(file).payload
    assert state is not None
    assert from_json(state) is not None


def test_no_kill_makes_an_estimate_run_backwards(tmp_path: Path) -> None:
    """Killed again and again while hours fly by, every estimate and energy ever read is at least the last.

    Four of five rounds go on until a new hour's energies were read; the fifth is killed wherever it is.
    """
    rng, port, seen, rises = Random(1), free_port(), [0] * 8, 0
    for round_number in range(25):
        write_settings(tmp_path, source_of(round_number), port, IN_WH)
        reads, deadline = rng.randint(1, 200), monotonic() + DEADLINE_S
        enough = rises + (round_number % 5 > 0)
        with running(tmp_path, port) as program:
            while reads > 0 or rises < enough:
                assert monotonic() < deadline, f"never: new energies after {seen}"
                reads -= 1
                words = program.words()
                values = [number(words, at) for at in (*ESTIMATES, *ENERGIES)]
                assert all(new >= old for new, old in zip(values, seen, strict=True)), (values, seen)
                rises += values > seen
                seen = values
            program.end(signal.SIGKILL)
        check_files(tmp_path)
    assert all(estimate >= energy > 0 for estimate, energy in zip(seen[:4], seen[4:], strict=True))


def test_no_kill_loses_an_acknowledged_scale(tmp_path: Path) -> None:
    """Killed right after an answer to a write, the next start reads the factor that was written last."""
    rng, port, scale = Random(2), free_port(), 1000
    write_settings(tmp_path, source_of(0), port)
    for _ in range(25):
        with running(tmp_path, port) as program:
            assert program.number(SCALE) == scale
            for _ in range(rng.randint(1, 6)):
                scale = rng.randint(10, 999_999_999)
                program.write_scale(scale)
                for _ in range(rng.choice((0, 0, 1, 20))):
                    assert program.number(SCALE_ALIAS) == scale
            program.end(signal.SIGKILL)
        check_files(tmp_path)
    text = (tmp_path / "han2x.toml").read_text()
    assert re.findall("#.*", text) == [
        "# mine, by hand",
        "# for the heat pump",
        "# do not forget why",
        "# the cellar",
    ]
    leftovers = {path.name for path in tmp_path.iterdir()} - {"han2x.toml", "state"}
    assert all(name.startswith(".han2x.toml.") for name in leftovers)
