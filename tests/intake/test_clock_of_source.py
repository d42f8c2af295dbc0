"""The machine's clock is judged by a meter that is read now, and not by a made-up or recorded one."""

import asyncio
from datetime import UTC, datetime

from han2x.intake import service
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Intake, Settings
from han2x.settings.source import SimulatedSource, parse_source
from han2x.simulator.meter import telegrams

SPEED = 50
OTHER_DAY = f"simulate:kaifa?speed={SPEED}&start=2026-11-28T10:00:00Z"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


async def told(source: str, *, count: int) -> str:
    """What health says of the machine's clock after so many telegrams."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def clock() -> Instant:
        """As fast as the meter's, days behind."""
        passed_ms = int((loop.time() - began) * SPEED * 1000)
        return Instant(int(NOW.timestamp() * 1000) + passed_ms, passed_ms)

    gateway = Gateway(Settings(), clock=clock)
    section = Intake(id="main", source=source)
    reading = asyncio.create_task(service.run(section, gateway, "meter main"))
    try:
        async with asyncio.timeout(30):
            while gateway.snapshot("main").value.received < count:
                await asyncio.sleep(0.01)
    finally:
        reading.cancel()
    return gateway.health.value["clock"].text if "clock" in gateway.health.value else ""


def test_a_simulated_meter_of_another_time_says_nothing_of_the_machine() -> None:
    """The demo's meter begins just before an hour, whatever time it is."""
    assert asyncio.run(told(OTHER_DAY, count=30)) == ""


def test_a_meter_that_is_read_now_does() -> None:
    """The same telegrams over TCP."""

    async def over_tcp() -> str:
        source = parse_source(OTHER_DAY)
        assert isinstance(source, SimulatedSource)
        made = telegrams(source, datetime(2026, 11, 28, 10, tzinfo=UTC))
        loop = asyncio.get_running_loop()

        async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            began = loop.time()
            for telegram, _number in zip(made, range(60), strict=False):
                await asyncio.sleep(max(0, began + telegram.due_ms / 1000 / SPEED - loop.time()))
                writer.write(telegram.data)

        server = await asyncio.start_server(send, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await told(f"tcp:127.0.0.1:{port}", count=30)

    assert "The machine's clock is wrong" in asyncio.run(over_tcp())
