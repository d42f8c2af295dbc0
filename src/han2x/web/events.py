"""Live events to many pages (server-sent events): each meter is written down once a change.

A page has one place for each kind of event, and the newest takes it: a page that reads slowly gets fewer
events, never old ones, and grows by nothing. A meter that no page watches costs nothing.

The `id` of an event is the gateway's monotonic clock in ms when it was written down. So a page knows how long
it was on its way, whatever a proxy, a frozen process or a sleeping machine did to it meanwhile.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any

from .. import __version__
from ..model.view import FRESH_MS
from ..runtime.clients import Clients
from ..runtime.gateway import Gateway
from ..runtime.health import Condition, Health
from ..runtime.logbook import Line
from ..settings.identity import DEFAULT_NAME
from ..settings.schema import Settings
from . import live_shapes, shapes
from .meter import LAMP_MS, meter
from .permitted import shows_bytes
from .signal import Kept, telegram
from .times import iso

QUIET_S = 0.25
"""A meter is told of four times a second at most."""

LOOK_S = 10.0
CLIENTS_S = 5.0
SERVERS = ("modbus tcp", "modbus rtu", "modbus rtu over tcp")
OF_ROWS = {"meter": "meters", "energies": "meters", "mqtt": "mqtt"}
"""By first word of a service's name, the section whose row's id follows it."""
BEAT_S = 10.0
LINES = 50
"""Log lines that wait for a page at most."""


def event(name: str, data: Any, mono_ms: int) -> bytes:
    """An event with JSON data, written down at a moment of the gateway's monotonic clock."""
    return f"event: {name}\ndata: {dumps(data)}\nid: {mono_ms}\n\n".encode()


def dumps(data: Any) -> str:
    """JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Page:
    """One page that listens: what waits for it, the newest of each kind."""

    def __init__(
        self,
        meters: Collection[str],
        telegrams: Collection[str],
        *,
        log: bool,
        clients: bool = False,
        owner: bool = False,
    ) -> None:
        self.meters, self.telegrams = frozenset(meters), frozenset(telegrams)
        self.log, self.clients, self.owner = log, clients, owner
        self._waiting: dict[object, bytes] = {}
        self._lines = 0
        self._woken = asyncio.Event()
        self.ended = False

    def offer(self, key: object, data: bytes) -> None:
        """An event that takes the place of the one before it of the same key."""
        self._waiting[key] = data
        self._woken.set()

    def line(self, data: bytes) -> None:
        """A log line: all are wanted, but not more than `LINES` of them."""
        self._lines += 1
        self._waiting.pop(("line", self._lines - LINES), None)
        self.offer(("line", self._lines), data)

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._woken.set()

    async def next(self) -> bytes | None:
        """What waits; b"" when for long nothing has come, None at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._woken.wait()
        self._woken.clear()
        if self.ended:
            return None
        waiting, self._waiting = self._waiting, {}
        return b"".join(waiting.values())


class Hub:
    """All pages, and a small task for each meter that one of them watches.

    `build`: which files the page is made of.
    """

    def __init__(self, gateway: Gateway, version: Callable[[], int]) -> None:
        self._gateway, self._version = gateway, version
        self.build = ""
        self._pages: set[Page] = set()
        self._feeds: dict[str, _Feed] = {}
        self._stops: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._pages)

    async def listen(self, page: Page, holds: Callable[[], bool]) -> AsyncIterator[bytes]:
        """The events of a page, until it goes away, `holds` no more or the hub ends."""
        self._join(page)
        try:
            while holds() and (data := await page.next()) is not None:
                yield data or self._beat()
        finally:
            self._leave(page)

    def _beat(self) -> bytes:
        """That the line is alive; a page cannot see comments."""
        return self.event("beat", {"now": self._now()})

    def _now(self) -> str:
        """The time by the meters' clocks: what the page calls today."""
        return iso(self._gateway.local_time(self._gateway.now()).unix_ms)

    def event(self, name: str, data: Any) -> bytes:
        """An event of this moment."""
        return event(name, data, self._gateway.now().mono_ms)

    def end(self) -> None:
        """Send every page away."""
        for page in tuple(self._pages):
            page.end()

    def telegram(self, name: str, kept: Kept) -> None:
        """A telegram has come; it is explained if a page wants to see that."""
        settings = self._gateway.settings.value
        pages = [
            page
            for page in self._pages
            if name in page.telegrams and shows_bytes(settings, name, owner=page.owner)
        ]
        sources = self._gateway.providers.sources
        if pages and sources:
            data = self.event("telegram", {"meter": name, **telegram(kept, sources.explain(kept.octets))})
            for page in pages:
                page.offer(("telegram", name), data)

    def offer(self, key: str, data: bytes) -> None:
        """An event for every page."""
        for page in self._pages:
            page.offer(key, data)

    def watched_by(self, name: str) -> list[Page]:
        """The pages that watch a meter."""
        return [page for page in self._pages if name in page.meters]

    def _join(self, page: Page) -> None:
        gateway = self._gateway
        if not self._pages:
            self._begin()
        self._pages.add(page)
        hello = {"version": __version__, "build": self.build, "now": self._now()}
        page.offer("hello", self.event("hello", hello))
        page.offer("health", self.event("health", health(gateway)))
        page.offer("settings", self.event("settings", {"version": self._version()}))
        if page.clients:
            page.offer("clients", self.event("clients", servers(gateway)))
        known = {meter.id for meter in gateway.settings.value.meters}
        for name in page.meters & known:
            feed = self._feeds.get(name)
            if feed is None:
                feed = self._feeds[name] = _Feed(self, gateway, name)
            else:
                feed.tell(page)

    def _leave(self, page: Page) -> None:
        self._pages.discard(page)
        for name in [name for name in self._feeds if not self.watched_by(name)]:
            self._feeds.pop(name).stop()
        if not self._pages:
            for stop in self._stops:
                stop()
            self._stops.clear()

    def _begin(self) -> None:
        gateway, loop = self._gateway, asyncio.get_running_loop()
        beat = loop.create_task(self._look())
        self._stops = [
            gateway.health.watch(self._health),
            gateway.settings.watch(self._settings),
            gateway.logbook.watch(partial(_soon, loop, self._line)),
            partial(_cancel, beat),
        ]

    def _settings(self, _: object) -> None:
        self.offer("settings", self.event("settings", {"version": self._version()}))
        self._health(None)  # its labels are settings

    def _health(self, _: object) -> None:
        self.offer("health", self.event("health", health(self._gateway)))

    def _line(self, line: Line) -> None:
        data = self.event("log", {"at": iso(line.at_ms), "level": line.level, "text": line.text})
        for page in self._pages:
            if page.log:
                page.line(data)

    async def _look(self) -> None:
        """Who is connected is nowhere told: it is looked up every so often while a page wants to see it."""
        while True:
            await asyncio.sleep(CLIENTS_S)
            pages = [page for page in self._pages if page.clients]
            data = self.event("clients", servers(self._gateway)) if pages else b""
            for page in pages:
                page.offer("clients", data)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[[Line], None], line: Line) -> None:
    """From any thread; a loop that has ended wants nothing."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(work, line)


class _Feed:
    """One meter, for all pages that watch it."""

    def __init__(self, hub: Hub, gateway: Gateway, name: str) -> None:
        self._hub, self._gateway, self._name = hub, gateway, name
        self._verdict: object = gateway.diagnosis(name).value.verdict
        self._woken = asyncio.Event()
        self._number = gateway.number(name)
        self._stops = [
            gateway.snapshot(name).watch(lambda _: self._woken.set()),
            gateway.diagnosis(name).watch(lambda found: self._diagnosed(found.verdict)),
            gateway.settings.watch(lambda _: self._woken.set()),
        ]
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Nobody watches any more."""
        for stop in self._stops:
            stop()
        self._task.cancel()

    def _diagnosed(self, verdict: object) -> None:
        if verdict != self._verdict:
            self._verdict = verdict
            self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            wait_s = self._tell()
            await asyncio.sleep(QUIET_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    def _tell(self) -> float:
        """Tell the pages; after how long to do so again, if nothing comes."""
        data, age_ms = self._now()
        for page in self._hub.watched_by(self._name) if data else ():
            page.offer(("meter", self._name), data)
        ends = [end - age_ms for end in (FRESH_MS, LAMP_MS) if age_ms is not None]
        return min([LOOK_S, *((ms + 1) / 1000 for ms in ends if ms >= 0)])

    def tell(self, page: Page) -> None:
        """Tell one page that has come, as of now: what the others were told has grown old since."""
        page.offer(("meter", self._name), self._now()[0])

    def _now(self) -> tuple[bytes, int | None]:
        """The meter's event and its age in ms; nothing of a meter that is not in the settings any more."""
        settings = next((m for m in self._gateway.settings.value.meters if m.id == self._name), None)
        if settings is None:
            return b"", None
        now = self._gateway.now()
        view = self._gateway.view(settings, now)
        diagnosis = self._gateway.diagnosis(self._name).value
        shape = meter(settings, view, diagnosis, now, number=self._number)
        return event("meter", shape, now.mono_ms), view.age_ms


def health(gateway: Gateway) -> live_shapes.Health:
    """How all services fare."""
    settings = gateway.settings.value
    return {
        "services": [
            {
                "name": name,
                "label": _label(name, settings),
                "condition": one.condition.value,
                "text": one.text,
                "verdict": _verdict(name, one, gateway),
            }
            for name, one in gateway.health.value.items()
        ]
    }


def _verdict(service: str, health: Health, gateway: Gateway) -> str | None:
    """What is wrong with the source that a service reads, for a page to say in its own language."""
    kind, _, id = service.partition(" ")
    is_meter = kind == "meter" and any(one.id == id for one in gateway.settings.value.meters)
    failing = is_meter and health.condition is Condition.FAILING
    return gateway.diagnosis(id).value.verdict.value if failing else None


def _label(service: str, settings: Settings) -> str:
    """A service that is one of a meter or broker, by what people call that."""
    kind, _, id = service.partition(" ")
    rows = getattr(settings, OF_ROWS[kind]) if kind in OF_ROWS else ()
    named = (row for row in rows if row.id == (id or DEFAULT_NAME) != row.name)
    return next((f"{kind} {row.name}" for row in named), service)


def servers(gateway: Gateway) -> list[shapes.ServerShape]:
    """The Modbus servers, and who is connected to each."""
    return [
        _server(name, one, gateway.clients[name]() if name in gateway.clients else Clients())
        for name, one in gateway.health.value.items()
        if name in SERVERS
    ]


def _server(name: str, health: Health, clients: Clients) -> shapes.ServerShape:
    return {
        "name": name,
        "condition": health.condition.value,
        "text": health.text,
        "clients": [one._asdict() for one in clients.connected],  # type: ignore[misc]
        "refused": clients.refused,
    }
