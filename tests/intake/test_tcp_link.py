"""The TCP link against real servers on the loopback: octets, goodbyes, and what cannot be reached."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from han2x.intake import tcp
from han2x.intake.link import PIECE
from han2x.intake.tcp import connect
from han2x.runtime.gateway import Trouble

from ..ports import free_port
from ..wire.test_envelopes import FRAMES
from .pull import Pull

HOST = "127.0.0.1"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await scene()

    asyncio.run(main())


async def says(*pieces: bytes) -> asyncio.Server:
    """A bridge that sends its pieces and hangs up."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.writelines(pieces)
        writer.close()

    return await asyncio.start_server(talk, HOST, 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def test_octets_arrive_and_the_goodbye_is_trouble() -> None:
    """Everything that was sent is read; then it is said that the bridge closed the connection."""

    async def scene() -> None:
        server = await says(bytes(range(256)), b"x" * 10_000)
        port, octets = port_of(server), b""
        link = await connect(HOST, port)
        bridge = Pull(link)
        while len(octets) < 10_256:
            octets += await bridge.read()
        assert octets == bytes(range(256)) + b"x" * 10_000
        with pytest.raises(Trouble) as trouble:
            await bridge.read()
        assert str(trouble.value) == f"{HOST}:{port} closed the connection; connecting anew"
        link.close()
        server.close()

    play(scene)


def test_what_came_before_anyone_read_is_not_lost() -> None:
    """A bridge that sends at once, and is read late: the octets are there, and then its end."""

    async def scene() -> None:
        server = await says(b"x" * 100_000)
        link = await connect(HOST, port_of(server))
        for _ in range(50):
            await asyncio.sleep(0)
        bridge, octets = Pull(link), b""
        while len(octets) < 100_000:
            octets += await bridge.read()
        with pytest.raises(Trouble, match="closed the connection"):
            await bridge.read()
        link.close()
        server.close()

    play(scene)


def test_a_link_may_be_read_anew() -> None:
    """A reading that was given up takes nothing with it."""

    async def scene() -> None:
        lines: asyncio.Queue[bytes] = asyncio.Queue()

        async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                writer.write(await lines.get())

        server = await asyncio.start_server(talk, HOST, 0)
        link = await connect(HOST, port_of(server))
        for octets in (b"one", b"two"):
            bridge = Pull(link)
            lines.put_nowait(octets)
            assert await bridge.read() == octets
            await bridge.stop()
        link.close()
        server.close()

    play(scene)


def test_a_reset_is_trouble() -> None:
    """A bridge that falls over is trouble like one that says goodbye."""

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = b"\x01\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def scene() -> None:
        server = await asyncio.start_server(reset, HOST, 0)
        link = await connect(HOST, port_of(server))
        bridge = Pull(link)
        with pytest.raises(Trouble, match="connecting anew"):
            await bridge.read()
        link.close()
        server.close()

    play(scene)


def test_the_bridge_may_come_back() -> None:
    """The same address serves again after it was refused."""

    async def scene() -> None:
        server = await says(b"one")
        port = port_of(server)
        link = await connect(HOST, port)
        bridge = Pull(link)
        assert await bridge.read() == b"one"
        link.close()
        server.close()
        await server.wait_closed()
        with pytest.raises(Trouble, match="refuses: is the bridge's serial port served on this port"):
            await connect(HOST, port)
        again = await asyncio.start_server(lambda _, writer: writer.write(b"two"), HOST, port)
        link = await connect(HOST, port)
        bridge = Pull(link)
        assert await bridge.read() == b"two"
        link.close()
        again.close()

    play(scene)


@pytest.mark.parametrize("host", ["nosuch.invalid", "a..b", "x" * 70 + ".invalid"])
def test_an_unknown_name_is_trouble(host: str) -> None:
    """A name that leads nowhere, or cannot be one, is said to be unknown."""

    async def scene() -> None:
        with pytest.raises(Trouble) as trouble:
            await connect(host, 3001)
        assert str(trouble.value) == f"{host} is not known on this network: check the name"

    play(scene)


def test_a_bridge_that_does_not_answer_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody takes the call it is given up after a while."""
    monkeypatch.setattr(tcp, "CONNECT_S", 0.1)

    async def scene() -> None:
        with socket.socket() as full:
            full.bind((HOST, 0))
            full.listen(0)
            port, waiting = full.getsockname()[1], []
            for _ in range(8):  # fill the queue of calls
                caller = socket.socket()
                caller.setblocking(False)
                caller.connect_ex((HOST, port))
                waiting.append(caller)
            try:
                with pytest.raises(Trouble, match="does not answer: is the bridge on, and the address right"):
                    await connect(HOST, port)
            except pytest.fail.Exception:
                pytest.skip("this kernel queues more calls than it was told to")
            finally:
                for caller in waiting:
                    caller.close()

    play(scene)


def test_silence_is_given_up_after_two_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge that says nothing for longer than any meter is silent is called anew."""
    assert tcp.SILENT_S == 120
    monkeypatch.setattr(tcp, "SILENT_S", 0.05)

    async def scene() -> None:
        gone = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()
            gone.set()

        server = await asyncio.start_server(mute, HOST, 0)
        link = await connect(HOST, port_of(server))
        bridge = Pull(link)
        with pytest.raises(Trouble, match="has sent nothing for"):
            await bridge.read()
        link.close()
        await gone.wait()
        server.close()

    play(scene)


def test_the_connection_is_kept_alive_by_tcp() -> None:
    """A bridge that was unplugged without a word is noticed by the kernel."""

    async def scene() -> None:
        server = await says()
        link = await connect(HOST, port_of(server))
        connection = link._transport.get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        link.close()
        server.close()

    play(scene)


def test_nothing_is_sent_to_the_bridge() -> None:
    """A meter only talks: the link never writes."""

    async def scene() -> None:
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"telegram")
            try:
                heard.set_result(await reader.read())
            except ConnectionResetError:
                heard.set_result(b"")

        server = await asyncio.start_server(listen, HOST, 0)
        link = await connect(HOST, port_of(server))
        bridge = Pull(link)
        link.set_line("8N1")
        assert await bridge.read() == b"telegram"
        link.close()
        assert await heard == b""
        server.close()

    play(scene)


def test_free_ports_are_free() -> None:
    """A port that nobody has refuses at once."""

    async def scene() -> None:
        with pytest.raises(Trouble, match="refuses"):
            await connect(HOST, free_port())

    play(scene)


def test_a_bridge_that_sends_without_end_has_a_share_of_the_time() -> None:
    """However much comes, a piece at a time is handed on, a hundred a second at most; nothing is lost."""

    async def scene() -> None:
        octets = bytes(range(256)) * 400
        server = await says(octets)
        link = await connect(HOST, port_of(server))
        taken: list[bytes] = []
        began = time.monotonic()
        with pytest.raises(Trouble, match="closed the connection"):
            await link.read(taken.append)
        assert b"".join(taken) == octets
        assert max(map(len, taken)) <= PIECE
        assert time.monotonic() - began >= (len(octets) // PIECE - 1) * tcp.PAUSE_S * 0.9
        link.close()
        server.close()

    play(scene)


def test_envelopes_end_with_a_pause_or_with_the_connection() -> None:
    """A message in JSON without a line end is handed on when the bridge pauses, and when it goes."""
    frame = FRAMES[0]
    message = b'{"rssi": -60, "data": "' + frame.hex().encode() + b'"}'

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message)
        await asyncio.wait_for(answered.wait(), 30)
        writer.write(message + b"\n" + message)
        writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(talk, HOST, 0)
        link = await connect(HOST, port_of(server))
        bridge = Pull(link)
        assert await bridge.read() == frame
        answered.set()
        octets = b""
        while len(octets) < 2 * len(frame):
            octets += await bridge.read()
        assert octets == frame + frame
        with pytest.raises(Trouble):
            await bridge.read()
        link.close()
        server.close()

    answered = asyncio.Event()
    play(scene)
