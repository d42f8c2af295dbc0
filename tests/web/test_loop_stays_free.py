"""No callback of the gateway's loop takes long under hostile bodies and floods: meters and Modbus go on."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .test_hostile_bodies import JSON, TOML

WATCHED = Path(__file__).parents[2] / "bench/peers/watched_gateway.py"
MOST_US = 50_000

BURNS = """
import asyncio, sys, time
from pathlib import Path
from bench.peers.watched_gateway import watch
watch(Path(sys.argv[1]))
async def burn():
    began = time.thread_time()
    while time.thread_time() - began < 0.06: pass
asyncio.run(burn())
"""


def test_no_callback_of_the_loop_takes_longer_than_50_ms(tmp_path: Path, gateway: Callable[..., Any]) -> None:
    """In the loop thread's own processor time, from when the page answers on."""
    told = tmp_path / "callbacks"
    told.touch()
    running = gateway(tmp_path, program=(str(WATCHED), str(told)))
    try:
        browser = running.owner()
        start = len(told.read_text().splitlines())
        for text in TOML.values():
            browser.put("v1/settings/file", content=text, headers={"Content-Type": "application/toml"})
        for method, path, body in JSON.values():
            browser.request(method, path, content=body, headers={"Content-Type": "application/json"})
        _flood(
            running.web_port, b"POST /v1/session HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        _flood(running.web_port, b"GET /v1/openapi.json HTTP/1.1\r\nHost: h\r\n\r\n" * 200)
        _flood(running.modbus_port, bytes.fromhex("000100000006010300300002") * 5000)
        _flood(running.modbus_port, b"\xff" * 200_000)
        assert running.modbus()
        longest = [line for line in told.read_text().splitlines()[start:] if int(line.split()[0]) > MOST_US]
        assert longest == []
    finally:
        running.close()


def _flood(port: int, octets: bytes) -> None:
    """Send all at once, then small chunks; whoever is cut off has done its worst."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        try:
            client.sendall(octets + b"1\r\nx\r\n" * 20_000)
            client.recv(65_536)
        except OSError:
            return


def test_a_callback_that_takes_60_ms_is_told(tmp_path: Path) -> None:
    """So the guard above can fail."""
    told = tmp_path / "callbacks"
    subprocess.run([sys.executable, "-c", BURNS, str(told)], cwd=WATCHED.parents[2], check=True, timeout=30)
    (line,) = told.read_text().splitlines()
    assert int(line.split()[0]) >= 60_000
