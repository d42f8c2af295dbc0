"""How far settings reach: every row says so, and what follows for secrets and tokens."""

from dataclasses import fields, replace

import pytest

from han2x.settings.amend import Refused, amend
from han2x.settings.broker import Mqtt
from han2x.settings.permission import changes, not_for_tokens, proven, secrets_again
from han2x.settings.reach import OPENS_DEVICE, PLAIN, READS_FILE, TAKES_SECRET, Reach, source_reach
from han2x.settings.schema import SECTIONS, Meter, Settings, rules

FILES = {"ca_file", "cert_file", "key_file", "file", "folder", "path", "temperature", "device"}
"""Names of settings that are paths; `path` of a broker is that of its websocket."""


def every_row() -> list[tuple[str, str]]:
    return [(name, one.name) for name, section in SECTIONS.items() for one in fields(section)]


@pytest.mark.parametrize(("section", "key"), every_row())
def test_every_setting_says_how_far_it_reaches(section: str, key: str) -> None:
    """Each row has a reach or a way to it, and none that names a file, secret or device is plain."""
    metadata = {one.name: one.metadata for one in fields(SECTIONS[section])}
    reach = metadata[key]["reach"]
    assert isinstance(reach, Reach) or callable(reach)
    kind = rules(SECTIONS[section])[key].kind
    if key in FILES or (kind == "secret" and (section, key) != ("mqtt", "password")):
        assert reach is not PLAIN
    if section == "mqtt" and kind == "host":
        assert reach & TAKES_SECRET


@pytest.mark.parametrize(
    ("source", "reach"),
    [
        ("serial:auto", PLAIN),
        ("serial:auto?line=8N1", PLAIN),
        ("serial:/dev/ttyUSB0", OPENS_DEVICE),
        ("/dev/watchdog", OPENS_DEVICE),
        ("tcp:bridge.local:3001", PLAIN),
        ("mqtt:pulse/publish?broker=main", PLAIN),
        ("mqtt://broker.local/topic", PLAIN),
        ("replay:/etc/han2x/han2x.toml?speed=max", READS_FILE),
        ("/etc/han2x/han2x.toml", READS_FILE),
        ("replay:dump.bin", READS_FILE),
        ("simulate:kaifa", PLAIN),
        ("nonsense", PLAIN),
    ],
)
def test_a_source_reaches_as_far_as_its_value(source: str, reach: Reach) -> None:
    """The same setting is plain or not by what it names."""
    assert source_reach(source) is reach


BEFORE = Settings(mqtt=(Mqtt(id="a", name="a", host="one", password="geheim", tls=True),))


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"mqtt.0.host": "two"}, True),
        ({"mqtt.0.port": 8883}, True),
        ({"mqtt.0.tls": False}, True),
        ({"mqtt.0.transport": "websockets"}, True),
        ({"mqtt.0.path": "/other"}, True),
        ({"mqtt.0.ca_file": "/etc/ca.pem"}, True),
        ({"mqtt.0.host": "two", "mqtt.0.password": "geheim"}, False),
        ({"mqtt.0.host": "two", "mqtt.0.password": ""}, False),
        ({"mqtt.0.host": "two", "mqtt.0.user": "u"}, True),
        ({"mqtt.0.name": "new"}, False),
        ({"mqtt.0.keepalive_s": 60}, False),
        ({"mqtt.0.password": "other"}, False),
    ],
)
def test_a_secret_is_asked_for_again_when_it_would_go_elsewhere(
    change: dict[str, object], asked: bool
) -> None:
    """Another place, or a less safe way, needs the password in the same change."""
    result = proven(amend(BEFORE, change), BEFORE, change)
    if not asked:
        assert isinstance(result, Settings)
        return
    assert isinstance(result, Refused)
    assert [(one.path, one.code) for one in result.complaints] == [("mqtt.0.password", "secret_again")]


def test_tls_turned_on_asks_for_nothing() -> None:
    """The same server, more safely."""
    plain = Settings(mqtt=(replace(BEFORE.mqtt[0], tls=False),))
    assert not list(secrets_again(plain, BEFORE, ()))


def test_rows_are_compared_by_id_and_new_ones_with_what_is_by_default() -> None:
    """Another order changes nothing; a new broker is a host that secrets may go to."""
    one, two = BEFORE.mqtt[0], Mqtt(id="b", name="b", host="two", password="other")
    both, turned = replace(BEFORE, mqtt=(one, two)), replace(BEFORE, mqtt=(two, one))
    assert not list(changes(both, turned))
    assert not list(secrets_again(both, turned, ()))
    assert {one.path for one in not_for_tokens(changes(BEFORE, both))} == {"mqtt.1.host"}
    recorded = Settings(meters=(Meter(), Meter(id="x", name="x", unit_id=2, source="replay:/etc/shadow")))
    assert [one.path for one in not_for_tokens(changes(Settings(), recorded))] == ["meters.1.source"]
