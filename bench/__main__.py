"""`python -m bench`: everything that has a bar, in one run; or only what is named.

    python -m bench [--runs 5] [decode] [start] [latency] [many_meters] [mqtt] [history]
                    [collect] [modbus]
    python -m bench attack [--seconds 600]

Prints medians with their bars, writes JSON lines to bench/results, and ends with 1 if a bar is missed.
`attack` takes ten minutes, and runs only where it is named.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import attack, collect, decode, estimate, history, latency, many_meters, mqtt, start
from .harness import HERE, ROOT, Figure, keep, load


class Bench(NamedTuple):
    """A bench: what measures it, and what says where the time goes when a bar is missed."""

    run: Callable[[int, Path], list[Figure]]
    hint: Callable[[Path], None]


BENCHES = {
    "decode": Bench(decode.run, decode.hint),
    "start": Bench(start.run, start.hint),
    "latency": Bench(latency.run, latency.hint),
    "many_meters": Bench(many_meters.run, many_meters.hint),
    "mqtt": Bench(mqtt.run, mqtt.hint),
    "history": Bench(history.run, history.hint),
    "collect": Bench(collect.run, collect.hint),
    "estimate": Bench(estimate.run, estimate.hint),
}
LONG = {"attack": Bench(attack.run, attack.hint)}
"""Run only where they are named, for so many seconds."""

MODBUS = HERE / "modbus.py"


def main() -> int:
    """Run the benches; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benches", nargs="*", metavar="bench", help=", ".join((*BENCHES, *LONG, "modbus")))
    parser.add_argument("--runs", type=int, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=600, help="of an attack (default: %(default)s)")
    options = parser.parse_args()
    wanted = options.benches or [*BENCHES, "modbus"]
    if unknown := set(wanted) - {*BENCHES, *LONG, "modbus"}:
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    often = [(name, BENCHES[name], options.runs) for name in wanted if name in BENCHES]
    long = [(name, LONG[name], options.seconds) for name in wanted if name in LONG]
    figures = [figure for row in often + long for figure in measured(*row)]
    if figures:
        print(f"figures: {keep(figures).relative_to(ROOT)}")
    missed = [figure for figure in figures if figure.missed]
    failed = "modbus" in wanted and not modbus(options.runs)
    for figure in missed:
        print(f"missed: {figure.bench}, {figure.what}")
    return 1 if missed or failed else 0


def measured(name: str, bench: Bench, runs: int) -> list[Figure]:
    """One bench, printed; with a hint where a bar is missed. `runs`: or seconds of a long one."""
    print(f"{name}: {load()}")
    with tempfile.TemporaryDirectory(prefix="han2x-bench-") as folder:
        figures = bench.run(runs, Path(folder))
        for figure in figures:
            figure.show()
        print(f"{name}: {load()} at the end")
        if any(figure.missed for figure in figures):
            bench.hint(Path(folder))
    return figures


def modbus(runs: int) -> bool:
    """The Modbus server's bench, a program of its own; whether no bar is missed."""
    if not MODBUS.exists():
        print("modbus: bench/modbus.py is not there")
        return False
    print(f"modbus: {load()}", flush=True)
    words = [sys.executable, str(MODBUS), "--runs", str(runs)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        lines = list(echoed(process))
    return process.returncode == 0 and not any(line.startswith("FAIL") for line in lines)


def echoed(process: subprocess.Popen[str]) -> list[str]:
    """What a process prints, printed as it comes."""
    lines = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)
    return lines


if __name__ == "__main__":
    sys.exit(main())
