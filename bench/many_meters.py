"""A thousand meters in one process: processor time, memory of each, and what a read waits, beside one meter.

    python -m bench.many_meters [--runs 3] [--meters 1000]

Each meter is read over a TCP connection of its own from a process that plays all meters: a Kaifa telegram
every 2 s (a fast list mostly, every fifth a full one, every fiftieth the hourly one). It has its own service,
snapshot and unit id with the whole HAN2X map, and its own stored state where that is kept. A unit id is one
of 247 and names one meter, so the process has a gateway with a port of its own for every 200 meters, each
with the program's own table of services. Reads are of all the manual's registers, one after the other on
one connection to each port, each of a meter drawn by lot; so with many meters nearly every read finds an
image that has to be cut anew. The client is the bench itself, on loopback.
"""

import argparse
import asyncio
import contextlib
import random
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .harness import (
    PATIENCE_S,
    ROOT,
    Bar,
    Figure,
    Meanwhile,
    interleaved,
    keep,
    load,
    median_of,
    percentile,
    used_s,
)

if TYPE_CHECKING:
    from han2x.runtime.health import Health
    from han2x.runtime.latest import Latest
    from han2x.settings.schema import Settings

METERS = 1000
METERS_OF_A_GATEWAY = 200
PERIOD_S = 2.0
PHASES = 997
TELEGRAMS = 50
SETTLE_S = 6.0
QUIET_S = 10.0
READS = 4000
PAUSE_S = 0.002
BAR_KB = Bar("<", 60)


class Run(NamedTuple):
    """One process with so many meters: cores used for telegrams alone, memory, and the time of each read.

    `foreign`: cores that others kept busy meanwhile, the process that plays the meters among them.
    """

    cores: float
    resident_kb: float
    reads_ms: Sequence[float]
    foreign: float


def run(runs: int, work: Path, meters: int = METERS) -> list[Figure]:
    """Measure one meter and many, with and without stored state."""
    measured: dict[tuple[int, bool], list[Run]] = {}

    def once(number: int, kept: bool) -> None:
        measured.setdefault((number, kept), []).append(one_run(number, work if kept else None))

    interleaved(runs, *(partial(once, number, kept) for kept in (False, True) for number in (1, meters)))
    return [
        figure
        for kept in (False, True)
        for figure in figures(measured[1, kept], measured[meters, kept], meters, kept=kept)
    ]


def figures(one: list[Run], many: list[Run], meters: int, *, kept: bool) -> Iterator[Figure]:
    """One meter beside many."""
    figure = partial(median_of, "meters")
    yield figure(f"{'state on disk' if kept else 'nothing stored'}: 1 meter", [r.cores for r in one], "cores")
    yield figure(f"  {meters} meters", [r.cores for r in many], "cores")
    for percent in (50, 99):
        for number, runs in ((1, one), (meters, many)):
            values = [percentile(run.reads_ms, percent) for run in runs]
            yield figure(f"  a read, {number} meter{'s' if number > 1 else ''}: p{percent}", values, "ms")
    yield figure("  others kept busy, meters' player included", [run.foreign for run in many], "cores")
    yield figure("  1 meter, resident", [run.resident_kb / 1000 for run in one], "MB")
    added = [
        (more.resident_kb - less.resident_kb) / (meters - 1) for less, more in zip(one, many, strict=True)
    ]
    yield figure("  each added meter", added, "kB", BAR_KB)


def one_run(meters: int, work: Path | None) -> Run:
    """A process with so many meters, from its start to its end."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=work)) if work else ""
        _, (bridge,) = stack.enter_context(running("--play"))
        words = ["--serve", str(meters), "--bridge", str(bridge), "--state", folder]
        process, ports = stack.enter_context(running(*words))
        time.sleep(SETTLE_S)
        meanwhile = Meanwhile(process.pid)
        began, used = time.monotonic(), used_s(process.pid)
        time.sleep(QUIET_S)
        cores = (used_s(process.pid) - used) / (time.monotonic() - began)
        clients = [stack.enter_context(connected(port)) for port in ports]
        reads = list(islice(reads_ms(clients, meters), READS))
        return Run(cores, resident_kb(process.pid), reads, meanwhile.foreign())


@contextlib.contextmanager
def running(*words: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """One of the processes, and the ports it says it listens on."""
    command = [sys.executable, "-m", "bench.many_meters", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], 4 * PATIENCE_S)
        yield process, [int(port) for port in (process.stdout.readline() if ready else "").split()]
    finally:
        process.kill()
        process.communicate()


def connected(port: int) -> socket.socket:
    """A connection to one of the gateways."""
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def reads_ms(clients: Sequence[socket.socket], meters: int) -> Iterator[float]:
    """Reads of all registers of meters drawn by lot, without end; each with a pause before it."""
    source = random.Random(1)
    while True:
        gateway, unit = divmod(source.randrange(meters), METERS_OF_A_GATEWAY)
        time.sleep(PAUSE_S)
        began = time.perf_counter()
        clients[gateway].sendall(bytes((0, 1, 0, 0, 0, 6, unit + 1, 3, 0, 0, 0, 51)))
        answer = clients[gateway].recv(4096)
        yield 1000 * (time.perf_counter() - began)
        if len(answer) != 9 + 2 * 51 or not any(answer[9:13]):
            raise ValueError(f"unit {unit + 1} answers {answer.hex()}")


def resident_kb(pid: int) -> float:
    """Resident memory, in kB of 1000 octets as the bar is stricter with them."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1.024


# -- the process with the meters, and the one that plays them -----------------------------------------


async def serve(meters: int, bridge: int, state: Path | None) -> None:
    """All gateways with their services, as the program runs them, until killed; says where they listen."""
    from han2x.app import SERVICES, clock
    from han2x.runtime.gateway import Gateway
    from han2x.runtime.service import keep as keep_running

    gateways = [Gateway(settings, clock=clock, state_dir=state) for settings in shares(meters, bridge)]
    tasks = [asyncio.create_task(keep_running(row, gateway)) for gateway in gateways for row in SERVICES]
    ports = [await port_of(gateway.health) for gateway in gateways]
    print(*ports, flush=True)
    await asyncio.gather(*tasks)


def shares(meters: int, bridge: int) -> Iterator["Settings"]:
    """The settings of each gateway."""
    from han2x.settings.modbus import ModbusTcp
    from han2x.settings.page import Web
    from han2x.settings.schema import Meter, Settings

    source = f"tcp:127.0.0.1:{bridge}"
    for first in range(0, meters, METERS_OF_A_GATEWAY):
        units = range(1, 1 + min(METERS_OF_A_GATEWAY, meters - first))
        yield Settings(
            meters=tuple(Meter(name=f"m{first + unit}", unit_id=unit, source=source) for unit in units),
            modbus_tcp=ModbusTcp(host="127.0.0.1", port=0),
            web=Web(enabled=False),
        )


async def port_of(health: "Latest[Mapping[str, Health]]") -> str:
    """Where a gateway's Modbus server listens, once it does."""
    while not (text := health.value["modbus tcp"].text if "modbus tcp" in health.value else ""):
        await health.changed(health.value)
    return text.rpartition(":")[2]


async def play() -> None:
    """A bridge for any number of meters: a telegram every two seconds to each, all out of step."""
    from .latency import numbered

    telegrams = [telegram for _, telegram in islice(numbered(), TELEGRAMS)]
    numbers = count()

    async def meter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, loop = next(numbers), asyncio.get_running_loop()
        due = loop.time() + PERIOD_S * (number % PHASES) / PHASES
        for turn in count(number):
            await asyncio.sleep(due - loop.time())
            due += PERIOD_S
            writer.write(telegrams[turn % len(telegrams)])

    server = await asyncio.start_server(meter, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def hint(work: Path) -> None:
    """Where the time of telegrams goes, for whoever has to make it cheaper."""
    from .latency import hint as profile

    profile(work)


def main() -> int:
    """The bench, or the process that it measures."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.many_meters",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--meters", type=int, default=METERS)
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bridge", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--state", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        asyncio.run(play())
    if options.serve:
        asyncio.run(serve(options.serve, options.bridge, Path(options.state) if options.state else None))
    print(f"meters: {load()}")
    with tempfile.TemporaryDirectory(prefix="han2x-bench-") as folder:
        found = run(options.runs, Path(folder), options.meters)
    for figure in found:
        figure.show()
    print(f"meters: {load()} at the end")
    print(f"figures: {keep(found).relative_to(ROOT)}")
    return 1 if any(figure.missed for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
