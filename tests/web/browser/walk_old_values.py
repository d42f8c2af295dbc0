"""Every way from page to page, the gateway killed at every moment of it.

Run as `python -m tests.web.browser.walk_old_values`.

It takes minutes, so it is no part of the suite. It ends with status 1 and a line for each moment at which
something older than its limit looked live, or after which the page did not come back by itself.
"""

import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

from ...ports import free_port
from . import past
from .ages import LATE_S, LIMIT_S, VALUES, Device, depart, device, kill
from .conftest import CHROMIUM, Running, go, sync_api

MOMENTS = ("before", "import", "request", "after")
SETTINGS = """[[meters]]
name = "main"
source = "simulate:kaifa?start=2026-01-15T17:00:00Z"
[modbus_tcp]
host = "127.0.0.1"
port = {modbus}
[web]
host = "127.0.0.1"
port = {web}
[prices]
enabled = true
"""


def gateway(folder: Path) -> Running:
    """A gateway with a past."""
    running = Running(folder, free_port(), free_port())
    (folder / "state").mkdir()
    (folder / "han2x.toml").write_text(SETTINGS.format(modbus=running.modbus, web=running.web))
    past.write(folder / "state" / "history.sqlite", "main", int(time.time()), days=3)
    running.start()
    return running


OLD = """() => [...document.querySelectorAll(".stale, .complaint, #failed")]
  .filter((one) => one.offsetParent)
  .map((one) => `${one.className}: ${one.innerText.slice(0, 60)}`)"""
"""What of a page is not fresh, or says why."""


class Walk:
    """All ways from a page are walked at the same time: the gateway is killed and started once a page.

    Who has walked one way walks the next; only a module that shall not come needs a new one.
    """

    def __init__(self, browser: Any, running: Running) -> None:
        self._browser, self._running = browser, running
        first = device(browser, running)
        self._login = first.page.context.storage_state()
        self._free = [first]
        self.faults: list[str] = []

    def from_page(self, begin: str) -> int:
        """Every way from a page; returns how many there were."""
        ways = []
        for end, moment in product([one for one in VALUES if one != begin], MOMENTS):
            one = self._taken(begin, held=end if moment == "import" else "")
            go(one.page, begin)
            one.fresh(begin)
            ways.append((f"{begin} to {end}, {moment}", end, one, depart(one, end, moment)))
        kill(self._running)
        for way, _, one, go_on in ways:
            go_on()
            one.later(LIMIT_S + LATE_S)
            self.faults += [f"{way}: {part} looks live" for part in one.alive()]
        self._running.start()
        for way, end, one, _ in ways:
            self._back(way, end, one)
        return len(ways)

    def _taken(self, begin: str, held: str) -> Device:
        if held or not self._free:
            return device(self._browser, self._running, self._login, held=held, at=begin)
        return self._free.pop()

    def _back(self, way: str, end: str, one: Device) -> None:
        one.later(6)
        try:
            one.fresh(end)
        except (AssertionError, sync_api.Error) as error:
            why = f"{str(error).splitlines()[0]} {one.page.evaluate(OLD)}"
            self.faults.append(f"{way}: did not come back: {why}")
        self.faults += [f"{way}: {error}" for error in one.errors]
        one.page.context.close() if "import" in way or one.errors else self._free.append(one)


def main() -> int:
    """Walk; the number of faults decides the status."""
    with tempfile.TemporaryDirectory() as folder, sync_api.sync_playwright() as playwright:
        running = gateway(Path(folder))
        arguments = ["--no-sandbox"] if Path("/").owner() == "root" else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        walk, count = Walk(browser, running), 0
        try:
            for begin in VALUES:
                known = len(walk.faults)
                count += walk.from_page(begin)
                print(f"from {begin}:", *walk.faults[known:] or ["no fault"], sep="\n  ", flush=True)
        finally:
            running.stop()
        print(f"{count} ways and moments, {len(walk.faults)} faults")
        return 1 if walk.faults else 0


if __name__ == "__main__":
    sys.exit(main())
