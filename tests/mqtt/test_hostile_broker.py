"""A broker that means harm: what it sends is refused by its head, or costs little time and no memory."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable

import pytest

from han2x.runtime.broker import Broker, connect
from han2x.runtime.gateway import Trouble
from han2x.runtime.inbox import Keep
from han2x.settings.broker import Mqtt

CONNACK = {"3.1.1": b"\x20\x02\x00\x00", "5": b"\x20\x03\x00\x00\x00"}
Attack = Callable[[asyncio.StreamWriter], None]


def varint(value: int) -> bytes:
    """A length as MQTT writes it (1.5.5)."""
    found = b""
    while value > 127:
        found, value = found + bytes((value & 127 | 128,)), value >> 7
    return found + bytes((value,))


def against(
    protocol: str, answer: bytes, use: Callable[[Broker], object], body: int = 0
) -> tuple[object, int]:
    """What `use` gives with a broker that says `answer` and a body; and how many bytes that got rid of."""
    sent = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        try:
            while sent[0] < body:
                writer.write(bytes(1 << 20))
                await writer.drain()
                sent[0] += 1 << 20
            await reader.read()
        except ConnectionError:
            pass
        writer.close()

    async def whole() -> object:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(60):
                broker = await connect(Mqtt(host="127.0.0.1", port=port, protocol=protocol), client_id="c")
                try:
                    return await use(broker)  # type: ignore[misc]
                finally:
                    broker.abort()
        finally:
            server.close()

    return asyncio.run(whole()), sent[0]


@pytest.mark.parametrize("protocol", CONNACK)
@pytest.mark.parametrize("kind", [0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xE0, 0xF0])
def test_a_large_packet_that_is_no_message_ends_the_connection(protocol: str, kind: int) -> None:
    """Refused by the length in its fixed header: hardly any of the 64 MB that follow are read."""

    async def lost(broker: Broker) -> bool:
        with pytest.raises(Trouble):
            await broker.lost()
        return True

    answer = CONNACK[protocol] + bytes((kind,)) + varint(268_435_455)
    found, sent = against(protocol, answer, lost, body=64 << 20)
    assert found
    assert sent < 32 << 20


@pytest.mark.parametrize("protocol", CONNACK)
def test_a_large_message_costs_no_memory(protocol: str) -> None:
    """Of 64 MB nothing is kept beyond the limit, and the next message arrives."""
    head = b"\x00\x01t" + (b"\x00" if protocol == "5" else b"")
    size = 64 << 20
    answer = CONNACK[protocol] + b"\x30" + varint(size) + head

    async def dropped(broker: Broker) -> int:
        broker.subscribe("t", Keep.ALL)
        tracemalloc.start()
        while not broker.dropped:
            await asyncio.sleep(0.01)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    found, _ = against(protocol, answer, dropped, body=size)
    assert isinstance(found, int)
    assert found < 8 << 20


def test_a_message_of_many_properties_is_taken_without_them() -> None:
    """Twenty thousand user properties cost no time, and its payload arrives."""
    properties = b"\x26\x00\x00\x00\x00" * 20_000
    body = b"\x00\x01t" + varint(len(properties)) + properties + b"payload"
    answer = CONNACK["5"] + b"\x30" + varint(len(body)) + body

    async def mail(broker: Broker) -> bytes:
        broker.subscribe("t", Keep.ALL)
        began = time.thread_time()
        payload = (await broker.receive()).payload
        assert time.thread_time() - began < 0.25
        return payload

    assert against("5", answer, mail)[0] == b"payload"
