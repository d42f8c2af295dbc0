"""Bodies made to take long: each is answered, and costs the gateway little time, whoever sends it.

Time is the gateway's own time on the processor, so a busy machine changes nothing. Where nothing bounds them,
the dearest of these take from ten seconds to many minutes.
"""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SIZE = 250_000
MOST_S = 5.0
HTTP_OK = range(200, 500)

TOML = {
    "a dotted key": "a." * (SIZE // 2) + "a = 1",
    "a dotted table": "[" + "a." * (SIZE // 2 - 2) + "a]",
    "unknown sections": "".join(f"[s{n}]\n" for n in range(SIZE // 8)),
    "unknown settings": "[web]\n" + "".join(f"x{n}=1\n" for n in range(SIZE // 10)),
    "meters without a name": "[[meters]]\n" * (SIZE // 11),
    "brokers without a name": "[[mqtt]]\n" * (SIZE // 9),
    "lists in lists": "a = " + "[" * (SIZE - 10),
    "quotes": 'a="""\\' * (SIZE // 6),
    "many digits": "a = " + "1" * (SIZE - 10),
}
JSON: dict[str, tuple[str, str, str]] = {
    "many changes": (
        "PATCH",
        "v1/settings",
        json.dumps({"changes": {f"meters.{'0' * (n % 5)}0.x{n}": 1 for n in range(10_000)}}),
    ),
    "a change again and again": (
        "PATCH",
        "v1/settings",
        json.dumps({"changes": {f"meters.{n:06}.scale": 1 for n in range(10_000)}}),
    ),
    "a row of unknown settings": (
        "POST",
        "v1/settings/mqtt",
        json.dumps({f"x{n}": n for n in range(20_000)}),
    ),
    "a broker of unknown settings": (
        "POST",
        "v1/try/broker",
        json.dumps({f"x{n}": n for n in range(20_000)}),
    ),
    "a long list of networks": (
        "PATCH",
        "v1/settings",
        json.dumps({"changes": {"modbus_tcp.allow": "10.0.0.1," * 20_000}}),
    ),
    "a long source": (
        "PATCH",
        "v1/settings",
        json.dumps({"changes": {"meters.0.source": "mqtt:" + "+/" * 99_999}}),
    ),
    "many numbers of many digits": ("POST", "v1/prices", "[" + ",".join(["9" * 4000] * 60) + "]"),
    "prices of many quarters": (
        "POST",
        "v1/prices",
        json.dumps([{"start": "2026-01-01T00:00:00Z", "price": 1, "minutes": 1440}] * 3_500),
    ),
    "unknown fields": ("POST", "v1/tokens", json.dumps({f"x{n}": n for n in range(20_000)})),
    "objects in objects": ("POST", "v1/tokens", '{"a":' * 40_000),
}


def processor_s(pid: int) -> float:
    """The time a process has had on the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def costs(gateway: Any, attack: Callable[[], int]) -> float:
    before = processor_s(gateway.process.pid)
    assert attack() in HTTP_OK
    return processor_s(gateway.process.pid) - before


@pytest.mark.parametrize("text", TOML.values(), ids=TOML)
def test_a_settings_file_cannot_take_long(shared: Any, text: str) -> None:
    """Files that TOML's readers, or ours, would read for long are refused at once."""
    browser = shared.owner()
    headers = {"Content-Type": "application/toml"}
    assert (
        costs(shared, lambda: browser.put("v1/settings/file", content=text, headers=headers).status_code)
        < MOST_S
    )
    browser.close()


@pytest.mark.parametrize(("method", "path", "body"), JSON.values(), ids=JSON)
def test_a_body_cannot_take_long(shared: Any, method: str, path: str, body: str) -> None:
    """Bodies as large as allowed, with as much to look at as fits."""
    browser = shared.owner()
    headers = {"Content-Type": "application/json"}

    def attack() -> int:
        return int(browser.request(method, path, content=body, headers=headers).status_code)

    assert costs(shared, attack) < MOST_S
    browser.close()


def test_complaints_are_told_up_to_a_hundred(shared: Any) -> None:
    """However much is wrong, the answer stays small."""
    browser = shared.owner()
    for body in ({f"x{n}": 1 for n in range(5000)}, {"changes": {f"x{n}": 1 for n in range(5000)}}):
        refused = browser.patch("v1/settings", json=body)
        assert refused.status_code == 422
        assert len(refused.json()["complaints"]) == 100
    browser.close()


def test_a_body_in_tiny_pieces_does_not_hold_up_the_others(shared: Any) -> None:
    """A stranger's chunks of one byte each: the answer is a refusal, and Modbus answers all the while."""
    chunks = b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n"
    head = b"POST /v1/session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    before = processor_s(shared.process.pid)
    with socket.create_connection(("127.0.0.1", shared.web_port), timeout=30) as client:
        client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            client.sendall(chunks)
        except ConnectionError:
            return
        assert shared.modbus()
        assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert processor_s(shared.process.pid) - before < 2 * MOST_S
