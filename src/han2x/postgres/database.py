"""A connection to the database: open from its connect to its first error, never connected again.

psycopg works on the loop, so that whatever the server does can be cancelled at any moment. A batch is one
statement for each of its tables, with each column as one array.

What the server will never take, as a constraint or a trigger of its own forbids it, holds up nothing: a batch
that is refused is halved until what is refused is alone, which is set aside in a table of its own.
"""

import base64
import json
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ..model.record import RESOLUTIONS, Record, newest, texts
from ..runtime.gateway import Trouble
from ..settings.database import Postgres
from . import database_errors, tables
from .tables import Refused

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    raise Trouble(database_errors.MISSING) from None

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


NEVER = ("22", "23", "44", "P0")
"""Classes of SQLSTATE that tell of the data: exceptions, constraints, a view's check, raised by a trigger."""


class Forbidden(Trouble):
    """The server will never take this data; it fares well otherwise."""


STRANGE_MAX = 10_000
"""Rows of what is no history: enough to see what it is, for whoever sends it to fill no disk."""


class Database:
    """An open connection; `peer` names it for people. Methods raise `Trouble`; then only `close` is left."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", prefix: str, peer: str) -> None:
        self._connection, self._prefix, self.peer = connection, prefix, peer
        self._refused = 0

    async def write(self, records: Iterable[Record]) -> None:
        """Write records, all or nothing; they are on the server's disk when this returns.

        Raises `Forbidden` where it is the data that the server does not take.
        """
        found = newest(records)
        try:
            async with self._connection.transaction():
                await self._execute(tables.writing_meters(self._prefix), _meters(found))
                for resolution, some in groupby(found, lambda record: record.resolution):
                    rows = ((one.meter, one.start, one.version, *one.values) for one in some)
                    columns = [_array(column) for column in zip(*rows, strict=True)]
                    await self._connection.execute(tables.writing(self._prefix, resolution), columns)
        except psycopg.Error as error:
            raise _trouble(self.peer, error) from None

    async def take(self, records: Iterable[Record]) -> int:
        """Write records but those that the server does not take: they are set aside, and counted."""
        refused = await self._parted(newest(records))
        if refused and not await self._set_aside(refused, None):
            for one in refused:  # then the log is the only place that is left
                log.error("postgres: cannot set aside what is refused, %s: %s", *one[::2])
        if refused:
            self._warn(refused)
        return len(refused)

    async def _parted(self, records: Sequence[Record]) -> list[Refused]:
        """Write all that can be written; returns the rest."""
        try:
            await self.write(records)
        except Forbidden as error:
            if len(records) == 1:
                return [_refused(records[0], str(error))]
            half = len(records) // 2
            return await self._parted(records[:half]) + await self._parted(records[half:])
        return []

    async def set_aside(self, refused: Sequence[Refused]) -> None:
        """Keep what strangers sent for people to look at, as far as there are room and a right to."""
        await self._set_aside(refused, STRANGE_MAX)

    def _warn(self, refused: Sequence[Refused]) -> None:
        before, self._refused = self._refused, self._refused + len(refused)
        if before.bit_length() < self._refused.bit_length():  # ever more rarely: nobody fills the log
            text = "postgres: %d records are refused and set aside, the last of %s: %s"
            log.warning(text, self._refused, refused[-1].origin, refused[-1].why)

    async def _set_aside(self, refused: Sequence[Refused], most: int | None) -> bool:
        rows = [(origin, why, base64.b64encode(content).decode()) for origin, why, content in refused]
        name = tables.refused(self._prefix)
        try:
            async with self._connection.transaction():
                if not await self._one("SELECT to_regclass(%s) IS NOT NULL", name):
                    await self._one("SELECT pg_advisory_xact_lock(%s)", ONE_AT_A_TIME)
                    await self._connection.execute(tables.creating_refused(self._prefix))
                await self._execute(tables.refusing(self._prefix, most), rows)
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.Error as error:
            raise _trouble(self.peer, error) from None
        return True

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
        raise Trouble(database_errors.NO_DSN) from None
    peer = database_errors.peer(parts)
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
    state = getattr(error, "sqlstate", None)
    text = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    kind = Forbidden if state and state[:2] in NEVER else Trouble
    return kind(database_errors.sentence(peer, state, text or str(error)))


def _refused(record: Record, why: str) -> Refused:
    origin = f"meter {record.meter}, {record.resolution} of {record.start}"
    return Refused(origin, why, next(texts([record]))[2].encode())


def _array(column: Iterable[int | None]) -> str:
    """A column as PostgreSQL writes an array of whole numbers."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


def _meters(records: Sequence[Record]) -> list[object]:
    newest_last = sorted(records, key=lambda record: record.version)
    names = {record.meter: record.label or record.name for record in newest_last}
    return [{"number": number, "name": name} for number, name in names.items()]
