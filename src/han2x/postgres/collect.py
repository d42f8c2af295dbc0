"""A worker of a fleet: takes what gateways publish of their histories to the database, and keeps nothing.

A message is acknowledged when its records are committed. So whatever ends a worker, the broker still has
what it had not written, and hands it out again; a record that is written twice is the same record. When
either side fails both connections are given up, and the service starts anew after its pause.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence
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
            while True:
                await _write(database, broker, await broker.mail())
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


async def _write(database: "Database", broker: Broker, mail: Sequence[Mail]) -> None:
    """Write what has come in one transaction, then acknowledge it."""
    found = [record for one in mail for record in _records(one)]
    if found:
        await database.write(found)
    for one in mail:
        broker.acknowledge(one)


def _records(mail: Mail) -> Iterator[Record]:
    """The records of a message; one that holds none is said so of, and left: it would never hold any."""
    try:
        yield from records(mail.payload)
    except NotRecords as error:
        log.warning("collect: a message to %s holds no history: %s", mail.topic, error)
