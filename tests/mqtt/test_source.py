"""A meter that is read from a topic: octets, hex text, and the envelopes that readers put around them."""

import asyncio
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from han2x.app import SERVICES, clock
from han2x.runtime.gateway import Gateway
from han2x.runtime.service import keep
from han2x.settings.amend import from_table
from han2x.settings.schema import Settings
from han2x.settings.source import SimulatedSource
from han2x.simulator.meter import telegrams
from han2x.wire.envelopes import unwrap as octets

from .conftest import Listener, Mosquitto, health, play, until

PREFIX = bytes.fromhex("0a14") + bytes(range(1, 21)) + b"\x12\x07"
"""What Tibber's Pulse has before the frames: 24 octets of another encoding (han-port sheet 5, row 21)."""


@pytest.mark.parametrize("vendor", ["aidon", "kaifa", "kamstrup"])
def test_a_frame_is_found_in_any_envelope(vendor: str) -> None:
    """Alone, as hex in either case, with separators, behind a prefix, twice, and between other octets."""
    (frame,) = frames(1, vendor)
    assert octets(frame) == frame
    assert octets(frame.hex().encode()) == frame
    assert octets(frame.hex(" ").upper().encode() + b"\r\n") == frame
    assert octets(PREFIX + frame) == frame
    assert octets(PREFIX + frame + b"\x18\x01\x7e\x22" + frame + b"\x00") == frame + frame
    assert octets(frame[:-1] + frame) == frame + frame  # one flag between two frames


def test_what_is_no_frame_is_left_as_it_is() -> None:
    """A damaged frame or a bare message is for the decoder to judge."""
    assert octets(b"") == b""
    assert octets(b"hello") == b"hello"
    assert octets(b"7ea") == b"7ea"
    assert octets(bytes.fromhex("7ea0ff00")) == bytes.fromhex("7ea0ff00")
    assert octets(b"\x7e") == b"\x7e"
    assert octets(b"0f400000") == bytes.fromhex("0f400000")


def frames(count: int, vendor: str = "kaifa") -> list[bytes]:
    """Telegrams of a simulated meter."""
    source = SimulatedSource(vendor=vendor, net="tn")
    found = telegrams(source, datetime(2026, 1, 5, 11, 59, 55, tzinfo=UTC))
    return [next(found).data for _ in range(count)]


def wanted(source: str, **broker: object) -> Settings:
    table: dict[str, Any] = {"meters": [{"source": source}], "mqtt": [{"host": "127.0.0.1", **broker}]}
    result = from_table(table)
    assert isinstance(result, Settings), str(result)
    return result


@pytest.mark.parametrize("named", [True, False])
def test_a_meter_is_read_from_a_topic(mosquitto: Callable[..., Mosquitto], named: bool) -> None:
    """Through a broker of the settings, even one that nothing is published to, or one named by its address.

    A message that the broker has kept is not read: nobody knows how old it is.
    """
    broker = mosquitto()
    source = "mqtt:pulse/+?broker=main" if named else f"mqtt://127.0.0.1:{broker.port}/pulse/publish"
    sent = frames(3)

    def publish(payload: bytes, *options: str) -> None:
        words = ["mosquitto_pub", "-p", str(broker.port), "-t", "pulse/publish", "-s", *options]
        subprocess.run(words, input=payload, check=True)

    publish(sent[0], "-r")

    async def scene() -> None:
        gateway = Gateway(wanted(source, port=broker.port), clock=clock)
        meters = next(one for one in SERVICES if one.entry.startswith("han2x.intake"))
        keeping = asyncio.create_task(keep(meters, gateway))
        try:
            await until(lambda: "Sending SUBACK" in broker.log.read_text(), "subscribed")
            await asyncio.to_thread(publish, PREFIX + sent[1] + sent[2])
            cell = gateway.snapshot("main")
            await until(lambda: cell.value.received == 2, "two telegrams")
            assert cell.value.vendor == "kaifa"
            await asyncio.to_thread(publish, sent[2].hex().encode())
            await until(lambda: cell.value.received == 3, "a third")
            broker.stop()
            await until(lambda: "connecting anew" in health(gateway, "meter main"), "the broker is gone")
            broker.start()
            await until(lambda: broker.log.read_text().count("Sending SUBACK") == 2, "subscribed again")
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    play(scene())


def test_a_broker_that_is_not_set_up() -> None:
    """A source that names no broker of the settings is said to, and what to do."""

    async def scene() -> None:
        gateway = Gateway(wanted("mqtt:pulse?broker=attic"), clock=clock)
        meters = next(one for one in SERVICES if one.entry.startswith("han2x.intake"))
        keeping = asyncio.create_task(keep(meters, gateway))
        await until(lambda: "no [[mqtt]] named 'attic'" in health(gateway, "meter main"), "said")
        keeping.cancel()
        await asyncio.wait([keeping])

    play(scene())


def test_what_one_gateway_passes_on_another_can_read(
    mosquitto: Callable[..., Mosquitto], listen: Callable[..., Listener]
) -> None:
    """A gateway publishes raw telegrams; a second one reads its meter from them."""
    broker = mosquitto()
    table = {
        "meters": [{"source": "simulate:kaifa?net=tn&speed=20", "main_topic": "first"}],
        "mqtt": [{"enabled": True, "host": "127.0.0.1", "port": broker.port, "raw": "hex"}],
    }
    first = from_table(table)
    assert isinstance(first, Settings)
    second = wanted("mqtt:first/telegram", port=broker.port)

    async def scene() -> None:
        gateways = [Gateway(first, clock=clock), Gateway(second, clock=clock)]
        services = [one for one in SERVICES if one.entry.startswith(("han2x.intake", "han2x.mqtt"))]
        tasks = [asyncio.create_task(keep(one, gateway)) for gateway in gateways for one in services]
        read = gateways[1].snapshot("main")
        await until(lambda: bool(read.value.identity.meter_id), "a telegram that tells who the meter is")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert read.value.identity == gateways[0].snapshot("main").value.identity

    play(scene())
