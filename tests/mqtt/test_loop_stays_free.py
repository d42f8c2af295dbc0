"""Brokers that mean harm, plain, old, with TLS and over websockets: no callback of the loop takes long."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from bench.hostile.broker import ENDURED, FATAL, HostileBroker

from ..ports import free_port

WATCHED = Path(__file__).parents[2] / "bench/peers/watched_gateway.py"
MOST_US, ATTACK_S, DEADLINE_S = 50_000, 0.4, 90
READ_ALL = bytes.fromhex("000100000006010300000033")
KINDS = (("5", "tcp", False), ("3.1.1", "tcp", False), ("5", "tcp", True), ("3.1.1", "websockets", True))
SETTINGS = """\
[[meters]]
name = "main"
source = "simulate:kaifa?speed=20"
[[meters]]
name = "published"
unit_id = 2
source = "mqtt:telegrams?broker=b0"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[web]
enabled = false
"""
BROKER = """\
[[mqtt]]
name = "b{number}"
enabled = true
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"
transport = "{transport}"
tls = {tls}
ca_file = "{ca_file}"
prices_topic = "prices"
"""


def certificate(folder: Path) -> Path:
    """A certificate for this machine, and its key, in one file."""
    pem, key = folder / "broker.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-days", "2", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*words, "-keyout", str(key), "-out", str(pem)], check=True, capture_output=True)
    pem.write_text(pem.read_text() + key.read_text())
    return pem


@contextmanager
def brokers(pem: Path, done: Counter[str]) -> Iterator[list[int]]:
    """A broker of each kind, on a loop in a thread; where they listen."""
    loop = asyncio.new_event_loop()

    async def opened() -> list[int]:
        ports = []
        for _, transport, tls in KINDS:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
            if context:
                context.load_cert_chain(pem)
            broker = HostileBroker(
                websocket=transport == "websockets", context=context, seconds=ATTACK_S, done=done
            )
            await broker.open()
            ports.append(broker.port)
        return ports

    ports = loop.run_until_complete(opened())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield ports
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                loop.run_until_complete(task)
        loop.close()


def answered(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
            client.sendall(READ_ALL)
            return len(client.recv(200)) > 9
    except ConnectionError:
        return False


def until(holds: object, process: "subprocess.Popen[bytes]") -> None:
    end = monotonic() + DEADLINE_S
    while not holds():  # type: ignore[operator]
        assert process.poll() is None
        assert monotonic() < end
        sleep(0.05)


def test_no_callback_takes_longer_than_50_ms_whatever_brokers_send(tmp_path: Path) -> None:
    """90 MB in one message, packets a byte at a time, floods, noise: each from each kind of broker.

    In the loop thread's own processor time, from when Modbus answers and all modules are loaded on.
    """
    done: Counter[str] = Counter()
    told, file, port = tmp_path / "callbacks", tmp_path / "han2x.toml", free_port()
    told.touch()
    pem = certificate(tmp_path)
    with brokers(pem, done) as ports:
        text = SETTINGS.format(modbus=port)
        for number, ((protocol, transport, tls), there) in enumerate(zip(KINDS, ports, strict=True)):
            ca_file = pem if tls else ""
            text += BROKER.format(
                number=number,
                port=there,
                protocol=protocol,
                transport=transport,
                tls=str(tls).lower(),
                ca_file=ca_file,
            )
        file.write_text(text)
        words = [sys.executable, str(WATCHED), str(told), "run", "--settings", str(file)]
        with subprocess.Popen([*words, "--state", str(tmp_path / "state")], stderr=subprocess.DEVNULL) as run:
            try:
                first = f"broker: {ENDURED[0].__name__}"
                until(lambda: answered(port) and done[first] >= len(KINDS), run)
                start = len(told.read_text().splitlines())
                fatal = [f"broker: {attack.__name__}" for attack in FATAL]
                until(lambda: sum(done[name] for name in fatal) >= len(KINDS), run)
                assert answered(port)
                pages = int(Path(f"/proc/{run.pid}/statm").read_text().split()[1])
            finally:
                run.send_signal(signal.SIGKILL)
    assert all(done[f"broker: {attack.__name__}"] >= len(KINDS) for attack in ENDURED)
    longest = [line for line in told.read_text().splitlines()[start:] if int(line.split()[0]) > MOST_US]
    assert longest == []
    assert pages * os.sysconf("SC_PAGESIZE") < 150_000_000
