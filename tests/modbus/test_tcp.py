"""The Modbus TCP server at a real port, on asyncio and on uvloop: streams, limits, time-outs, floods.

Time-outs are tested with a clock that is moved by hand. What functions answer is in test_pdu.py and
test_bank.py; other programs as clients are in test_interop.py.
"""

import asyncio
import contextlib
import errno
import random
import select
import socket
import statistics
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from han2x.modbus.connection import Connection
from han2x.modbus.tcp import Server, run
from han2x.model.instant import ZERO
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition
from han2x.runtime.listening import advice, listen
from han2x.settings.modbus import ModbusTcp
from han2x.settings.schema import Settings

VOLTAGE = bytes.fromhex("0001 0000 0006 01 03 000E 0002")
VOLTAGE_ANSWER = bytes.fromhex("0001 0000 0007 01 03 04 0000 0956")
ALL = bytes.fromhex("0000 0006 01 03 0000 0033")


def receive(client: socket.socket, count: int) -> bytes:
    """Exactly so many octets, or fewer and the end."""
    octets = b""
    while len(octets) < count and (more := client.recv(count - len(octets))):
        octets += more
    return octets


def ask(client: socket.socket) -> bytes:
    """The answer to the manual's example."""
    client.sendall(VOLTAGE)
    return receive(client, len(VOLTAGE_ANSWER))


def is_closed(client: socket.socket) -> bool:
    """Whether the server closes the connection without a word."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_example_of_the_manual(served: Any) -> None:
    """The manual's request gets the manual's answer, octet by octet (M14)."""
    with served.connect() as client:
        assert ask(client) == VOLTAGE_ANSWER


def test_octet_by_octet(served: Any) -> None:
    """A request may come in any number of pieces."""
    with served.connect() as client:
        for octet in VOLTAGE * 3:
            client.sendall(bytes((octet,)))
        assert receive(client, 3 * len(VOLTAGE_ANSWER)) == VOLTAGE_ANSWER * 3


def test_many_at_once(served: Any) -> None:
    """Several thousand requests in one go are all answered, in order."""
    requests = [number.to_bytes(2, "big") + ALL for number in range(3000)]
    with served.connect() as client:
        client.sendall(b"".join(requests))
        answers = [receive(client, 111) for _ in requests]
    assert [answer[:2] for answer in answers] == [request[:2] for request in requests]


def test_writes_and_reads_at_once(served: Any) -> None:
    """Each read in a row of writes and reads sees the write before it (M22)."""
    rounds = range(10, 210)
    requests = [
        bytes.fromhex(f"0001 0000 000b 01 10 0030 0002 04 {scale:08x} 0002 0000 0006 01 03 0030 0002")
        for scale in rounds
    ]
    with served.connect() as client:
        client.sendall(b"".join(requests))
        answers = [receive(client, 12 + 13) for _ in rounds]
    assert [int.from_bytes(answer[-4:], "big") for answer in answers] == list(rounds)


def test_request_then_end(served: Any) -> None:
    """A client that sends its last request and shuts down its half still gets all answers, then the end."""
    with served.connect() as client:
        client.sendall(b"".join(number.to_bytes(2, "big") + ALL for number in range(2000)))
        client.shutdown(socket.SHUT_WR)
        assert len(receive(client, 2000 * 111)) == 2000 * 111
        assert is_closed(client)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\xa5\x01\x00\x00", bytes(300), b"\xff" * 9000]
)
def test_garbage(served: Any, garbage: bytes) -> None:
    """What is not Modbus ends the connection, after the answer to what was, and hurts nobody else."""
    with served.connect() as client, served.connect() as other:
        client.sendall(VOLTAGE + garbage)
        with contextlib.suppress(ConnectionError):
            assert client.recv(100) in (VOLTAGE_ANSWER, b"")
        assert is_closed(client)
        assert ask(other) == VOLTAGE_ANSWER


def test_fuzz(served: Any) -> None:
    """Two hundred connections of random octets, and the next read is answered."""
    source = random.Random(20260)
    for _ in range(200):
        with served.connect() as client, contextlib.suppress(ConnectionError):
            body = source.randbytes(source.randrange(1, 200))
            client.sendall(source.choice((b"", bytes((0, 1, 0, 0, 0, len(body) + 1, 1)))) + body)
    with served.connect() as client:
        assert ask(client) == VOLTAGE_ANSWER


def test_reset(served: Any) -> None:
    """Clients that vanish in the middle of a request leave the server well."""
    for cut in range(1, 12):
        client = served.connect()
        client.sendall(VOLTAGE[:cut])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0, 0, 0, 0, 0)))
        client.close()
    with served.connect() as client:
        assert ask(client) == VOLTAGE_ANSWER


def flood(client: socket.socket) -> int:
    """Send requests until the server takes no more; how many whole ones it took."""
    client.setblocking(False)
    requests = b"".join(number.to_bytes(2, "big") + ALL for number in range(65536))
    sent = 0
    while select.select([], [client], [], 0.2)[1]:
        with contextlib.suppress(BlockingIOError):
            sent += client.send(requests[sent % len(requests) :])
    client.settimeout(10)
    return sent // 12


def resident_kib(pid: int) -> int:
    """Memory of a process."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_flood(served: Any) -> None:
    """A client that asks without reading is not read from; others are served; all its answers come later."""
    with served.connect() as other, served.connect() as client:
        ask(other)
        before = resident_kib(served.process.pid)
        count = flood(client)
        waits = []
        for _ in range(50):
            asked = time.monotonic()
            assert ask(other) == VOLTAGE_ANSWER
            waits.append(time.monotonic() - asked)
        assert statistics.median(waits) < 0.02
        assert resident_kib(served.process.pid) - before < 2048
        for number in range(count):
            assert receive(client, 111)[:2] == (number % 65536).to_bytes(2, "big")


def test_most_connections(serve: Callable[..., Any]) -> None:
    """When all places are taken, the client that was idle longest makes room."""
    served = serve("modbus_tcp.max_connections=3")
    first, second, third = (served.connect() for _ in range(3))
    for client in (first, second, third, first):
        ask(client)
    with served.connect() as fourth:
        assert ask(fourth) == VOLTAGE_ANSWER
        assert is_closed(second)
        assert ask(first) == ask(third) == VOLTAGE_ANSWER
    for client in (first, second, third):
        client.close()


def test_writes_off(serve: Callable[..., Any]) -> None:
    """With writes off in the settings, writing the scale is exception 02."""
    with serve("modbus_tcp.writable=false").connect() as client:
        client.sendall(bytes.fromhex("0001 0000 0006 01 06 0031 0400"))
        assert receive(client, 9).hex() == "000100000003018602"


def test_log(served: Any) -> None:
    """An accepted write leaves one line that says who, which meter, and both values; reads leave none."""
    with served.connect() as client:
        name = "{}:{}".format(*client.getsockname())
        ask(client)
        client.sendall(bytes.fromhex("0001 0000 0006 01 06 0031 0400"))
        receive(client, 12)
    assert served.log.read_text() == f"INFO:han2x.modbus:{name} set scale of meter main from 1000 to 1024\n"


# Servers within the test's own process: what needs a clock moved by hand, or the coroutine itself.

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


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A server at a free port whose clock is moved by hand."""

    def __init__(self, section: ModbusTcp | None = None) -> None:
        self.clock = Clock()
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        self.server = Server(section or ModbusTcp(), gateway, clock=self.clock)

    async def __aenter__(self) -> "Stage":
        self._listener = await asyncio.get_running_loop().create_server(self.server.door, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.server.close()

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new client, known to the server."""
        known = len(self.server.connections)
        streams = await asyncio.open_connection(*self._listener.sockets[0].getsockname())
        while len(self.server.connections) == known:
            await asyncio.sleep(0)
        return streams

    def pass_time(self, seconds: float) -> None:
        """Let time pass and the server notice."""
        self.clock.now += seconds
        self.server.second()


def newest(stage: Stage) -> Connection:
    """The connection that was made last."""
    return list(stage.server.connections)[-1]


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection without a word."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


def test_unfinished_request(play: Callable[[Scene], None]) -> None:
    """A request that is not finished after 20 s ends its connection, however slowly it goes on coming."""

    async def scene() -> None:
        async with Stage() as stage:
            reader, writer = await stage.client()
            for octet in VOLTAGE[:3]:
                writer.write(bytes((octet,)))
                connection, heard = newest(stage), stage.clock.now
                while not connection.session.rest.endswith(bytes((octet,))) or connection.heard < heard:
                    await asyncio.sleep(0)
                stage.pass_time(9)
            assert await ended(reader)
            assert not stage.server.connections
            writer.close()

    play(scene)


def test_finished_request_is_no_reason(play: Callable[[Scene], None]) -> None:
    """A client may be silent for as long as it likes when no idle time-out is set."""

    async def scene() -> None:
        async with Stage() as stage:
            reader, writer = await stage.client()
            writer.write(VOLTAGE[:5])
            writer.write(VOLTAGE[5:])
            await reader.readexactly(13)
            stage.pass_time(1_000_000)
            writer.write(VOLTAGE)
            assert len(await reader.readexactly(13)) == 13
            writer.close()

    play(scene)


def test_idle_time_out(play: Callable[[Scene], None]) -> None:
    """With an idle time-out, a client that has been silent for so long is dropped, others are not."""

    async def scene() -> None:
        async with Stage(ModbusTcp(idle_timeout_s=60)) as stage:
            silent, silent_writer = await stage.client()
            stage.pass_time(30)
            talking, talking_writer = await stage.client()
            stage.pass_time(30)
            assert await ended(silent)
            talking_writer.write(VOLTAGE)
            assert len(await talking.readexactly(13)) == 13
            silent_writer.close()
            talking_writer.close()

    play(scene)


async def listening(gateway: Gateway) -> tuple[str, int]:
    """Where the server that was just started listens."""
    health = gateway.health.value
    while not health:
        health = await gateway.health.changed(health)
    assert health["tcp"].condition is Condition.OK
    host, _, port = health["tcp"].text.removeprefix("listening on ").rpartition(":")
    return host, int(port)


def test_end(play: Callable[[Scene], None]) -> None:
    """Cancelled, the server closes its connections, and its port can be taken again at once."""

    async def scene() -> None:
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        port = 0
        for _ in range(2):
            task = asyncio.create_task(run(ModbusTcp(host="127.0.0.1", port=port), gateway, "tcp"))
            host, port = await listening(gateway)
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(VOLTAGE)
            assert len(await reader.readexactly(13)) == 13
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert await ended(reader)
            writer.close()
            gateway.forget("tcp")

    play(scene)


def test_everywhere(play: Callable[[Scene], None]) -> None:
    """An empty host is every address of the machine, IPv4 and IPv6."""

    async def scene() -> None:
        gateway = Gateway(Settings(), clock=lambda: ZERO)
        task = asyncio.create_task(run(ModbusTcp(port=0), gateway, "tcp"))
        _, port = await listening(gateway)
        for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(VOLTAGE)
            assert len(await reader.readexactly(13)) == 13
            writer.close()
        task.cancel()
        await asyncio.wait([task])

    play(scene)


def test_keepalive_and_no_delay(play: Callable[[Scene], None]) -> None:
    """Connections have keepalive (60 s, 3 x 10 s), send without delay, and give up on untaken answers."""
    tcp = socket.IPPROTO_TCP
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE), (tcp, socket.TCP_NODELAY)]
    options += [(tcp, socket.TCP_KEEPIDLE), (tcp, socket.TCP_KEEPCNT), (tcp, socket.TCP_KEEPINTVL)]
    options += [(tcp, socket.TCP_USER_TIMEOUT)]

    async def scene() -> None:
        stage = Stage()
        listener = await listen("127.0.0.1", 0, stage.server.door, section="modbus_tcp")
        _, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
        while not stage.server.connections:
            await asyncio.sleep(0)
        sock = newest(stage).socket
        assert [sock.getsockopt(*option) for option in options] == [1, 1, 60, 3, 10, 90_000]
        writer.close()
        listener.close()
        stage.server.close()

    play(scene)


def test_taken_port(play: Callable[[Scene], None]) -> None:
    """A port that another program has is trouble, told with what to do."""

    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            section = ModbusTcp(host="127.0.0.1", port=other.getsockname()[1])
            with pytest.raises(Trouble, match=r"TCP port \d+ is in use .* modbus_tcp\.port"):
                await run(section, Gateway(Settings(), clock=lambda: ZERO), "tcp")

    play(scene)


def test_foreign_address(play: Callable[[Scene], None]) -> None:
    """An address that this machine does not have is trouble, told with what to do."""

    async def scene() -> None:
        section = ModbusTcp(host="192.0.2.1", port=1502)
        with pytest.raises(Trouble, match=r"no address 192\.0\.2\.1: set modbus_tcp\.host"):
            await run(section, Gateway(Settings(), clock=lambda: ZERO), "tcp")

    play(scene)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EACCES, "denied"), "TCP port 502 needs privileges: set modbus_tcp.port above 1023"),
        (OSError(errno.EACCES, "denied"), "CAP_NET_BIND_SERVICE"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "the name meter.example is not known"),
        (OSError(errno.EIO, "odd"), "cannot listen on TCP port 502: [Errno 5] odd"),
    ],
)
def test_advice(error: OSError, words: str) -> None:
    """Whatever keeps a port from being opened is told in a sentence."""
    assert words in advice(error, host="meter.example", port=502, section="modbus_tcp")
