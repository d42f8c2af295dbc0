"""Other programs as judges of the server: pymodbus, mbpoll, and the conformance suite beside the checkout.

Each is skipped, and says so, where it is not installed.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "tools" / "modbus" / "conformance.py"
DECIDED = {
    "--require": "4,6,10,16,17,2b",
    "--half": "merge",
    "--lit16": "yes",
    "--ro-exc": "2",
    "--range-exc": "3",
    "--unit0": "answer",
    "--unit255": "answer",
    "--other-unit": "0b",
}
"""What han2x has decided where the suite lets a server choose."""


@pytest.fixture
def pymodbus(served: Any) -> Iterator[Any]:
    """A pymodbus client that is connected."""
    library = pytest.importorskip("pymodbus.client", reason="pymodbus is not installed")
    client = library.ModbusTcpClient("127.0.0.1", port=served.port)
    assert client.connect()
    yield client
    client.close()


def test_pymodbus_reads(pymodbus: Any) -> None:
    """pymodbus reads 239.0 V as a 32-bit value, by holding and by input registers."""
    for read in (pymodbus.read_holding_registers, pymodbus.read_input_registers):
        registers = read(14, count=2, device_id=1).registers
        assert pymodbus.convert_from_registers(registers, pymodbus.DATATYPE.UINT32, word_order="big") == 2390


def test_pymodbus_writes(pymodbus: Any) -> None:
    """pymodbus writes the scale in each of the ways it has, and reads it back."""
    pymodbus.write_registers(48, [0x0001, 0x0000], device_id=1)
    pymodbus.write_register(49, 0x0002, device_id=1)
    pymodbus.mask_write_register(address=49, and_mask=0x00FF, or_mask=0x0100, device_id=1)
    answer = pymodbus.readwrite_registers(
        read_address=48, read_count=2, write_address=48, values=[0x0003], device_id=1
    )
    assert answer.registers == [0x0003, 0x0102]


def test_pymodbus_is_refused(pymodbus: Any) -> None:
    """pymodbus is told the exception codes: beyond the end, read-only, out of bounds, no such unit."""
    answers = [
        pymodbus.read_holding_registers(50, count=2, device_id=1),
        pymodbus.write_register(0, 1, device_id=1),
        pymodbus.write_registers(48, [0, 9], device_id=1),
        pymodbus.read_holding_registers(0, count=1, device_id=9),
    ]
    assert [answer.exception_code for answer in answers] == [2, 2, 3, 0x0B]


def test_pymodbus_identifies(pymodbus: Any) -> None:
    """pymodbus reads the device identification."""
    answer = pymodbus.read_device_information(read_code=2, device_id=1)
    assert answer.information[1] == b"HAN2X"


def mbpoll(port: int, *words: str) -> str:
    """What mbpoll prints."""
    if not shutil.which("mbpoll"):
        pytest.skip("mbpoll is not installed")
    common = ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-t", "4:int", "-B", "-0", "-1"]
    done = subprocess.run([*common, *words], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def test_mbpoll(served: Any) -> None:
    """mbpoll reads 239.0 V, writes the scale and reads it back."""
    assert re.search(r"\[14\]:\s+2390\b", mbpoll(served.port, "-r", "14", "-c", "1", "127.0.0.1"))
    assert "Written 1 references" in mbpoll(served.port, "-r", "48", "127.0.0.1", "--", "123456789")
    assert re.search(r"\[48\]:\s+123456789\b", mbpoll(served.port, "-r", "48", "-c", "1", "127.0.0.1"))


@pytest.mark.skipif(not CONFORMANCE.exists(), reason="the conformance suite is not beside the checkout")
def test_conformance(served: Any) -> None:
    """Every case of the conformance suite passes, with the options that pin what han2x has decided."""
    command = [sys.executable, str(CONFORMANCE), "127.0.0.1", str(served.port), "1"]
    options = [word for pair in DECIDED.items() for word in pair]
    pid = ["--pid", str(served.process.pid)]
    done = subprocess.run([*command, *pid, *options], capture_output=True, text=True, timeout=300)
    assert [line for line in done.stdout.splitlines() if line.startswith(("FAIL", "SKIP"))] == []
    assert re.search(r"PASS [1-9]\d+  FAIL 0", done.stdout), done.stdout + done.stderr
