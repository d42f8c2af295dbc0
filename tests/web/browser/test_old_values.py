"""Nothing that is older than its limit looks live, whatever fails and whenever it fails.

A cover of the pages and the ways between them, with the gateway gone at each moment; `walk_old_values` goes
all of them. Then a frozen gateway, a stalled line, refusals, damaged events, renderers that throw, sleep.
One browser lives through it all, so each test also begins where another one's trouble has ended.
"""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from . import past
from .ages import LATE_S, LIMIT_S, VALUES, Device, depart, device, kill, load, stream
from .between import Between
from .conftest import Line, Running, Start, go, sync_api

PRICES = "[prices]\nenabled = true\n"


@pytest.fixture(scope="module")
def home(start: Start, line: Any, browser: Any) -> Running:
    """A gateway with prices, a meter that never sleeps and has a past, and one that was never received."""

    def prepare(state: Path) -> None:
        past.write(state / "history.sqlite", "main", int(time.time()), days=3)
        file = state.parent / "han2x.toml"
        file.write_text(file.read_text().replace("fuse_a = 40\n", "fuse_a = 40\ntariff = 'elvia'\n"))

    silent: Line = line(b"")
    source = "simulate:kaifa?start=2026-01-15T17:00:00Z"
    return start(main=source, mute=silent.source, more=PRICES, before=prepare)


@pytest.fixture(scope="module")
def between(home: Running) -> Between:
    """What the browser takes for the gateway."""
    return Between(home.web)


@pytest.fixture(scope="module")
def seen(home: Running, between: Between) -> Running:
    """The gateway as the browser reaches it."""
    return Running(home.folder, between.port, home.modbus)


@pytest.fixture(scope="module")
def living(browser: Any, seen: Running) -> Iterator[Device]:
    """The browser that lives through all tests."""
    one = device(browser, seen)
    yield one
    one.page.context.close()


@pytest.fixture
def one(living: Device, seen: Running) -> Device:
    """The browser at the first page, with nothing in its way."""
    living.page.unroute_all()
    living.errors.clear()
    if living.name() != "now":
        go(living.page, "now")
    living.fresh("now")
    return living


def test_page_grows_old_when_its_gateway_is_killed(one: Device, home: Running) -> None:
    """All values dim, the lamps go out and the banner comes; all is fresh when the gateway is back."""
    kill(home)
    one.page.wait_for_selector("text=No contact with the gateway")
    assert one.page.locator(".lamp.lit").count() == 0
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []
    home.start()
    one.later(3)
    one.fresh("now")
    assert one.errors == []


PAGES = tuple(VALUES)
MOMENTS = ("before", "request", "after")
WAYS = [
    (begin, PAGES[(number + 1) % len(PAGES)], MOMENTS[number % len(MOMENTS)])
    for number, begin in enumerate(PAGES)
]
"""Each page is left once and entered once; each moment comes more than once."""


def test_gateway_goes_on_the_way_to_another_page(one: Device, between: Between) -> None:
    """Gone before the click, while the page asks or when it is there: no old value looks live, on no page."""
    for begin, end, moment in WAYS:
        go(one.page, begin)
        one.fresh(begin)
        go_on = depart(one, end, moment)
        between.cut()
        go_on()
        one.later(LIMIT_S + LATE_S)
        assert one.alive() == [], (begin, end, moment)
        between.mend()
        one.later(6)
        one.fresh(end)
    assert one.errors == []


def test_gateway_goes_while_the_module_of_a_page_comes(one: Device, seen: Running, between: Between) -> None:
    """The page before dims where it stands; the next one is shown when its module can be had."""
    load(one, seen, held="cost")
    one.fresh("now")
    go_on = depart(one, "cost", "import")
    between.cut()
    go_on()
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []
    between.mend()
    one.later(6)
    one.fresh("cost")
    assert one.errors == []


def test_a_page_whose_module_does_not_come_leaves_the_one_before_at_work(one: Device, seen: Running) -> None:
    """Its module refused, the page before goes on and says so; when the module comes, the page is shown."""
    page = one.page
    page.route("**/js/pages/history.js", lambda route: route.fulfill(status=500))
    load(one, seen)
    one.fresh("now")
    page.evaluate("location.hash = '#/history'")
    page.wait_for_selector("text=“History” could not be opened")
    _another_telegram(one)
    assert one.name() == "now"
    page.unroute("**/js/pages/history.js")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("main[data-page=history]")


def _another_telegram(one: Device, act: Any = lambda: None) -> None:
    """Waits until the page says another moment for the last telegram than before `act`."""
    received = one.page.inner_text(".facts div:has-text('Last telegram') dd")
    act()
    one.page.wait_for_function(
        "before => ![...document.querySelectorAll('.facts dd')].some(one => one.textContent === before)",
        arg=received,
    )


def test_frozen_gateway_is_no_live_gateway(one: Device, home: Running) -> None:
    """A stopped process takes connections and says nothing: all dims, and is fresh soon after it goes on."""
    assert home.program
    home.program.send_signal(signal.SIGSTOP)
    try:
        one.later(LIMIT_S + LATE_S)
        assert one.alive() == []
        go(one.page, "modbus")
        one.later(LIMIT_S + LATE_S)
        assert one.alive() == []
        one.page.wait_for_selector("main .banner.bad:has-text('cannot be reached')")
    finally:
        home.program.send_signal(signal.SIGCONT)
    one.later(LIMIT_S)
    one.fresh("modbus")


def test_time_on_a_stalled_line_counts(one: Device, between: Between) -> None:
    """What a proxy held back for 20 s is 20 s old when it comes; held back longer, all is old meanwhile."""

    def stall() -> None:
        between.flowing.clear()
        one.page.wait_for_timeout(3000)
        one.later(20)
        between.flowing.set()

    _another_telegram(one, stall)
    assert (one.age() or 99) >= 20
    between.flowing.clear()
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []
    between.flowing.set()
    one.later(3)
    one.fresh("now")


def test_refused_requests_say_so_and_their_values_grow_old(one: Device) -> None:
    """While requests are answered with 500, what is shown of them dims and says why; other values live on."""
    go(one.page, "modbus")
    one.fresh("modbus")
    one.page.route(
        "**/v1/modbus/registers/*", lambda route: route.fulfill(status=500, json={"error": "internal"})
    )
    one.page.wait_for_selector("text=Not refreshed: Something went wrong in the gateway")
    one.later(LIMIT_S + LATE_S)
    one.page.wait_for_selector(".lamp.lit")
    assert "tbody td b >> nth=0" not in one.alive()
    one.page.unroute("**/v1/modbus/registers/*")
    one.later(11)
    one.fresh("modbus")


@pytest.mark.parametrize(("name", "path"), [("system", "**/v1/system"), ("cost", "**/v1/prices*")])
def test_a_request_that_failed_is_made_again_soon(one: Device, name: str, path: str) -> None:
    """While the gateway is there, a page or a part of it that got no answer comes by itself."""
    one.page.route(path, lambda route: route.abort(), times=1)
    go(one.page, name)
    one.page.wait_for_selector("text=The gateway cannot be reached")
    one.later(11)
    one.fresh(name)
    assert one.page.locator("text=The gateway cannot be reached").count() == 0


BROKEN = {
    "no JSON": '{"id": "main", "name": "main", "net_power": 1',
    "null": "null",
    "no values": '{"id": "main", "name": "main", "age_s": 1, "net_power": 12345}',
}
NO_AGE = {
    "no age": '{"id": "main", "name": "main", "net_power": 12345, "values": {}, "estimates": {}}',
    "text": '{"id": "main", "name": "main", "age_s": "x", "net_power": 12345, "values": {}, "estimates": {}}',
    "NaN": '{"id": "main", "name": "main", "age_s": {}, "net_power": 12345, "values": {}, "estimates": {}}',
}


def connect(page: Any, *, until: str) -> None:
    """Connects anew, and again where another attempt was under way: its timers stand still here."""
    for _ in range(10):
        page.evaluate("dispatchEvent(new Event('online'))")
        with suppress(sync_api.TimeoutError):
            if until:
                page.wait_for_selector(until, timeout=2_000)
            return
    raise AssertionError(f"never: {until}")


def test_damaged_events_leave_nothing_alive(one: Device) -> None:
    """An event that cannot be read or drawn is told; without an age nothing is fresh."""
    session = one.page.evaluate("fetch('v1/session').then(one => one.json())")
    hello = {**session, "now": "2026-01-15T17:00:00Z"}
    for data in (*BROKEN.values(), *NO_AGE.values()):
        one.page.evaluate("document.getElementById('failed')?.remove()")  # of the one before
        stream(one.page, ("hello", hello), ("meter", data))
        connect(one.page, until="#failed button" if data in BROKEN.values() else "")
        one.later(LIMIT_S + LATE_S)
        assert [part for part in one.alive() if part not in ("POWER", "no banner")] == [], data
    one.page.unroute_all()
    one.later(3)
    one.fresh("now")


def test_renderer_that_throws_stops_no_dimming(one: Device) -> None:
    """Nothing can be drawn: the page says so, and every value dims though its events go on."""
    one.page.evaluate(NO_NUMBERS)
    one.page.wait_for_selector("#failed:has-text('no numbers')")
    one.later(LIMIT_S + LATE_S)
    assert [part for part in one.alive() if part not in ("HAN", "POWER", "no banner")] == []
    assert one.errors
    one.page.evaluate("Object.defineProperty(Intl.NumberFormat.prototype, 'format', window.kept)")
    one.fresh("now")


NO_NUMBERS = """{
  const all = Intl.NumberFormat.prototype;
  window.kept = Object.getOwnPropertyDescriptor(all, "format");
  Object.defineProperty(all, "format", { configurable: true, get() { throw new Error("no numbers"); } });
}"""


def _set_wall_clock(one: Device, ms: int) -> None:
    one.page.evaluate("ms => { const was = window.was ??= Date.now; Date.now = () => was() + ms; }", arg=ms)


def test_a_device_that_slept_shows_nothing_old_as_new(one: Device) -> None:
    """Where the monotonic clock stood still in sleep, the wall clock tells: all is old, then renewed."""
    one.page.route("**/v1/events*", lambda route: None)
    _set_wall_clock(one, 3_600_000)
    one.page.wait_for_timeout(1500)
    assert [part for part in one.alive() if part != "no banner"] == []
    assert "60 min" in one.page.inner_text("#age")
    one.page.unroute("**/v1/events*")
    one.later(LIMIT_S)
    one.fresh("now")


def test_clock_set_back_makes_nothing_younger(one: Device, between: Between) -> None:
    """Ages go by the monotonic clock when the wall clock is set back by a day."""
    between.cut()
    _set_wall_clock(one, -86_400_000)
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []
    between.mend()
    _set_wall_clock(one, 0)
    one.later(6)


@pytest.mark.parametrize("name", ["now", "settings"])
def test_updated_gateway_has_the_page_loaded_again(one: Device, name: str) -> None:
    """A gateway with other files: the page loads itself again, or offers that where somebody types."""
    go(one.page, name)
    one.page.evaluate("window.stayed = true")
    session = one.page.evaluate("fetch('v1/session').then(one => one.json())")
    stream(one.page, ("hello", {**session, "build": "another", "now": "2026-01-15T17:00:00Z"}))
    one.page.evaluate("dispatchEvent(new Event('online'))")
    if name == "settings":
        one.page.wait_for_selector("text=The gateway has been updated")
        assert one.page.evaluate("window.stayed")
        one.page.unroute("**/v1/events*")
        one.page.get_by_role("button", name="Load again").click()
    one.page.wait_for_function("() => !window.stayed")


def test_killed_while_the_page_loads(browser: Any, living: Device, seen: Running) -> None:
    """A gateway that goes away in the middle of the first load: the page says so, and loads itself later."""
    kept = living.page.context.storage_state()
    context = browser.new_context(storage_state=kept, locale="nb-NO", service_workers="block")
    page = context.new_page()
    page.clock.install()
    page.route("**/js/frame.js", lambda route: route.abort())
    page.goto(f"{seen.url}#/now")
    page.wait_for_selector("#failed:has-text('Enheten kan ikke nås')")
    page.unroute("**/js/frame.js")
    page.clock.fast_forward(5_000)
    page.wait_for_selector("main[data-page=now]")
    context.close()


def test_meter_never_received_has_no_zeros(one: Device) -> None:
    """Dashes and the reason, never a zero or “no errors”; nothing of the other meter stays."""
    page = one.page
    page.select_option("header.head select", "mute")
    for name in ("now", "cost", "signal", "history"):
        go(page, name)
        page.wait_for_selector("main .page > *")
        page.wait_for_timeout(300)
        text = page.inner_text("main")
        zeros = [line for line in text.splitlines() if re.search(r"(^|[\s(])0([.,]0+)?(\s|$)", line)]
        assert zeros == [], name
        assert not re.search("no errors|Infinity|∞|NaN|undefined", text, re.IGNORECASE)
        assert page.locator(".lamp.lit", has_text="HAN").count() == 0
    page.select_option("header.head select", "main")
