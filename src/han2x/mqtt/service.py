"""Publishing at one broker: from its connection to its loss, after which the service is started anew.

What a telegram makes due is published in the turn that brought it, if there is room. Each meter has one small
task for the rest: it waits for room, says what the newest snapshot makes due, and waits until more is. So a
broker that is slow gets fewer messages, never old ones, and holds up nobody else.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from ..model.instant import Instant
from ..model.telegram import Telegram
from ..model.view import View
from ..runtime.broker import Broker, connect
from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.inbox import Keep
from ..runtime.message import Message
from ..runtime.outbox import history_target
from ..runtime.providers import Published
from ..settings.broker import Mqtt
from ..settings.schema import Meter, Publishing
from ..tariff import price_feed
from . import discovery, history
from .announced_entities import Memory
from .objects import METER_STATUS, OFFLINE, ONLINE, STATUS
from .plan import Plan

log = logging.getLogger("han2x.mqtt")

SETTLE_S = 2.0
"""Home Assistant listens to a new entity's topic a moment after it was told of it (appliance sheet, 10)."""

BIRTH_S = (0.5, 3.0)
"""Not every gateway at once when Home Assistant comes up."""

RAW = "telegram"

SHOWN = 1000
"""Topics whose last message is kept for who wants to see it."""


async def run(section: Publishing, gateway: Gateway, name: str) -> None:
    """Publish until cancelled; raises `Trouble` when the broker cannot be reached, or is lost."""
    topics = {meter: topic or default_topic(gateway, meter) for meter, topic in section.meters}
    first, main_topic = next(iter(topics.items()))
    status = f"{main_topic}/{STATUS}"
    entry = section.broker
    client_id = entry.client_id or f"han2x-{gateway.number(first)}"
    offline = _says(status, OFFLINE)
    memory = Memory(_memory_file(gateway, entry), gateway.damaged)  # a damaged one is said without a broker
    broker = await connect(entry, client_id=client_id, will=offline)
    try:
        publisher = _Publisher(section, gateway, broker, status, memory, name)
        broker.on_refused = partial(publisher.note, "refused")
        publisher.note("refused", "")
        gateway.providers.messages[entry.id] = publisher
        broker.publish(_says(status, ONLINE))
        await _serve(publisher, topics)
    finally:
        gateway.providers.messages.pop(entry.id, None)
        silent = [_says(f"{topic}/{METER_STATUS}", OFFLINE) for topic in topics.values()]
        await asyncio.shield(broker.close(*silent, offline))


def _says(topic: str, text: str) -> Message:
    return Message(topic, text.encode(), 1, True)


def default_topic(gateway: Gateway, meter: str) -> str:
    """The manual's main topic (row M32)."""
    return f"HAN2X_{gateway.number(meter)}"


async def _serve(publisher: "_Publisher", topics: dict[str, str]) -> None:
    await publisher.take_back(topics)
    tellers = [_Teller(publisher, meter, topic) for meter, topic in topics.items()]
    publisher.follow(tellers)
    tasks = [asyncio.create_task(teller.run()) for teller in tellers]
    tasks.append(asyncio.create_task(publisher.broker.lost()))
    tasks.append(asyncio.create_task(publisher.mail(tellers)))
    if publisher.entry.history != "off":
        gateway = publisher.gateway
        passing_on = history.PassingOn(
            gateway,
            publisher.broker,
            lambda meter: topics.get(meter) or default_topic(gateway, meter),
            partial(publisher.note, "history"),
        )
        tasks.append(asyncio.create_task(passing_on.run(history_target(publisher.entry))))
    try:
        await asyncio.gather(*tasks)
    finally:
        for teller in tellers:
            teller.stop()
        for task in tasks:
            task.cancel()


class _Publisher:
    """What the meters of one broker share."""

    def __init__(
        self,
        section: Publishing,
        gateway: Gateway,
        broker: Broker,
        status: str,
        memory: Memory,
        service: str,
    ) -> None:
        self.entry: Mqtt = section.broker
        self.gateway, self.broker, self.status = gateway, broker, status
        self.zone = ZoneInfo(section.time_zone)
        self.plural = len(section.meters) > 1
        self.memory = memory
        self._saving = asyncio.Lock()
        self._service, self._notes = service, dict[str, str]()
        self._last: dict[str, Published] = {}
        self._tellers: list[_Teller] = []
        self._repeating: asyncio.TimerHandle | None = None

    def note(self, what: str, text: str) -> None:
        """Say in health how something fares beside the connection; "" for well."""
        if text and self._notes.get(what) != text:  # whoever sends it for ever must not fill the log
            log.warning("%s: %s", self._service, text)
        self._notes[what] = text
        parts = (f"connected to {self.broker.peer}", *filter(None, self._notes.values()))
        self.gateway.report(self._service, Condition.OK, "; ".join(parts))

    def published(self) -> Sequence[Published]:
        """The last message of each topic, of `SHOWN` topics at most."""
        return list(self._last.values())

    def announced(self) -> Sequence[str]:
        """Where Home Assistant was told of each meter."""
        return [due.topic for one in self.memory.announced.values() for due in discovery.again(one)]

    def again(self) -> None:
        """Say everything again, and announce it."""
        for teller in self._tellers:
            teller.repeat(everything=True)

    def send(self, messages: Sequence[Message]) -> None:
        """Publish in this order."""
        self.broker.publish_all(messages)
        now_ms = self.gateway.now().unix_ms
        for topic, payload, _, retain in messages:
            if topic in self._last or len(self._last) < SHOWN:
                self._last[topic] = Published(topic, payload, now_ms, retain)

    def follow(self, tellers: "list[_Teller]") -> None:
        """Those that say everything again when they are asked to."""
        self._tellers = tellers

    async def take_back(self, topics: dict[str, str]) -> None:
        """Take back what was announced of meters that are gone, or of all if discovery is off."""
        wanted = self.entry.discovery != "off"
        numbers = {self.gateway.number(meter) for meter in topics} if wanted else set()
        for number, announced in list(self.memory.announced.items()):
            if number not in numbers:
                await self.broker.room()
                self.send(discovery.change(announced, None))
                self.memory.set(number, None)
                await self.save()

    async def save(self) -> None:
        """Remember what was announced; without a disk it is remembered until the process ends."""
        async with self._saving:
            try:
                await asyncio.to_thread(self.memory.save)
            except OSError as error:
                log.warning("what was announced to Home Assistant cannot be stored: %s", error.strerror)

    async def mail(self, tellers: "list[_Teller]") -> None:
        """Take in what others publish: that Home Assistant has come up, and spot prices."""
        birth, prices = f"{self.entry.discovery_prefix}/status", self.entry.prices_topic
        if self.entry.discovery != "off":
            self.broker.subscribe(birth, Keep.NEWEST)
        if prices:
            self.broker.subscribe(prices, Keep.ALL)  # a day each
        while True:
            mail = await self.broker.receive()
            if mail.topic == prices:
                await self._take_prices(mail.payload)
            elif mail.payload == ONLINE.encode():
                self._repeat_soon(tellers)

    def _repeat_soon(self, tellers: "list[_Teller]") -> None:
        """After a pause that holds up nothing else; births within it are one."""
        if self._repeating is None:

            def repeat() -> None:
                self._repeating = None
                for teller in tellers:
                    teller.repeat()

            self._repeating = asyncio.get_running_loop().call_later(random.uniform(*BIRTH_S), repeat)

    async def _take_prices(self, payload: bytes) -> None:
        """Spot prices for the accounts; a message that is none is said, and changes nothing."""
        try:
            await self.gateway.accounts.feed(lambda: price_feed.rows(payload.decode()))
        except ValueError as error:  # what is no text, no list of prices, or contradicts itself
            self.note("prices", f"prices from {self.entry.prices_topic} are refused: {error}")
        else:
            self.note("prices", "")


def _memory_file(gateway: Gateway, broker: Mqtt) -> Path | None:
    return gateway.state_dir / f"mqtt-{broker.id}.json" if gateway.state_dir else None


def _device_name(name: str, *, shown: bool) -> str:
    """What Home Assistant calls a meter; the only one needs a name only when it was given one."""
    return f"Electricity meter {name}" if shown else "Electricity meter"


class _Teller:
    """One meter at one broker."""

    def __init__(self, publisher: _Publisher, meter: str, main_topic: str) -> None:
        self._publisher, self._meter, self._main_topic = publisher, meter, main_topic
        self._gateway = publisher.gateway
        self._plan = Plan(publisher.entry, main_topic, publisher.zone)
        self._cell = publisher.gateway.snapshot(meter)
        self._number = publisher.gateway.number(meter)
        self._announce_again = True  # the broker may be another, or have lost what it kept
        self._settled_at: float | None = None
        self._said: tuple[View, Instant] | Exception | None = None
        self._woken = asyncio.Event()
        self._called = self._settings().name
        self._stops = [
            self._cell.watch(self._tell),
            publisher.gateway.box.watch(self._tell),
            publisher.gateway.settings.watch(self._rename),
        ]
        if publisher.entry.raw != "off":
            self._stops.append(publisher.gateway.telegram(meter).watch(self._pass_on))

    def stop(self) -> None:
        """Follow the meter no more."""
        for stop in self._stops:
            stop()

    def repeat(self, *, everything: bool = False) -> None:
        """Announce the meter again, and then say again what Home Assistant reads, or all there is."""
        if everything:
            self._plan.forget()
        self._announce_again = True
        self._woken.set()

    async def run(self) -> None:
        """Publish what is due, for ever; raises `Trouble` when the broker is lost."""
        loop = asyncio.get_running_loop()
        while True:
            await self._publisher.broker.room()
            self._woken.clear()
            if self._settled_at is not None and loop.time() >= self._settled_at:
                self._settled_at, self._said = None, None
                self._plan.repeat()
            said, self._said = self._said or self._say(), None
            if isinstance(said, Exception):
                raise said
            view, now = said
            wait_s = self._plan.wait_ms(view, now) / 1000
            if await self._announce(view):
                self._settled_at = loop.time() + SETTLE_S
            if self._settled_at is not None:
                wait_s = min(wait_s, self._settled_at - loop.time())
            await self._wait(wait_s)

    def _tell(self, _: object) -> None:
        """Publish in the turn that brought news, if there is room; what goes wrong is not the bringer's."""
        if self._publisher.broker.has_room:
            try:
                self._said = self._say()
            except Exception as error:
                self._said = error
        self._woken.set()

    def _rename(self, _: object) -> None:
        """Have the meter announced by its new name, and nothing else sent."""
        called = self._settings().name
        if called != self._called:
            self._called = called
            self._woken.set()

    def _say(self) -> tuple[View, Instant]:
        now = self._gateway.now()
        view = self._gateway.view(self._settings(), now)
        for part in self._plan.parts(view, now):
            self._publisher.send(part)
        return view, now

    def _settings(self) -> Meter:
        meters = self._gateway.settings.value.meters
        return next((meter for meter in meters if meter.id == self._meter), Meter(id=self._meter))

    async def _announce(self, view: View) -> bool:
        """Announce the meter if it, or what it sends, is not what was announced; whether it was done."""
        publisher = self._publisher
        again, self._announce_again = self._announce_again, False
        if publisher.entry.discovery == "off":
            return False
        before = publisher.memory.announced.get(self._number)
        if before is None and not view.vendor:  # nobody knows yet what it is
            return False
        after = discovery.announce(
            before,
            view,
            publisher.entry,
            number=self._number,
            main_topic=self._main_topic,
            status_topic=publisher.status,
            label=_device_name(self._called, shown=publisher.plural or self._called != self._meter),
            entity_stem=_device_name(self._meter, shown=publisher.plural),
        )
        if before == after and not again:
            return False
        publisher.send(discovery.again(after) if before == after else discovery.change(before, after))
        if before != after:
            publisher.memory.set(self._number, after)
            await publisher.save()
        return True

    async def _wait(self, seconds: float) -> None:
        """Until the next telegram, or so long."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(max(seconds, 0.0), self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()

    def _pass_on(self, telegram: Telegram | None) -> None:
        """Publish a telegram as it came; one that there is no room for is not kept."""
        broker = self._publisher.broker
        if telegram is not None and telegram.whole and broker.has_room:
            hex_wanted = self._publisher.entry.raw == "hex"
            payload = telegram.octets.hex().encode() if hex_wanted else telegram.octets
            broker.publish(Message(f"{self._main_topic}/{RAW}", payload))
