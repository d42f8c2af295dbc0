"""A connection to the database: open from its connect to its first error, never connected again.

psycopg works on the loop, so that whatever the server does can be cancelled at any moment. A batch is one
statement for each of its tables, with the rows as one text that the server takes apart.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ..model.record import RESOLUTIONS, Record, newest
from ..runtime.gateway import Trouble
from ..settings.database import Postgres
from . import tables, words

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    raise Trouble(words.MISSING) from None

log = logging.getLogger("han2x")

MANNERS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "han2x",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server that has vanished is noticed within half a minute; what dsn says goes before."""

ONE_AT_A_TIME = 0x68326E78
"""The lock under which tables are made: workers may start together."""


class Database:
    """An open connection; `peer` names it for people. Methods raise `Trouble`; then only `close` is left."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", prefix: str, peer: str) -> None:
        self._connection, self._prefix, self.peer = connection, prefix, peer

    async def write(self, records: Iterable[Record]) -> None:
        """Write records, all or nothing; they are on the server's disk when this returns."""
        found = newest(records)
        try:
            async with self._connection.transaction():
                await self._execute(tables.writing_meters(self._prefix), _meters(found))
                for resolution, some in groupby(found, lambda record: record.resolution):
                    rows = [[one.meter, one.start, one.version, *one.values] for one in some]
                    await self._execute(tables.writing(self._prefix, resolution), rows)
        except psycopg.Error as error:
            raise _trouble(self.peer, error) from None

    async def prepare(self) -> None:
        """Make the tables that are missing."""
        try:
            await self._connection.execute("SET statement_timeout = '60s'")
            await self._connection.execute("SET synchronous_commit = on")
            version = await self._version()
            if version > tables.VERSION:
                raise Trouble(f"the tables in {self.peer} are of a newer han2x: install that")
            if version < tables.VERSION:
                await self._create()
        except psycopg.Error as error:
            raise _trouble(self.peer, error) from None

    async def close(self) -> None:
        """Let go of the server."""
        await self._connection.close()

    async def _version(self) -> int:
        """Of the tables; 0 if there are none."""
        name = f"{self._prefix}schema"
        if not await self._one("SELECT to_regclass(%s) IS NOT NULL", name):
            return 0
        return int(await self._one(f"SELECT coalesce(max(version), 0) FROM {name}") or 0)

    async def _create(self) -> None:
        async with self._connection.transaction():
            await self._one("SELECT pg_advisory_xact_lock(%s)", ONE_AT_A_TIME)
            if await self._version() >= tables.VERSION:
                return
            for statement in tables.creating(self._prefix):
                await self._connection.execute(statement)
            if await self._one("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"):
                await self._cut_up()

    async def _cut_up(self) -> None:
        """Have TimescaleDB store the tables; where it cannot they stay as they are, which works as well."""
        for resolution in RESOLUTIONS:
            try:
                async with self._connection.transaction():
                    await self._connection.execute(tables.hypertable(self._prefix, resolution))
            except psycopg.Error as error:
                log.warning("postgres: %s stays a plain table: %s", tables.TABLES[resolution], error)

    async def _one(self, statement: str, *values: object) -> Any:
        cursor = await self._connection.execute(statement, values or None)
        row = await cursor.fetchone()
        return row[0] if row else None

    async def _execute(self, statement: str, rows: Sequence[object]) -> None:
        await self._connection.execute(statement, (json.dumps(rows, separators=(",", ":")),))


async def connect(section: Postgres) -> Database:
    """An open connection to a database with its tables; raises `Trouble` with what is in the way."""
    try:
        parts = conninfo_to_dict(section.dsn)
    except psycopg.Error:  # its text may show the password
        raise Trouble(words.NO_DSN) from None
    peer = words.peer(parts)
    try:
        settings = {**MANNERS, **parts}
        connection = await psycopg.AsyncConnection.connect(
            **settings, autocommit=True, prepare_threshold=None
        )
    except (psycopg.Error, OSError) as error:
        raise _trouble(peer, error) from None
    database = Database(connection, section.prefix, peer)
    try:
        await database.prepare()
    except BaseException:
        await database.close()
        raise
    return database


def _trouble(peer: str, error: Exception) -> Trouble:
    text = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return Trouble(words.sentence(peer, getattr(error, "sqlstate", None), text or str(error)))


def _meters(records: Sequence[Record]) -> list[object]:
    newest_last = sorted(records, key=lambda record: record.version)
    names = {record.meter: record.name for record in newest_last}
    return [{"number": number, "name": name} for number, name in names.items()]
