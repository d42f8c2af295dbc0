"""Modbus TCP: requests a second and 99th percentile, beside pymodbus and libmodbus; a flood's victims; start.

    python bench/modbus.py [--runs 5] [--seconds 1] [--loadgen loadgen.c]

Servers run on core 0, the load generator on core 1, on loopback, all servers up at once and measured in
turn, cell by cell. A measurement during which other processes used more than a tenth of a core is made
again. Medians are printed with the bars they have to pass, and every run goes to `results/` as a JSON
line. The load generator is a C file outside the project: `--loadgen`, else `HAN2X_LOADGEN_C`, else its
place beside the checkout.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers"
LOADGEN = ROOT.parent / "shared" / "tools" / "modbus" / "loadgen.c"

SERVER_CORE, CLIENT_CORE = "0", "1"
REGISTERS = 51
FOREIGN_CORE = 0.10
TRIES = 3
READ = bytes.fromhex("000100000006010300000033")


class Cell(NamedTuple):
    """Connections, and requests in flight on each."""

    conns: int
    depth: int

    def __str__(self) -> str:
        return f"{self.conns} x {self.depth}"


CELLS = (Cell(1, 1), Cell(8, 1), Cell(64, 1), Cell(256, 1), Cell(8, 8), Cell(64, 8))


class Bar(NamedTuple):
    """What must hold: `ours` does at least `factor` times the requests of `peer` in these cells."""

    ours: str
    factor: float
    peer: str
    cells: tuple[Cell, ...]


BARS = (
    Bar("han2x", 5, "pymodbus", (Cell(8, 1), Cell(64, 1), Cell(256, 1))),
    Bar("han2x", 0.85, "libmodbus", (Cell(64, 1),)),
    Bar("han2x uvloop", 1.0, "libmodbus", (Cell(64, 1),)),
    Bar("han2x", 3, "libmodbus", (Cell(8, 8), Cell(64, 8))),
)
FLOOD_BAR_MS = 20.0


class Server(NamedTuple):
    """A server that runs: its name, port and process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]


def han2x_command(port: int, *, uvloop: bool = False) -> list[str]:
    """How han2x is started; the one place that knows."""
    script = [sys.executable, str(PEERS / "han2x_server.py"), *(["--uvloop"] if uvloop else [])]
    return [*script, "modbus_tcp.host=127.0.0.1", f"modbus_tcp.port={port}"]


def commands(work: Path) -> dict[str, list[str]]:
    """The command of each server that can run here, without its port; says what cannot."""
    found = {"han2x": han2x_command(0)}
    if find_spec("uvloop"):
        found["han2x uvloop"] = han2x_command(0, uvloop=True)
    if find_spec("pymodbus"):
        found["pymodbus"] = [sys.executable, str(PEERS / "pymodbus_server.py"), "0"]
    if libmodbus := built(PEERS / "libmodbus_server.c", work, "-lmodbus", "-I/usr/include/modbus"):
        found["libmodbus"] = [libmodbus, "0"]
    for name in {"han2x uvloop", "pymodbus", "libmodbus"} - found.keys():
        print(f"{name}: not installed here, left out")
    return found


def built(source: Path, work: Path, *options: str) -> str | None:
    """A C program's path once compiled; None when there is no compiler or library."""
    target = work / source.stem
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler or not source.exists():
        return None
    done = subprocess.run([compiler, "-O2", "-o", target, source, *options], capture_output=True)
    return str(target) if done.returncode == 0 else None


@contextlib.contextmanager
def running(name: str, command: list[str], core: str = SERVER_CORE) -> Iterator[Server]:
    """A server on a core, once it answers."""
    port = free_port()
    command = [word.replace("port=0", f"port={port}") for word in command]
    command[-1] = str(port) if command[-1] == "0" else command[-1]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(pinned(core, command), env=environment, stdout=quiet, stderr=quiet)
    try:
        first_answer(port)
        yield Server(name, port, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def pinned(core: str, command: list[str]) -> list[str]:
    """The command on one core."""
    return ["taskset", "-c", core, *command]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def first_answer(port: int) -> None:
    """Wait until the server at a port answers a read."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as client:
            ask(client)
            return
        time.sleep(0.001)
    sys.exit(f"no answer at port {port}")


def ask(client: socket.socket) -> None:
    """Read all registers."""
    client.sendall(READ)
    wanted = 9 + 2 * REGISTERS
    while wanted > 0:
        octets = client.recv(wanted)
        if not octets:
            raise ConnectionResetError
        wanted -= len(octets)


def busy_s() -> float:
    """Processor seconds used by everything on this machine since it started."""
    fields = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal, *_ = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def used_s(pid: int) -> float:
    """Processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(loadgen: str, server: Server, cell: Cell, seconds: float) -> dict[str, Any]:
    """The quietest of a few runs of one cell, ended by the first that is quiet enough."""
    runs = []
    for _ in range(TRIES):
        runs.append(once(loadgen, server, cell, seconds))
        if runs[-1]["foreign"] <= FOREIGN_CORE:
            break
    return min(runs, key=lambda run: float(run["foreign"]))


def once(loadgen: str, server: Server, cell: Cell, seconds: float) -> dict[str, Any]:
    """One run; `foreign`: cores that other processes kept busy meanwhile."""
    load = [loadgen, "127.0.0.1", server.port, cell.conns, seconds, REGISTERS, cell.depth]
    command = pinned(CLIENT_CORE, [str(word) for word in [*load, "-P", server.process.pid]])
    began, busy, own = time.monotonic(), busy_s(), used_s(server.process.pid) + sum(os.times()[:4])
    done = subprocess.run(command, capture_output=True, text=True)
    own = used_s(server.process.pid) + sum(os.times()[:4]) - own
    foreign = (busy_s() - busy - own) / (time.monotonic() - began)
    return {"server": server.name, **cell._asdict(), **json.loads(done.stdout), "foreign": round(foreign, 3)}


def throughput(loadgen: str, work: Path, runs: int, seconds: float) -> list[dict[str, Any]]:
    """All cells of all servers, interleaved."""
    results = []
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(*named)) for named in commands(work).items()]
        for run in range(runs):
            for cell in CELLS:
                results += [measured(loadgen, server, cell, seconds) for server in servers]
            print(f"run {run + 1} of {runs} done", file=sys.stderr)
    return results


def median(results: list[dict[str, Any]], server: str, cell: Cell, key: str = "req_s") -> float:
    """The median of one figure in one cell; 0 where there is none."""
    figures = [r[key] for r in results if (r["server"], r["conns"], r["depth"]) == (server, *cell)]
    return statistics.median(figures) if figures else 0.0


def show(results: list[dict[str, Any]]) -> None:
    """The table of medians and what becomes of each bar."""
    names = list(dict.fromkeys(result["server"] for result in results))
    print("requests/s, p99 in us, server us a request; connections x in flight, 51 registers")
    print(f"{'':14}" + "".join(f"{cell!s:>24}" for cell in CELLS))
    for name in names:
        figures = [[median(results, name, cell, key) for key in FIGURES] for cell in CELLS]
        print(f"{name:14}" + "".join(f"{f[0]:12.0f} {f[1]:6.0f} {f[2]:4.1f}" for f in figures))
    noisy = sum(result["foreign"] > FOREIGN_CORE for result in results)
    print(f"{noisy} of {len(results)} measurements disturbed by other processes")
    for bar in BARS:
        for cell in bar.cells:
            judge(results, bar, cell)


def judge(results: list[dict[str, Any]], bar: Bar, cell: Cell) -> None:
    """One bar in one cell; beside it the same by processor time, which other processes disturb less."""
    ours, peer = (median(results, name, cell) for name in (bar.ours, bar.peer))
    our_us, peer_us = (median(results, name, cell, "srv_us_per_req") for name in (bar.ours, bar.peer))
    if ours and peer and our_us:
        what = f"{bar.ours} / {bar.peer} at {cell} (by processor time {peer_us / our_us:.2f})"
        verdict(what, ours / peer, f">= {bar.factor}", ours >= bar.factor * peer)


FIGURES = ("req_s", "p99_us", "srv_us_per_req")


def verdict(what: str, figure: float, bar: str, passed: bool) -> None:
    """One line for one bar."""
    print(f"{'pass' if passed else 'FAIL'}  {what}: {figure:.2f} (bar {bar})")


def flood_ms(command: list[str], seconds: float) -> float:
    """The longest that a client waited while another floods and does not read."""
    with running("victim", command) as server:
        flooder = subprocess.Popen(
            pinned(CLIENT_CORE, [sys.executable, str(PEERS / "flood.py"), str(server.port)])
        )
        try:
            return max(waits(server.port, seconds))
        finally:
            flooder.kill()
            flooder.wait()


def waits(port: int, seconds: float) -> Iterator[float]:
    """How long each read of everything takes, in ms, one every 2 ms."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            asked = time.monotonic()
            ask(client)
            yield 1000 * (time.monotonic() - asked)
            time.sleep(0.002)


def start_ms(command: list[str]) -> float:
    """From starting the process to its first answer, in ms."""
    began = time.monotonic()
    with running("start", command):
        return 1000 * (time.monotonic() - began)


def keep(results: list[dict[str, Any]]) -> Path:
    """Write every run as a JSON line."""
    path = HERE / "results" / time.strftime("modbus-%Y%m%d-%H%M%S.jsonl")
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(result) + "\n" for result in results))
    return path


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--loadgen", default=os.environ.get("HAN2X_LOADGEN_C", str(LOADGEN)))
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        if loadgen := built(Path(options.loadgen), Path(folder)):
            results += throughput(loadgen, Path(folder), options.runs, options.seconds)
            show(results)
        else:
            print(f"no requests/s: {options.loadgen} is absent or there is no C compiler; see --loadgen")
    for name, uvloop in (("han2x", False), ("han2x uvloop", True)):
        if uvloop and not find_spec("uvloop"):
            continue
        floods = [flood_ms(han2x_command(0, uvloop=uvloop), options.seconds) for _ in range(options.runs)]
        starts = [start_ms(han2x_command(0, uvloop=uvloop)) for _ in range(options.runs)]
        worst = statistics.median(floods)
        verdict(
            f"{name}, longest wait beside a flood, ms", worst, f"<= {FLOOD_BAR_MS:.0f}", worst <= FLOOD_BAR_MS
        )
        print(f"      {name}, process start to first answer, ms: {statistics.median(starts):.0f}")
        results.append({"server": name, "flood_ms": floods, "start_ms": starts})
    print(f"every run: {keep(results).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
