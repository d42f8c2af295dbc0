"""A list that no table explains is taught on the page: from the verdict to the page Now, Modbus and MQTT.

The list has the form of a Slovenian one (two names, then bare numbers); its numbers are invented.
"""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from han2x.simulator.encode import LLC, hdlc
from han2x.wire.axdr import Data, Structure

from ...mqtt.conftest import MISSING, Mosquitto
from .conftest import Line, Open, Running, Start, go

VALUES = (b"ISK1030000000017", b"17000017", 1393, 0, 211, 0, 2379, 2401, 2395, 103, 1, 488, 98)
PATTERN = "tt" + "n" * 11
NAMES = {
    2: ("96.1.0", ""),
    3: ("1.7.0", "1"),
    4: ("2.7.0", "1"),
    7: ("32.7.0", "0,1"),
    8: ("52.7.0", "0.1"),
    10: ("31.7.0", "0.01"),
}
"""What the person says of the places: code and factor."""

MEANT = {2: "17000017", 3: "1,393", 4: "0", 7: "237.9", 8: "240.1", 10: "1.03"}


@pytest.fixture(scope="module")
def telegram(encode: Callable[[Data], bytes]) -> bytes:
    body = b"\x0f\x40\0\0\0\0" + encode(Structure(VALUES))
    return hdlc(bytes.fromhex("41088313"), LLC + body)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    running = Mosquitto(tmp_path_factory.mktemp("mosquitto")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def foreign(
    start: Start, line: Callable[[bytes], Line], telegram: bytes, broker: Mosquitto, browser: Any
) -> Running:
    more = f"[[mqtt]]\nenabled = true\nhost = '127.0.0.1'\nport = {broker.port}\n"
    return start(main=line(telegram).source, more=more)


def taught(page: Any, place: int, code: str, factor: str = "") -> None:
    page.select_option(f"[data-place='{place}'] select", code)
    if factor:
        page.fill(f"[data-place='{place}'] input", factor)


def says(page: Any, place: int, part: str, text: str) -> None:
    """Wait until a place says something: its meaning (`output`) or what is wrong (`.complaint`)."""
    page.wait_for_selector(f"[data-place='{place}'] {part}:has-text({json.dumps(text)})")


def test_from_unknown_list_to_every_output(
    foreign: Running, browse: Open, broker: Mosquitto, tmp_path: Path
) -> None:
    """Named in their places, tried, saved: the values are everywhere at once; undo takes them away."""
    page = browse(foreign)
    go(page, "signal")
    page.wait_for_selector("[data-verdict=unknown]")
    page.wait_for_selector(f"[data-pattern={PATTERN}]")
    assert "Teach this list" in page.inner_text("#next-step")
    raw = page.locator(".places li > code").all_inner_texts()
    assert raw == [one.decode() if isinstance(one, bytes) else str(one) for one in VALUES]
    assert page.locator("[data-place='1'] select option").count() < 8  # a text is no power
    for place, (code, factor) in NAMES.items():
        taught(page, place, code, factor)
    for place, text in MEANT.items():
        says(page, place, "output", text)
    settings = foreign.folder / "han2x.toml"
    assert "lists" not in settings.read_text()  # nothing is stored by trying

    taught(page, 9, "1.7.0")
    says(page, 9, ".complaint", "Places 3 and 9")
    taught(page, 9, "72.7.0", "0")
    says(page, 9, ".complaint", "is 0")
    taught(page, 9, "72.7.0", "much")
    says(page, 9, ".complaint", "no factor")
    page.click("#save-list")
    page.wait_for_selector("[data-place='9'] input[aria-invalid]")
    assert "lists" not in settings.read_text()
    taught(page, 9, "72.7.0", "0.1")
    says(page, 9, "output", "239.5")
    page.fill("[name=list-name]", "AM550 Celje")
    page.click("#save-list")
    page.wait_for_selector("[role=status]:has-text('Saved')")
    page.wait_for_selector("[data-verdict=good]")
    assert f'pattern = "{PATTERN}"' in settings.read_text()
    assert "AM550 Celje" in page.evaluate("fetch('v1/settings/file?secrets=0').then(one => one.text())")
    go(page, "now")
    page.wait_for_selector("#net-power:has-text('1,393')")
    assert "239.5" in page.inner_text("main")
    assert modbus(foreign.modbus, 0) == 1393
    message = subprocess.run(
        ["mosquitto_sub", "-p", str(broker.port), "-t", "+/+/state", "-t", "+/state", "-C", "1", "-W", "30"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert json.loads(message)["act_pow_pos"] == 1393
    go(page, "signal")
    page.wait_for_selector(f"[data-pattern={PATTERN}]")
    assert page.input_value("[data-place='3'] select") == "1.7.0"  # may be changed later
    taught(page, 3, "2.7.0")
    says(page, 4, ".complaint", "Places 3 and 4")
    taught(page, 4, "1.7.0", "10")
    says(page, 4, "output", "0")
    says(page, 3, "output", "export: 1,393")
    page.click("#save-list")
    page.wait_for_selector("#undo-list")
    until(lambda: modbus(foreign.modbus, 2) == 1393)
    page.click("#undo-list")
    page.wait_for_selector("[role=status]:has-text('undone')")
    until(lambda: modbus(foreign.modbus, 0) == 1393)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def modbus(port: int, address: int) -> int:
    """A 32-bit register of unit id 1."""
    request = bytes.fromhex("000100000006 0103") + address.to_bytes(2, "big") + b"\x00\x02"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(request)
        return int.from_bytes(client.recv(64)[9:13], "big")


def test_in_norwegian_on_a_phone(
    start: Start,
    line: Callable[[bytes], Line],
    telegram: bytes,
    browse: Open,
    texts: dict[str, dict[str, str]],
) -> None:
    """Everything fits the width, is large enough to touch, and is Norwegian."""
    running = start(main=line(telegram).source)
    page = browse(running, phone=True, language="nb-NO")
    go(page, "signal")
    page.wait_for_selector(f"[data-pattern={PATTERN}]")
    taught(page, 3, "1.7.0", "0,001")
    says(page, 3, "output", "Aktiv effekt inn: 1")
    taught(page, 4, "21.7.0", "0,1")
    says(page, 4, "output", "Aktiv effekt inn L1: 0")
    taught(page, 5, "1.7.0")
    says(page, 5, ".complaint", "Plass 3 og 5")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator("[data-place='3'] select").bounding_box()
    assert box["height"] >= 40
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    options = page.locator("[data-place='3'] select option").all_inner_texts()
    assert "ukjent liste" in page.inner_text(".octets")
    go(page, "system")
    page.wait_for_selector("td:has-text('Telegrammene er hele, men listen er ukjent. Velg')")
    english = [one for one in options if any(word in one.lower() for word in ("power ", "import", "energy"))]
    assert english == []
