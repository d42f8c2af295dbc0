"""Settings that contradict each other: each kind in several shapes, said at each of its settings.

`GOOD` are settings that look alike and contradict nothing. Names and unit ids: also in `test_rules.py`.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest

from han2x.settings.amend import Refused, added, amend, from_table, removed, without_contradictions
from han2x.settings.schema import Settings

A, B = {"name": "a"}, {"name": "b", "unit_id": 2}


def found(table: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is said of settings, by path: its code and parameters."""
    result = from_table(table)
    if isinstance(result, Settings):
        result = without_contradictions(result)
    complaints = result.complaints if isinstance(result, Refused) else ()
    assert all(one.text and "{" not in one.text for one in complaints)
    return {one.path: (one.code, dict(one.params)) for one in complaints}


def paths(table: Mapping[str, Any]) -> dict[str, str]:
    return {path: code for path, (code, _) in found(table).items()}


def test_defaults_contradict_nothing() -> None:
    """What there is at first is in order."""
    assert found({}) == {}


PORT = {"modbus_tcp": {"port": 1600}}
TCP, RTU, TLS, WEB = "modbus_tcp", "modbus_rtu_tcp", "modbus_tls", "web"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("", "127.0.0.1"),
        ("", "::1"),
        ("", "gateway.lan"),
        ("0.0.0.0", "0.0.0.0"),
        ("0.0.0.0", "192.168.1.7"),
        ("0.0.0.0", "gateway.lan"),
        ("0.0.0.0", "localhost"),
        ("::", "::1"),
        ("::", "fe80::1%eth0"),
        ("::1", "0:0:0:0:0:0:0:1"),
        ("127.0.0.1", "localhost"),
        ("LOCALHOST", "::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("Gateway.lan", "gateway.LAN."),
    ],
)
def test_two_servers_cannot_share_a_port(one: str, other: str) -> None:
    """Whichever the two are and whichever way round: a port at addresses that meet is refused for both."""
    for first, second in combinations((TCP, RTU, TLS, WEB), 2):
        for here, there in ((one, other), (other, one)):
            table = {
                TCP: {"enabled": False},
                WEB: {"enabled": False},
                first: {"enabled": True, "host": here, "port": 1700},
            }
            table[second] = {"enabled": True, "host": there, "port": 1700}
            assert found(table) == {
                f"{first}.port": ("ports_clash", {"port": 1700, "other": second}),
                f"{second}.port": ("ports_clash", {"port": 1700, "other": first}),
            }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "::1"),
        ("0.0.0.0", "::"),
        ("0.0.0.0", "::1"),
        ("192.168.1.7", "gateway.lan"),
        ("fe80::1%eth0", "fe80::1%eth1"),
    ],
)
def test_servers_at_other_addresses_may_share_a_port(one: str, other: str) -> None:
    """Addresses that do not meet have ports of their own; so do servers that are off."""
    assert found({TCP: {"host": one, "port": 1700}, WEB: {"host": other, "port": 1700}}) == {}
    assert found({TCP: {"port": 8080, "enabled": False}}) == {}
    assert found({RTU: {"port": 1502}}) == {}


def test_three_servers_at_one_port_are_all_named() -> None:
    """Each of them is said to be wrong."""
    every: dict[str, Any] = {name: {"enabled": True, "port": 2000} for name in (TCP, RTU, WEB)}
    assert set(found(every)) == {f"{name}.port" for name in every}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"meters": [A, B, {"name": "c", "unit_id": 3, "float_unit_id": 2}]},
            {
                "meters.1.unit_id": (
                    "units_clash",
                    {"unit": 2, "meter": "b", "setting": "float_unit_id", "other": "c"},
                ),
                "meters.2.float_unit_id": (
                    "units_clash",
                    {"unit": 2, "meter": "c", "setting": "unit_id", "other": "b"},
                ),
            },
        ),
        (
            {"meters": [A | {"main_topic": "han/x"}, B | {"main_topic": "han/x"}]},
            {
                "meters.0.main_topic": ("topics_clash", {"topic": "han/x", "other": "b"}),
                "meters.1.main_topic": ("topics_clash", {"topic": "han/x", "other": "a"}),
            },
        ),
        (
            {"mqtt": [{"name": "x"}, {"name": "y"}, {"name": "x"}]},
            {f"mqtt.{index}.name": ("names_clash", {"name": "x"}) for index in (0, 2)},
        ),
        (
            {"meters": [A | {"source": "serial:/dev/ttyUSB0?line=8N1"}, B | {"source": "/dev/ttyUSB0"}]},
            {
                f"meters.{index}.source": (
                    "device_clash",
                    {"device": "/dev/ttyUSB0", "other": f"meters.{1 - index}.source"},
                )
                for index in (0, 1)
            },
        ),
        (
            {
                "meters": [{"source": "serial:/dev/ttyUSB0"}],
                "modbus_rtu": {"enabled": True, "device": "/dev/ttyUSB0"},
            },
            {
                "meters.0.source": ("device_clash", {"device": "/dev/ttyUSB0", "other": "modbus_rtu.device"}),
                "modbus_rtu.device": ("device_clash", {"device": "/dev/ttyUSB0", "other": "meters.0.source"}),
            },
        ),
        (
            {"board": {"button": "GPIO17", "han_lamp": "GPIO17"}},
            {
                "board.button": ("lines_clash", {"line": "GPIO17", "other": "board.han_lamp"}),
                "board.han_lamp": ("lines_clash", {"line": "GPIO17", "other": "board.button"}),
            },
        ),
        (
            {"history": {"path": "/data/x"}, "prices": {"file": "/data/x"}},
            {
                "history.path": ("files_clash", {"file": "/data/x", "other": "prices.file"}),
                "prices.file": ("files_clash", {"file": "/data/x", "other": "history.path"}),
            },
        ),
        (
            {"meters": [{"source": "mqtt:pulse/x?broker=cellar"}], "mqtt": [{"name": "a"}, {"name": "b"}]},
            {"meters.0.source": ("broker_unknown", {"broker": "cellar", "known": "a, b"})},
        ),
        (
            {"collect": {"broker": "cellar"}},
            {"collect.broker": ("broker_unknown", {"broker": "cellar", "known": "main"})},
        ),
        (
            {"network": {"address": "10.0.0.5/24", "gateway": "10.0.1.1"}},
            {"network.gateway": ("gateway_clash", {"network": "10.0.0.0/24", "gateway": "10.0.1.1"})},
        ),
    ],
)
def test_a_contradiction_is_said_at_each_of_its_settings(
    table: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Its code and parameters name both sides by path and value."""
    assert found(table) == expected


ON = {"name": "x", "enabled": True}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"prices": {"area": "NO9"}}, {"prices.area": "area_unknown"}),
        ({"prices": {"area": "Oslo"}}, {"prices.area": "area_unknown"}),
        ({"prices": {"area": "SE3", "source": "web"}}, {"prices.area": "area_unknown"}),
        ({"modbus_rtu": {"enabled": True}}, {"modbus_rtu.enabled": "needs", "modbus_rtu.device": "needed"}),
        (
            {"postgres": {"enabled": True}, "history": {"enabled": False}},
            {"postgres.enabled": "needs", "history.enabled": "needed"},
        ),
        (
            {"mqtt": [{"enabled": True, "history": "hours"}], "history": {"enabled": False}},
            {"mqtt.0.history": "needs", "history.enabled": "needed"},
        ),
        (
            {"modbus_tls": {"key_file": "/k.pem"}},
            {"modbus_tls.key_file": "needs", "modbus_tls.cert_file": "needed"},
        ),
        ({"web": {"key_file": "/k.pem"}}, {"web.key_file": "needs", "web.cert_file": "needed"}),
        ({"mqtt": [{"key_file": "/k.pem"}]}, {"mqtt.0.key_file": "needs", "mqtt.0.cert_file": "needed"}),
        (
            {"mqtt": [{"password": "x", "protocol": "3.1.1"}]},
            {"mqtt.0.password": "needs", "mqtt.0.user": "needed"},
        ),
        ({"meters": [{"source": "tcp:localhost:1502"}]}, {"meters.0.source": "own_port"}),
        ({"meters": [{"source": "tcp:[::1]:8080"}]}, {"meters.0.source": "own_port"}),
        ({"meters": [{"source": "mqtt://127.0.0.1:8080/x"}]}, {"meters.0.source": "own_port"}),
        ({"mqtt": [{"enabled": True, "port": 1502}]}, {"mqtt.0.port": "own_port"}),
        (
            {"mqtt": [ON | {"client_id": "me"}, ON | {"name": "y", "client_id": "me"}]},
            {"mqtt.0.client_id": "clients_clash", "mqtt.1.client_id": "clients_clash"},
        ),
    ],
)
def test_further_contradictions(table: dict[str, Any], expected: dict[str, str]) -> None:
    """What one setting makes impossible for another is said at the one, and at the other."""
    assert paths(table) == expected


GOOD: list[dict[str, Any]] = [
    {"meters": [A, B]},
    {"meters": [A | {"source": "serial:/dev/ttyUSB0"}, B | {"source": "serial:/dev/ttyUSB1"}]},
    {"meters": [{"source": "serial:/dev/ttyUSB0"}], "modbus_rtu": {"device": "/dev/ttyUSB0"}},
    {"meters": [A | {"source": "simulate:aidon"}, B | {"source": "simulate:aidon"}]},
    {"meters": [{"source": "mqtt:pulse/x"}]},
    {"meters": [{"source": "mqtt://cellar/x"}]},
    {"meters": [{"source": "tcp:192.168.1.9:1502"}]},
    {"mqtt": [{"name": "house"}]},
    {"mqtt": [{"port": 1502}]},
    {"mqtt": [ON | {"client_id": "me"}, ON | {"name": "y", "client_id": "me", "host": "other"}]},
    {"mqtt": [{"password": "x"}]},
    {"prices": {"area": "SE3"}},
    {"prices": {"area": "SE3", "source": "web", "url": "https://prices.example"}},
    {"web": {"cert_file": "/both.pem", "key_file": "/both.pem"}},
    {"history": {"enabled": False}},
    {"postgres": {"enabled": True}},
]


@pytest.mark.parametrize("table", GOOD)
def test_what_only_looks_like_a_contradiction_is_taken(table: dict[str, Any]) -> None:
    """Servers, brokers and files that are off or elsewhere stand in nobody's way."""
    assert found(table) == {}


def test_a_change_brings_no_contradiction_in() -> None:
    """Whichever of the two is changed, both are named, and nothing changes."""
    for changes in ({"modbus_tcp.port": 8080}, {"web.port": 1502}):
        result = amend(Settings(), changes)
        assert isinstance(result, Refused)
        assert [one.path for one in result.complaints] == ["modbus_tcp.port", "web.port"]
    assert isinstance(amend(Settings(), {"modbus_tcp.port": 8080, "web.port": 1502}), Settings)


def test_a_contradiction_of_before_hinders_no_other_change() -> None:
    """A file edited by hand may hold one: other settings can be changed, and this one mended."""
    settings = from_table({"web": {"port": 1502}, "prices": {"area": "home"}})
    assert isinstance(settings, Settings)
    assert isinstance(amend(settings, {"web.name": "Home"}), Settings)
    assert isinstance(amend(settings, {"web.port": 8080}), Settings)
    worse = amend(settings, {"modbus_rtu_tcp.enabled": True, "modbus_rtu_tcp.port": 1502})
    assert isinstance(worse, Refused)


def test_rows_that_come_and_go_are_checked_too() -> None:
    """A row that clashes is not added; a broker that a source names is not removed."""
    assert isinstance(added(Settings(), "meters", {"name": "b"}), Refused)
    table = {"meters": [{"source": "mqtt:x?broker=b"}], "mqtt": [{"name": "a"}, {"name": "b"}]}
    settings = from_table(table)
    assert isinstance(settings, Settings)
    result = removed(settings, "mqtt", 1)
    assert isinstance(result, Refused)
    assert [one.path for one in result.complaints] == ["meters.0.source"]
    assert isinstance(removed(settings, "mqtt", 0), Settings)
