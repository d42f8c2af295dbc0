"""The surroundings of the soak: meters, their wires, a broker, a small disk, clients, and their faults."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import tty
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from han2x.model.quantity import Quantity
from han2x.settings.source import SimulatedSource, parse_source
from han2x.simulator.meter import telegrams
from han2x.simulator.telegram import Telegram

SPEED = 60
HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Truth:
    """What one meter has really said. `counter` is its import register, exact, in Wh."""

    name: str
    unit: int
    powers: deque[int] = field(default_factory=lambda: deque([0], 2000))
    counter: int = 0
    sent: int = 0

    def said(self, telegram: Telegram) -> bytes:
        """Note a telegram as it leaves; its octets."""
        if (power := telegram.message.values.get(Quantity.ACT_POW_POS)) is not None:
            self.powers.append(power)
        self.counter = telegram.counters.in_wh()[Quantity.ACT_ENERGY_POS]
        self.sent += 1
        return telegram.data


class Wire:
    """A meter that runs on whether or not anybody is connected; subclasses carry its octets."""

    def __init__(self, truth: Truth, meter: str) -> None:
        source = parse_source(meter)
        assert isinstance(source, SimulatedSource)
        self.truth = truth
        self._telegrams = telegrams(source, datetime.now(UTC))

    async def run(self) -> None:
        """Send each telegram when it is due."""
        began = time.monotonic()
        for telegram in self._telegrams:
            await asyncio.sleep(max(0.0, telegram.due_ms / 1000 / SPEED - (time.monotonic() - began)))
            self.carry(self.truth.said(telegram))

    def carry(self, octets: bytes) -> None:
        """Hand octets to whoever is connected."""
        raise NotImplementedError


class Adapter(Wire):
    """On a pty behind a link, as a USB adapter is below /dev/serial/by-id; each pty has a new name."""

    def __init__(self, truth: Truth, meter: str, link: Path) -> None:
        super().__init__(truth, meter)
        self.link = link
        self._ends: tuple[int, int] | None = None

    def plug(self) -> None:
        """Plug it in."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        self._ends = master, slave

    def unplug(self) -> None:
        """Pull it out: the link and the tty are gone."""
        self.link.unlink(missing_ok=True)
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    def carry(self, octets: bytes) -> None:
        """Write what fits; a tty that nobody reads keeps what it can."""
        if self._ends:
            with contextlib.suppress(OSError):
                os.write(self._ends[0], octets)


class Bridge(Wire):
    """Behind a network serial bridge."""

    def __init__(self, truth: Truth, meter: str) -> None:
        super().__init__(truth, meter)
        self.port = free_port()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    def hang_up(self) -> None:
        """Close the port and drop everybody."""
        if self._server:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    def carry(self, octets: bytes) -> None:
        """To all."""
        for writer in tuple(self._writers):
            writer.write(octets)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            while await reader.read(1024):
                pass
        self._writers.discard(writer)
        writer.close()


class Broker:
    """A Mosquitto of our own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} {HOST}\nallow_anonymous true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(["mosquitto", "-c", str(self._file)], stderr=subprocess.DEVNULL)

    def signal(self, number: signal.Signals) -> None:
        """Kill, freeze or wake it."""
        if self._process:
            self._process.send_signal(number)
            if number in (signal.SIGKILL, signal.SIGTERM):
                self._process.wait()


@dataclass
class World:
    """Everything a fault may reach for. `pid`: of the program under test."""

    adapter: Adapter
    bridge: Bridge
    broker: Broker
    disk: Path
    offset: Path
    port: int
    pid: int
    chance: random.Random

    def seconds(self, low: float, high: float) -> Coroutine[Any, Any, None]:
        """Wait for a while drawn by chance."""
        return asyncio.sleep(self.chance.uniform(low, high))

    def move_clock(self, ms: int) -> None:
        """Set the wall clock of the program off by so much."""
        self.offset.write_text(str(ms))
        os.kill(self.pid, signal.SIGUSR1)


async def adapter_gone(world: World) -> None:
    """Unplugged for a while, back under another name."""
    world.adapter.unplug()
    await world.seconds(1, 15)
    world.adapter.plug()


async def bridge_gone(world: World) -> None:
    """The bridge hangs up and refuses for a while."""
    world.bridge.hang_up()
    await world.seconds(1, 15)
    await world.bridge.open()


async def rubbish(world: World) -> None:
    """The bridge sends noise, some of it between telegrams that are right."""
    for _ in range(world.chance.randrange(5, 50)):
        world.bridge.carry(world.chance.randbytes(world.chance.randrange(1, 400)))
        await world.seconds(0, 0.3)


async def broker_killed(world: World) -> None:
    """The broker dies and is away."""
    world.broker.signal(signal.SIGKILL)
    await world.seconds(1, 20)
    world.broker.start()


async def broker_frozen(world: World) -> None:
    """The broker accepts and says nothing."""
    world.broker.signal(signal.SIGSTOP)
    await world.seconds(5, 20)
    world.broker.signal(signal.SIGCONT)


async def disk_full(world: World) -> None:
    """The disk takes nothing for a while."""
    filler = world.disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    await world.seconds(5, 20)
    filler.unlink(missing_ok=True)


async def clients_flood(world: World) -> None:
    """Many clients at once, that send rubbish, nothing, or requests whose answers they do not read."""
    requests = (world.chance.randbytes(300), b"", bytes.fromhex("000100000006010300000033") * 2000)
    sockets = []
    for number in range(world.chance.randrange(20, 200)):
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(HOST, world.port)
            writer.write(requests[number % 3])
            sockets.append((reader, writer))
    await world.seconds(1, 10)
    for _, writer in sockets:
        writer.transport.abort()


async def clock_jumps(world: World) -> None:
    """The wall clock is an hour ahead, then a day behind, then right."""
    for ms in (3_600_000, -86_400_000, 0):
        world.move_clock(ms)
        await world.seconds(2, 8)


Fault = Callable[[World], Coroutine[Any, Any, None]]
FAULTS: tuple[Fault, ...] = (
    adapter_gone,
    bridge_gone,
    rubbish,
    broker_killed,
    broker_frozen,
    disk_full,
    clients_flood,
    clock_jumps,
)
