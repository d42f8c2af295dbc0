"""What a broker delivers and nobody takes yet, with a real Mosquitto: it waits, and nothing is lost by it."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from han2x.runtime.broker import Broker, connect
from han2x.runtime.gateway import Trouble
from han2x.runtime.inbox import ROOM, Keep
from han2x.settings.broker import Mqtt

from ..ports import free_port
from .conftest import Authority, Mosquitto, play, poll, takes, until

Start = Callable[..., Mosquitto]

OPEN = ("allow_anonymous true", "max_queued_messages 0", "max_queued_bytes 0", "max_inflight_messages 0")
COUNT = 4000


async def publish(broker: Mosquitto, payloads: list[bytes], *options: str, topic: str = "t") -> None:
    """What mosquitto_pub sends, a line each."""
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-l", *options]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
    await process.communicate(b"".join(payload + b"\n" for payload in payloads))
    assert process.returncode == 0


async def drained(broker: Broker, count: int) -> list[bytes]:
    async with asyncio.timeout(20):
        return [(await broker.receive()).payload for _ in range(count)]


def secure(authority: Authority, port: int, *more: str) -> tuple[str, ...]:
    keys = f"cafile {authority.ca}", f"certfile {authority.server}", f"keyfile {authority.server_key}"
    return (*OPEN, f"listener {port} 127.0.0.1", *keys, *more)


@pytest.mark.parametrize("way", ["tcp", "tls", "websockets", "secure websockets"])
def test_a_flood_waits_until_it_is_taken(mosquitto: Start, authority: Authority, way: str) -> None:
    """Far more than the inbox holds, sent while nobody takes any: all come, in order, on every transport."""
    port = free_port()
    websockets = ["protocol websockets"] if "websockets" in way else []
    if way == "tcp":
        broker = mosquitto(*OPEN)
        port = broker.port
    elif way == "websockets":
        broker = mosquitto(*OPEN, f"listener {port} 127.0.0.1", *websockets)
    else:
        broker = mosquitto(*secure(authority, port, *websockets))
    more: dict[str, Any] = {"transport": "websockets", "path": "/mqtt"} if websockets else {}
    if way in ("tls", "secure websockets"):
        more |= {"tls": True, "ca_file": str(authority.ca)}
    sent = [b"%d %s" % (index, b"x" * 500) for index in range(COUNT)]

    poll(lambda: takes(port), "it listens")

    async def scene() -> None:
        taker = await connect(Mqtt(host="127.0.0.1", port=port, **more), client_id="taker")
        taker.subscribe("t", Keep.ALL)
        await until(lambda: "Sending SUBACK to taker" in broker.log.read_text(), "subscribed")
        await publish(broker, sent, "-q", "1")
        await until(lambda: len(taker._inbox) >= ROOM, "the inbox is full")
        assert len(taker._inbox) == ROOM
        assert await drained(taker, COUNT) == sent
        await taker.close()

    play(scene())


def test_of_a_state_the_newest_waits(mosquitto: Start) -> None:
    """A flood to a topic of which the newest is kept leaves the last message, and holds up nothing."""
    broker = mosquitto(*OPEN)

    async def scene() -> None:
        taker = await connect(Mqtt(host="127.0.0.1", port=broker.port), client_id="taker")
        taker.subscribe("t", Keep.NEWEST)
        await taker.subscribed("end", Keep.ALL)
        await publish(broker, [b"%d" % index for index in range(COUNT)], "-q", "1")
        await publish(broker, [b"end"], "-q", "1", topic="end")
        await until(lambda: len(taker._inbox) == 2, "all has come")
        assert await drained(taker, 2) == [b"%d" % (COUNT - 1), b"end"]
        await taker.close()

    play(scene())


def test_a_connection_that_is_not_read_stays(mosquitto: Start) -> None:
    """Held up for longer than the broker would wait for a sign of life, and we for its answer: it goes on."""
    broker = mosquitto(*OPEN)
    keepalive_s = 1  # the broker gives up after one and a half

    async def scene() -> None:
        entry = Mqtt(host="127.0.0.1", port=broker.port, keepalive_s=keepalive_s)
        taker = await connect(entry, client_id="taker")
        taker.subscribe("t", Keep.ALL)
        await until(lambda: "Sending SUBACK to taker" in broker.log.read_text(), "subscribed")
        await publish(broker, [b"%d" % index for index in range(COUNT)], "-q", "1")
        pings = "Sending PINGRESP to taker"
        await until(lambda: broker.log.read_text().count(pings) >= 4, "it has shown signs of life")
        assert await drained(taker, COUNT) == [b"%d" % index for index in range(COUNT)]
        await publish(broker, [b"after"], "-q", "1")
        assert await drained(taker, 1) == [b"after"]
        await taker.close()

    play(scene())
    assert broker.log.read_text().count("New client connected") == 3


def test_a_broker_that_ends_while_it_is_not_read_is_noticed(mosquitto: Start) -> None:
    """What has come is still there to be taken; then the loss is told."""
    broker = mosquitto(*OPEN)

    async def scene() -> None:
        entry = Mqtt(host="127.0.0.1", port=broker.port, keepalive_s=1)
        taker = await connect(entry, client_id="taker")
        await taker.subscribed("t", Keep.ALL)
        await publish(broker, [b"x"] * COUNT, "-q", "1")
        await until(lambda: len(taker._inbox) == ROOM, "the inbox is full")
        broker.stop()
        with pytest.raises(Trouble):
            async with asyncio.timeout(20):
                await taker.lost()
        assert len(taker.mail()) == ROOM
        with pytest.raises(Trouble):
            await taker.receive()
        taker.abort()

    play(scene())


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_message_without_measure(mosquitto: Start, tmp_path: Path, protocol: str) -> None:
    """A message of 40 MB takes no room and no connection; what is sent before and after it comes."""
    broker = mosquitto(*OPEN)
    huge = tmp_path / "huge"
    huge.write_bytes(bytes(40_000_000))

    async def scene() -> None:
        entry = Mqtt(host="127.0.0.1", port=broker.port, protocol=protocol)
        taker = await connect(entry, client_id="taker")
        await taker.subscribed("t", Keep.ALL)
        await publish(broker, [b"before"], "-q", "1")
        command = [
            "mosquitto_pub",
            "-h",
            "127.0.0.1",
            "-p",
            str(broker.port),
            "-t",
            "t",
            "-q",
            "1",
            "-f",
            str(huge),
        ]
        before = memory()
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
        await publish(broker, [b"after"], "-q", "1")
        assert await drained(taker, 2) == [b"before", b"after"]
        assert memory() - before < 5_000
        assert taker.dropped == (
            0 if protocol == "5" else 1
        )  # a broker of MQTT 5 sends none that is too large
        await taker.close()

    play(scene())


def memory() -> int:
    """The most that this process has ever had in memory, in kB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
