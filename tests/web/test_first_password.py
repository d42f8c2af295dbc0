"""A device's own first password, and where the manual's still opens the page (manual row M40)."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from han2x.app import clock
from han2x.runtime.gateway import Gateway
from han2x.runtime.interfaces import connected_networks, routes, routes6
from han2x.settings.amend import from_table
from han2x.settings.networks import within
from han2x.settings.schema import Settings
from han2x.web.answering import Answering
from han2x.web.first_password import drawn
from han2x.web.routes import ROUTES
from han2x.web.service import STATIC
from han2x.web.state import state_of
from han2x.web.static import Files

from ..ports import free_ports
from .conftest import DEADLINE_S, SETTINGS

OWN = SETTINGS + "manual_default = false\n"
SHOWN = re.compile(r"for user (\S+), password (\S+)")
FORM = re.compile(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}")
OUTSIDE = {"X-Forwarded-For": "203.0.113.9"}


def test_a_drawn_password_is_long_and_has_no_look_alikes() -> None:
    """Sixteen of 31 characters are 79 bits; all are drawn, none of i, l, o, 0, 1 is."""
    made = [drawn() for _ in range(300)]
    assert all(FORM.fullmatch(one) for one in made)
    assert len(set(made)) == 300
    assert len(set("".join(made)) - {"-"}) == 31


def test_a_device_draws_its_own_password_at_its_first_start(
    gateway: Callable[[Path, str], Any], tmp_path: Path
) -> None:
    """Shown once; in a file for its owner, as a hash elsewhere; it opens the page until it is changed."""
    own = gateway(tmp_path, OWN)
    try:
        file = own.state / "initial-password"
        ((user, password),) = SHOWN.findall(own.log.read_text())
        assert (user, file.read_text()) == ("bits", f"{password}\n")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        asked = own.anybody().get("v1/session").json()
        assert (asked["default_password"], asked["initial_password"]) == (False, True)
        assert own.anybody().log_in("vari").status_code == 401
        assert own.anybody().log_in("").status_code == 401
        outside = own.anybody(**OUTSIDE)
        assert outside.log_in(password).status_code == 204
        assert outside.get("v1/session").json()["default_password"] is False
        assert own.stop() == 0
        own.start()
        assert len(SHOWN.findall(own.log.read_text())) == 1
        assert outside.get("v1/session").status_code == 200
        others = (own.file, own.state / "web.json", own.state / "settings.good.toml")
        assert not any(password in one.read_text() for one in others if one.exists())
        assert password not in outside.get("v1/log").text
        change = {"password": password, "new_password": "sol over fjord"}
        assert outside.put("v1/user", json=change).status_code == 204
        assert not file.exists()
        assert own.anybody().log_in(password).status_code == 401
        ports = {"modbus_port": own.modbus_port, "web_port": own.web_port}
        own.file.with_name("factory.toml").write_text(OWN.format(**ports))
        owner = own.owner("sol over fjord")
        assert owner.post("v1/system/factory-reset", json={"password": "sol over fjord"}).status_code < 300
        own.until(lambda: len(SHOWN.findall(own.log.read_text())) == 2)
        assert SHOWN.findall(own.log.read_text())[1][1] != password
    finally:
        own.close()


def test_on_a_terminal_the_password_is_shown_and_in_no_file(tmp_path: Path) -> None:
    """Whoever starts it sees it."""
    modbus_port, web_port = free_ports(2)
    settings = tmp_path / "han2x.toml"
    settings.write_text(OWN.format(modbus_port=modbus_port, web_port=web_port))
    words = ["run", "--settings", str(settings), "--state", str(tmp_path / "state")]
    terminal, end = os.openpty()
    with subprocess.Popen([sys.executable, "-m", "han2x", *words], stderr=end) as process:
        os.close(end)
        text = ""
        while "\n" not in text.partition("password ")[2]:
            text += os.read(terminal, 4096).decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    os.close(terminal)
    assert f"http://127.0.0.1:{web_port}/ for user bits" in text
    assert FORM.fullmatch(SHOWN.findall(text)[0][1])
    assert not (tmp_path / "state" / "initial-password").exists()


@pytest.mark.parametrize("kept", ['"sessions": [], "tokens": []', '"sessions": 3, "tokens": []'])
def test_what_an_older_version_left_keeps_its_log_in(
    gateway: Callable[[Path, str], Any], tmp_path: Path, kept: str
) -> None:
    """It drew no password, so bits and vari still open the page, with the banner; damaged, one is drawn."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "web.json").write_text(f'{{"format": 1, "wizard_done": true, {kept}}}')
    own = gateway(tmp_path, OWN)
    try:
        damaged = "3" in kept
        browser = own.anybody()
        assert browser.log_in().status_code == (401 if damaged else 204)
        assert bool(SHOWN.search(own.log.read_text())) is damaged
        if not damaged:
            assert browser.get("v1/session").json()["default_password"] is True
    finally:
        own.close()


PEERS = [
    ("127.0.0.1", {}, 204),
    ("::1", {}, 204),
    ("::ffff:127.0.0.1", {}, 204),
    ("203.0.113.9", {}, 403),
    ("2001:db8::1", {}, 403),
    ("10.213.7.9", {}, 403),  # private, and in no network of this machine
    ("fd99::9", {}, 403),
    ("127.0.0.1", OUTSIDE, 403),
    ("127.0.0.1", {"Via": "1.1 x"}, 403),
    ("127.0.0.1", {"Host": "meter.example.com"}, 403),
]


@pytest.mark.parametrize(("peer", "headers", "status"), PEERS)
@pytest.mark.parametrize("manual", [True, False])
def test_the_manuals_password_opens_from_connected_private_networks_while_the_setting_says_so(
    peer: str, headers: dict[str, str], status: int, manual: bool, tmp_path: Path
) -> None:
    """Off, it is a wrong password like any other, wherever it comes from."""
    settings = from_table({"web": {"manual_default": manual}})
    assert isinstance(settings, Settings)

    async def asked() -> int:
        state = state_of(Gateway(settings, clock=clock, state_dir=tmp_path))
        app = Answering(state, ROUTES, Files(STATIC))
        transport = httpx2.ASGITransport(app=app, client=(peer, 4711))
        async with httpx2.AsyncClient(transport=transport, base_url="http://han2x.local") as client:
            body = {"user": "bits", "password": "vari"}
            return (await client.post("v1/session", json=body, headers=headers)).status_code

    assert asyncio.run(asked()) == (status if manual else 401)


ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth1\t00000A0A\t00000000\t0001\t0\t0\t100\t0000FFFF\t0\t0\t0
eth0\t0002A8C0\t0101A8C0\t0003\t0\t0\t100\t00FFFFFF\t0\t0\t0
ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
"""
ROUTE6 = """\
fd120000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 \
00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 \
00000400 00000001 00000000 00000003     eth0
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 \
00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 \
ffffffff 00000001 00000000 00200200       lo
"""


@pytest.mark.skipif(sys.byteorder == "big", reason="the table is of a little-endian machine")
def test_connected_networks_are_those_without_a_gateway() -> None:
    """Default routes, routes by a gateway, multicast and rejected ones are none."""
    assert [str(one) for one in routes(ROUTE)] == ["192.168.1.0/24", "10.10.0.0/16"]
    assert [str(one) for one in routes6(ROUTE6)] == ["fd12::/64"]
    assert within("127.3.4.5", connected_networks())


def test_a_token_does_not_change_who_may_log_in(own: Any) -> None:
    """A token that writes could else open the page with a password that everybody knows; nor does undo."""
    owner = own.owner()
    token = owner.post("v1/tokens", json={"name": "t", "scope": "write"}).json()["token"]
    writer = own.anybody(Authorization=f"Bearer {token}")
    changes: list[dict[str, object]] = [{"web.manual_default": False}, {"web.trusted_proxies": "0.0.0.0/0"}]
    for change in changes:
        assert writer.patch("v1/settings", json={"changes": change}).status_code == 403
    text = "[web]\nport = {own.web_port}\nmanual_default = false\n"
    toml = {"Content-Type": "application/toml"}
    assert writer.put("v1/settings/file", content=text.format(own=own), headers=toml).status_code == 403
    assert owner.patch("v1/settings", json={"changes": changes[0]}).status_code == 200
    assert writer.post("v1/settings/undo").status_code == 200
    assert owner.get("v1/settings").json()["settings"]["web"]["manual_default"] is False
