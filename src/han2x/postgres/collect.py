"""A worker of a fleet: takes what gateways publish of their histories to the database, and keeps nothing.

A message is acknowledged when its records are committed. So whatever ends a worker, the broker still has
what it had not written, and hands it out again; a record that is written twice is the same record. When
either side fails both connections are given up, and the service starts anew after its pause.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from ..model.record import NotRecords, Record, records
from ..runtime.broker import Broker, Mail, connect
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import Collecting, Mqtt
from .service import opened

if TYPE_CHECKING:
    from .database import Database

log = logging.getLogger("han2x")


QUIET_S = 3.0
"""A session from which nothing has come for so long is empty."""


async def run(section: Collecting, gateway: Gateway, name: str) -> None:
    """Collect until cancelled; raises `Trouble` when the broker or the database is lost."""
    async with _connected(section) as worker:
        await worker.broker.subscribed(_filter(section))
        text = f"from {worker.broker.peer} to {worker.database.peer}"
        gateway.report(name, Condition.OK, text)
        log.info("%s: %s as %s", name, text, _name(section))
        while True:
            await worker.write(await worker.broker.mail())


async def leave(section: Collecting) -> None:
    """Take no more of the work, write what the broker still has for this worker, and have it forget us.

    Raises `Trouble`; then nothing is lost, and it may be tried again.
    """
    async with _connected(section) as worker:
        await worker.broker.unsubscribed(_filter(section))
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(QUIET_S):
                    mail = await worker.broker.mail()
                await worker.write(mail)
        worker.broker.end_session()


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
    """What goes from one broker to one database; `_spoilt`: messages that held no records."""

    def __init__(self, database: "Database", broker: Broker) -> None:
        self.database, self.broker = database, broker
        self._spoilt = 0

    async def write(self, mail: Sequence[Mail]) -> None:
        """Write what has come in one transaction, then acknowledge it."""
        found = [record for one in mail for record in self._records(one)]
        if found:
            await self.database.write(found)
        for one in mail:
            self.broker.acknowledge(one)

    def _records(self, mail: Mail) -> list[Record]:
        """The records of a message; one that holds none never will, and is left."""
        try:
            return records(mail.payload)
        except NotRecords as error:
            self._spoilt += 1
            if self._spoilt & (self._spoilt - 1) == 0:  # ever more rarely: nobody fills the log
                text = "collect: %d messages held no history, the last was to %r: %s"
                log.warning(text, self._spoilt, mail.topic, str(error))
            return []
