"""Copies this gateway's own history to a database; what it has not got waits in the history file."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..runtime.outbox import POSTGRES, take_over
from ..settings.database import Postgres

if TYPE_CHECKING:
    from .database import Database


async def run(section: Postgres, gateway: Gateway, name: str) -> None:
    """Copy until cancelled; raises `Trouble` when the database cannot be reached, or is lost."""
    database = await opened(section)
    try:
        gateway.report(name, Condition.OK, _told(gateway, database))
        await take_over(gateway, POSTGRES, database.take)
    finally:
        await database.close()


async def opened(section: Postgres) -> "Database":
    """A connection; psycopg is imported in a thread, when it is first wanted. Raises `Trouble`."""
    module = await asyncio.to_thread(import_module, "han2x.postgres.database")
    database: Database = await module.connect(section)
    return database


def _told(gateway: Gateway, database: "Database") -> str:
    if not gateway.settings.value.history.enabled:
        return f"connected to {database.peer}; nothing is copied, as none is kept: enable [history]"
    return f"connected to {database.peer}"
