"""The Home Assistant app: what its start makes of options and of the broker that is handed over."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from han2x.settings.amend import Refused
from han2x.settings.broker import Mqtt
from han2x.settings.networks import parse_networks
from han2x.settings.schema import Settings
from han2x.web.client_address import client_of

APP = Path(__file__).parents[2] / "packaging" / "homeassistant" / "han2x"
start = runpy.run_path(str(APP / "start.py"))
ANSWER: dict[str, Any] = {
    "result": "ok",
    "data": {
        "host": "core-mosquitto",
        "port": 1883,
        "ssl": False,
        "protocol": "3.1.1",
        "username": "addons",
        "password": "secret",
    },
}


def wanted(settings: Settings, options: dict[str, str], answer: dict[str, Any] | None) -> Settings:
    found = start["wanted"](settings, options, answer)
    assert isinstance(found, Settings), found
    return found


def test_the_broker_is_handed_over() -> None:
    """Home Assistant's broker takes the place of the one that nobody has turned on."""
    made = wanted(Settings(), {"source": "serial:/dev/ttyUSB1"}, ANSWER)
    assert made.meters[0].source == "serial:/dev/ttyUSB1"
    (broker,) = made.mqtt
    assert (broker.name, broker.enabled, broker.host, broker.port) == (
        "homeassistant",
        True,
        "core-mosquitto",
        1883,
    )
    assert (broker.user, broker.password, broker.protocol) == ("addons", "secret", "3.1.1")


def test_what_a_person_has_set_stays() -> None:
    """At the next start only what comes from Home Assistant is set again; other brokers stay."""
    first = wanted(Settings(), {}, ANSWER)
    own = Mqtt(name="own", enabled=True, host="broker.lan")
    touched = replace(first, mqtt=(replace(first.mqtt[0], discovery="off", password="old"), own))
    again = wanted(touched, {"source": ""}, ANSWER)
    assert again.mqtt == (replace(first.mqtt[0], discovery="off"), own)
    assert again.meters[0].source == "serial:auto"


def test_without_a_broker_nothing_else_changes() -> None:
    """No Mosquitto app: but for the proxies the settings are as they were."""
    made = wanted(Settings(), {}, None)
    assert replace(made, web=Settings().web) == Settings()


def test_at_its_first_start_the_app_draws_a_password_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the settings file later stays."""
    place = start["prepare"].__globals__
    monkeypatch.setitem(place, "CONFIG", tmp_path / "han2x.toml")
    monkeypatch.setitem(place, "OPTIONS", tmp_path / "options.json")
    monkeypatch.setitem(place, "asked", lambda: None)
    start["prepare"]()
    text = (tmp_path / "han2x.toml").read_text()
    assert "manual_default = false" in text
    (tmp_path / "han2x.toml").write_text(text.replace("manual_default = false", "manual_default = true"))
    start["prepare"]()
    assert "manual_default = true" in (tmp_path / "han2x.toml").read_text()


def test_ingress_is_a_trusted_proxy() -> None:
    """The supervisor is known by its address, once, beside what a person has set."""
    made = wanted(Settings(), {}, None)
    assert made.web.trusted_proxies == "172.30.32.1, 172.30.32.2"
    assert wanted(made, {}, None) == made
    own = replace(made, web=replace(made.web, trusted_proxies="10.0.0.1,172.30.32.2"))
    assert wanted(own, {}, None).web.trusted_proxies == "10.0.0.1, 172.30.32.2, 172.30.32.1"
    headers = [("Host", "homeassistant.local:8123"), ("X-Ingress-Path", "/api/hassio_ingress/x")]
    trusted = parse_networks(made.web.trusted_proxies)
    for chain, address, home in (
        ("192.168.1.7, 172.30.32.1", "192.168.1.7", True),
        ("203.0.113.9, 172.30.32.1", "203.0.113.9", False),
    ):
        client = client_of("172.30.32.2", [*headers, ("X-Forwarded-For", chain)], trusted)
        assert (client.address, client.home) == (address, home)


def test_a_wrong_source_is_refused() -> None:
    """What a person has mistyped is named."""
    refused = start["wanted"](Settings(), {"source": "usb"}, None)
    assert isinstance(refused, Refused)
    assert refused.complaints[0].path == "meters.0.source"
