"""A running gateway whose settings file is broken: it serves on, says so, and goes on with a mended one."""

import os
import shutil
from typing import Any

import pytest

ANSWER = "000100000007010304000003e8"


def broken(browser: Any) -> Any:
    return browser.get("v1/settings").json()["broken"]


def restart_with(own: Any, content: bytes | None) -> str:
    """Stop, damage the file, start; the good text."""
    own.until(lambda: (own.state / "settings.good.toml").exists(), 10)
    assert own.stop() == 0
    good: str = own.file.read_text()
    if content is not None:
        own.file.write_bytes(content)
    own.log.write_text("")
    own.start()
    return good


def test_a_broken_file_is_told_and_nothing_stops(own: Any) -> None:
    """The page names file and place, Modbus answers as before, and no setting can be changed meanwhile."""
    good = restart_with(own, b"[modbus_tcp\nport = 1\n")
    browser = own.owner()
    found = broken(browser)
    assert found["file"] == str(own.file)
    assert found["good"] is True
    assert [one["code"] for one in found["complaints"]] == ["not_toml"]
    assert "line 1, column 12" in found["complaints"][0]["text"]
    assert own.modbus() == ANSWER
    refused = browser.patch("v1/settings", json={"changes": {"web.name": "new"}})
    assert (refused.status_code, refused.json()["complaints"][0]["code"]) == (422, "broken")
    assert own.file.read_bytes() == b"[modbus_tcp\nport = 1\n"
    process = own.process
    own.file.write_text(good.replace('name = "main"', 'name = "main"\nunit_id = 5'))
    own.until(lambda: broken(browser) is None, 10)
    own.until(lambda: own.modbus("000100000006050300300002").startswith("0001000000070503"), 10)
    assert own.process is process
    assert process.poll() is None
    lines = [line for line in own.log.read_text().splitlines() if "settings" in line or ".toml" in line]
    assert [line.split()[2] for line in lines] == ["ERROR", "INFO"]
    assert browser.patch("v1/settings", json={"changes": {"web.name": "new"}}).status_code == 200
    own.until(lambda: 'name = "new"' in own.file.read_text(), 10)


def test_a_file_is_followed_through_every_kind_of_damage(own: Any) -> None:
    """Gone, half written, of another kind, contradictory: each is told, none is taken, and mending works."""
    good = restart_with(own, b"[web\n")
    browser = own.owner()

    def said(code: str) -> bool:
        return [one["code"] for one in broken(browser)["complaints"]] == [code]

    own.file.unlink()
    own.until(lambda: said("file_gone"), 10)
    own.file.write_text(good[: len(good) // 2] + "[")
    own.until(lambda: said("not_toml"), 10)
    own.file.write_bytes(b'[web]\nname = "h\xf8tte"\n')
    own.until(lambda: said("unreadable"), 10)
    own.file.write_bytes(b"format = 99\n")
    own.until(lambda: broken(browser)["complaints"][0]["path"] == "format", 10)
    own.file.unlink()
    os.mkfifo(own.file)
    own.until(lambda: said("unreadable"), 10)
    own.file.unlink()
    own.file.mkdir()
    assert own.modbus() == ANSWER
    own.file.rmdir()
    own.file.write_text(good + f"[modbus_rtu_tcp]\nenabled = true\nport = {own.modbus_port}\n")
    own.until(lambda: broken(browser)["complaints"][0]["code"] == "ports_clash", 10)
    assert broken(browser)["complaints"][0]["line"]
    own.file.write_bytes(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode())
    own.until(lambda: broken(browser) is None, 10)
    lines = [line for line in own.log.read_text().splitlines() if ".toml" in line]
    assert [line.split()[2] for line in lines] == ["ERROR", "INFO"]


def before_the_first_write(text: str) -> str:
    """A settings file as its person wrote it: without what the program adds when it first writes."""
    return text.removeprefix("format = 2\n").replace('id = "main"\n', "")


def test_the_last_good_settings_are_put_back_on_request_only(own: Any) -> None:
    """A copy of what was broken stays; without a broken file there is nothing to put back."""
    good = restart_with(own, b"colour = 1\n")
    browser = own.owner()
    assert own.anybody().post("v1/settings/file/good").status_code == 401
    assert own.file.read_bytes() == b"colour = 1\n"
    assert browser.post("v1/settings/file/good").status_code == 204
    own.until(lambda: broken(browser) is None, 10)
    assert own.file.read_text() in (good, before_the_first_write(good))
    assert own.file.with_name("han2x.toml.broken-1").read_bytes() == b"colour = 1\n"
    assert browser.post("v1/settings/file/good").json()["error"] == "not_broken"


def test_without_good_settings_there_is_the_page_alone(own: Any) -> None:
    """At its own port, with the complaint; no meter, no Modbus; and all of it once the file is mended."""
    own.stop()
    good = own.file.read_text()
    shutil.rmtree(own.state)
    head, web = good.split("[web]")
    own.file.write_text(f"[web]{web}\n[modbus_tcp\n")
    own.start()
    browser = own.owner()
    assert broken(browser)["good"] is False
    assert browser.get("v1/meters").json() == []
    with pytest.raises(ConnectionError):
        own.modbus()
    for path in ("v1/modbus", "v1/mqtt", "v1/system", "v1/box", "v1/network", "v1/settings/schema"):
        assert browser.get(path).status_code < 500, path
    assert browser.post("v1/settings/file/good").json()["error"] == "not_put_back"
    own.file.write_text(head + "[web]" + web)
    own.until(lambda: broken(browser) is None, 10)
    own.until(lambda: own.modbus() == ANSWER, 10)
    assert browser.get("v1/settings").json()["undo"] is False
