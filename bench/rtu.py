"""Modbus RTU: how long a read takes at 19200 Bd, as a share of what the wire itself takes.

    python bench/rtu.py [--requests 200] [--baud 19200]

`han2x run` serves a simulated meter on a pty; the master paces its octets as the wire would, and measures
from the last of them to the first and the last octet of the answer. A pty hands the answer over at once,
so its time on the wire is added by calculation. An exchange on the wire takes: request, turnaround, answer,
and the silence of t3.5 that ends it. Its share is of request, t3.5, answer, t3.5: the least that the
standard allows (SER 2.5.1.1). 51 registers are the whole map of the HAN2X; 125, the most that one
request may ask for, are read from the extension block.
"""

import argparse
import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.harness import PATIENCE_S, ROOT, Bar, Figure, Meanwhile, keep, load, percentile
from han2x.modbus.rtu import frame

QUANTITIES = (2, 51, 125)
EXTENSION = 100
BITS = 11
BAR = Bar("<", 1.3)
SPIN_S = 0.0002

SETTINGS = """[[meters]]
source = "simulate:kaifa"

[modbus_tcp]
enabled = false

[web]
enabled = false

[modbus_rtu]
enabled = true
device = "{device}"
baud_rate = {baud}
"""


class Wire(NamedTuple):
    """A line of 11 bits an octet."""

    baud: int

    @property
    def octet_s(self) -> float:
        """How long one octet takes."""
        return BITS / self.baud

    @property
    def t35_s(self) -> float:
        """The silence between frames."""
        return 3.5 * self.octet_s if self.baud <= 19200 else 0.00175


class Exchange(NamedTuple):
    """Seconds from the request's last octet to the answer's first and last one, and the answer's size."""

    first_s: float
    last_s: float
    size: int

    def share(self, wire: Wire, asked: int) -> float:
        """The time it takes on the wire, as a share of the least that the standard allows."""
        frames_s = (asked + self.size) * wire.octet_s
        return (frames_s + self.first_s + wire.t35_s) / (frames_s + 2 * wire.t35_s)


@contextlib.contextmanager
def line(baud: int) -> Iterator[int]:
    """The master's end of a line on which the gateway answers."""
    master, slave = os.openpty()
    tty.setraw(slave)
    with tempfile.TemporaryDirectory(prefix="han2x-bench-") as folder:
        settings = Path(folder, "han2x.toml")
        settings.write_text(SETTINGS.format(device=os.ttyname(slave), baud=baud))
        words = ["run", "--settings", str(settings), "--state", str(Path(folder, "state"))]
        command = [sys.executable, "-m", "han2x", *words]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        try:
            first_answer(master)
            yield master
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            os.close(master)
            os.close(slave)


def first_answer(master: int) -> None:
    """Wait until the line is served, and silent again."""
    end = time.monotonic() + PATIENCE_S
    while not select.select([master], [], [], 0.3)[0]:
        if time.monotonic() > end:
            raise TimeoutError("the line is not served")
        os.write(master, read(2))
    while select.select([master], [], [], 0.3)[0]:
        os.read(master, 256)


def read(quantity: int) -> bytes:
    """The request for so many registers, of the extension block if there are too many for the map."""
    return frame(1, bytes((3, 0, EXTENSION if quantity > 51 else 0, 0, quantity)))


def until(moment: float) -> None:
    """Wait for a moment more exactly than `sleep` does."""
    time.sleep(max(0.0, moment - time.perf_counter() - SPIN_S))
    while time.perf_counter() < moment:
        pass


def exchange(master: int, request: bytes, wire: Wire) -> Exchange:
    """One request at the pace of the wire, and its answer."""
    last = time.perf_counter()
    for octet in request:
        until(last + wire.octet_s)
        last = time.perf_counter()
        os.write(master, bytes((octet,)))
    octets, first = b"", 0.0
    while len(octets) < 5 or len(octets) < (5 + octets[2] if octets[1] < 0x80 else 5):
        if not select.select([master], [], [], PATIENCE_S)[0]:
            raise TimeoutError("no answer")
        first = first or time.perf_counter()
        octets += os.read(master, 256)
    return Exchange(first - last, time.perf_counter() - last, len(octets))


def exchanges(master: int, quantity: int, wire: Wire, count: int) -> list[Exchange]:
    """Many, each after the time that the answer before takes on the wire, and the silence after it."""
    results = []
    for _ in range(count):
        results.append(exchange(master, read(quantity), wire))
        until(time.perf_counter() + results[-1].size * wire.octet_s + wire.t35_s)
    return results


def figures(quantity: int, wire: Wire, results: list[Exchange]) -> list[Figure]:
    """Median and p99 of one size of request."""
    what, asked = f"{quantity} registers, {results[0].size} octets back", len(read(quantity))
    shares = [result.share(wire, asked) for result in results]
    firsts = [1000 * result.first_s for result in results]
    lasts = [1000 * result.last_s for result in results]
    return [
        Figure("rtu", f"{what}: share of the wire, p50", percentile(shares, 50), "x", bar=BAR),
        Figure("rtu", f"{what}: share of the wire, p99", percentile(shares, 99), "x"),
        Figure("rtu", f"{what}: to the first octet, p50", percentile(firsts, 50), "ms"),
        Figure("rtu", f"{what}: to the first octet, p99", percentile(firsts, 99), "ms"),
        Figure("rtu", f"{what}: to the last octet, p50", percentile(lasts, 50), "ms"),
        Figure("rtu", f"{what}: to the last octet, p99", percentile(lasts, 99), "ms"),
    ]


def main() -> int:
    """Measure, print, keep; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--baud", type=int, default=19200)
    options = parser.parse_args()
    wire, results = Wire(options.baud), []
    print(f"rtu: {wire.baud} Bd, t3.5 is {1000 * wire.t35_s:.2f} ms; {load()}")
    meanwhile = Meanwhile()
    with line(wire.baud) as master:
        for quantity in QUANTITIES:
            exchanges(master, quantity, wire, 5)
            results += figures(quantity, wire, exchanges(master, quantity, wire, options.requests))
    for figure in results:
        figure.show()
    print(f"rtu: {meanwhile.foreign():.2f} cores were kept busy by others; {load()} at the end")
    print(f"figures: {keep(results).relative_to(ROOT)}")
    return 1 if any(figure.missed for figure in results) else 0


if __name__ == "__main__":
    sys.exit(main())
