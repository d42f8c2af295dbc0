"""Settings that could shut their user out, contradict each other, or cannot be read: what the page does."""

import time
from typing import Any

from ...ports import free_port
from .conftest import Open, Start, answers, go

SOURCE = "simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z"


def test_page_follows_to_its_new_port_and_confirms_there(start: Start, browse: Open) -> None:
    """A new port: the page goes there by itself, still logged in, and the change stays over a kill."""
    running = start(main=SOURCE)
    page = browse(running)
    go(page, "settings/web")
    port = free_port()
    page.fill("[data-path='web.port']", str(port))
    page.click("#save")
    page.wait_for_url(f"http://127.0.0.1:{port}/**")
    page.wait_for_selector("[data-path='web.port']")
    assert page.input_value("[data-path='web.port']") == str(port)
    page.wait_for_function("() => location.hash === '#/settings/web'")
    page.wait_for_selector("#reach", state="hidden")
    assert running.program is not None
    running.program.kill()
    running.program.wait()
    running.web = port
    running.start()
    assert answers(port)


def test_who_shuts_himself_out_comes_in_again(start: Start, browse: Open) -> None:
    """An allow list without one's own address is gone at the next start: the page comes back by itself."""
    running = start(main=SOURCE)
    page = browse(running)
    go(page, "settings/web")
    page.fill("[data-path='web.allow']", "10.0.0.0/8")
    with page.expect_request_finished(lambda request: request.method == "PATCH"):
        page.click("#save")
    until = time.monotonic() + 60
    while '"10.0.0.0/8"' not in (running.folder / "han2x.toml").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert running.program is not None
    running.program.kill()
    running.program.wait()
    running.start()
    page.wait_for_function("() => document.querySelector(\"[data-path='web.allow']\")?.value === ''")
    while '"10.0.0.0/8"' in (running.folder / "han2x.toml").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_contradiction_is_told_at_both_fields(start: Start, browse: Open) -> None:
    """Two servers on one port: both fields are marked and name each other, nothing is saved."""
    running = start(main=SOURCE)
    page = browse(running)
    go(page, "settings/modbus_rtu_tcp")
    page.check("[data-path='modbus_rtu_tcp.enabled']")
    page.fill("[data-path='modbus_rtu_tcp.port']", str(running.modbus))
    page.click("#save")
    page.wait_for_selector("[data-path='modbus_rtu_tcp.port'][aria-invalid=true]")
    go(page, "settings/modbus_rtu_tcp")
    field = page.locator("[data-path='modbus_rtu_tcp.port']")
    told = " ".join(page.inner_text(f"#{name}") for name in field.get_attribute("aria-describedby").split())
    assert "modbus_tcp.port" in told
    assert "modbus_rtu_tcp" not in (running.folder / "han2x.toml").read_text()


def test_broken_file_is_told_and_replaced(start: Start, browse: Open) -> None:
    """A settings file that became broken: the banner names file and line; replacing it ends the banner."""
    running = start(main=SOURCE)
    page = browse(running)
    file = running.folder / "han2x.toml"
    until = time.monotonic() + 60
    while not (running.folder / "state" / "settings.good.toml").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    running.stop()
    good = file.read_text()
    file.write_text(good + "\n[modbus_tcp\n")
    running.start()
    page.goto(running.url)
    banner = page.wait_for_selector("#broken:visible")
    line = good.count("\n") + 2
    assert str(line) in banner.inner_text()
    page.on("dialog", lambda dialog: dialog.accept())
    _replace(page)
    page.wait_for_selector("#broken", state="hidden")
    assert "[modbus_tcp\n" not in file.read_text()
    assert (running.folder / "han2x.toml.broken-1").read_text().endswith("[modbus_tcp\n")


def _replace(page: Any) -> None:
    page.click("#broken button")
    if page.locator("dialog[open]").count():
        page.click("dialog[open] button:not(.quiet)")
