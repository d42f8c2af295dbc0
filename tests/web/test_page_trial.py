"""A change of how the page is reached: confirmed from there, or rolled back, over a kill too."""

import asyncio
import json
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway
from han2x.settings.page import Web
from han2x.settings.schema import Settings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def change(browser: Any, **values: object) -> Any:
    return browser.patch(
        "v1/settings", json={"changes": {f"web.{key}": value for key, value in values.items()}}
    )


def kill(own: Any) -> None:
    own.process.send_signal(signal.SIGKILL)
    own.process.wait()


def moved(own: Any, browser: Any, port: int) -> Any:
    """The same browser at another port, with the session that went along."""
    other = own.anybody(Cookie="; ".join(f"{name}={value}" for name, value in browser.cookies.items()))
    other.base_url = f"http://127.0.0.1:{port}/"
    own.until(lambda: other.get("v1/session").status_code == 200, 10)
    other.headers["X-CSRF"] = other.get("v1/session").json()["csrf"]
    return other


def test_an_unconfirmed_port_is_rolled_back_after_a_kill(own: Any) -> None:
    """It had reached the file; the next start has the port of before, and the file too."""
    browser, port = own.owner(), free_port()
    answer = change(browser, port=port)
    assert 0 < answer.json()["trial_s"] <= 120
    moved(own, browser, port)
    own.until(lambda: f"port = {port}" in own.file.read_text(), 10)
    kill(own)
    own.start()
    assert own.owner().get("v1/settings").json()["trial_s"] is None
    own.until(lambda: f"port = {port}" not in own.file.read_text(), 10)


def test_a_confirmed_port_stays(own: Any) -> None:
    """Confirmed at the new address by the session that went along; a kill changes nothing then."""
    browser, port = own.owner(), free_port()
    assert change(browser, port=port).status_code == 200
    there = moved(own, browser, port)
    assert there.post("v1/settings/confirm").status_code == 204
    assert there.get("v1/settings").json()["trial_s"] is None
    own.until(lambda: f"port = {port}" in own.file.read_text(), 10)
    kill(own)
    own.web_port = port
    own.start()
    assert own.owner().get("v1/settings").json()["settings"]["web"]["port"] == port


def test_who_is_shut_out_confirms_nothing_and_comes_in_again(own: Any) -> None:
    """An allow list without the caller: a connection from before does not count."""
    browser = own.owner()
    assert change(browser, allow="10.0.0.0/8").status_code == 200
    assert browser.post("v1/settings/confirm").json()["error"] == "not_reached"
    kill(own)
    own.start()
    assert own.owner().get("v1/settings").json()["settings"]["web"]["allow"] == ""


def test_undo_ends_the_trial(own: Any) -> None:
    """What is as before needs no confirmation; other settings need none at all."""
    browser = own.owner()
    assert change(browser, name="x").json()["trial_s"] is None
    assert change(browser, allow="127.0.0.0/8").json()["trial_s"] > 0
    assert browser.post("v1/settings/undo").json()["trial_s"] is None


def test_a_file_edited_by_hand_is_not_on_trial(own: Any) -> None:
    """Whoever can write the file can mend it."""
    own.stop()
    port = free_port()
    own.file.write_text(own.file.read_text().replace(f"port = {own.web_port}", f"port = {port}"))
    own.web_port = port
    own.start()
    assert own.owner().get("v1/settings").json()["trial_s"] is None


@pytest.mark.parametrize(
    "values",
    [
        {"port": 8181},
        {"host": "127.0.0.1"},
        {"allow": "10.0.0.0/8"},
        {"tls": True},
        {"enabled": False},
        {"port": 8181, "tls": True},
    ],
)
def test_time_rolls_every_kind_of_change_back(tmp_path: Path, values: dict[str, Any]) -> None:
    """Nobody confirms it; what else was changed meanwhile stays."""

    async def scenario() -> None:
        settings = Settings()
        settings = replace(settings, network=replace(settings.network, trial_s=0))
        gateway = Gateway(settings, clock=lambda: Instant(0, 0), state_dir=tmp_path)
        gateway.amend({f"web.{key}": value for key, value in values.items()})
        assert json.loads((tmp_path / "page-trial.json").read_text())["before"]["port"] == 8080
        gateway.amend({"web.name": "Home"})
        assert gateway.page_trial.rest_s() == 0
        await gateway.settings.changed(gateway.settings.value)
        assert gateway.settings.value.web == Web(name="Home")
        assert gateway.page_trial.rest_s() is None
        assert not (tmp_path / "page-trial.json").exists()

    asyncio.run(asyncio.wait_for(scenario(), 10))
