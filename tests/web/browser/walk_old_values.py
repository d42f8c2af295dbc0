"""Every way from page to page, the gateway killed at every moment of it.

Run as `python -m tests.web.browser.walk_old_values`.

It takes minutes, so it is no part of the suite. It ends with status 1 and a line for each moment at which
something older than its limit looked live, or after which the page did not come back by itself.
"""

import sys
import tempfile
import time
from itertools import permutations
from pathlib import Path
from typing import Any

from ...ports import free_port
from . import past
from .ages import LATE_S, LIMIT_S, VALUES, depart, device, kill
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


def walk(browser: Any, running: Running, login: Any, begin: str, ends: list[tuple[str, str]]) -> list[str]:
    """Ways from one page, all at the same time: the gateway is killed and started once."""
    ways, faults = [], []
    for end, moment in ends:
        one = device(browser, running, login, held=end if moment == "import" and end != "now" else "")
        go(one.page, begin)
        one.fresh(begin)
        ways.append((end, moment, one, depart(one, end, moment)))
    kill(running)
    for end, moment, one, go_on in ways:
        go_on()
        one.later(LIMIT_S + LATE_S)
        faults += [f"{begin} to {end}, {moment}: {part} looks live" for part in one.alive()]
    running.start()
    for end, moment, one, _ in ways:
        one.later(6)
        try:
            one.fresh(end)
        except (AssertionError, sync_api.Error) as error:
            faults.append(f"{begin} to {end}, {moment}: did not come back: {str(error).splitlines()[0]}")
        faults += [f"{begin} to {end}, {moment}: {error}" for error in one.errors]
        one.page.context.close()
    return faults


def main() -> int:
    """Walk; the number of faults decides the status."""
    with tempfile.TemporaryDirectory() as folder, sync_api.sync_playwright() as playwright:
        running = gateway(Path(folder))
        arguments = ["--no-sandbox"] if Path("/").owner() == "root" else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        first = device(browser, running)
        login = first.page.context.storage_state()
        first.page.context.close()
        faults, count = [], 0
        for begin, end in permutations(VALUES, 2):
            found = walk(browser, running, login, begin, [(end, moment) for moment in MOMENTS])
            count += len(MOMENTS)
            print(f"{begin} to {end}: {len(found)} faults", *found, sep="\n  ", flush=True)
            faults += found
        running.stop()
        print(f"{count} ways and moments, {len(faults)} faults")
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
