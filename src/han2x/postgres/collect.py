"""A worker of a fleet: takes what gateways publish of their histories to the database, and keeps nothing.

A message is acknowledged when its records are committed. So whatever ends a worker, the broker still has
what it had not written, and hands it out again; a record that is written twice is the same record. When
either side fails both connections are given up, and the service starts anew after its pause.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..model.record import NotRecords, records
from ..runtime.broker import Broker, connect
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.inbox import Keep, Mail
from ..settings.broker import Mqtt
from ..settings.schema import Collecting
from .service import opened
from .tables import Refused

if TYPE_CHECKING:
    from .database import Database

log = logging.getLogger("han2x")


QUIET_S = 2.0
"""A session from which nothing has come for so long is empty, if the broker answers then."""


class Left(NamedTuple):
    """What a worker that has left did with what waited for it."""

    messages: int
    spoilt: int
    """Messages that held no history."""
    refused: int
    """Records that the database refused."""


async def run(section: Collecting, gateway: Gateway, name: str) -> None:
    """Collect until cancelled; raises `Trouble` when the broker or the database is lost."""
    async with _connected(section) as worker:
        subscribing = worker.broker.subscribed(_filter(section), Keep.ALL)
        if not worker.broker.resumed:  # else it is subscribed, and the answer may come behind a long backlog
            await worker.until(subscribing)
        text = f"from {worker.broker.peer} to {worker.database.peer}"
        gateway.report(name, Condition.OK, text)
        worker.tell = lambda why: gateway.report(name, Condition.OK, f"{text}; {why}")
        worker.broker.on_refused = worker.say
        log.info("%s: %s as %s", name, text, _name(section))
        if worker.broker.resumed:
            await worker.until(subscribing)
        await worker.until(worker.broker.lost())


async def leave(section: Collecting) -> Left:
    """Take no more of the work, write what the broker still has for this worker, and have it forget us.

    Raises `Trouble`; then nothing is lost, and it may be tried again.
    """
    async with _connected(section) as worker:
        await worker.until(worker.broker.unsubscribed(_filter(section)))
        taken = -1
        while taken != worker.taken:
            taken = worker.taken
            await worker.until(asyncio.sleep(QUIET_S))
            await worker.until(worker.broker.unsubscribed(_filter(section)))  # it is there, and has no more
        worker.broker.end_session()
        return Left(worker.taken, worker.spoilt, worker.refused)


@contextlib.asynccontextmanager
async def _connected(section: Collecting) -> AsyncIterator["_Worker"]:
    entry = _broker(section)
    database = await opened(section.postgres)  # first: nothing is taken that cannot be written
    try:
        client_id = f"{section.collect.group}-collect-{_name(section)}"
        broker = await connect(entry, client_id=client_id, session=True)
        try:
            yield _Worker(database, broker)
        finally:
            await asyncio.shield(broker.close())
    finally:
        with contextlib.suppress(Exception):
            await database.close()


def _name(section: Collecting) -> str:
    return section.collect.worker or socket.gethostname()


def _filter(section: Collecting) -> str:
    return f"$share/{section.collect.group}/{section.collect.topic}"


def _broker(section: Collecting) -> Mqtt:
    name = section.collect.broker
    if section.broker is None:
        raise Trouble(f"the settings have no [[mqtt]] named {name!r}: add it, or correct broker in [collect]")
    if section.broker.protocol != "5":
        raise Trouble(f"shared subscriptions are of MQTT 5: set protocol of [[mqtt]] {name!r} to it")
    return section.broker


class _Worker:
    """What goes from one broker to one database; it counts what it has taken."""

    def __init__(self, database: "Database", broker: Broker) -> None:
        self.database, self.broker = database, broker
        self.taken = self.spoilt = self.refused = 0
        self.tell: Callable[[str], None] = lambda _: None

    async def until(self, asked: Coroutine[None, None, None]) -> None:
        """Write what comes until something else is done: a broker's answer may come behind much."""
        done = asyncio.create_task(asked)
        try:
            while not done.done():
                arrived = asyncio.create_task(self.broker.arrived())
                try:
                    await asyncio.wait((done, arrived), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    arrived.cancel()
                if arrived.done():
                    arrived.result()
                    await self._write(self.broker.mail())
        finally:
            done.cancel()
        done.result()

    async def _write(self, mail: Sequence[Mail]) -> None:
        """Write what has come in one transaction, then acknowledge it."""
        found, strange = [], []
        for one in mail:
            try:
                found += records(one.payload)
            except NotRecords as error:  # it never will hold any
                strange.append(Refused(one.topic, str(error), one.payload))
        if found:
            self.refused += await self.database.take(found)
        if strange:
            await self.database.set_aside(strange)
            self._warn(strange)
        self.broker.acknowledge(mail)
        self.taken += len(mail)

    def _warn(self, strange: Sequence[Refused]) -> None:
        before, self.spoilt = self.spoilt, self.spoilt + len(strange)
        if before.bit_length() < self.spoilt.bit_length():  # ever more rarely: nobody fills the log
            last = strange[-1]
            self.say(f"{self.spoilt} messages held no history, the last was to {last.origin!r}: {last.why}")

    def say(self, why: str) -> None:
        """Say in log and health what was refused."""
        log.warning("collect: %s", why)
        self.tell(why)
