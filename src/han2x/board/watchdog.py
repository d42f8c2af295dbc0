"""Tells the service manager that the program is alive: only while all that matters really works.

It says `READY=1` once Modbus answers, and then feeds systemd's watchdog, four times a period, while

- the event loop runs: this is a task of it;
- the Modbus server answers a request on its own port;
- storage is not stuck: no write has waited for a disk for a minute (a full disk is reported, not cured by
  a restart);
- no meter has fallen silent for ten minutes after telegrams had come since the start. So a receiver that is
  stuck is opened by a new process once, and a meter that stays silent starts no second one.
"""

import asyncio
import os
import socket
from collections.abc import Mapping

from ..model.instant import Instant
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.device import Watched
from ..settings.source import ReplaySource, parse_source

PERIOD_S = 10.0
"""Where the service manager names none."""
PATIENCE_S = 2.0
SILENCE_MS = 600_000
STORAGE_MS = 60_000
READ = bytes.fromhex("000100000006010300000001")
"""Read register 40001 of unit 1: any answer, a refusal too, shows that the server works."""


async def run(section: Watched, gateway: Gateway, name: str) -> None:
    """Feed until cancelled; raises `Trouble` when something does not work, which ends the feeding."""
    pause_s = period_s(os.environ) / 4
    probe = Probe(section)
    await _served(section, gateway)
    tell(os.environ, "READY=1")
    try:
        while True:
            await probe.ask()
            check(gateway)
            tell(os.environ, "WATCHDOG=1")
            gateway.report(name, Condition.OK)
            await asyncio.sleep(pause_s)
    finally:
        probe.close()


async def _served(section: Watched, gateway: Gateway) -> None:
    """Wait until the Modbus server runs; if it never does, the service manager loses patience."""
    while section.server:
        health = gateway.health.value
        server = health.get(section.server)
        if server and server.condition is Condition.OK:
            return
        await gateway.health.changed(health)


def period_s(environment: Mapping[str, str]) -> float:
    """How often systemd wants to be told, in seconds."""
    try:
        return int(environment["WATCHDOG_USEC"]) / 1_000_000
    except (KeyError, ValueError):
        return PERIOD_S


def tell(environment: Mapping[str, str], text: str) -> None:
    """Send a message to the service manager, where there is one."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto(text.encode(), name)
    except OSError as error:
        raise Trouble(f"the service manager cannot be told: {error.strerror or error}") from None


def check(gateway: Gateway) -> None:
    """Raises `Trouble` with what of storage and telegrams does not work."""
    now = gateway.now()
    if gateway.stuck_ms(now) >= STORAGE_MS:
        raise Trouble("the disk has not taken what was written for a minute")
    silent = _fallen_silent(gateway, now)
    if silent:
        raise Trouble(f"meter {silent} has been silent for ten minutes: the receiver may be stuck")


class Probe:
    """A client of our own Modbus server: one connection, so that it takes no other client's place."""

    def __init__(self, section: Watched) -> None:
        self._section = section
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> None:
        """Have a request answered; raises `Trouble` if it is not."""
        if not self._section.port:
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._ask()
        except (OSError, EOFError) as error:  # a timeout is an OSError too
            self.close()
            raise Trouble(
                f"the Modbus server does not answer on port {self._section.port}: {error!r}"
            ) from None

    async def _ask(self) -> None:
        host = self._section.host
        if self._streams is None:
            local = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
            self._streams = await asyncio.open_connection(local, self._section.port)
        reader, writer = self._streams
        writer.write(READ)
        head = await reader.readexactly(6)
        await reader.readexactly(int.from_bytes(head[4:]))

    def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()
            self._streams = None


def _fallen_silent(gateway: Gateway, now: Instant) -> str:
    """The name of a meter whose telegrams came and stopped; recordings end, and may."""
    for meter in gateway.settings.value.meters:
        last = gateway.snapshot(meter.id).value.last
        if last is None or isinstance(parse_source(meter.source), ReplaySource):
            continue
        if now.mono_ms - last.mono_ms >= SILENCE_MS:
            return meter.name
    return ""
