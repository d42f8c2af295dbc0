"""What a stranger can do: nothing that stops, slows or grows the process; Modbus answers all the while."""

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

ANSWER = "000100000007010304000003e8"
GROWTH_KB = 6_000


@contextmanager
def connected(gateway: Any, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(
        ("127.0.0.1", gateway.web_port), timeout=10, source_address=(host, 0)
    ) as client:
        yield client


def answer(gateway: Any, octets: bytes) -> bytes:
    """All that is answered to some octets until the server closes, or a second passes."""
    with connected(gateway) as client:
        client.settimeout(1)
        client.sendall(octets)
        return received(client)


def received(client: socket.socket) -> bytes:
    found = b""
    try:
        while piece := client.recv(65536):
            found += piece
            if b"\r\n\r\n" in found and len(found.partition(b"\r\n\r\n")[2]) >= _length(found):
                break
    except (TimeoutError, ConnectionError):
        pass
    return found


def _length(found: bytes) -> int:
    for line in found.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def status(octets: bytes) -> int:
    return int(octets.split(b" ")[1]) if octets.startswith(b"HTTP/1.1 ") else 0


def request(path: str, method: str = "GET", *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: han2x", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


PATHS = (
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/static/../service.py",
    "/service.py",
    "/v1/meters/..%2f..%2fmain",
    "/v1/settings/file%00",
    "/%00",
    "/%ff%fe",
    "/index.html%00.js",
    "/\\..\\..\\etc\\passwd",
    "/" + "a" * 8000,
    "/" + "../" * 2000,
)


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_no_path_leads_out_of_the_page(shared: Any, path: str) -> None:
    """Paths that climb, hide or are broken find nothing, and nothing is told of the machine."""
    found = answer(shared, request(path))
    assert status(found) in (400, 401, 404, 405), found[:100]
    assert b"root:" not in found
    assert b"Traceback" not in found


NONSENSE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"GET /nothing HTTP/9.9\r\n\r\n",
    b"GET /\r\n\r\n",
    b"\x00" * 4096,
    bytes(range(256)),
    b"000100000006010300300002",
    request("/v1/session", "GET", "A: " + "b" * 40_000),
    request("/v1/session", "GET", *(f"X-{n}: {n}" for n in range(3000))),
    request("/v1/session", "POST", "Content-Length: -1"),
    request("/v1/session", "POST", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    request("/v1/session", "POST", "Content-Type: application/json", "Content-Length: 99999999999999999999"),
    request("http://[bad/", "GET"),
    request("*", "OPTIONS"),
    request("/", "TRACE"),
    request("/v1/session", "BREW"),
)


@pytest.mark.parametrize("octets", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused(shared: Any, octets: bytes) -> None:
    """What is no request, or none that there is, gets a refusal or nothing; the page works on."""
    found = answer(shared, octets)
    assert status(found) in (0, 400, 401, 404, 405, 411, 413, 415, 431, 501), found[:200]
    assert shared.modbus() == ANSWER
    assert shared.anybody().get("v1/openapi.json").status_code == 200


BODIES = (
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b"[" * 100_000, 400),
    (b'{"user": NaN, "password": 1}', 400),
    (b'{"user": "\\ud800", "password": ""}', 400),
    (b'{"user": 1' + b"0" * 5000 + b', "password": ""}', 400),
    (b"[]", 422),
    (b"null", 422),
    (b'{"user": {}, "password": []}', 422),
    (b'{"user": "bits", "password": "vari", "admin": true}', 422),
    (b'{"user": "' + b"a" * 200_000 + b'", "password": ""}', 401),
    (b'{"user": "' + b"a" * 300_000 + b'", "password": ""}', 413),
)


@pytest.mark.parametrize(("body", "wanted"), BODIES, ids=range(len(BODIES)))
def test_broken_and_huge_bodies_are_refused(shared: Any, body: bytes, wanted: int) -> None:
    """With the reason as JSON, never as a fault of the program."""
    headers = {"Content-Type": "application/json"}
    response = shared.anybody().post("v1/session", content=body, headers=headers)
    assert response.status_code == wanted
    assert response.json()["error"]


def test_an_endless_body_is_cut_off(shared: Any) -> None:
    """Chunks without an end are taken up to 256 kB, whatever they are sent to."""
    for path, method in (("/v1/session", "POST"), ("/", "GET"), ("/v1/openapi.json", "GET")):
        head = request(path, method, "Transfer-Encoding: chunked", "Content-Type: application/json")
        with connected(shared) as client:
            client.sendall(head)
            sent, chunk = 0, b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
            client.settimeout(1)
            with suppress(TimeoutError, ConnectionError):
                while sent < 4_000_000:
                    client.sendall(chunk)
                    sent += len(chunk)
            assert status(received(client)) in (0, 200, 404, 413)
    assert shared.anybody().get("v1/openapi.json").status_code == 200


def test_many_connections_of_one_address_leave_room_for_others(own: Any) -> None:
    """One address holds so many and no more; others, and Modbus, are served; memory stays; all is let go."""
    own.owner().get("v1/meters")
    before = own.resident_kb
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(own, "127.0.0.9")) for _ in range(150)]
        for client in clients:
            with suppress(ConnectionError):
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        began = monotonic()
        assert own.modbus() == ANSWER
        assert own.owner().get("v1/meters/main").status_code == 200
        assert monotonic() - began < 10
        cut = len(select.select(clients, [], [], 1)[0])  # nothing but an end can be read
        assert 40 <= cut <= 60  # of 150, 96 may stay
    assert own.resident_kb - before < GROWTH_KB
    system = own.owner().get("v1/system").json()
    assert system["refused"] >= 50
    assert own.until(lambda: status(_from(own, "127.0.0.9")) == 200)


def _from(gateway: Any, host: str) -> bytes:
    with connected(gateway, host) as client:
        client.sendall(request("/v1/openapi.json"))
        return client.recv(100)


def test_guesses_in_parallel_neither_stop_modbus_nor_grow_the_process(own: Any) -> None:
    """Each password check takes memory and time; they run one at a time, and most are turned away."""
    own.owner().put("v1/user", json={"password": "vari", "new_password": "sol over fjord"})
    before = own.resident_kb
    body = b'{"user": "bits", "password": "wrong guess"}'
    head = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(own, f"127.0.8.{n}")) for n in range(2, 62)]
        for client in clients:
            client.sendall(request("/v1/session", "POST", *head, body=body))
        slowest = 0.0
        for _ in range(20):
            began = monotonic()
            assert own.modbus() == ANSWER
            slowest = max(slowest, monotonic() - began)
        assert slowest < 2.0  # a busy machine is no failure; a held loop takes longer
    assert own.resident_kb - before < 40_000  # scrypt's 16 MiB, once or twice


def test_uninvited_networks_are_shown_the_door(own: Any) -> None:
    """With web.allow set, others' connections are closed before they say a word; the setting acts at once."""
    browser = own.owner()
    response = browser.patch("v1/settings", json={"changes": {"web.allow": "127.0.7.0/24"}})
    assert response.status_code == 200
    with connected(own, "127.0.8.8") as client:
        assert client.recv(1) == b""
    assert status(_from(own, "127.0.7.7")) == 200


def test_idle_connections_of_its_own_address_keep_the_owner_not_out(own: Any) -> None:
    """However many its own address opens, the owner's requests are answered and its stream lives."""
    browser = own.owner()
    with browser.stream("GET", "v1/events") as live, ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(own, browser.host))
        assert browser.get("v1/meters").status_code == 200
        assert own.modbus() == ANSWER
        assert next(live.iter_lines())


def test_whoever_does_not_shake_hands_takes_a_place_and_makes_room(own: Any) -> None:
    """With TLS a client that says nothing counts from its connect, and the newest still gets an answer."""
    certified = own.owner().patch("v1/settings", json={"changes": {"web.tls": True}})
    assert certified.status_code == 200
    files = Path(f"/proc/{own.process.pid}/fd")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def answered() -> int:
        with connected(own) as plain, context.wrap_socket(plain) as client:
            client.sendall(request("/v1/openapi.json"))
            return status(client.recv(100))

    def soon() -> bool:
        with suppress(OSError):
            return answered() == 200
        return False

    own.until(soon)
    before = len(list(files.iterdir()))
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connected(own))
        assert answered() == 200
        assert len(list(files.iterdir())) - before <= 100
        assert own.modbus() == ANSWER
