"""Everything that means harm at once: brokers, a bridge, clients of the page and floods of Modbus.

`hostile/` has the attacks, a table each; they run niced in one process, and gateway and honest clients before
all else if this is run by root: in life attackers have machines of their own. Beside them an honest master
reads all registers of a simulated meter a hundred times a second on one connection, and the owner opens the
page anew each second, and logs in anew each half minute. The gateway is `han2x run` with all its servers on,
the page over HTTPS, a month of history and four brokers, two of them with TLS, one over websockets; its loop
is watched (`peers/watched_gateway.py`).

Times of callbacks are processor time of the loop's thread, which a busy machine does not change. The reads
are wall time: attackers and the gateway share the machine, and so do others, whose part is told.
"""

import contextlib
import http.client
import json
import os
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from han2x.history.batch import Batch
from han2x.history.store import Store

from .harness import (
    HERE,
    PATIENCE_S,
    ROOT,
    Bar,
    Figure,
    Meanwhile,
    first_connection,
    percentile,
    registers,
)
from .history import DAY_S, T0, rows

HOST = "127.0.0.1"
READ_S, OWNER_S, LOGIN_S = 0.01, 1.0, 30.0
WARM_UP_S = 10.0
GROWTH_MB = 3.0
ONLY = os.environ.get("HAN2X_ATTACKS", "").split()
"""Clients' attacks to look at by themselves, by the names of their functions; all without it."""

SETTINGS = """\
[[meters]]
name = "main"
source = "simulate:kaifa?speed=20"
main_topic = "main"
[[meters]]
name = "bridge"
unit_id = 2
source = "tcp:127.0.0.1:{source}"
main_topic = "bridge"
[[meters]]
name = "published"
unit_id = 3
source = "mqtt:telegrams?broker=plain"
main_topic = "published"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[modbus_tls]
enabled = true
host = "127.0.0.1"
port = {modbus_tls}
[modbus_rtu_tcp]
enabled = true
host = "127.0.0.1"
port = {rtu}
[web]
host = "127.0.0.1"
port = {web}
tls = true
"""
BROKER = """\
[[mqtt]]
name = "{name}"
enabled = true
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"
transport = "{transport}"
tls = {tls}
ca_file = "{ca_file}"
prices_topic = "prices"
"""
BROKERS = (
    ("plain", "5", "tcp", False),
    ("old", "3.1.1", "tcp", False),
    ("tls", "5", "tcp", True),
    ("websocket", "3.1.1", "websockets", True),
)


class Ports(NamedTuple):
    """Where everything is."""

    modbus: int
    modbus_tls: int
    rtu: int
    web: int
    source: int


class Reader(threading.Thread):
    """An honest master. `took_ms`: of each read; `lost`: connections; `same_s`: longest with one value."""

    def __init__(self, port: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port, self._over = port, over
        self.took_ms: list[float] = []
        self.lost = 0
        self.same_s = 0.0

    def run(self) -> None:
        """Read until it is over."""
        while not self._over.is_set():
            try:
                with first_connection(self._port) as client:
                    self._read(client)
            except OSError:
                self.lost += 1

    def _read(self, client: socket.socket) -> None:
        value, since = b"", time.monotonic()
        while not self._over.wait(READ_S):
            began = time.perf_counter()
            found = registers(client)[:4]
            self.took_ms.append(1000 * (time.perf_counter() - began))
            now = time.monotonic()
            if found != value:
                value, since = found, now
            self.same_s = max(self.same_s, now - since)


class Owner(threading.Thread):
    """A person with a browser. `took_s`: of each page; `refused`: what was not answered, and why."""

    def __init__(self, port: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port, self._over = port, over
        self._headers: dict[str, str] = {}
        self.took_s: list[float] = []
        self.logins = 0
        self.refused: list[str] = []

    def log_in(self) -> None:
        """Log in; raises OSError."""
        body = json.dumps({"user": "bits", "password": "vari"})
        status, headers, _ = self.ask("POST", "/v1/session", body)
        if status != 204:
            raise OSError(f"log-in: {status}")
        self._headers = {"Cookie": headers["set-cookie"].partition(";")[0]}
        self._headers["X-CSRF"] = json.loads(self.ask("GET", "/v1/session")[2])["csrf"]
        self.logins += 1

    def token(self, scope: str) -> str:
        """A new token; raises OSError."""
        status, _, body = self.ask("POST", "/v1/tokens", json.dumps({"name": scope, "scope": scope}))
        if status != 200:
            raise OSError(f"token: {status}")
        return str(json.loads(body)["token"])

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, dict[str, str], bytes]:
        """A request on a connection of its own; raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = http.client.HTTPSConnection(HOST, self._port, timeout=PATIENCE_S, context=context)
        headers = {**self._headers, **({"Content-Type": "application/json"} if body else {})}
        try:
            client.request(method, path, body, headers)
            answer = client.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from None
        finally:
            client.close()

    def run(self) -> None:
        """Open the page again and again until it is over."""
        login_at = time.monotonic() + LOGIN_S
        while not self._over.wait(OWNER_S):
            if time.monotonic() >= login_at:
                login_at += LOGIN_S
                self._do(self.log_in)
            began = time.monotonic()
            if self._do(self._page):
                self.took_s.append(time.monotonic() - began)

    def _page(self) -> None:
        for path in ("/", "/v1/meters", "/v1/audit?lines=100"):
            status, _, _ = self.ask("GET", path)
            if status != 200:
                raise OSError(f"{path}: {status}")

    def _do(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except OSError as error:
            self.refused.append(f"{act.__name__}: {error!r}")
            return False
        return True


def run(seconds: int, work: Path) -> list[Figure]:
    """All attacks for so many seconds."""
    free = free_ports()
    ports = Ports(*islice(free, len(Ports._fields)))
    brokers = list(islice(free, len(BROKERS)))
    told, log = work / "callbacks", work / "log"
    told.touch()
    settings = written(work, ports, brokers)
    watched = str(HERE / "peers" / "watched_gateway.py")
    words = [sys.executable, watched, str(told), "run", "--settings", str(settings)]
    with log.open("wb") as lines:
        gateway = subprocess.Popen(
            [*words, "--state", str(work / "state")], stdout=subprocess.DEVNULL, stderr=lines, cwd=ROOT
        )
    hostile = None
    hurry(gateway.pid)
    hurry(os.getpid())
    try:
        owner = ready(ports)
        target = ports._asdict() | {"read": owner.token("read"), "write": owner.token("write")}
        hostile = attackers(work, target, brokers)
        return measured(seconds, work, gateway.pid, ports, owner, hostile)
    finally:
        for process in filter(None, (hostile, gateway)):
            process.terminate()
            process.wait(PATIENCE_S)


def free_ports() -> Iterator[int]:
    """Ports that nobody has, below those of outgoing connections: one of them could take it meanwhile."""
    for port in range(Random().randrange(12_000, 28_000), 32_000):
        try:
            socket.create_server((HOST, port)).close()
        except OSError:
            continue
        yield port


def hurry(pid: int) -> None:
    """Put a process before the attackers, which in life are on other machines; only root may."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -10)


def written(work: Path, ports: Ports, brokers: list[int]) -> Path:
    """The settings file, a month of history, and the certificate of brokers with TLS."""
    settings = work / "han2x.toml"
    text = SETTINGS.format(**ports._asdict())
    pem = work / "broker.pem"
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-days", "2", "-subj", "/CN=broker", "-addext", f"subjectAltName=IP:{HOST}"]
    subprocess.run([*made, "-keyout", str(pem), "-out", str(pem) + ".crt"], check=True, capture_output=True)
    pem.write_text(pem.read_text() + Path(f"{pem}.crt").read_text())
    for (name, protocol, transport, tls), port in zip(BROKERS, brokers, strict=True):
        text += BROKER.format(
            name=name,
            port=port,
            protocol=protocol,
            transport=transport,
            tls=str(tls).lower(),
            ca_file=f"{pem}.crt" if tls else "",
        )
    settings.write_text(text)
    (work / "state").mkdir()
    store = Store(work / "state" / "history.sqlite")
    for day in range(31):
        begin = T0 + day * DAY_S
        store.write(Batch([("main", row) for row in rows(Random(day), begin, begin + DAY_S, 60)]))
    store.close()
    return settings


def ready(ports: Ports) -> Owner:
    """The owner, logged in, once Modbus and page answer."""
    first_connection(ports.modbus).close()
    owner = Owner(ports.web, threading.Event())
    end = time.monotonic() + 4 * PATIENCE_S
    while True:
        try:
            owner.log_in()
            return owner
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def attackers(work: Path, target: dict[str, Any], brokers: list[int]) -> "subprocess.Popen[bytes]":
    """The process of all that means harm."""
    rows = [
        (port, transport == "websockets", str(work / "broker.pem") if tls else "")
        for (_, _, transport, tls), port in zip(BROKERS, brokers, strict=True)
    ]
    file = work / "target.json"
    file.write_text(json.dumps({**target, "broker": brokers[0], "brokers": rows, "only": ONLY}))
    words = ["nice", "-n", "19", sys.executable, "-m", "bench.hostile", str(file), str(work / "done.json")]
    return subprocess.Popen(words, cwd=ROOT)


def measured(
    seconds: int,
    work: Path,
    pid: int,
    ports: Ports,
    owner: Owner,
    hostile: "subprocess.Popen[bytes]",
) -> list[Figure]:
    """What honest clients find meanwhile, and what becomes of the process."""
    time.sleep(WARM_UP_S)
    callbacks = len((work / "callbacks").read_text().splitlines())
    over, memory, files = threading.Event(), [], []
    reader = Reader(ports.modbus, over)
    owner._over = over
    meanwhile = Meanwhile(pid, hostile.pid)
    reader.start()
    owner.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if hostile.poll() is not None:
            raise RuntimeError("the attackers have ended")
        memory.append(resident_mb(pid))
        files.append(len(os.listdir(f"/proc/{pid}/fd")))
        time.sleep(1)
    foreign = meanwhile.foreign()
    over.set()
    reader.join(PATIENCE_S)
    owner.join(4 * PATIENCE_S)
    longest = [
        int(line.split()[0]) / 1000 for line in (work / "callbacks").read_text().splitlines()[callbacks:]
    ]
    tell(work, owner)
    turns = json.loads((work / "callbacks.turns").read_text())
    return figures(reader, owner, memory, files, longest, (share(turns, 0.99), share(turns, 0.999)), foreign)


def figures(
    reader: Reader,
    owner: Owner,
    memory: list[float],
    files: list[int],
    longest: list[float],
    turns: tuple[float, float],
    foreign: float,
) -> list[Figure]:
    """The bars, and what they are judged by."""
    quarter = max(1, len(memory) // 4)
    first, last = statistics.median(memory[:quarter]), statistics.median(memory[-quarter:])
    rows = (
        ("Modbus reads of the honest master", len(reader.took_ms), "", None),
        ("Modbus read p50", percentile(reader.took_ms, 50), "ms", None),
        ("Modbus read p99", percentile(reader.took_ms, 99), "ms", Bar("<", 20)),
        ("Modbus read, longest", max(reader.took_ms), "ms", None),
        ("connections lost to the honest master", reader.lost, "", Bar("<", 1)),
        ("longest time with the same power", reader.same_s, "s", None),
        ("longest callback of the loop, processor time", max(longest, default=10.0), "ms", Bar("<", 50)),
        ("turn of the loop p99, processor time", turns[0], "ms", None),
        ("turn of the loop p99.9, processor time", turns[1], "ms", None),
        ("callbacks longer than 50 ms", sum(one >= 50 for one in longest), "", None),
        ("resident memory, first quarter", first, "MB", None),
        ("resident memory, last quarter", last, "MB", Bar("<", first + GROWTH_MB)),
        ("resident memory, most", max(memory), "MB", None),
        ("open files, most", max(files), "", None),
        ("pages that the owner opened", len(owner.took_s), "", None),
        ("log-ins of the owner", owner.logins, "", None),
        ("pages and log-ins that were refused", len(owner.refused), "", Bar("<", 1)),
        ("page of the owner p99", percentile(owner.took_s or [0.0], 99), "s", None),
        ("cores that others kept busy", foreign, "cores", None),
    )
    return [Figure("attack", what, value, unit, (), bar) for what, value, unit, bar in rows]


def share(turns: list[list[int]], part: float) -> float:
    """The milliseconds within which this part of the turns ended."""
    left = part * sum(count for _, count in turns)
    for ms, count in turns:
        left -= count
        if left <= 0:
            return ms + 1.0
    return 0.0


def tell(work: Path, owner: Owner) -> None:
    """How often each attack was carried out, and what the log and the owner say."""
    done = json.loads((work / "done.json").read_text())
    for name, times in sorted(done.items()):
        print(f"  {name:<52}{times:>9}")
    lines = (work / "log").read_text("utf-8", "replace").splitlines()
    print(f"  lines in the log: {len(lines)}")
    for line in [line for line in lines if "internal error" in line or "Traceback" in line][:5]:
        print(f"  {line}")
    for text in owner.refused[:5]:
        print(f"  refused: {text}")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def hint(work: Path) -> None:
    """The longest callbacks, and the last lines of the log."""
    lines = (work / "callbacks").read_text().splitlines()
    for line in sorted(lines, key=lambda line: -int(line.split()[0]))[:20]:
        print(f"  {line}")
    for line in (work / "log").read_text("utf-8", "replace").splitlines()[-30:]:
        print(f"  {line}")
