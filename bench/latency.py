"""From the last octet of a telegram to its value being readable over Modbus.

The bench is the meter and the client at once. It writes all of a telegram but its last octet, goes on
reading all registers on one connection as fast as they are answered, then writes the last octet and takes
the time from just before that to the end of the first answer with the new value. Nothing is subtracted:
the round trip of the request that finds the value is in it. No two telegrams carry the same power. A run
during which other processes used more than a fraction of a core is made again, a few times at most.

Telegrams come as at a Kaifa meter: a fast list mostly, every fifth a full one, every fiftieth the hourly
one, with which the state is synced to disk. The source is a TCP connection or a pty, in turn; the gateway
is `han2x run`, which keeps its state on disk, and `han2x demo`, which keeps none.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

from .harness import (
    PATIENCE_S,
    Bar,
    Figure,
    Gateway,
    Meanwhile,
    gateway,
    interleaved,
    median_of,
    percentile,
    registers,
)

TELEGRAMS = 500
WARM_UP = 20
QUIET_S = 0.002
BAR_MS = Bar("<", 2)
TRIES = 3
FOREIGN_CORES = 0.15
Write = Callable[[bytes], object]


def run(runs: int, work: Path) -> list[Figure]:
    """Measure both sources, with and without stored state."""
    measured: dict[tuple[str, bool], list[Run]] = {}

    def once(source: str, kept: bool) -> None:
        measured.setdefault((source, kept), []).append(quietest(source, kept=kept))

    interleaved(runs, *(partial(once, source, kept) for source in METERS for kept in (True, False)))
    return [figure for (source, kept), each in measured.items() for figure in figures(source, kept, each)]


class Run(NamedTuple):
    """One run: the latency of each telegram and the time of each plain read between them, both in ms.

    `foreign`: cores that other processes kept busy meanwhile.
    """

    latencies: list[float]
    reads: list[float]
    foreign: float


def figures(source: str, kept: bool, runs: list[Run]) -> Iterator[Figure]:
    """Median and 99th percentile of each run, beside those of plain reads, which show the machine's noise."""
    what = f"{source}, {'state on disk' if kept else 'nothing stored'}"
    latencies, reads = [run.latencies for run in runs], [run.reads for run in runs]
    yield median_of("latency", f"{what}: p50", [percentile(run, 50) for run in latencies], "ms")
    yield median_of("latency", f"{what}: p99", [percentile(run, 99) for run in latencies], "ms", BAR_MS)
    yield median_of("latency", "  worst of each run", [max(run) for run in latencies], "ms")
    yield median_of("latency", "  a plain read meanwhile: p50", [percentile(run, 50) for run in reads], "ms")
    yield median_of(
        "latency", "  a plain read meanwhile: p99.9", [percentile(run, 99.9) for run in reads], "ms"
    )
    yield median_of("latency", "  others kept busy", [run.foreign for run in runs], "cores")


def quietest(source: str, *, kept: bool) -> Run:
    """The run during which others disturbed least: the first that is quiet enough, of a few."""
    runs = []
    for _ in range(TRIES):
        runs.append(one_run(source, kept=kept))
        if runs[-1].foreign <= FOREIGN_CORES:
            break
    return min(runs, key=lambda run: run.foreign)


def one_run(source: str, *, kept: bool) -> Run:
    """All telegrams of one run."""
    with contextlib.ExitStack() as stack:
        address, meter = stack.enter_context(METERS[source]())
        running = stack.enter_context(gateway(address, kept=kept))
        write = meter()
        telegrams = numbered()
        heard(running, write, telegrams)
        reads: list[float] = []
        for _ in range(WARM_UP):
            latency_ms(running.client, write, *next(telegrams), reads)
        reads.clear()
        meanwhile = Meanwhile(running.process.pid)
        latencies = [latency_ms(running.client, write, *next(telegrams), reads) for _ in range(TELEGRAMS)]
        return Run(latencies, reads, meanwhile.foreign())


def heard(running: Gateway, write: Write, telegrams: Iterator[tuple[int, bytes]]) -> None:
    """Wait until the gateway listens to the meter."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        write(next(telegrams)[1])
        time.sleep(0.05)
        if power(registers(running.client)):
            return
    raise TimeoutError("the gateway does not hear the meter")


def latency_ms(client: socket.socket, write: Write, watts: int, telegram: bytes, reads: list[float]) -> float:
    """From the last octet of one telegram to the answer that shows it; plain reads before it are timed."""
    write(telegram[:-1])
    began = time.perf_counter()
    quiet = began + QUIET_S
    while began < quiet:
        if power(registers(client)) == watts:
            raise ValueError("a telegram was believed before its last octet")
        read, began = began, time.perf_counter()
        reads.append(1000 * (began - read))
    end = began + PATIENCE_S
    began = time.perf_counter()
    write(telegram[-1:])
    while power(registers(client)) != watts:
        if time.perf_counter() > end:
            raise TimeoutError(f"{watts} W never became readable")
    return 1000 * (time.perf_counter() - began)


def power(octets: bytes) -> int:
    """Active power, import."""
    return int.from_bytes(octets[:4], "big")


# -- the meter --------------------------------------------------------------------------------------


def numbered() -> Iterator[tuple[int, bytes]]:
    """Telegrams without end, each with a power of its own, in W."""
    from han2x.model.quantity import ENERGIES, Quantity
    from han2x.model.reading import Identity, ListType
    from han2x.simulator.encode import frame
    from han2x.simulator.telegram import Message

    identity = Identity("KFM_001", "6970631400000000", "MA304H3E")
    begin = datetime(2026, 1, 5, 12, 0, 10)
    for number in count(1):
        watts = 1000 + number
        list_type = ListType.FAST
        if number % 5 == 0:
            list_type = ListType.HOURLY if number % 50 == 0 else ListType.TEN_SECONDS
        sent = begin + timedelta(seconds=10 * number)
        clock = sent if list_type is ListType.HOURLY else None
        values = dict.fromkeys(Quantity, 1000 + number)
        values |= dict.fromkeys(ENERGIES, 1000000 + 1000 * number)
        values |= dict.fromkeys((Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3), 230_000)
        yield watts, frame(Message("kaifa", list_type, identity, values, sent, clock))


@contextlib.contextmanager
def tcp() -> Iterator[tuple[str, Callable[[], Write]]]:
    """A network serial bridge: the source's address, and how to write once the gateway has connected."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener.settimeout(PATIENCE_S)

        def connected() -> Write:
            bridge = stack.enter_context(listener.accept()[0])
            bridge.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return bridge.sendall

        yield f"tcp:127.0.0.1:{listener.getsockname()[1]}", connected


@contextlib.contextmanager
def pty() -> Iterator[tuple[str, Callable[[], Write]]]:
    """A serial line: the source's device, and how to write to it."""
    master, slave = os.openpty()
    try:
        os.set_blocking(master, True)
        yield f"serial:{os.ttyname(slave)}", lambda: partial(os.write, master)
    finally:
        os.close(slave)
        os.close(master)


METERS = {"tcp": tcp, "pty": pty}


def hint(work: Path) -> None:
    """What a telegram and the next answer cost inside the gateway, for whoever has to make it faster."""
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(in_process, work)
    pstats.Stats(profile).sort_stats("tottime").print_stats(15)


def in_process(work: Path) -> None:
    """The gateway's own work for some telegrams, each followed by a new register image."""
    from han2x.app import clock
    from han2x.intake.pipeline import Pipeline
    from han2x.modbus.bank import Banks
    from han2x.model.reading import Reading
    from han2x.runtime.gateway import Gateway as Shared
    from han2x.settings.schema import Settings

    shared = Shared(Settings(), clock=clock)
    banks, pipeline = Banks(shared, writable=True), Pipeline()
    telegrams = numbered()
    for number in range(TELEGRAMS):
        for outcome in pipeline.feed(next(telegrams)[1], number):
            if isinstance(outcome, Reading):
                shared.received("main", outcome)
        banks.respond(1, bytes.fromhex("0300000033"), "bench")
