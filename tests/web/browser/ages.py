"""A page whose clock a test moves, and what of it looks live; for `test_old_values` and `walk_old_values`.

The clock is Playwright's: it runs as time does, and `later` lets seconds pass at once for `Date`,
`performance` and all timers of the page. What looks live is found by what a person sees, not by what the
page knows.
"""

import json
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .conftest import DESKTOP, SOON_MS, Running, enter

LIMIT_S = 30
LATE_S = 5
"""How long after its limit a value may look live."""

BRIGHTENING_S = 5
"""How long a value takes at most to lose its dimming, which is a transition, on a busy machine."""

VALUES = {
    "now": ("#net-power", ".phases .amps >> nth=0"),
    "history": (".plot", "#summary"),
    "cost": (".card >> nth=0 >> .stack", ".card >> nth=1 >> .stack"),
    "signal": ("#verdict", ".facts", "table >> nth=0", ".telegrams"),
    "modbus": (".card >> nth=0 >> .stack", "tbody td b >> nth=0"),
    "mqtt": (".card >> nth=0 >> .note",),
    "system": (".facts", ".card >> nth=1 >> table", ".log"),
}
"""What each page shows of the gateway, at least."""

DIMMED = """element => {
  let opacity = 1;
  for (let at = element; at && at.nodeType === 1; at = at.parentElement)
    opacity *= Number(getComputedStyle(at).opacity);
  return opacity < 0.7;
}"""


@dataclass
class Device:
    """One browser with one tab."""

    page: Any
    errors: list[str] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)

    def later(self, seconds: float) -> None:
        """So much time passes at once."""
        self.page.clock.fast_forward(round(seconds * 1000))
        self.page.wait_for_timeout(50)

    def name(self) -> str:
        """The page that is shown."""
        return str(self.page.get_attribute("main", "data-page"))

    def alive(self) -> list[str]:
        """What of the page that is shown looks live."""
        shown = [part for part in VALUES.get(self.name(), ()) if self._bright(part)]
        lit = [text.split()[0] for text in self.page.locator(".lamp.lit").all_inner_texts()]
        contact = [] if self.page.locator("text=No contact with the gateway").is_visible() else ["no banner"]
        return shown + lit + contact

    def age(self) -> int | None:
        """How many seconds old the power says it is, None where it says that it is old."""
        found = re.fullmatch(r"(\d+).s ago", self.page.inner_text("#age"))
        return int(found[1]) if found else None

    def fresh(self, name: str) -> None:
        """Waits until a page is there with all its values."""
        page = self.page
        page.wait_for_selector(f"main[data-page={name}]")
        for part in VALUES.get(name, ()):
            page.wait_for_selector(f"main {part}")
        page.wait_for_function(
            "() => document.querySelector('.lamp.lit') && !document.body.classList.contains('lost') && "
            "![...document.querySelectorAll('[data-watched]:not(.lamp, .banner)')]"
            ".some(one => one.offsetParent && one.matches('.stale') && !one.matches('.facts *'))"
        )
        for part in VALUES.get(name, ()):
            brightens = time.monotonic() + BRIGHTENING_S
            while not self._bright(part):
                assert time.monotonic() < brightens, f"{name} shows {part} as old"
                page.wait_for_timeout(50)

    def _bright(self, part: str) -> bool:
        place = self.page.locator(f"main {part}").first
        if not place.count() or not place.is_visible() or place.inner_text() == "–":
            return False
        return not place.evaluate(DIMMED)


def device(browser: Any, running: Running, login: Any = None, *, held: str = "", at: str = "now") -> Device:
    """A browser at a gateway's page. `login`: what another one that is logged in keeps; else see `load`."""
    context = browser.new_context(
        storage_state=login, viewport=DESKTOP, locale="en-GB", service_workers="block"
    )
    page = context.new_page()
    page.set_default_timeout(SOON_MS)
    one = Device(page)
    page.on("pageerror", lambda error: one.errors.append(str(error)))
    page.clock.install()
    load(one, running, held=held, at=at, log_in=login is None)
    return one


def load(one: Device, running: Running, *, held: str = "", at: str = "now", log_in: bool = False) -> None:
    """Loads the page `at`; the module of the page `held` is asked for, and does not come."""
    if held:
        one.page.route(f"**/js/pages/{held}.js", lambda route: one.held.append(route))
    if one.page.url.startswith(running.url):
        one.page.goto("about:blank")  # where only what follows # is another, nothing is loaded
    one.page.goto(f"{running.url}#/{at}")
    if log_in:
        enter(one.page)
    one.page.wait_for_selector(f"main[data-page={at}]")


REQUESTS = "**/v1/**"


def depart(one: Device, end: str, moment: str) -> Callable[[], None]:
    """Sets out for a page up to a moment; returns what goes on after the gateway was killed."""
    page, held = one.page, one.held

    def free() -> None:
        for route in held:
            route.abort()
        held.clear()
        page.unroute_all()
        if moment == "before":
            page.evaluate("name => { location.hash = '#/' + name; }", end)
            page.wait_for_timeout(100)

    if moment == "request":
        page.route(REQUESTS, lambda route: held.append(route))
    if moment != "before":
        page.evaluate("name => { location.hash = '#/' + name; }", end)
    if moment == "after":
        page.wait_for_selector(f"main[data-page={end}]")
    return free


def kill(running: Running) -> None:
    """As a power cut: no farewell."""
    assert running.program
    running.program.send_signal(signal.SIGKILL)
    running.program.wait()


def events(*told: tuple[str, str]) -> str:
    """A stream of events with their data as it stands."""
    return "".join(f"event: {name}\ndata: {data}\n\n" for name, data in told)


def stream(page: Any, *told: tuple[str, Any]) -> None:
    """What the gateway pushes from now on; a `str` stands as it is."""
    written = [(name, data if isinstance(data, str) else json.dumps(data)) for name, data in told]
    answer = {"content_type": "text/event-stream", "body": events(*written)}
    page.route("**/v1/events*", lambda route: route.fulfill(**answer))
