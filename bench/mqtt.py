"""From a telegram's last octet to its message at a local subscriber, beside a bare paho-mqtt loop.

The bench is the meter and the subscriber at once; Mosquitto stands between. Ours is `han2x run` with a TCP
source, every value of each telegram new, so that all topics go out. The bare loop is handed the same values
already decoded and publishes the same topics. Both run at once and get a telegram in turn. The wait is to the
arrival of one topic in the middle, current L3. Then: start and memory with a broker and without, and Modbus
reads while telegrams are published, with the broker well and frozen.
"""

import contextlib
import json
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from .harness import (
    HERE,
    PATIENCE_S,
    Bar,
    Figure,
    Gateway,
    free_port,
    gateway,
    interleaved,
    median_of,
    percentile,
)
from .harness import registers as read
from .latency import Write, numbered, power, tcp
from .start import SOURCE, held_mb, served

TELEGRAMS = 300
WARM_UP = 20
PAUSE_S = 0.01
TOPIC = "currL3"
BAR = Bar("<", 1.5)
MQTT = """
[[mqtt]]
enabled = true
host = "127.0.0.1"
port = {port}
"""
VALUES = (
    *((name, "W") for name in ("actPowPos", "actPowNeg")),
    *((name, "var") for name in ("reactPowPos", "reactPowNeg")),
    *((name, "A") for name in ("currL1", "currL2", "currL3")),
    *((name, "V") for name in ("voltL1", "voltL2", "voltL3")),
    *((name, "kWh") for name in ("actEnergyPosEstimated", "actEnergyNegEstimated")),
    *((name, "W") for name in ("actPowNet", "reactPowNet")),
)


def run(runs: int, work: Path) -> list[Figure]:
    """All of it, if there is a Mosquitto."""
    if not shutil.which("mosquitto"):
        print("  mosquitto is not installed: left out")
        return []
    with broker() as port:
        return [*waits(runs, port), *costs(runs, port), *reads(runs)]


@contextlib.contextmanager
def broker() -> Iterator[int]:
    """A Mosquitto's port."""
    with process() as (port, _):
        yield port


@contextlib.contextmanager
def process() -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A Mosquitto: its port and its process."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mosquitto.conf")
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nset_tcp_nodelay true\n"
        )
        quiet = subprocess.DEVNULL
        running = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=quiet, stderr=quiet)
        try:
            _until(lambda: _takes(port))
            yield port, running
        finally:
            running.send_signal(signal.SIGCONT)
            running.kill()
            running.wait()


def _takes(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("never happened")
        time.sleep(0.01)


class Subscriber:
    """When each value of one topic arrived."""

    def __init__(self, port: int, topic: str) -> None:
        self.arrived: dict[float, float] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic)
        self._client.loop_start()

    def _on_message(self, client: object, data: object, message: paho.MQTTMessage) -> None:
        now = time.perf_counter()
        self.arrived.setdefault(json.loads(message.payload)["value"], now)

    def at(self, value: float) -> float:
        """When this value, or a newer one that has overtaken it, arrived."""
        return self.arrived.get(value) or min(at for other, at in self.arrived.items() if other > value)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Lane:
    """One of the two programs: how it is handed a telegram, and what comes of it."""

    def __init__(
        self, write: Write, telegrams: Iterator[tuple[float, bytes]], subscriber: Subscriber
    ) -> None:
        self._write, self._telegrams, self._subscriber = write, telegrams, subscriber
        self._sent: list[tuple[float, float]] = []

    def heard(self) -> bool:
        """Send a telegram; whether any has arrived."""
        self.send()
        time.sleep(0.1)
        return bool(self._subscriber.arrived)

    def send(self) -> None:
        """All of a telegram but the last octet, then that and the time."""
        value, octets = next(self._telegrams)
        self._write(octets[:-1])
        time.sleep(PAUSE_S)
        self._sent.append((value, time.perf_counter()))
        self._write(octets[-1:])

    def waits(self) -> list[float]:
        """The wait of each telegram but the first ones, in ms."""
        _until(lambda: self._sent[-1][0] in self._subscriber.arrived)
        return [1000 * (self._subscriber.at(value) - at) for value, at in self._sent[-TELEGRAMS:]]


def waits(runs: int, port: int) -> list[Figure]:
    """Ours, the bare loop's, and how the one compares with the other, run by run."""
    ours, bare = list[list[float]](), list[list[float]]()

    def both() -> None:
        with our_lane(port) as one, bare_lane(port) as other:
            found = measured(one, other)
            ours.append(found[0])
            bare.append(found[1])

    interleaved(runs, both)
    p50, p99 = ([percentile(run, at) for run in ours] for at in (50, 99))
    bare_p50, bare_p99 = ([percentile(run, at) for run in bare] for at in (50, 99))
    ratio = statistics.median(p99) / statistics.median(bare_p99)
    return [
        median_of("mqtt", "telegram to subscriber: p50", p50, "ms"),
        median_of("mqtt", "telegram to subscriber: p99", p99, "ms"),
        median_of("mqtt", "  a bare paho-mqtt loop: p50", bare_p50, "ms"),
        median_of("mqtt", "  a bare paho-mqtt loop: p99", bare_p99, "ms"),
        Figure("mqtt", "  p99 beside the bare loop's, of the medians", ratio, "x", bar=BAR),
    ]


def measured(*lanes: Lane) -> list[list[float]]:
    """The waits of each lane; telegrams in turn, so that what disturbs the one disturbs the other."""
    for lane in lanes:
        _until(lane.heard)
    for _ in range(WARM_UP + TELEGRAMS):
        for lane in lanes:
            lane.send()
    return [lane.waits() for lane in lanes]


@contextlib.contextmanager
def our_lane(port: int) -> Iterator[Lane]:
    """The gateway, with a TCP source."""
    with contextlib.ExitStack() as stack:
        source, connected = stack.enter_context(tcp())
        settings = source + '"\nmain_topic = "ours'
        stack.enter_context(gateway(settings, more=MQTT.format(port=port)))
        subscriber = Subscriber(port, f"ours/{TOPIC}")
        stack.callback(subscriber.close)
        yield Lane(connected(), _octets(), subscriber)


def _octets() -> Iterator[tuple[float, bytes]]:
    """An hourly list, for the estimates, then lists of ten seconds: the values that the bare loop has."""
    full = ((watts / 1000, telegram) for watts, telegram in numbered() if len(telegram) > 100)
    hourly = max(islice(full, 10), key=lambda one: len(one[1]))
    yield hourly
    yield from (one for one in full if len(one[1]) < len(hourly[1]))


@contextlib.contextmanager
def bare_lane(port: int) -> Iterator[Lane]:
    """The bare loop."""
    command = [sys.executable, str(HERE / "peers" / "paho_publisher.py"), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as publisher:
        assert publisher.stdout
        subscriber = Subscriber(port, f"bare/{TOPIC}")
        try:
            meter = socket.create_connection(("127.0.0.1", int(publisher.stdout.readline())))
            meter.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with meter:
                yield Lane(meter.sendall, _values(), subscriber)
        finally:
            subscriber.close()
            publisher.kill()


def _values() -> Iterator[tuple[float, bytes]]:
    for number in range(1, 1_000_000):
        value = number / 1000
        row = [(f"bare/{name}", value, unit) for name, unit in VALUES]
        yield value, json.dumps(row).encode() + b"\n"


def costs(runs: int, port: int) -> list[Figure]:
    """Start to the first Modbus answer and memory, with a broker and without."""
    figures: dict[str, dict[str, list[float]]] = {}

    def once(what: str, more: str) -> None:
        found = figures.setdefault(what, {"s": [], "MB": []})
        with gateway(SOURCE, more=more) as running:
            found["s"].append(running.started_s)
            served(running)
            found["MB"].append(held_mb(running.process.pid, "VmRSS:", "status"))

    interleaved(runs, lambda: once("MQTT off", ""), lambda: once("MQTT on", MQTT.format(port=port)))
    names = {"s": "start to the first Modbus answer", "MB": "resident"}
    return [
        median_of("mqtt", f"{what}: {names[unit]}", values, unit)
        for what, found in figures.items()
        for unit, values in found.items()
    ]


def reads(runs: int) -> list[Figure]:
    """Modbus reads while telegrams are published: 99th percentile, with the broker well and frozen."""
    well, frozen = list[float](), list[float]()

    def once() -> None:
        with process() as (port, mosquitto), gateway(SOURCE, more=MQTT.format(port=port)) as running:
            _until(lambda: power(read(running.client)) > 0)
            well.append(percentile(_reads(running), 99))
            mosquitto.send_signal(signal.SIGSTOP)
            frozen.append(percentile(_reads(running), 99))

    interleaved(runs, once)
    return [
        median_of("mqtt", "Modbus read while publishing: p99", well, "ms"),
        median_of("mqtt", "  the same with the broker frozen", frozen, "ms"),
    ]


def _reads(running: Gateway) -> list[float]:
    found = []
    for _ in range(1000):
        began = time.perf_counter()
        read(running.client)
        found.append(1000 * (time.perf_counter() - began))
        time.sleep(0.001)
    return found


def hint(work: Path) -> None:
    """What a telegram's messages cost inside the gateway."""
    import cProfile
    import pstats
    from zoneinfo import ZoneInfo

    from han2x.intake.pipeline import Pipeline
    from han2x.model.instant import Instant
    from han2x.model.reading import Reading
    from han2x.model.state import EMPTY, fold
    from han2x.model.view import view
    from han2x.mqtt.plan import Plan
    from han2x.settings.broker import Mqtt

    pipeline, plan, snapshot = Pipeline(), Plan(Mqtt(), "bench", ZoneInfo("Europe/Oslo")), EMPTY
    profile = cProfile.Profile()
    for number, (_, telegram) in zip(range(500), numbered(), strict=False):
        now = Instant(1_800_000_000_000 + 2000 * number, 2000 * number)
        for outcome in pipeline.feed(telegram, now.mono_ms):
            if isinstance(outcome, Reading):
                snapshot = fold(snapshot, outcome, now)
                profile.runcall(plan.due, view(snapshot, scale=1000, now=now, uptime_s=0), now)
    pstats.Stats(profile).sort_stats("tottime").print_stats(12)
