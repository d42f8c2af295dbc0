"""Teaching a list over the API: what is wrong, by place; nothing is kept by trying. Invented numbers."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from han2x.model.quantity import Quantity
from han2x.simulator.encode import LLC, hdlc
from han2x.wire.axdr import Data, Structure

from .conftest import Browser, Gateway

FAST: tuple[Data, ...] = (b"17000017", 1393, 0, 2379, 103)
SLOW: tuple[Data, ...] = (b"17000017", 12_345, None, 1.5, Structure((1, 2)))
SETTINGS = """\
[[meters]]
name = "main"
source = "tcp:127.0.0.1:{port}"

[modbus_tcp]
host = "127.0.0.1"
port = {{modbus_port}}

[web]
host = "127.0.0.1"
port = {{web_port}}
"""


@pytest.fixture(scope="module")
def telegrams(encode: Callable[[Data], bytes]) -> bytes:
    """A rare list, and one that comes so often that the ring of telegrams holds nothing else."""
    bodies = [encode(Structure(one)) for one in (SLOW, *[FAST] * 60)]
    return b"".join(hdlc(bytes.fromhex("41088313"), LLC + b"\x0f\x40\0\0\0\0" + body) for body in bodies)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, telegrams: bytes) -> Iterator[Gateway]:
    gone = threading.Event()

    class Bridge(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while not gone.wait(0.2):
                    self.request.sendall(telegrams)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Bridge) as bridge:
        bridge.daemon_threads = True
        threading.Thread(target=bridge.serve_forever, daemon=True).start()
        settings = SETTINGS.format(port=bridge.server_address[1])
        gateway = Gateway(tmp_path_factory.mktemp("teaching"), settings)
        yield gateway
        gone.set()
        gateway.close()
        bridge.shutdown()


@pytest.fixture(scope="module")
def owner(running: Gateway) -> Browser:
    browser = running.owner()
    running.until(lambda: len(browser.get("v1/meters/main/unknown-lists").json()["lists"]) == 2)
    return browser


ROW = {
    "name": "x",
    "pattern": "tnnnn",
    "codes": "96.1.0 1.7.0 2.7.0 32.7.0 31.7.0",
    "factors": "- 1 1 0.1 0.01",
}


def tried(owner: Browser, **change: str) -> dict[str, Any]:
    answer = owner.post("v1/meters/main/try-list", json={**ROW, **change})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_values_in_their_places(owner: Browser) -> None:
    """The newest of each pattern, also of a rare one; each value with its kind; what they may mean."""
    answer = owner.get("v1/meters/main/unknown-lists").json()
    lists = {one["pattern"]: one for one in answer["lists"]}
    assert {one["count"] for one in lists.values()} == {5}
    assert [(one["kind"], one["value"]) for one in lists["tnnnn"]["values"]] == [
        ("octets", "17000017"), ("number", "1393"), ("number", "0"), ("number", "2379"), ("number", "103"),
    ]  # fmt: skip
    assert [(one["kind"], one["value"]) for one in lists["tnzfs"]["values"]] == [
        ("octets", "17000017"), ("number", "12345"), ("null", ""), ("float", "1.5"), ("structure", "1, 2"),
    ]  # fmt: skip
    meanings = {one["name"]: one for one in answer["meanings"]}
    assert set(Quantity) <= set(meanings)
    assert meanings["volt_l1"] == {
        "code": "32.7.0", "name": "volt_l1", "label": "voltage L1", "unit": "V", "kinds": ["number"],
    }  # fmt: skip
    assert meanings["clock"]["kinds"] == ["clock"]


def test_trying_says_what_it_would_mean(owner: Browser) -> None:
    """Decoded by the decoder itself, and forgotten."""
    answer = tried(owner)
    assert answer["complaints"] == []
    assert [(one["place"], one["value"], one["unit"]) for one in answer["values"]] == [
        (1, "17000017", ""), (2, 1393, "W"), (3, 0, "W"), (4, 237.9, "V"), (5, 1.03, "A"),
    ]  # fmt: skip
    assert owner.get("v1/settings").json()["settings"]["lists"] == []


REFUSED: dict[str, tuple[dict[str, str], list[tuple[str, str, int | None]]]] = {
    "one quantity at two places": (
        {"codes": "96.1.0 1.7.0 1.7.0 32.7.0 31.7.0"}, [("codes", "list_code_twice", 3)],
    ),
    "two of them": (
        {"codes": "96.1.0 1.7.0 1.7.0 1.7.0 31.7.0"},
        [("codes", "list_code_twice", 3), ("codes", "list_code_twice", 4)],
    ),
    "an unknown code": ({"codes": "96.1.0 1.7.0 9.9.9 - -"}, [("codes", "list_code_unknown", 3)]),
    "no code": ({"codes": "96.1.0 1.7.0 x - -"}, [("codes", "list_code_wrong", 3)]),
    "a factor of zero": ({"factors": "- 1 0.000 0.1 0.01"}, [("factors", "list_factor_zero", 3)]),
    "a factor below zero": ({"factors": "- 1 -1 0.1 0.01"}, [("factors", "list_factor_wrong", 3)]),
    "no factor": ({"factors": "- 1 - 0.1 0.01"}, [("factors", "list_factor_missing", 3)]),
    "a power that is a text": (
        {"codes": "1.7.0 2.7.0 - - -", "factors": "1 1 - - -"}, [("codes", "list_code_kind", 1)],
    ),
    "a clock that is a number": ({"codes": "- 1.7.0 1.0.0 - -"}, [("codes", "list_code_kind", 3)]),
    "nothing named": ({"codes": "96.1.0 - - - -"}, [("codes", "list_no_value", None)]),
    "only what is sent besides": ({"codes": "96.1.0 14.7.0 - - -"}, [("codes", "list_no_value", None)]),
    "too few": ({"codes": "96.1.0 1.7.0"}, [("pattern", "list_incomplete", None)]),
    "no name": ({"name": ""}, [("name", "label", None)]),
}  # fmt: skip


def test_the_rest_is_shown_beside_what_is_wrong(owner: Browser) -> None:
    """A fault at one place takes no other's meaning away."""
    for change in (
        {"codes": "96.1.0 1.7.0 2.7.0 1.7.0 31.7.0"},
        {"factors": "- 1 1 much 0.01"},
        {"factors": "- 1 1 0 0.01"},
    ):
        values = {one["place"]: one["value"] for one in tried(owner, **change)["values"]}
        assert values == {1: "17000017", 2: 1393, 3: 0, 5: 1.03}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_by_its_place(owner: Browser, case: str) -> None:
    """By trying, and in the same words by saving, which changes nothing."""
    change, wanted = REFUSED[case]
    found = tried(owner, **change)["complaints"]
    assert [
        (one["path"].rpartition(".")[2], one["code"], one["params"].get("place")) for one in found
    ] == wanted
    saved = owner.post("v1/settings/lists", json={**ROW, **change})
    assert saved.status_code == 422
    assert {one["path"] for one in saved.json()["complaints"]} == {one["path"] for one in found}
    assert owner.get("v1/settings").json()["settings"]["lists"] == []


@pytest.mark.parametrize("pattern", ["tnnn", "cnnnnnnnn", "nnnnnnnnnnnnnt"])
def test_a_pattern_that_the_program_knows(owner: Browser, pattern: str) -> None:
    """Lists that are read by a table of the program cannot be taught otherwise."""
    at = pattern.index("n")
    codes = ["1.7.0" if place == at else "-" for place in range(len(pattern))]
    row = {
        "name": "x",
        "pattern": pattern,
        "codes": " ".join(codes),
        "factors": " ".join(codes).replace("1.7.0", "1"),
    }
    answer = owner.post("v1/settings/lists", json=row)
    assert [one["code"] for one in answer.json()["complaints"]] == ["list_known"]
    assert owner.post("v1/meters/main/try-list", json=row).status_code == 404


def test_who_may(running: Gateway, owner: Browser) -> None:
    """A token that writes may teach, as it may change other plain settings; one that reads only looks."""
    reads, writes = (
        running.anybody(
            authorization=f"Bearer {owner.post('v1/tokens', json={'name': s, 'scope': s}).json()['token']}"
        )
        for s in ("read", "write")
    )
    assert running.anybody().get("v1/meters/main/unknown-lists").status_code == 401
    assert reads.get("v1/meters/main/unknown-lists").status_code == 200
    assert reads.post("v1/meters/main/try-list", json=ROW).status_code == 403
    assert reads.post("v1/settings/lists", json=ROW).status_code == 403
    assert writes.post("v1/meters/main/try-list", json=ROW).status_code == 200
    assert writes.get("v1/meters/other/unknown-lists").status_code == 404
    assert writes.post("v1/meters/main/try-list", json={**ROW, "pattern": "n"}).status_code == 404
    assert owner.patch("v1/settings", json={"changes": {"meters.0.key": 32 * "0"}}).status_code == 200
    assert writes.get("v1/meters/main/unknown-lists").status_code == 403  # a meter with a key
    assert writes.post("v1/meters/main/try-list", json=ROW).status_code == 403
    assert owner.get("v1/meters/main/unknown-lists").status_code == 200
    assert owner.post("v1/settings/undo", json={}).status_code == 200


def test_saved_used_and_taken_back(running: Gateway, owner: Browser) -> None:
    """In use without a restart, in the copy of the settings, changed where it stands, and undone."""
    assert owner.post("v1/settings/lists", json=ROW).status_code == 200

    def power() -> Any:
        return owner.get("v1/meters/main").json()["values"].get("act_pow_pos", {}).get("value")

    running.until(lambda: power() == 1393)
    assert 'pattern = "tnnnn"' in owner.get("v1/settings/file?secrets=0").text
    lists = {one["pattern"]: one for one in owner.get("v1/meters/main/unknown-lists").json()["lists"]}
    assert lists["tnnnn"]["taught"] == {key: ROW[key] for key in ("name", "codes", "factors")}
    assert tried(owner)["complaints"] == []  # it does not stand in its own way
    assert tried(owner, factors="- 10 1 0.1 0.01")["values"][1]["value"] == 13_930
    again = owner.post("v1/settings/lists", json={**ROW, "name": "y"})
    assert {one["code"] for one in again.json()["complaints"]} == {"patterns_clash"}
    assert owner.post("v1/settings/undo", json={}).status_code == 200
    running.until(lambda: owner.get("v1/meters/main").json()["diagnosis"]["verdict"] != "good", 90)
