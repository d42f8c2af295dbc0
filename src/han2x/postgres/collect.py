"""A worker of a fleet: takes what gateways publish of their histories to the database, and keeps nothing.

A message is acknowledged when its records are committed. So whatever ends a worker, the broker still has
what it had not written, and hands it out again; a record that is written twice is the same record. When
either side fails both connections are given up, and the service starts anew after its pause.
"""

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

from ..model.record import NotRecords, Record, records
from ..runtime.broker import Broker, Mail, connect
from ..runtime.gateway import Condition, Gateway, Trouble
from ..settings.schema import Collecting, Mqtt
from .service import opened

if TYPE_CHECKING:
    from .database import Database

log = logging.getLogger("han2x")


async def run(section: Collecting, gateway: Gateway, name: str) -> None:
    """Collect until cancelled; raises `Trouble` when the broker or the database is lost."""
    entry = _broker(section)
    database = await opened(section.postgres)  # first: nothing is taken that cannot be written
    try:
        worker = section.collect.worker or socket.gethostname()
        group = section.collect.group
        broker = await connect(entry, client_id=f"{group}-collect-{worker}", session=True)
        try:
            await broker.subscribed(f"$share/{group}/{section.collect.topic}")
            gateway.report(name, Condition.OK, f"from {broker.peer} to {database.peer}")
            log.info("%s: from %s to %s as %s", name, broker.peer, database.peer, worker)
            await _Worker(database, broker).work()
        finally:
            await asyncio.shield(broker.close())
    finally:
        with contextlib.suppress(Exception):
            await database.close()


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
        self._database, self._broker = database, broker
        self._spoilt = 0

    async def work(self) -> None:
        """Write what comes, each lot in one transaction, then acknowledge it; for ever."""
        while True:
            mail = await self._broker.mail()
            found = [record for one in mail for record in self._records(one)]
            if found:
                await self._database.write(found)
            for one in mail:
                self._broker.acknowledge(one)

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
