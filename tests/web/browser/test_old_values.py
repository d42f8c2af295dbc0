"""Nothing that is older than its limit looks live, whatever fails and whenever it fails.

A cover of the pages and the ways between them, with the gateway killed at each moment; `walk_old_values` goes
all of them. Then a frozen gateway, a stalled line, refusals, damaged events, renderers that throw, sleep.
"""

import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from . import past
from .ages import LATE_S, LIMIT_S, Device, depart, device, kill, stream
from .conftest import Line, Open, Running, Start, go, sync_api

PRICES = "[prices]\nenabled = true\n"
TARIFF = "fuse_a = 40\ntariff = 'elvia'\n"


@pytest.fixture(scope="module")
def home(start: Start, browser: Any) -> Running:
    """A gateway with a meter that never sleeps, and a past."""

    def remember(state: Path) -> None:
        past.write(state / "history.sqlite", "main", int(time.time()), days=3)

    return start(main="simulate:kaifa?start=2026-01-15T17:00:00Z", before=remember)


@pytest.fixture
def devices(browser: Any, home: Running) -> Iterator[list[Device]]:
    """Browsers at the same gateway, closed at the end; the gateway runs again then."""
    opened: list[Device] = []
    yield opened
    for one in opened:
        one.page.context.close()
    if home.program is None or home.program.poll() is not None:
        home.start()


@pytest.fixture(scope="module")
def login(browser: Any, home: Running) -> Any:
    first = device(browser, home)
    kept = first.page.context.storage_state()
    first.page.context.close()
    return kept


PAGES = ("now", "history", "signal", "modbus")
"""The other pages are where the ways begin and end."""


def test_page_grows_old_when_its_gateway_is_killed(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """All values dim, the lamps go out and the banner comes; all is fresh when the gateway is back."""
    for name in PAGES:
        devices.append(one := device(browser, home, login))
        go(one.page, name)
    for name, one in zip(PAGES, devices, strict=True):
        one.fresh(name)
    kill(home)
    for one in devices:
        one.page.wait_for_selector("text=No contact with the gateway")
        assert one.page.locator(".lamp.lit").count() == 0
        one.later(LIMIT_S + LATE_S)
    assert {one.name(): one.alive() for one in devices} == {name: [] for name in PAGES}
    home.start()
    for name, one in zip(PAGES, devices, strict=True):
        one.later(3)
        one.fresh(name)
        assert one.errors == []


WAYS = (
    ("mqtt", "history", "before"),
    ("system", "cost", "import"),
    ("cost", "mqtt", "request"),
)


def test_gateway_killed_on_the_way_to_another_page(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """Killed before the click, while the module comes or while the page asks: no old value looks live."""
    held = []
    for begin, end, moment in WAYS:
        devices.append(one := device(browser, home, login, held=end if moment == "import" else ""))
        go(one.page, begin)
        one.fresh(begin)
        held.append(depart(one, end, moment))
    kill(home)
    for (_, _, moment), one, set_out in zip(WAYS, devices, held, strict=True):
        set_out()
        one.later(LIMIT_S + LATE_S)
        assert one.alive() == [], moment
    home.start()
    for (_, end, _), one in zip(WAYS, devices, strict=True):
        one.later(6)
        one.fresh(end)
        assert one.errors == []


def test_a_page_whose_module_does_not_come_leaves_the_one_before_at_work(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """Its module refused, the page before goes on and says so; when the module comes, the page is shown."""
    context = browser.new_context(storage_state=login, locale="en-GB", service_workers="block")
    page = context.new_page()
    devices.append(Device(page))
    page.route("**/js/pages/history.js", lambda route: route.fulfill(status=500))
    page.goto(f"{home.url}#/now")
    page.wait_for_selector("#net-power:not(:text('–'))")
    page.evaluate("location.hash = '#/history'")
    page.wait_for_selector("text=“History” could not be opened")
    received = page.inner_text(".facts div:has-text('Last telegram') dd")
    page.wait_for_function(
        "before => ![...document.querySelectorAll('.facts dd')].some(one => one.textContent === before)",
        arg=received,
    )
    assert devices[-1].name() == "now"
    page.unroute("**/js/pages/history.js")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector("main[data-page=history]")


def test_frozen_gateway_is_no_live_gateway(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """A stopped process takes connections and says nothing: all dims, and is fresh soon after it goes on."""
    devices.append(one := device(browser, home, login))
    one.fresh("now")
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


class Stalling:
    """A proxy that holds back what the gateway says while `stalled`, and hands it on later."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.flowing = threading.Event()
        self.flowing.set()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self.flowing.set()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            gateway = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._pour, args=(peer, gateway, False), daemon=True).start()
            threading.Thread(target=self._pour, args=(gateway, peer, True), daemon=True).start()

    def _pour(self, source: socket.socket, sink: socket.socket, held: bool) -> None:
        try:
            while data := source.recv(65536):
                if held:
                    self.flowing.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def stalling(home: Running) -> Iterator[Stalling]:
    one = Stalling(home.web)
    yield one
    one.close()


def test_time_on_a_stalled_line_counts(
    browser: Any, home: Running, stalling: Stalling, devices: list[Device]
) -> None:
    """What a proxy held back for 20 s is 20 s old when it comes; held back longer, all is old meanwhile."""
    through = Running(home.folder, stalling.port, home.modbus)
    devices.append(one := device(browser, through))
    one.fresh("now")
    received = one.page.inner_text(".facts div:has-text('Last telegram') dd")
    stalling.flowing.clear()
    one.page.wait_for_timeout(3000)
    one.later(20)
    stalling.flowing.set()
    one.page.wait_for_function(
        "before => ![...document.querySelectorAll('.facts dd')].some(one => one.textContent === before)",
        arg=received,
    )
    assert (one.age() or 99) >= 20
    stalling.flowing.clear()
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []
    stalling.flowing.set()
    one.later(3)
    one.fresh("now")


def test_refused_requests_say_so_and_their_values_grow_old(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """While requests are answered with 500, what is shown of them dims and says why; other values live on."""
    devices.append(one := device(browser, home, login))
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


def test_damaged_events_leave_nothing_alive(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """An event that cannot be read or drawn is told; without an age nothing is fresh."""
    devices.append(one := device(browser, home, login))
    one.fresh("now")
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


def test_renderer_that_throws_stops_no_dimming(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """From now on nothing can be drawn: the page says so, and every value dims though its events go on."""
    devices.append(one := device(browser, home, login))
    one.fresh("now")
    one.page.evaluate(
        "Object.defineProperty(Intl.NumberFormat.prototype, 'format', "
        "{get() { throw new Error('no numbers'); }})"
    )
    one.page.wait_for_selector("#failed:has-text('no numbers')")
    one.later(LIMIT_S + LATE_S)
    assert [part for part in one.alive() if part not in ("HAN", "POWER", "no banner")] == []
    assert one.errors


def test_a_device_that_slept_shows_nothing_old_as_new(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """Where the monotonic clock stood still in sleep, the wall clock tells: all is old, then renewed."""
    devices.append(one := device(browser, home, login))
    one.fresh("now")
    one.page.route("**/v1/events*", lambda route: None)
    one.page.evaluate("{ const was = Date.now; Date.now = () => was() + 3_600_000; }")
    one.page.wait_for_timeout(1500)
    assert [part for part in one.alive() if part != "no banner"] == []
    assert "60 min" in one.page.inner_text("#age")
    one.page.unroute("**/v1/events*")
    one.later(LIMIT_S)
    one.fresh("now")


def test_clock_set_back_makes_nothing_younger(
    browser: Any, home: Running, login: Any, devices: list[Device]
) -> None:
    """Ages go by the monotonic clock when the wall clock is set back by a day."""
    devices.append(one := device(browser, home, login))
    one.fresh("now")
    kill(home)
    one.page.evaluate("{ const was = Date.now; Date.now = () => was() - 86_400_000; }")
    one.later(LIMIT_S + LATE_S)
    assert one.alive() == []


@pytest.mark.parametrize("name", ["now", "settings"])
def test_updated_gateway_has_the_page_loaded_again(
    browser: Any, home: Running, login: Any, devices: list[Device], name: str
) -> None:
    """A gateway with other files: the page loads itself again, or offers that where somebody types."""
    devices.append(one := device(browser, home, login))
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


def test_killed_while_the_page_loads(browser: Any, home: Running, login: Any, devices: list[Device]) -> None:
    """A gateway that goes away in the middle of the first load: the page says so, and loads itself later."""
    context = browser.new_context(storage_state=login, locale="nb-NO", service_workers="block")
    page = context.new_page()
    devices.append(Device(page))
    page.route("**/js/frame.js", lambda route: route.abort())
    page.goto(f"{home.url}#/now")
    page.wait_for_selector("#failed:has-text('Enheten kan ikke nås')")
    page.unroute("**/js/frame.js")
    page.wait_for_selector("main[data-page=now]")


@pytest.fixture(scope="module")
def mute(start: Start, line: Any, browser: Any) -> Running:
    """A gateway whose meter was never received, with prices and a tariff."""
    silent: Line = line(b"")

    def choose(state: Path) -> None:
        file = state.parent / "han2x.toml"
        file.write_text(file.read_text().replace("fuse_a = 40\n", TARIFF))

    return start(main=silent.source, more=PRICES, before=choose)


def test_meter_never_received_has_no_zeros(mute: Running, browse: Open) -> None:
    """Dashes and the reason, never a zero, a sum of nothing or “no errors”."""
    page = browse(mute)
    for name in ("now", "cost", "signal", "history"):
        go(page, name)
        page.wait_for_selector("main .page > *")
        page.wait_for_timeout(300)
        text = page.inner_text("main")
        zeros = [line for line in text.splitlines() if re.search(r"(^|[\s(])0([.,]0+)?(\s|$)", line)]
        assert zeros == [], name
        assert not re.search("no errors|Infinity|∞|NaN|undefined", text, re.IGNORECASE)
        assert page.locator(".lamp.lit", has_text="HAN").count() == 0
