"""Settings from a table as a TOML file gives it: each setting's rule, and what is said of a bad value.

What is valid is enough here; changing settings is in `test_amend.py`, sources in `test_source.py`.
"""

from typing import Any

import pytest

from han2x.settings.amend import Refused, documented, from_table
from han2x.settings.modbus import ModbusTcp
from han2x.settings.schema import REPEATED, SECTIONS, Meter, Settings, rules

WHOLE = "a whole number from"
FLAG: tuple[list[object], list[object]] = ([True, False], [1, 0, "true", None])
KEY: tuple[list[object], list[object]] = (
    ["", "00" * 16, "0123456789abcdefABCDEF0123456789"],
    ["00" * 15, "00" * 17, "0x" + "00" * 15, "g" * 32, 0, None, True, " " * 32],
)
UNIT_ID: tuple[list[object], list[object]] = ([0, 2, 247], [248, -1, "1", True, 1.0, None])
STALE: tuple[list[object], list[object]] = (
    ["hold", "unavailable", "zero", "exception"],
    ["", "Hold", "nan", 0, None, True],
)
ALLOW: tuple[list[object], list[object]] = (
    ["", "192.168.1.0/24", "192.168.1.7/24,10.0.0.7", "10.0.0.0/8, fd00::/8", "::1"],
    ["192.168.1.0/33", "192.168.1", "gateway.local", "10.0.0.1,", ",", "10.0.0.0/8;fd00::/8", 1, None, True],
)
IDENTITY: tuple[list[object], list[object]] = (
    ["main", "a", "0", "cabin-2_b", "x" * 32],
    ["", "x" * 33, "Main", "-a", "_a", "a b", "a\n", "å", "../a", 1, None, True],
)
LABEL: tuple[list[object], list[object]] = (
    [
        "main",
        "x" * 64,
        "Mitt Hus",
        "-a",
        "å",
        "../a",
        "房子",
        "خانه‌ی من",
        "Ωμέγα №1 ⚡",
        '"<b>{x}',
    ],
    ["", " ", "x" * 65, "a\nb", "\0", "a\x7f", "\u202eb", "\u2028", "\u200b", "\ud800", 1, None, True, ["a"]],
)
METER: dict[str, tuple[list[object], list[object]]] = {
    "id": IDENTITY,
    "name": LABEL,
    "source": (
        ["serial:auto", "serial:/dev/ttyUSB0?line=8N1", "tcp:h:1", "replay:a.bin", "simulate:aidon"],
        ["", "auto", "udp:h:1", "simulate:elster", "serial:auto?speed=9600", 1, None, ["serial:auto"]],
    ),
    "unit_id": ([1, 247], [0, 248, -1, "1", True, 1.0, None]),
    **dict.fromkeys(("swapped_unit_id", "float_unit_id", "sunspec_unit_id", "em24_unit_id"), UNIT_ID),
    "scale": ([10, 1000, 999_999_999], [9, 1_000_000_000, 0, -1000, "1000", True, 1000.0, None]),
    "key": KEY,
    "auth_key": KEY,
    "unchecked": FLAG,
    "kamstrup_energy_wh": ([1, 10], [0, 2, 100, True, "10", 1.0, None]),
    "main_topic": (
        ["", "HAN2X_1234", "home/meter", "hus/måler", "t" * 128],
        ["/a", "a/", "a b", "a+", "a#", "$SYS", "t" * 129, "a\0", 1, None],
    ),
    "tariff": (["", "elvia", "sor-aurdal", "0_b"], ["Elvia", "elvia.toml", "../elvia", "a b", "-a", 1, None]),
    "fuse_a": ([0, 63, 10_000], [-1, 10_001, "63", 63.0, True, None]),
    "limit_w": ([0, 5000, 100_000_000], [-1, 100_000_001, "5000", 5e3, True, None]),
}
SITE: dict[str, tuple[list[object], list[object]]] = {
    "time_zone": (
        ["Europe/Oslo", "UTC", "Arctic/Longyearbyen"],
        ["", "Oslo", "CET+1", "../etc/passwd", "/etc/localtime", "Europe", "a\0b", 1, None],
    ),
}
UPDATE: tuple[list[object], list[object]] = (
    ["", "https://example.org/tariffs.tar.gz", "http://127.0.0.1:8080/levies.toml"],
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://a b",
        "https://a?b",
        1,
        None,
    ],
)
TARIFFS: dict[str, tuple[list[object], list[object]]] = {
    "folder": (["", "/etc/han2x/tariffs"], ["tariffs", "/", "/a\n", "/" + "d" * 1024, 1, None]),
    "update": UPDATE,
    "update_levies": UPDATE,
}
PRICES: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "area": (["NO1", "NO5", "SE3", "10YNO-1--------2"], ["", "NO 1", "NO1/..", "å", "a" * 17, 1, None]),
    "source": (["file", "web"], ["", "Web", "api", 1, None]),
    "file": (["", "/var/lib/han2x/prices.csv"], ["prices.csv", "/", "/a\n", 1, None]),
    "url": (
        ["https://www.hvakosterstrommen.no/api/v1/prices", "http://127.0.0.1:8080/p", "http://localhost"],
        [
            "",
            "http://example.org",
            "https://",
            "ftp://a",
            "https://a?b",
            "http://127.0.0.1.example.org",
            1,
            None,
        ],
    ),
    "contract": (
        ["spot", "support", "norgespris", "norgespris-cabin", "fixed-price", "fixed-price-support"],
        ["", "Spot", "fixed", 1, None],
    ),
    "tax_zone": (["south", "north", "action", "own-zone"], ["", "South", "a b", 1, None]),
    "markup": ([-100_000, 0, 5_900, 100_000], [-100_001, 100_001, "0", 5.9, True, None]),
    "fixed_price": ([0, 85_000, 10_000_000], [-1, 10_000_001, "0", 5.9, True, None]),
    "monthly_fee": ([0, 3_900, 1_000_000], [-1, 1_000_001, "0", 5.9, True, None]),
    "export_markup": ([-1_000_000, 0, 1_000_000], [-1_000_001, 1_000_001, "0", 5.9, True, None]),
    "export_minimum": ([-10_000_000, 0, 10_000_000], [-10_000_001, 10_000_001, "0", 5.9, True, None]),
}
MODBUS_TCP: dict[str, tuple[list[object], list[object]]] = {
    "enabled": ([True, False], [1, 0, "true", None]),
    "host": (
        ["", "127.0.0.1", "::1", "fe80::1%eth0", "gateway.local"],
        ["a b", "a/b", "h" * 256, "h\n", 1, None],
    ),
    "port": ([1, 1502, 65535], [0, 65536, "1502", True, 1.0, 1502.0, None, [1502]]),
    "allow": ALLOW,
    "writable": ([True, False], [1, "no", None]),
    "max_connections": ([1, 4096], [0, 4097, "1", True, 1.0]),
    "idle_timeout_s": ([0, 86_400], [-1, 86_401, "0", False, 0.0]),
}
MODBUS_MAPS: dict[str, tuple[list[object], list[object]]] = {
    "stale_after_s": ([30, 31, 3600], [29, 3601, "30", True, 30.0, None]),
    **{f"{name}_when_stale": STALE for name in ("han2x", "swapped", "float", "sunspec", "em24")},
    "sunspec_models": (["203", "213", "203+213"], ["", "1", "213+203", "203,213", 203, None]),
    "sunspec_fill": FLAG,
}
MODBUS_RTU: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "device": (
        ["", "/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI"],
        ["ttyUSB0", "/", "/dev/a\n", "/" + "d" * 256, 1, None],
    ),
    "baud_rate": ([1200, 19200, 115_200], [0, 1201, 230_400, "9600", 9600.0, True, None]),
    "parity": (["N", "E", "O"], ["n", "even", "", 0, None]),
    "stop_bits": ([1, 2], [0, 3, "1", 1.0, True, None]),
    "rs485": (["auto", "on", "off"], ["", "ON", True, False, None]),
    "gap_ms": ([0, 1000], [-1, 1001, "0", 0.0, False, None]),
    "writable": FLAG,
}
MODBUS_RTU_TCP: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "host": MODBUS_TCP["host"],
    "port": MODBUS_TCP["port"],
    "allow": ALLOW,
    "writable": FLAG,
}
HISTORY: dict[str, tuple[list[object], list[object]]] = {
    "enabled": ([True, False], [1, 0, "true", None]),
    "path": (
        ["", "/var/lib/han2x/h.sqlite", "/h"],
        ["h.sqlite", "~/h", "/a\0b", "/a\nb", "/" + "x" * 1024, 1, None],
    ),
    "keep_raw_days": ([1, 3650], [0, 3651, "14", True, 1.0, None]),
    "keep_minute_days": ([1, 36_500], [0, 36_501, "400", True, 1.0, None]),
    "max_mb": ([16, 1_000_000], [15, 1_000_001, "512", True, 512.0, None]),
    "write_every_s": ([5, 600], [4, 601, "60", True, 60.0, None]),
}
TEXT: tuple[list[object], list[object]] = (["", "a", "æ b", "x" * 255], ["x" * 256, "a\n", "a\0", 1, None])
FILE: tuple[list[object], list[object]] = (["", "/etc/ca.pem", "/a b"], ["ca.pem", "/", "/a\n", 1, None])
QOS: tuple[list[object], list[object]] = ([0, 1, 2], [3, -1, "1", True, 1.0, None])
MQTT: dict[str, tuple[list[object], list[object]]] = {
    "id": IDENTITY,
    "name": LABEL,
    "enabled": FLAG,
    "host": (["localhost", "192.168.1.2", "::1", "broker.local"], ["", "a b", "a/b", "h" * 256, 1, None]),
    "port": ([1, 1883, 65535], [0, 65536, "1883", True, 1.0, None]),
    "protocol": (["5", "3.1.1"], ["3", "", 5, 3.1, None]),
    "transport": (["tcp", "websockets"], ["", "ws", None]),
    "path": (["/", "/mqtt"], ["", "mqtt", "/a b", "/" + "p" * 256, 1]),
    "user": TEXT,
    "password": TEXT,
    "client_id": TEXT,
    "keepalive_s": ([5, 3600], [4, 3601, "30", 30.0]),
    "tls": FLAG,
    "ca_file": FILE,
    "cert_file": FILE,
    "key_file": FILE,
    "publish": (["on_change", "every_telegram", "interval"], ["", "always", None]),
    "heartbeat_s": ([10, 600, 86_400], [9, 86_401, 600.0]),
    "interval_s": ([1, 3600], [0, 3601, 10.0]),
    "retain_values": FLAG,
    "retain_energies": FLAG,
    "qos_values": QOS,
    "qos_energies": QOS,
    "discovery": (["device", "entities", "off"], ["", "on", True, None]),
    "discovery_prefix": (
        ["homeassistant", "ha/x", "p" * 65],
        ["", "/a", "a/", "a b", "a+", "a#", "$a", "p" * 66, 1],
    ),
    "prices_topic": METER["main_topic"],
    "raw": (["off", "hex", "binary"], ["", "on", False, None]),
    "history": (["off", "hours", "minutes", "all"], ["", "on", "10s", False, None]),
}
POSTGRES: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "dsn": (
        ["", "postgresql://me:æ@h/d", "host=h password='a b'", "x" * 1023],
        ["x" * 1024, "a\n", "a\0", 1],
    ),
    "prefix": (["han2x_", "_", "a" * 24], ["", "1a", "A", "a-", 'a"', "a;b", "a" * 25, "a\n", 1, None]),
    "history": (["hours", "minutes", "all"], ["off", "", "Hours", True, None]),
}
COLLECT: dict[str, tuple[list[object], list[object]]] = {
    "broker": IDENTITY,
    "topic": (
        ["+/history/#", "#", "a/+/history/hour", "x" * 128],
        ["", "a b", "a+/b", "#/a", "a#", "$share/a/b", "x" * 129, "a\n", 1, None],
    ),
    "group": (["han2x", "A-1_b", "g" * 32], ["", "a/b", "a+", "a b", "å", "g" * 33, 1, None]),
    "worker": (["", "one", "host.example-1_b", "w" * 64], ["a b", "a/b", "å", "w" * 65, "a\n", 1, None]),
}
LINE: tuple[list[object], list[object]] = (
    ["", "FACTRESET", "17", "gpiochip4:17", "gpiochip0:DI 1"],
    ["led:HAN:x", ":17", "a/b", "x" * 32, "a\n", 17, None],
)
LAMP: tuple[list[object], list[object]] = (
    ["", "LED_HAN", "17", "gpiochip4:17", "led:han2x:green:status", "led:ACT"],
    ["led:", "led:../x", "led:a/b", "a/b", "x" * 32, 17, None],
)
BOARD: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "button": LINE,
    "button_inverted": FLAG,
    "digital_input": LINE,
    "digital_inverted": FLAG,
    "debounce_ms": ([0, 1000], [-1, 1001, "20", 20.0, True, None]),
    "power_lamp": LAMP,
    "han_lamp": LAMP,
    "temperature": FILE,
}
HOST_NAME: tuple[list[object], list[object]] = (
    ["", "han2x", "Box-1", "b" * 63],
    ["-a", "a-", "a.b", "a_b", "å", "b" * 64, "a\n", 1, None],
)
NETWORK: dict[str, tuple[list[object], list[object]]] = {
    "manage": FLAG,
    "interface": (["", "eth0", "enp0s31f6", "lan.7"], ["eth0/1", "a b", "e" * 16, "e\n", 1, None]),
    "method": (["static", "dhcp"], ["", "auto", "DHCP", 1, None]),
    "address": (
        ["192.168.1.232/24", "10.0.0.1/8", "172.16.0.2/30"],
        [
            "",
            "192.168.1.232",
            "192.168.1.0/24",
            "192.168.1.255/24",
            "192.168.1.256/24",
            "192.168.1.2/31",
            "192.168.1.2/0",
            "0.1.2.3/8",
            "224.0.0.1/24",
            "fd00::1/64",
            "192.168.1.232/255.255.255.0",
            1,
            None,
        ],
    ),
    "gateway": (
        ["", "192.168.1.1"],
        ["10.0.0", "router", "10.0.0.1/24", "0.0.0.0", "255.255.255.255", 1, None],
    ),
    "dns": (["", "1.1.1.1", "1.1.1.1, 9.9.9.9"], ["1.1.1", "dns.local", "1.1.1.1;9.9.9.9", ",", 1, None]),
    "host_name": HOST_NAME,
    "trial_s": ([20, 3600], [19, 3601, "60", 60.0, True, None]),
}
ANNOUNCE: dict[str, tuple[list[object], list[object]]] = {"enabled": FLAG, "name": HOST_NAME}
HASH = "scrypt:" + "A" * 22 + "==:" + "B" * 43 + "="
WEB: dict[str, tuple[list[object], list[object]]] = {
    **dict.fromkeys(("enabled", "tls", "manual_default", "metrics", "amsreader", "homewizard"), FLAG),
    "host": (["", "127.0.0.1", "::1", "gateway.lan"], ["a b", "http://x", "\n", 1, None]),
    "port": ([1, 80, 8080, 65535], [0, 65536, "8080", True, None]),
    "allow": ALLOW,
    "trusted_proxies": ALLOW,
    "name": (["han2x", "Hytta på fjellet"], ["", "a\nb", "x" * 65, 1, None]),
    "language": (["", "nb", "en"], ["NB", "no", "sv", 1, None]),
    **dict.fromkeys(("cert_file", "key_file"), (["", "/etc/han2x/page.pem"], ["page.pem", "/", 1, None])),
    "user": (["bits", "kari"], ["", "a:b", "a\n", "x" * 65, 1, None]),
    "password": (["", HASH], ["vari", "scrypt:", HASH + "x", HASH.replace("B", "!"), 1, None]),
}

ROLES: tuple[list[object], list[object]] = (
    ["", "read-only", "Operatør, viewer", "r" * 255],
    ["r" * 256, "a\n", "a\0", 1, None],
)
MODBUS_TLS: dict[str, tuple[list[object], list[object]]] = {
    "enabled": FLAG,
    "host": WEB["host"],
    "port": WEB["port"],
    "allow": ALLOW,
    **dict.fromkeys(("read_roles", "write_roles"), ROLES),
    "without_role": (["refuse", "read"], ["", "write", True, None]),
    **dict.fromkeys(("cert_file", "key_file", "ca_file"), FILE),
    "max_connections": ([1, 512], [0, 513, "64", 64.0, True, None]),
    "idle_timeout_s": ([0, 86_400], [-1, 86_401, "0", 0.0, True, None]),
}

LISTS: dict[str, tuple[list[object], list[object]]] = {
    "id": IDENTITY,
    "name": LABEL,
    "pattern": (["", "n", "ttcnbav", "n" * 64], ["x", "N", "n n", "n" * 65, 1, None, True]),
    "codes": (
        ["", "-", "1.7.0", "- 96.1.0 255.255.255"],
        [" ", "1.7", "1.7.256", "-  -", "1-0:1.7.0", 1, None],
    ),
    "factors": (["", "-", "1", "0.01 - 1000"], [" ", "-1", "1e3", "0,1", "1.", "1  1", 1, None]),
}

TABLES = {
    "meters": METER,
    "lists": LISTS,
    "site": SITE,
    "tariffs": TARIFFS,
    "prices": PRICES,
    "modbus_tcp": MODBUS_TCP,
    "modbus_maps": MODBUS_MAPS,
    "modbus_rtu": MODBUS_RTU,
    "modbus_rtu_tcp": MODBUS_RTU_TCP,
    "modbus_tls": MODBUS_TLS,
    "mqtt": MQTT,
    "history": HISTORY,
    "board": BOARD,
    "network": NETWORK,
    "announce": ANNOUNCE,
    "postgres": POSTGRES,
    "collect": COLLECT,
    "web": WEB,
}
GOOD = [(s, k, v) for s, table in TABLES.items() for k, (good, _) in table.items() for v in good]
BAD = [(s, k, v) for s, table in TABLES.items() for k, (_, bad) in table.items() for v in bad]


def table_of(section: str, key: str, value: object) -> dict[str, Any]:
    return {section: [{key: value}] if section in REPEATED else {key: value}}


def complaints(table: dict[str, Any]) -> dict[str, str]:
    result = from_table(table)
    assert isinstance(result, Refused), result
    return {complaint.path: complaint.text for complaint in result.complaints}


def test_every_setting_stands_in_the_table_of_this_test() -> None:
    """A new setting must get its good and bad values here."""
    assert {name: set(rules(section)) for name, section in SECTIONS.items()} == {
        name: set(table) for name, table in TABLES.items()
    }


@pytest.mark.parametrize(("section", "key", "value"), GOOD)
def test_a_value_within_its_rule_is_taken_as_it_is(section: str, key: str, value: object) -> None:
    """A good value is in the settings, and all else keeps its default."""
    result = from_table(table_of(section, key, value))
    assert isinstance(result, Settings)
    holder = getattr(result, section)[0] if section in REPEATED else getattr(result, section)
    assert getattr(holder, key) == value
    assert type(getattr(holder, key)) is type(value)
    others = [name for name in rules(SECTIONS[section]) if name != key]
    defaults = {name: default for name, default, *_ in documented(SECTIONS[section])}
    if section in REPEATED:  # an id that is not given is made of the name; see test_identity.py
        defaults["id"], others = "main", [name for name in others if (key, name) != ("name", "id")]
    assert {name: getattr(holder, name) for name in others} == {name: defaults[name] for name in others}


@pytest.mark.parametrize(("section", "key", "value"), BAD)
def test_a_value_outside_its_rule_is_refused_by_its_path(section: str, key: str, value: object) -> None:
    """A bad value gives one complaint, which names the setting, what it must be, and what it is."""
    path = f"{section}.0.{key}" if section in REPEATED else f"{section}.{key}"
    rule = rules(SECTIONS[section])[key]
    text = rule.explain(value) or f"must be {rule.must}" + ("" if rule.secret else f", not {value!r}")
    assert complaints(table_of(section, key, value)) == {path: text}


def test_a_source_is_refused_in_its_own_words() -> None:
    """What is wrong with a source is said, not only which sources there are."""
    table = {"meters": [{"source": "tcp:bridge.local"}]}
    assert complaints(table) == {
        "meters.0.source": "tcp: needs a host and a port, such as tcp:bridge.local:3001"
    }


@pytest.mark.parametrize(
    ("text", "wrong"), [("10.0.0.0/33", "10.0.0.0/33"), ("10.0.0.1, lan", "lan"), ("10.0.0.1,", "")]
)
def test_networks_are_refused_by_the_one_that_is_wrong(text: str, wrong: str) -> None:
    """Of several networks the one that is none is named, with how to write it."""
    assert complaints({"modbus_tcp": {"allow": text}}) == {
        "modbus_tcp.allow": f"{wrong!r} is no network: write it as 192.168.1.0/24 or fd00::/8"
    }


@pytest.mark.parametrize("name", ["swapped_unit_id", "float_unit_id", "sunspec_unit_id", "em24_unit_id"])
def test_unit_ids_of_all_maps_must_differ(name: str) -> None:
    """No two maps, of one meter or of two, answer to one unit id; those that are off clash with none."""
    free = "Give one of them a free unit id"
    assert complaints({"meters": [{"unit_id": 5, name: 5}]}) == {
        "meters.0.unit_id": f'unit id 5 of meter "main" is also {name} of meter "main". {free}',
        f"meters.0.{name}": f'unit id 5 of meter "main" is also unit_id of meter "main". {free}',
    }
    assert complaints({"meters": [{"name": "a", name: 7}, {"name": "b", "unit_id": 7}]}) == {
        f"meters.0.{name}": f'unit id 7 of meter "a" is also unit_id of meter "b". {free}',
        "meters.1.unit_id": f'unit id 7 of meter "b" is also {name} of meter "a". {free}',
    }


def test_an_empty_table_is_the_defaults() -> None:
    """A file without settings means one meter at the one adapter, read on port 1502."""
    assert from_table({}) == Settings()
    assert Settings().meters == (Meter(name="main", source="serial:auto", unit_id=1, scale=1000),)
    assert Settings().modbus_tcp == ModbusTcp(enabled=True, host="", port=1502, writable=True)


def test_all_complaints_come_at_once() -> None:
    """Whatever is wrong, in whatever section, is said in one go and in the order of the file."""
    result = from_table(
        {
            "meters": [{"name": ""}, {"scale": 9, "unit": 3}],
            "modbus_tcp": {"port": "1502", "hots": ""},
            "modbus": {},
        }
    )
    assert isinstance(result, Refused)
    assert [complaint.path for complaint in result.complaints] == [
        "modbus",
        "meters.0.name",
        "meters.1.scale",
        "meters.1.unit",
        "modbus_tcp.port",
        "modbus_tcp.hots",
    ]
    assert (
        str(result).splitlines()[4] == "modbus_tcp.port: must be a whole number from 1 to 65535, not '1502'"
    )


@pytest.mark.parametrize(
    ("table", "path", "text"),
    [
        ({"modbus_tpc": {}}, "modbus_tpc", "is no section; did you mean modbus_tcp?"),
        ({"meter": [{}]}, "meter", "is no section; did you mean meters?"),
        ({"zzz": {}}, "zzz", f"is no section; there are {', '.join(SECTIONS)}"),
        ({"modbus_tcp": {"prot": 1}}, "modbus_tcp.prot", "is no setting; did you mean port?"),
        ({"meters": [{"unitid": 1}]}, "meters.0.unitid", "is no setting; did you mean unit_id?"),
        (
            {"meters": [{"qqq": 1}]},
            "meters.0.qqq",
            f"is no setting; there are {', '.join(rules(Meter))}",
        ),
        ({"meters": {}}, "meters", "must be one or more [[meters]] tables"),
        ({"meters": []}, "meters", "must be one or more [[meters]] tables"),
        ({"meters": [1]}, "meters", "must be one or more [[meters]] tables"),
        ({"meters": "main"}, "meters", "must be one or more [[meters]] tables"),
        ({"modbus_tcp": [{}]}, "modbus_tcp", "must be a [modbus_tcp] table"),
        ({"modbus_tcp": 1502}, "modbus_tcp", "must be a [modbus_tcp] table"),
    ],
)
def test_what_is_not_known_is_said_with_a_suggestion(table: dict[str, Any], path: str, text: str) -> None:
    """A slip of the pen names the nearest setting or section, else all there are."""
    assert complaints(table) == {path: text}


def test_several_meters_keep_their_order() -> None:
    """Each [[meters]] table is a meter."""
    result = from_table({"meters": [{"name": "b", "unit_id": 2}, {"name": "a"}]})
    assert isinstance(result, Settings)
    assert result.meters == (Meter(name="b", unit_id=2), Meter(name="a"))


@pytest.mark.parametrize(
    ("meters", "setting", "texts"),
    [
        ([{"name": "a"}, {"name": "a", "unit_id": 2}], "name", ('name "a" is there twice',) * 2),
        ([{}, {"unit_id": 2}], "name", ('name "main" is there twice',) * 2),
        (
            [{"name": "a"}, {"name": "b"}],
            "unit_id",
            (
                'unit id 1 of meter "a" is also unit_id of meter "b"',
                'unit id 1 of meter "b" is also unit_id of meter "a"',
            ),
        ),
    ],
)
def test_meters_must_differ(meters: list[dict[str, Any]], setting: str, texts: tuple[str, str]) -> None:
    """Two meters of one name, or at one unit id, are refused; each of them is named."""
    found = {path: text.partition(". ")[0] for path, text in complaints({"meters": meters}).items()}
    assert found == {f"meters.{index}.{setting}": text for index, text in enumerate(texts)}
