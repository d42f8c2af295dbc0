"""What the benches share: figures with their bars, the peers' environment, and a gateway under test.

Everything runs on loopback. Nothing here decides what is measured.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
PEERS_ENVIRONMENT = ROOT / ".venv-bench"
PEERS_PYTHON = PEERS_ENVIRONMENT / "bin" / "python"
PEERS = ("amshan==2.1.1", "dsmr-parser==1.11.2")

BARE_PYTHON: str = getattr(sys, "_base_executable", sys.executable)
"""The interpreter that our environment was made from, without that environment."""

PATIENCE_S = 15.0
READ_ALL = bytes.fromhex("000100000006010300000033")
ANSWER_SIZE = 9 + 2 * 51


class Bar(NamedTuple):
    """What a figure has to hold: `sense` is ">=" or "<"."""

    sense: str
    limit: float

    def met(self, value: float) -> bool:
        """Whether a value holds it."""
        return value >= self.limit if self.sense == ">=" else value < self.limit


class Figure(NamedTuple):
    """A median with the runs it was taken from, and the bar, if there is one."""

    bench: str
    what: str
    value: float
    unit: str
    runs: Sequence[float] = ()
    bar: Bar | None = None

    @property
    def missed(self) -> bool:
        """Whether there is a bar and it is not met."""
        return self.bar is not None and not self.bar.met(self.value)

    def show(self) -> None:
        """One line for people."""
        parts = [f"  {self.what:<52}{self.value:>9.4g} {self.unit}"]
        if len(self.runs) > 1:
            parts.append(f"[{min(self.runs):.4g} … {max(self.runs):.4g}]")
        if self.bar:
            parts.append(f"(bar {self.bar.sense} {self.bar.limit:g}: {'MISSED' if self.missed else 'met'})")
        print("   ".join(parts))


def median_of(bench: str, what: str, runs: Sequence[float], unit: str, bar: Bar | None = None) -> Figure:
    """The median of some runs as a figure."""
    return Figure(bench, what, statistics.median(runs), unit, tuple(runs), bar)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered) + 0.5) - 1))]


def load() -> str:
    """How busy this machine is, for the record."""
    averages = ", ".join(f"{average:.2f}" for average in os.getloadavg())
    return f"load average {averages} on {os.cpu_count()} cores"


def keep(figures: Sequence[Figure]) -> Path:
    """Write all figures as JSON lines."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("bench-%Y%m%d-%H%M%S.jsonl")
    with path.open("w", encoding="utf-8") as file:
        for figure in figures:
            row = {**figure._asdict(), "bar": figure.bar and list(figure.bar), "missed": figure.missed}
            file.write(json.dumps({**row, "load": os.getloadavg()}) + "\n")
    return path


def peers_python() -> Path | None:
    """The peers' interpreter, with the peers installed; None, said aloud, where they cannot be had."""
    stamp = PEERS_ENVIRONMENT / "peers"
    if stamp.exists() and stamp.read_text() == "\n".join(PEERS):
        return PEERS_PYTHON
    print(f"installing {', '.join(PEERS)} into {PEERS_ENVIRONMENT.name}")
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS]
    try:
        subprocess.run([BARE_PYTHON, "-m", "venv", str(PEERS_ENVIRONMENT)], check=True)
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the peers cannot be installed: {error}")
        return None
    stamp.write_text("\n".join(PEERS))
    return PEERS_PYTHON


class Meanwhile:
    """How much of the machine others used, in cores: `foreign()`, since this was made.

    `pids`: processes of ours besides this one and its children that have ended.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._began, self._busy, self._own = time.monotonic(), _busy_s(), self._own_s()

    def foreign(self) -> float:
        """Cores that other processes kept busy."""
        others = _busy_s() - self._busy - (self._own_s() - self._own)
        return max(0.0, others / (time.monotonic() - self._began))

    def _own_s(self) -> float:
        return sum(os.times()[:4]) + sum(used_s(pid) for pid in self._pids)


def _busy_s() -> float:
    """Processor seconds used by everything on this machine since it started."""
    fields = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal, *_ = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def compiled() -> None:
    """Bytecode is present, as it is after an installation."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(ROOT / "src")], check=True)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def first_connection(port: int) -> socket.socket:
    """A connection to the gateway, as soon as it takes one."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionError):
            client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client
        time.sleep(0.001)
    raise TimeoutError(f"nothing listens on port {port}")


def registers(client: socket.socket) -> bytes:
    """All registers of unit 1, by a real FC03 request."""
    client.sendall(READ_ALL)
    answer = client.recv(ANSWER_SIZE)
    while len(answer) < ANSWER_SIZE:
        more = client.recv(ANSWER_SIZE - len(answer))
        if not more:
            raise ConnectionResetError("the gateway has closed the connection")
        answer += more
    return answer[9:]


class Gateway(NamedTuple):
    """A gateway that runs: its process, and a connection to it."""

    process: subprocess.Popen[bytes]
    client: socket.socket
    started_s: float
    cpu_s: float


SETTINGS = """[[meters]]
source = "{source}"

[modbus_tcp]
host = "127.0.0.1"
port = {port}

[web]
enabled = false

[history]
enabled = false

[board]
enabled = false
"""


def used_s(pid: int) -> float:
    """Processor time that a process has used, by the kernel's scheduler."""
    return (
        sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    )


@contextlib.contextmanager
def gateway(source: str, *, kept: bool = True, more: str = "") -> Iterator[Gateway]:
    """`han2x run` with a settings file and stored state, or `han2x demo` that stores nothing.

    `more`: further lines of the settings file.

    `started_s`: from the start of the process to its first Modbus answer; `cpu_s`: processor time until then.
    """
    with tempfile.TemporaryDirectory(prefix="han2x-bench-") as folder:
        port = free_port()
        words = ["demo", "--port", str(port), "--web-port", str(free_port()), "--source", source]
        if kept:
            settings = Path(folder, "han2x.toml")
            settings.write_text(SETTINGS.format(source=source, port=port) + more)
            words = ["run", "--settings", str(settings), "--state", str(Path(folder, "state"))]
        with serving([sys.executable, "-m", "han2x", *words], port) as running:
            yield running


@contextlib.contextmanager
def serving(command: list[str], port: int) -> Iterator[Gateway]:
    """A gateway's process from its first answer until it is no longer needed."""
    quiet = subprocess.DEVNULL
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=ROOT)
    try:
        client = first_connection(port)
        with client:
            registers(client)
            started_s = time.perf_counter() - began
            yield Gateway(process, client, started_s, used_s(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def interleaved(runs: int, *measures: Callable[[], None]) -> None:
    """Each measure once, then each once more, and so on: what disturbs one disturbs all."""
    for run in range(runs):
        for measure in measures:
            measure()
        print(f"  run {run + 1} of {runs} done", end="\r", file=sys.stderr)
    print(" " * 40, end="\r", file=sys.stderr)
