"""The whole program as a process: history, tariff and price files in; steps, budget and prices out by Modbus.

Every hour has had 3000 Wh, so that the expected step does not depend on when the test runs.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from han2x.history.batch import Batch, Mark
from han2x.history.store import Store
from han2x.model.hours import Register
from han2x.model.quantity import Quantity

from ..ports import free_port

DEADLINE_S = 60
TARIFF = """
[[periods]]
from = 2020-01-01
rule = "weeks"
steps = [{ from_kw = 0, price = 1200 }, { from_kw = 2, price = 2400 }, { from_kw = 5, price = 4800 }]
energy = [{ price = 20 }]
"""
SETTINGS = """
[[meters]]
source = "simulate:kaifa?start={start}"
tariff = "mine"
limit_w = 9000
[tariffs]
folder = "{folder}"
[prices]
enabled = true
file = "{folder}/prices.csv"
[modbus_tcp]
host = "127.0.0.1"
port = {port}
"""


def fill(folder: Path, port: int) -> None:
    """Forty hours of history, a tariff, prices around now, and a meter whose registers are due in seconds."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    registers = [
        Register(
            int((hour - timedelta(hours=40 - index)).timestamp()), {Quantity.ACT_ENERGY_POS: 3_000 * index}
        )
        for index in range(41)
    ]
    (folder / "state").mkdir()
    store = Store(folder / "state" / "history.sqlite")
    store.write(Batch((), tuple(Mark("main", "old", register, 1000) for register in registers)))
    store.close()
    (folder / "mine.toml").write_text(TARIFF)
    prices = [f"{(hour + timedelta(hours=index)).isoformat()},-0.0128" for index in range(-50, 3)]
    (folder / "prices.csv").write_text("\n".join(["start,price", *prices]))
    start = f"{hour + timedelta(hours=1, seconds=8):%Y-%m-%dT%H:%M:%SZ}"
    (folder / "han2x.toml").write_text(SETTINGS.format(start=start, folder=folder, port=port))


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ModbusTcpClient]:
    port = free_port()
    fill(tmp_path, port)
    command = [sys.executable, "-m", "han2x", "run", "--settings", str(tmp_path / "han2x.toml")]
    log = tmp_path / "log"
    with log.open("w") as errors:
        process = subprocess.Popen([*command, "--state", str(tmp_path / "state")], stderr=errors)
    found = ModbusTcpClient("127.0.0.1", port=port, timeout=10, retries=3)
    try:
        yield found
    finally:
        found.close()  # type: ignore[no-untyped-call]
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert os.path.exists(tmp_path / "state" / "main.state")


def words(client: ModbusTcpClient, address: int, count: int) -> list[int]:
    if not client.connected:
        client.connect()  # type: ignore[no-untyped-call]
    if not client.connected:
        return [0xFFFF] * count
    response = client.read_holding_registers(address, count=count, device_id=1)
    return list(response.registers)


def until(client: ModbusTcpClient, address: int, count: int, expected: list[int]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (found := words(client, address, count)) != expected:
        assert time.monotonic() < deadline, (address, found, expected)
        time.sleep(0.05)


def test_steps_prices_and_the_budget(client: ModbusTcpClient) -> None:
    """Peak, limits and prices from the history; once the meter's hour has begun, what is left of it."""
    until(client, 190, 6, [0, 3_000, 0, 5_000, 0xFFFF, 0xFFFF])  # in the last step but one: no next limit
    assert words(client, 185, 1) == [2]
    until(client, 240, 2, [0xFFFF, 0xFB00])  # -1280
    until(client, 246, 4, [0, 25_000, 0, 50_000])  # 200 and 400 NOK a month and 25 %
    deadline = time.monotonic() + DEADLINE_S
    while words(client, 198, 1) == [0xFFFF]:
        assert time.monotonic() < deadline, "no budget"
        time.sleep(0.05)
    forecast, left = words(client, 186, 4)[1], words(client, 188, 2)
    assert 0 < forecast < 20_000
    assert 9_000 - 100 < (left[0] << 16) + left[1] < 9_000 + 100
