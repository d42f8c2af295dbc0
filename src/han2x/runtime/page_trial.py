"""A change of how the page is reached is on trial: it is rolled back unless somebody confirms it from there.

Whichever way it is changed while the program runs (form, undo, restored file), the settings before are noted
in the state directory first. So neither a kill nor a power cut makes an unconfirmed change stay: the next
start rolls it back. A file edited by hand needs no confirmation.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..model.instant import Instant
from ..settings.amend import Refused, amend
from ..settings.page import Web
from ..settings.schema import Settings
from .files import replace as replace_file
from .stored_files import PAGE_TRIAL, Say, load

log = logging.getLogger("han2x")

NAME = "page-trial.json"
REACH = ("enabled", "host", "port", "allow", "tls", "cert_file", "key_file")
"""Settings of `[web]` that may cut off whoever changes them."""

Reach = dict[str, Any]


def reach(web: Web) -> Reach:
    """How the page is reached."""
    return {name: getattr(web, name) for name in REACH}


class PageTrial:
    """The trial of one gateway, if one is going on. `take`: puts settings in force. One event loop."""

    def __init__(
        self,
        settings: Settings,
        take: Callable[[Settings], object],
        now: Callable[[], Instant],
        folder: Path | None,
    ) -> None:
        self._settings, self._take, self._now = settings, take, now
        self._file = folder / NAME if folder else None
        self._before: Reach | None = None
        self._tried = settings.web
        self._ends: Instant | None = None
        self._timer: asyncio.TimerHandle | None = None

    def rest_s(self) -> int | None:
        """Seconds until the change is rolled back; None if nothing is on trial."""
        return max(0, self._ends.mono_ms - self._now().mono_ms) // 1000 if self._ends else None

    def trust(self, settings: Settings) -> None:
        """These settings need no confirmation."""
        self._settings = settings
        self._end()

    def changed(self, settings: Settings) -> None:
        """Other settings are in force: a watcher of them, called before anyone can store them."""
        before, self._settings = self._before or reach(self._settings.web), settings
        tried = reach(settings.web)
        if tried == before:
            if self._before is not None:
                self._end()
        elif self._before is None or tried != reach(self._tried):
            self._begin(settings, before)
        self._tried = settings.web

    def roll_back(self) -> None:
        """Put back how the page was reached before."""
        if self._before is not None:
            log.warning("nobody has confirmed how the page is reached: the change is rolled back")
            self._take(replace(self._settings, web=replace(self._settings.web, **self._before)))

    def _begin(self, settings: Settings, before: Reach) -> None:
        seconds = settings.network.trial_s
        self._stop()
        self._before, self._ends = before, self._now().plus_ms(seconds * 1000)
        self._note({"tried": reach(settings.web), "before": before})
        log.info("how the page is reached has changed: rolled back in %d s unless it is confirmed", seconds)
        try:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.roll_back)
        except RuntimeError:
            return  # nothing runs yet

    def _note(self, content: Reach) -> None:
        try:
            if self._file:
                replace_file(self._file, json.dumps(content))
        except OSError as error:
            log.warning("the trial of the page cannot be noted: %s", error.strerror or error)

    def _end(self) -> None:
        self._stop()
        if self._before is None and not (self._file and self._file.exists()):
            return
        self._before = self._ends = None
        try:
            if self._file:
                self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the trial of the page is still noted: %s", error.strerror or error)

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def rolled_back(settings: Settings, state_dir: Path | None, say: Say) -> dict[str, object]:
    """The changes that roll an unconfirmed setting back at a start; none without a sound note of one."""
    noted = load(state_dir / NAME if state_dir else None, PAGE_TRIAL, _noted, say)
    if not noted:
        return {}
    tried, before = noted
    if reach(settings.web) != tried or before.keys() != tried.keys():
        return {}
    changes: dict[str, object] = {f"web.{key}": value for key, value in before.items() if tried[key] != value}
    return {} if isinstance(amend(settings, changes), Refused) else changes


def _noted(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    kept = json.loads(content)
    return dict(kept["tried"]), dict(kept["before"])
