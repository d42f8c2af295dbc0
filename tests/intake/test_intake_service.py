"""A meter's service from its source to the gateway's cell: a pty, a bridge, a recording, the simulator.

The pauses are made short; everything else is as in the program, with real ptys, sockets and files.
"""

import asyncio
import os
import sys
import tty
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from han2x.app import clock
from han2x.intake import service
from han2x.model.quantity import Quantity
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition
from han2x.settings.schema import Intake, Meter, Settings

VECTORS = {
    name: bytes.fromhex(octets)
    for line in (Path(__file__).parents[1] / "simulator" / "vectors.txt").read_text().splitlines()
    if not line.startswith("#") and line
    for name, octets in [line.split()]
}
FAST, WHOLE = VECTORS["AID-L1"], VECTORS["AID-L3-3w"]
NAME = "meter main"
Scene = Callable[[Gateway], Awaitable[None]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "RETRY_S", 0.05)
    monkeypatch.setattr(service, "REPORT_S", 0.02)


def play(source: str, scene: Scene) -> None:
    """A scene while the meter `main` is read from a source."""

    async def main() -> None:
        gateway = Gateway(Settings(meters=(Meter(source=source),)), clock=clock)
        reading = asyncio.create_task(service.run(Intake(id="main", source=source), gateway, NAME))
        acting = asyncio.create_task(asyncio.wait_for(scene(gateway), 60))
        await asyncio.wait([reading, acting], return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            acting.cancel()
            await reading
        await acting
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not {task.get_name() for task in others if not task.cancelling()}

    asyncio.run(main())


async def until_received(gateway: Gateway, count: int) -> None:
    cell = gateway.snapshot("main")
    while (snapshot := cell.value).received < count:
        await cell.changed(snapshot)


async def until(gateway: Gateway, condition: Condition, text: str = "") -> None:
    while True:
        health = gateway.health.value
        found = health.get(NAME)
        if found and found.condition is condition and text in found.text:
            return
        await gateway.health.changed(health)


def values(gateway: Gateway) -> dict[Quantity, int]:
    return dict(gateway.snapshot("main").value.values)


def plugged(path: Path) -> int:
    """A new pty under a path; the end that the meter speaks into."""
    master, slave = os.openpty()
    tty.setraw(slave)
    path.symlink_to(os.ttyname(slave))
    os.close(slave)
    return master


def test_octets_on_a_serial_line_become_a_snapshot(tmp_path: Path) -> None:
    """Telegrams in pieces on a pty are the meter's values in the gateway, and health is good."""
    path = tmp_path / "ttyHAN"
    meter = plugged(path)

    async def scene(gateway: Gateway) -> None:
        await asyncio.sleep(0)
        for at in range(0, len(WHOLE), 7):
            os.write(meter, WHOLE[at : at + 7])
            await asyncio.sleep(0)
        await until_received(gateway, 1)
        assert values(gateway)[Quantity.ACT_POW_POS] == 1234
        assert values(gateway)[Quantity.ACT_ENERGY_POS] == 12_345_670
        assert gateway.snapshot("main").value.vendor == "aidon"
        await until(gateway, Condition.OK)

    play(f"serial:{path}", scene)
    os.close(meter)


def test_a_half_telegram_does_not_cost_the_next(tmp_path: Path) -> None:
    """A telegram whose end is lost is settled by silence; the one after the silence is read."""
    path = tmp_path / "ttyHAN"
    meter = plugged(path)

    async def scene(gateway: Gateway) -> None:
        os.write(meter, FAST + WHOLE[:200])
        await until_received(gateway, 1)
        await asyncio.sleep(0.6)  # the line's silence is what is tested
        os.write(meter, FAST)
        await until_received(gateway, 2)

    play(f"serial:{path}", scene)
    os.close(meter)


def test_an_adapter_that_comes_back_is_read_again(tmp_path: Path) -> None:
    """Unplugged, the meter's health says so and the last values stay; plugged in again, it goes on."""
    path = tmp_path / "ttyHAN"
    meters = [plugged(path)]

    async def scene(gateway: Gateway) -> None:
        os.write(meters[-1], WHOLE)
        await until_received(gateway, 1)
        for round_number in range(2, 4):
            path.unlink()
            os.close(meters.pop())
            await until(gateway, Condition.FAILING, "is the adapter plugged in? It is looked for again")
            assert values(gateway)[Quantity.ACT_ENERGY_POS] == 12_345_670
            meters.append(plugged(path))
            os.write(meters[-1], FAST)
            await until_received(gateway, round_number)
            await until(gateway, Condition.OK)

    play(f"serial:{path}", scene)
    os.close(meters.pop())


def test_an_adapter_may_come_later(tmp_path: Path) -> None:
    """A gateway that starts before its adapter is there finds it."""
    path = tmp_path / "ttyHAN"

    async def scene(gateway: Gateway) -> None:
        await until(gateway, Condition.FAILING, "is not there")
        meter = plugged(path)
        os.write(meter, FAST)
        await until_received(gateway, 1)
        os.close(meter)

    play(f"serial:{path}", scene)


def test_a_bridge_that_comes_back_is_read_again() -> None:
    """A bridge that goes away and comes back on the same port is connected to anew."""

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(FAST[:20])
        await writer.drain()
        writer.write(FAST[20:])
        writer.close()

    async def main() -> None:
        first = await asyncio.start_server(send, "127.0.0.1", 0)
        port = first.sockets[0].getsockname()[1]
        source = f"tcp:127.0.0.1:{port}"
        gateway = Gateway(Settings(), clock=clock)
        reading = asyncio.create_task(service.run(Intake(id="main", source=source), gateway, NAME))
        async with asyncio.timeout(60):
            await until_received(gateway, 2)
            first.close()
            await until(gateway, Condition.FAILING, "refuses")
            again = await asyncio.start_server(send, "127.0.0.1", port)
            await until_received(gateway, gateway.snapshot("main").value.received + 1)
            again.close()
        reading.cancel()
        await asyncio.wait([reading])

    asyncio.run(main())


def test_a_recording_that_has_ended_stays_what_it_was(tmp_path: Path) -> None:
    """After the last telegram the values and the good health stay, however long nothing more comes."""
    path = tmp_path / "dump.hex"
    path.write_text((WHOLE + FAST).hex())

    async def scene(gateway: Gateway) -> None:
        await until_received(gateway, 2)
        await until(gateway, Condition.OK)
        await asyncio.sleep(10 * service.REPORT_S)
        assert gateway.health.value[NAME].condition is Condition.OK
        assert values(gateway)[Quantity.ACT_ENERGY_POS] == 12_345_670

    play(f"replay:{path}?speed=max", scene)


def test_a_recording_is_not_silent_when_it_has_ended(tmp_path: Path) -> None:
    """A minute after its end a recording is not taken for a meter that has stopped."""
    path = tmp_path / "dump.bin"
    path.write_bytes(FAST)
    passed_ms = 0

    async def main() -> None:
        nonlocal passed_ms
        gateway = Gateway(Settings(), clock=lambda: clock().plus_ms(passed_ms))
        source = f"replay:{path}?speed=max"
        reading = asyncio.create_task(service.run(Intake(id="main", source=source), gateway, NAME))
        async with asyncio.timeout(60):
            await until(gateway, Condition.OK)
            passed_ms = 3_600_000
            await asyncio.sleep(5 * service.REPORT_S)
            assert gateway.health.value[NAME].condition is Condition.OK
        reading.cancel()
        await asyncio.wait([reading])

    asyncio.run(main())


def test_a_recording_without_telegrams_is_diagnosed(tmp_path: Path) -> None:
    """At its end it is said what the octets were."""
    path = tmp_path / "noise.bin"
    path.write_bytes(bytes(5000))

    async def scene(gateway: Gateway) -> None:
        await until(gateway, Condition.FAILING, "Bytes arrive, but no frames. ")

    play(f"replay:{path}?speed=max", scene)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("replay:/no/such/file", "/no/such/file cannot be read: No such file or directory"),
        ("simulate:kaifa?start=noon", "start= must be a time such as"),
        ("simulate:kaifa?faults=repeat-hour", "the fault repeat-hour is one of aidon only"),
    ],
)
def test_a_source_that_cannot_be_opened_is_in_health(source: str, text: str) -> None:
    """What is in the way is said, and tried again."""

    async def scene(gateway: Gateway) -> None:
        await until(gateway, Condition.FAILING, text)

    play(source, scene)


def test_encryption_without_its_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be installed for a fault is named, and no internal error."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers", None)

    async def scene(gateway: Gateway) -> None:
        await until(gateway, Condition.FAILING, "install han2x[crypto]")

    play("simulate:kaifa?faults=ecb&speed=max", scene)


@pytest.mark.parametrize("vendor", ["aidon", "kaifa", "kamstrup"])
def test_a_simulated_meter_is_read(vendor: str) -> None:
    """Each simulated meter fills the snapshot with power, voltage and the hour's energies."""

    async def scene(gateway: Gateway) -> None:
        cell = gateway.snapshot("main")
        while Quantity.ACT_ENERGY_POS not in (snapshot := cell.value).values:
            await cell.changed(snapshot)
        assert snapshot.vendor == vendor
        assert snapshot.values[Quantity.VOLT_L1] > 200_000
        await until(gateway, Condition.OK)

    play(f"simulate:{vendor}?start=2025-12-14T14:59:40Z&speed=1000", scene)
