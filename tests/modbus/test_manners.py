"""Manners on the network: who may connect, what is counted of each client, what is logged of the refused.

Connections come from 127.0.0.1 and 127.0.0.2; the clock is moved by hand. Limits, time-outs and writes off
are in test_tcp.py, the rule of the setting in tests/settings/test_rules.py.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from han2x.modbus.admission import Admission
from han2x.modbus.tcp import Server, run
from han2x.model.instant import ZERO
from han2x.runtime.clients import ClientInfo, Clients
from han2x.runtime.gateway import Gateway
from han2x.settings.modbus import ModbusTcp
from han2x.settings.networks import parse_networks, within
from han2x.settings.schema import Settings

VOLTAGE = bytes.fromhex("0001 0000 0006 01 03 000E 0002")
BEYOND = bytes.fromhex("0002 0000 0006 01 03 0033 0001")
NO_UNIT = bytes.fromhex("0003 0000 0006 63 03 0000 0001")
FRIEND, STRANGER = "127.0.0.2", "127.0.0.1"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.mark.parametrize(
    ("networks", "host", "inside"),
    [
        ("192.168.1.0/24", "192.168.1.255", True),
        ("192.168.1.0/24", "192.168.2.0", False),
        ("192.168.1.7/24", "192.168.1.200", True),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("10.0.0.0/8, fd00::/8", "fd12::1", True),
        ("10.0.0.0/8, fd00::/8", "fe80::1%eth0", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:11.1.2.3", False),
        ("::/0", "10.1.2.3", False),
        ("10.0.0.0/8", "", False),
        ("", "10.0.0.1", False),
    ],
)
def test_within(networks: str, host: str, inside: bool) -> None:
    """An address is in a listed network or it is not; IPv4 that IPv6 carries is IPv4."""
    assert within(host, parse_networks(networks)) is inside


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_everyone_by_default() -> None:
    """Without networks everyone may come in, whoever it is."""
    admission = Admission("", clock=Clock())
    assert admission.admits("203.0.113.9")
    assert admission.admits("")
    assert admission.refused == 0


def test_log_has_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """However often strangers try, a minute has one line, and the next says how many more there were."""
    clock = Clock()
    admission = Admission("10.0.0.0/8", clock=clock)
    for _ in range(1000):
        assert not admission.admits("203.0.113.9")
        clock.now += 0.05
    assert caplog.messages == ["203.0.113.9 is in no allowed network: refused"]
    clock.now = 1060.0
    assert not admission.admits("2001:db8::1")
    assert caplog.messages[1:] == [
        "2001:db8::1 is in no allowed network: refused, and 999 more since the last such line"
    ]
    assert admission.refused == 1001


Scene = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Runs a coroutine function to its end, on each event loop."""
    factory = None
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop", reason="uvloop is not installed").new_event_loop

    def make(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(scene(), 60))

    return make


class Stage:
    """A server at a free port whose clock is moved by hand."""

    def __init__(self, **section: Any) -> None:
        self.clock = Clock()
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        self.server = Server(ModbusTcp(**section), gateway, clock=self.clock)

    async def __aenter__(self) -> "Stage":
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self.server.door, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.server.close()

    async def client(self, host: str) -> Streams:
        """A client from one of this machine's addresses, with which the server has dealt."""
        before = self.dealt_with
        address, port = self._listener.sockets[0].getsockname()
        streams = await asyncio.open_connection(address, port, local_addr=(host, 0))
        while self.dealt_with == before:
            await asyncio.sleep(0)
        return streams

    @property
    def dealt_with(self) -> int:
        """How many were let in or refused."""
        return len(self.server.connections) + self.server.clients().refused


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection without a word."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def ask(streams: Streams, request: bytes = VOLTAGE, size: int = 13) -> bytes:
    """The answer to a request."""
    streams[1].write(request)
    return await streams[0].readexactly(size)


def test_strangers_are_closed_at_once(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Who is in no allowed network is not answered, takes no place from a friend, and is counted."""

    async def scene() -> None:
        async with Stage(allow=f"{FRIEND}/32", max_connections=1) as stage:
            friend = await stage.client(FRIEND)
            for _ in range(3):
                reader, writer = await stage.client(STRANGER)
                assert await ended(reader)
                writer.close()
            assert len(await ask(friend)) == 13
            clients = stage.server.clients()
            assert [one.peer for one in clients.connected] == [name(friend[1])]
            assert clients.refused == 3
            friend[1].close()

    with caplog.at_level(logging.WARNING, "han2x.modbus"):
        play(scene)
    assert caplog.messages == [f"{STRANGER} is in no allowed network: refused"]


def name(writer: asyncio.StreamWriter) -> str:
    """A client's own address as the server sees it."""
    return "{}:{}".format(*writer.get_extra_info("sockname"))


def test_counters(play: Callable[[Scene], None]) -> None:
    """Of each client is known since when, when it was heard last, what it asked, and what it was refused."""

    async def scene() -> None:
        async with Stage() as stage:
            first = await stage.client(FRIEND)
            stage.clock.now += 10.5
            second = await stage.client(STRANGER)
            for _ in range(5):
                await ask(first)
            await ask(first, BEYOND, 9)
            await ask(first, NO_UNIT, 9)
            await ask(first)
            stage.clock.now += 3
            assert stage.server.clients() == Clients(
                (
                    ClientInfo(name(first[1]), 13, 3, requests=8, exceptions=2, last_exception=0x0B),
                    ClientInfo(name(second[1]), 3, 3, requests=0, exceptions=0, last_exception=0),
                ),
                refused=0,
            )
            first[1].close()
            second[1].close()

    play(scene)


def test_one_that_left_is_not_shown(play: Callable[[Scene], None]) -> None:
    """A client that has gone is no client."""

    async def scene() -> None:
        async with Stage() as stage:
            _, writer = await stage.client(FRIEND)
            writer.close()
            while stage.server.connections:
                await asyncio.sleep(0)
            assert stage.server.clients() == Clients()

    play(scene)


def test_clients_are_known_to_the_gateway(play: Callable[[Scene], None]) -> None:
    """While the service runs, whoever shows health can ask the gateway for its clients; then no more."""

    async def scene() -> None:
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        task = asyncio.create_task(run(ModbusTcp(host="127.0.0.1", port=0), gateway, "tcp"))
        health = await gateway.health.changed(gateway.health.value)
        host, _, port = health["tcp"].text.removeprefix("listening on ").rpartition(":")
        streams = await asyncio.open_connection(host, int(port))
        await ask(streams)
        (client,) = gateway.clients["tcp"]().connected
        assert (client.peer, client.requests) == (name(streams[1]), 1)
        task.cancel()
        await asyncio.wait([task])
        assert gateway.clients == {}
        streams[1].close()

    play(scene)
