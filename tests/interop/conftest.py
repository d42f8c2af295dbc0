"""A gateway with a simulated meter and all maps, and what pymodbus reads of it meanwhile."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient

from han2x.modbus.catalogue import MAPS
from han2x.modbus.listing import Row, rows
from han2x.modbus.units import unit
from han2x.settings.modbus import ModbusMaps

from ..ports import free_port

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"han2x": 1, "swapped": 2, "float": 3, "sunspec": 4, "em24": 5}
MOVING = frozenset({"age", "age_list_1", "age_list_2", "age_list_3", "uptime_s"})
"""What changes between telegrams."""

SETTINGS = """
[[meters]]
name = "interop"
source = "simulate:kaifa?start=2026-11-22T16:59:50Z"
unit_id = 1
swapped_unit_id = 2
float_unit_id = 3
sunspec_unit_id = 4
em24_unit_id = 5

[modbus_tcp]
host = "127.0.0.1"
port = {port}
"""

Values = dict[str, Any]


class Gateway:
    """The gateway's port, and a reader that remembers what pymodbus has read of each map."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: dict[str, list[Values]] = {name: [] for name in MAPS}
        self.tables = {name: rows(load(ModbusMaps())) for name, load in MAPS.items()}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Gateway":
        self._thread.start()
        deadline = time.monotonic() + 60
        while not any(reading["x_act_energy_pos"] for reading in self.seen["han2x"][-1:]):
            assert time.monotonic() < deadline, "no energies within a minute"
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        client: Any = ModbusTcpClient("127.0.0.1", port=self.port)
        while not self._stopped.wait(0.1):
            if client.connected or client.connect():
                for name in MAPS:
                    self.seen[name] += self._read(client, name)
        client.close()

    def _read(self, client: Any, name: str) -> list[Values]:
        """Every row's value in its base unit, None for unknown; nothing while the map has no answer."""
        registers: dict[int, int] = {}
        for first, count in _requests(self.tables[name]):
            answer = client.read_holding_registers(first, count=count, device_id=UNITS[name])
            if answer.isError():
                return []
            registers |= dict(zip(range(first, first + count), answer.registers, strict=True))
        raw = {row.name: _decode(row, registers) for row in self.tables[name]}
        return [{row.name: _in_base(row, raw) for row in self.tables[name]}]


def _requests(table: list[Row]) -> list[tuple[int, int]]:
    """First register and count of requests that together read a table, and nothing else."""
    found: list[tuple[int, int]] = []
    for row in table:
        first, count = found[-1] if found else (row.address, 0)
        if first + count == row.address and count + row.words <= 125:
            found[max(len(found) - 1, 0) :] = [(first, count + row.words)]
        else:
            found.append((row.address, row.words))
    return found


def _decode(row: Row, registers: dict[int, int]) -> Any:
    """A row by pymodbus's own conversion; None where its registers are the marker."""
    words = [registers[address] for address in range(row.address, row.address + row.words)]
    if " ".join(f"{word:04X}" for word in words) == row.unknown:
        return None
    types = ModbusTcpClient.DATATYPE
    if row.type.startswith("text"):
        return str(ModbusTcpClient.convert_from_registers(words, types.STRING))
    order = "little" if row.word_order == "low first" else "big"
    kind = types[row.type.replace("acc", "uint").upper()]
    return ModbusTcpClient.convert_from_registers(words, kind, word_order=order)  # type: ignore[arg-type]


def _in_base(row: Row, raw: Values) -> Any:
    value = raw[row.name]
    if value is None or isinstance(value, str):
        return value
    power = 10.0 ** raw[row.scale_factor] if row.scale_factor else 1
    return value * power / unit(row.unit).per


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway in a process of its own, read by pymodbus ten times a second."""
    folder = tmp_path_factory.mktemp("gateway")
    port = free_port()
    (folder / "settings.toml").write_text(SETTINGS.format(port=port))
    command = [sys.executable, "-m", "han2x", "run"]
    command += ["--settings", str(folder / "settings.toml"), "--state", str(folder / "state")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        with Gateway(port) as running:
            yield running
    finally:
        process.terminate()
        process.wait(20)


def close(one: object, other: object, digits: int) -> bool:
    """Whether two values are the same, numbers to so many significant digits."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return float(f"{one:.{digits}g}") == float(f"{other:.{digits}g}")
    return one == other
