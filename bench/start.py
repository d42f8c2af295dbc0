"""From the start of the process to its first Modbus answer, and the memory it holds while it serves.

The start is that of `han2x run` with a settings file, stored state and a simulated meter, bytecode
present, measured beside the interpreter of which our environment was made importing asyncio and ending.
The two take turns. The first answer is a real one: all registers, by FC03.
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .harness import (
    BARE_PYTHON,
    PATIENCE_S,
    ROOT,
    Bar,
    Figure,
    Gateway,
    compiled,
    gateway,
    interleaved,
    median_of,
    registers,
)

SOURCE = "simulate:kaifa?speed=100"
STARTS = 15
SERVE_S = 5.0
BAR_RATIO, BAR_S, BAR_MB = Bar("<", 4), Bar("<", 0.25), Bar("<", 28)
MODULES = "import han2x.cli.run, han2x.modbus.tcp, han2x.intake.service, han2x.intake.simulated"


def run(runs: int, work: Path) -> list[Figure]:
    """Measure starts and memory."""
    compiled()
    return [*starts(max(runs, STARTS)), *memory(runs)]


def starts(runs: int) -> list[Figure]:
    """Our start, the bare interpreter's, and how they compare."""
    ours, bare, ours_cpu, bare_cpu = (list[float]() for _ in range(4))

    def start_bare() -> None:
        began, used = time.perf_counter(), children_s()
        subprocess.run([BARE_PYTHON, "-c", "import asyncio"], check=True, cwd=ROOT)
        bare.append(time.perf_counter() - began)
        bare_cpu.append(children_s() - used)

    def start_ours() -> None:
        with gateway(SOURCE) as running:
            ours.append(running.started_s)
            ours_cpu.append(running.cpu_s)

    interleaved(1, start_bare, start_ours)
    for figures in (ours, bare, ours_cpu, bare_cpu):
        figures.clear()
    interleaved(runs, start_bare, start_ours)
    ratio = statistics.median(ours) / statistics.median(bare)
    return [
        median_of("start", "bare python3 -c 'import asyncio'", bare, "s"),
        median_of("start", "its processor time", bare_cpu, "s"),
        median_of("start", "han2x run to the first answer", ours, "s", BAR_S),
        median_of("start", "its processor time", ours_cpu, "s"),
        Figure("start", "han2x / bare, of the medians", ratio, "x", bar=BAR_RATIO),
    ]


def children_s() -> float:
    """Processor time of all processes that we started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(runs: int) -> list[Figure]:
    """Resident memory after some seconds of telegrams and reads."""
    resident: list[float] = []
    proportional: list[float] = []

    def once() -> None:
        with gateway(SOURCE) as running:
            served(running)
            resident.append(held_mb(running.process.pid, "VmRSS:", "status"))
            proportional.append(held_mb(running.process.pid, "Pss:", "smaps_rollup"))

    interleaved(runs, once)
    return [
        median_of("memory", f"resident (VmRSS) after {SERVE_S:.0f} s of serving", resident, "MB", BAR_MB),
        median_of("memory", "its proportional share (Pss)", proportional, "MB"),
    ]


def served(running: Gateway) -> None:
    """Read all registers often while telegrams come in."""
    end = time.monotonic() + SERVE_S
    while time.monotonic() < end:
        registers(running.client)
        time.sleep(0.005)


def held_mb(pid: int, field: str, file: str) -> float:
    """A figure of the kernel's, in MB of 1 000 000 octets as the bar is stricter with them."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def hint(work: Path) -> None:
    """What costs most to import, for whoever has to make it start faster or smaller."""
    words = [sys.executable, "-X", "importtime", "-c", MODULES]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S)
    rows = [line.split("|") for line in done.stderr.splitlines()[1:] if line.count("|") == 2]
    rows.sort(key=lambda row: int(row[0].rpartition(":")[2]), reverse=True)
    print(f"  {len(rows)} modules; those that cost most by themselves (us, with what they import, name)")
    for own, cumulative, name in rows[:25]:
        print(f"  {own.rpartition(':')[2].strip():>8} {cumulative.strip():>8} {name.rstrip()}")
