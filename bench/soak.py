"""A long run with everything on and faults at random: nothing grows, nothing is wrong, nothing restarts.

    .venv/bin/python -m bench.soak [--minutes 30] [--seed 1]

Three meters run sixty times as fast as real ones, so that half an hour holds thirty hourly lists of each:
one on a serial adapter that is unplugged and comes back under another name, one behind a network bridge
that hangs up and sends rubbish, one simulated inside the program. History, page, two Modbus servers, and
MQTT to a real Mosquitto are on. Faults come one at a time, as `soak_world.FAULTS` has them.

Watched from outside, twice a second: each power read over Modbus is one that the meter has sent, no
estimated energy runs backwards, no counter is more than the meter's own; powers over MQTT likewise. Memory
and open files are compared between the first and the last quarter, in moments when no fault is on or just
over.

The disk is a small tmpfs in a mount namespace. The clock is the program's one clock, set off by a signal.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from han2x.runtime.settings_file import load as load_settings
from han2x.settings.amend import Refused

from .harness import RESULTS, load
from .soak_world import FAULTS, HOST, SPEED, Adapter, Bridge, Broker, Truth, World, free_port

LOOK_S, SAMPLE_S, CALM_S = 0.5, 5.0, 12.0
POWER, COUNTER, ESTIMATE = 0, 142, 158
DISK_MB = 64
UNKNOWN = (1 << 64) - 1
GROWTH_MB, GROWTH_FILES = 3.0, 3
INSIDE = "HAN2X_SOAK"

LAUNCHER = """
import signal, sys, time
from pathlib import Path
from han2x import app
from han2x.cli import main
from han2x.model.instant import Instant
moved = [0]
signal.signal(signal.SIGUSR1, lambda *_: moved.__setitem__(0, int(Path(sys.argv[1]).read_text())))
app.clock = lambda: Instant(time.time_ns() // 1_000_000 + moved[0], time.monotonic_ns() // 1_000_000)
sys.exit(main(sys.argv[2:]))
"""

SETTINGS = """
[[meters]]
name = "adapter"
main_topic = "adapter"
source = "serial:{link}"
unit_id = 1
[[meters]]
name = "bridge"
main_topic = "bridge"
source = "tcp:{host}:{bridge}"
unit_id = 2
[[meters]]
name = "inside"
main_topic = "inside"
source = "simulate:kamstrup?net=tn&speed={speed}&seed=3"
unit_id = 3
[modbus_tcp]
host = "{host}"
port = {modbus}
[modbus_rtu_tcp]
enabled = true
host = "{host}"
port = {rtu}
[[mqtt]]
enabled = true
host = "{host}"
port = {broker}
publish = "every_telegram"
[web]
host = "{host}"
port = {web}
metrics = true
[history]
write_every_s = 5
max_mb = 16
"""


class Watch:
    """What is seen from outside."""

    def __init__(self, truths: list[Truth], port: int, pid: int) -> None:
        self.truths, self.port, self.pid = truths, port, pid
        self.wrong: list[str] = []
        self.reads = self.messages = self.unanswered = 0
        self.memory: list[tuple[float, float]] = []
        self.files: list[tuple[float, int]] = []
        self.open: list[str] = []
        self.calm_since = 0.0
        self._estimates: Counter[int] = Counter()

    async def reading(self) -> None:
        """Read all meters over Modbus, for ever."""
        while True:
            try:
                async with asyncio.timeout(5):
                    reader, writer = await asyncio.open_connection(HOST, self.port)
                    for truth in self.truths:
                        await self._look(truth, reader, writer)
                    writer.close()
            except (OSError, EOFError):
                self.unanswered += 1
            await asyncio.sleep(LOOK_S)

    async def _look(self, truth: Truth, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        power = await _number(reader, writer, truth.unit, POWER, 2)
        counter = await _number(reader, writer, truth.unit, COUNTER, 4)
        estimate = await _number(reader, writer, truth.unit, ESTIMATE, 4)
        self.reads += 3
        if estimate == UNKNOWN and not self._estimates[truth.unit]:
            estimate = 0  # before the first hourly list
        if estimate < self._estimates[truth.unit] or estimate == UNKNOWN:
            self.wrong.append(f"{truth.name}: estimate {estimate} after {self._estimates[truth.unit]} Wh")
        self._estimates[truth.unit] = estimate
        if truth.name == "inside":
            return
        if power not in truth.powers:
            self.wrong.append(f"{truth.name}: power {power} W was never sent")
        if counter not in range(truth.counter + 1) and counter != UNKNOWN:
            self.wrong.append(f"{truth.name}: counter {counter} Wh, the meter has {truth.counter}")

    async def listening(self, broker: int) -> None:
        """Check the powers that are published, for ever, through whatever happens to the broker."""
        while True:
            words = [
                "mosquitto_sub",
                "-h",
                HOST,
                "-p",
                str(broker),
                "-t",
                "adapter/actPowPos",
                "-t",
                "bridge/actPowPos",
                "-q",
                "0",
            ]
            listener = await asyncio.create_subprocess_exec(
                *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
            assert listener.stdout
            try:
                while line := await listener.stdout.readline():
                    self._published(json.loads(line))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    listener.kill()
                await listener.wait()
            await asyncio.sleep(LOOK_S)

    def _published(self, payload: dict[str, Any]) -> None:
        self.messages += 1
        name = payload["topic"].partition("/")[0]
        truth = next(truth for truth in self.truths if truth.name == name)
        if payload["value"] not in truth.powers:
            self.wrong.append(f"{payload['topic']}: {payload['value']} W was never sent")

    async def sampling(self) -> None:
        """Note memory and open files while all is calm, for ever."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(SAMPLE_S)
            now = time.monotonic()
            if self.calm_since and now - self.calm_since >= CALM_S:
                self.memory.append((now - began, resident_mb(self.pid)))
                self.open = open_files(self.pid)
                self.files.append((now - began, len(self.open)))


def open_files(pid: int) -> list[str]:
    """What a process has open; what is closed meanwhile is left out."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))
    return sorted(found)


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _number(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unit: int, address: int, words: int
) -> int:
    writer.write(bytes((0, 1, 0, 0, 0, 6, unit, 3)) + address.to_bytes(2) + words.to_bytes(2))
    head = await reader.readexactly(9)
    if head[7] != 3:
        raise EOFError(f"exception {head[8]}")
    return int.from_bytes(await reader.readexactly(2 * words))


async def faults(world: World, watch: Watch, until: float, seen: Counter[str]) -> None:
    """One fault after the other, with calm between them."""
    while time.monotonic() < until:
        watch.calm_since = time.monotonic()
        await world.seconds(CALM_S, CALM_S + 3 * SAMPLE_S)
        watch.calm_since = 0.0
        fault = world.chance.choice(FAULTS)
        seen[fault.__name__] += 1
        print(f"  {time.strftime('%H:%M:%S')} {fault.__name__}", flush=True)
        await fault(world)


async def soak(minutes: float, seed: int, folder: Path) -> dict[str, Any]:
    """The run, and what it has shown."""
    state = folder / "state"
    link = folder / "adapter"
    adapter = Adapter(Truth("adapter", 1), "simulate:kaifa?net=it&solar=4000&seed=1", link)
    bridge = Bridge(Truth("bridge", 2), "simulate:aidon?net=tn&seed=2")
    broker = Broker(folder)
    modbus, rtu = free_port(), free_port()
    (folder / "han2x.toml").write_text(
        SETTINGS.format(
            link=link,
            host=HOST,
            bridge=bridge.port,
            modbus=modbus,
            rtu=rtu,
            broker=broker.port,
            speed=SPEED,
            web=free_port(),
        )
    )
    assert not isinstance(load_settings(folder / "han2x.toml"), Refused)
    adapter.plug()
    await bridge.open()
    broker.start()
    words = [sys.executable, "-c", LAUNCHER, str(folder / "offset"), "run"]
    words += ["--settings", str(folder / "han2x.toml"), "--state", str(state)]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(words, stderr=log)
    world = World(adapter, bridge, broker, state, folder / "offset", modbus, program.pid, random.Random(seed))
    watch = Watch([adapter.truth, bridge.truth, Truth("inside", 3)], modbus, program.pid)
    seen: Counter[str] = Counter()
    running = [adapter.run(), bridge.run(), watch.reading(), watch.listening(broker.port), watch.sampling()]
    tasks = [asyncio.create_task(one) for one in running]
    try:
        await asyncio.sleep(3)
        watch.unanswered = 0  # it was starting
        await faults(world, watch, time.monotonic() + minutes * 60, seen)
        for task in tasks:
            if task.done():
                task.result()
        alive = program.poll() is None
        program.send_signal(signal.SIGTERM)
        status = program.wait(30)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        program.kill()
        broker.signal(signal.SIGKILL)
        adapter.unplug()
    text = (folder / "log").read_text("utf-8", "replace")
    return report(watch, seen, text, minutes=minutes, alive=alive and status == 0)


def report(watch: Watch, seen: Counter[str], log: str, *, minutes: float, alive: bool) -> dict[str, Any]:
    """What the run has shown, and whether it is well."""
    memory, files = _quarters(watch.memory), _quarters(watch.files)
    faulty = [line for line in log.splitlines() if "internal error" in line or "Traceback" in line]
    result: dict[str, Any] = {
        "minutes": minutes,
        "speed": SPEED,
        "load": load(),
        "faults": dict(seen),
        "telegrams": {truth.name: truth.sent for truth in watch.truths if truth.sent},
        "modbus_reads": watch.reads,
        "modbus_unanswered": watch.unanswered,
        "mqtt_messages": watch.messages,
        "wrong": watch.wrong[:20],
        "memory_mb": memory,
        "open_files": files,
        "open_last": watch.open,
        "log_lines": len(log.splitlines()),
        "internal_errors": faulty[:5],
        "one_process_to_the_end": alive,
    }
    grown = memory[1] - memory[0] > GROWTH_MB or files[1] - files[0] > GROWTH_FILES
    result["well"] = bool(alive and not watch.wrong and not faulty and not grown and watch.reads)
    return result


def _quarters(samples: list[tuple[float, Any]]) -> tuple[float, float]:
    """The median of the first quarter and of the last."""
    values = [value for _, value in samples]
    quarter = max(1, len(values) // 4)
    return (statistics.median(values[:quarter]), statistics.median(values[-quarter:])) if values else (0, 0)


def main() -> int:
    """Run the soak in a mount namespace of its own; 1 if it is not well."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1, help="of the faults' order")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        own = ["--user", "--map-root-user"] if os.geteuid() else []
        words = ["unshare", "--mount", *own, sys.executable, "-m", "bench.soak", *sys.argv[1:]]
        return subprocess.run(words, env={**os.environ, INSIDE: "1"}, check=False).returncode
    folder = Path(tempfile.mkdtemp(prefix="han2x-soak-"))
    (folder / "state").mkdir()
    disk = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder / "state")]
    subprocess.run(disk, check=True)
    result = asyncio.run(soak(options.minutes, options.seed, folder))
    print(json.dumps(result, indent=1))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / time.strftime("soak-%Y%m%d-%H%M%S.json")).write_text(json.dumps(result, indent=1))
    if result["well"]:
        subprocess.run(["umount", str(folder / "state")], check=False)
        shutil.rmtree(folder)
    else:
        print(f"the log and the files are in {folder}")
    return 0 if result["well"] else 1


if __name__ == "__main__":
    sys.exit(main())
