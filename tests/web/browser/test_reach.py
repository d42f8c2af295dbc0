"""Settings that could shut their user out, contradict each other, or cannot be read: what the page does."""

import time
from pathlib import Path
from typing import Any

import pytest

from ...ports import free_port
from .conftest import Open, Running, Start, answers, enter, go

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


def said_beside(page: Any, path: str) -> str:
    """What a person reads beside the field of a setting, which is marked and can be seen."""
    field = page.wait_for_selector(f"[data-path='{path}'][aria-invalid=true]")
    assert field.is_visible()
    words = [page.locator(f"#{name}") for name in field.get_attribute("aria-describedby").split()]
    return " ".join(one.inner_text() for one in words if one.is_visible())


CONTRADICTIONS = {
    "two servers on one port": (
        {"modbus_rtu_tcp.enabled": "on", "modbus_rtu_tcp.port": "{modbus}"},
        {
            "modbus_rtu_tcp.port": (
                "TCP port {modbus} is also used by modbus_tcp.port. Change one of them.",
                "TCP-port {modbus} brukes også av modbus_tcp.port. Endre en av dem.",
            )
        },
    ),
    "the page on the port of Modbus": (
        {"web.port": "{modbus}"},
        {
            "web.port": (
                "TCP port {modbus} is also used by modbus_tcp.port. Change one of them.",
                "TCP-port {modbus} brukes også av modbus_tcp.port. Endre en av dem.",
            )
        },
    ),
    "a tariff that there is not": (
        {"meters.0.tariff": "nowhere-nett"},
        {
            "meters.0.tariff": (
                "There is no tariff “nowhere-nett”.",
                "Det finnes ingen tariff «nowhere-nett».",
            )
        },
    ),
    "one unit id twice": (
        {"meters.1.unit_id": "1"},
        {
            "meters.1.unit_id": (
                "Unit id 1 of meter “cabin” is also unit_id of meter “main”. Change one of them.",
                "Enhets-ID 1 hos måleren «cabin» er også unit_id hos måleren «main». Endre en av dem.",
            )
        },
    ),
}


@pytest.fixture(scope="module")
def two(start: Start) -> Running:
    """A gateway with two meters."""
    return start(main=SOURCE, cabin=SOURCE)


@pytest.mark.parametrize("language", ["en-GB", "nb-NO"])
def test_what_contradicts_is_said_beside_the_field(two: Running, browse: Open, language: str) -> None:
    """Servers on one port, an unknown tariff, a unit id twice: a sentence there, and nothing is saved."""
    page = browse(two, language=language)
    before = (two.folder / "han2x.toml").read_text()
    for case, (changes, wanted) in CONTRADICTIONS.items():
        go(page, "more")
        go(page, f"settings/{next(iter(changes)).partition('.')[0]}")
        page.wait_for_selector(f"[data-path='{next(iter(changes))}']")
        for path, value in changes.items():
            field = page.locator(f"[data-path='{path}']")
            field.check() if value == "on" else field.fill(value.format(modbus=two.modbus))
        page.click("#save")
        for path, texts in wanted.items():
            text = texts[language == "nb-NO"].format(modbus=two.modbus)
            assert text in said_beside(page, path), case
    assert (two.folder / "han2x.toml").read_text() == before


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("en-GB", "The first password was shown when han2x first started"),
        ("nb-NO", "Det første passordet ble vist da han2x startet første gang"),
    ],
)
def test_newcomer_is_told_where_the_first_password_is(
    start: Start, browse: Open, language: str, hint: str
) -> None:
    """Without the default password: the log-in says where the drawn one is, and that one lets in."""

    def drawn_only(state: Path) -> None:
        file = state.parent / "han2x.toml"
        file.write_text(file.read_text().replace("[web]", "[web]\nmanual_default = false"))

    running = start(main=SOURCE, before=drawn_only)
    page = browse(running, language=language, log_in=False)
    page.wait_for_selector("form.login")
    told = page.inner_text("form.login")
    assert hint in told
    assert "initial-password" in told
    assert "vari" not in told
    enter(page, password=(running.folder / "state" / "initial-password").read_text().strip())
    page.wait_for_selector("main[data-page]")


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
