"""The tables of the database and the statements that write them. Pure.

As in the history file: one row a period, whole numbers in fixed units, before the scale factor; views show
them as people read them. A record's key is its meter's number and its period's beginning; of two states of
a record the one with the higher version stays, in whatever order and how often they come.
"""

from typing import NamedTuple

from ..model.hour import Basis
from ..model.quantity import ENERGIES, Quantity
from ..model.record import COLUMNS, COUNTERS, DRIFTS, MEASURED, PHASE_MEANS, RESOLUTIONS

TABLES = {"hour": "hour", "minute": "minute", "10s": "raw"}
VIEWS = {"hour": "hours", "minute": "minutes", "10s": "ten_seconds"}
CHUNKS = {"hour": "1 year", "minute": "1 month", "10s": "7 days"}
"""How much time lies together where TimescaleDB cuts a table up."""

VERSION = 3
"""Of the tables; an older program does not write newer ones."""


_ROWS = ("minute", "10s")
_LATER = ("sure", *PHASE_MEANS)
"""Columns of rows that tables of version 2 lack; in views they come last, for a view takes none between."""


class Refused(NamedTuple):
    """Something that cannot be written: where it is from, why, and what it is."""

    origin: str
    why: str
    content: bytes


def table(prefix: str, resolution: str) -> str:
    """The name of the table of a resolution."""
    return f"{prefix}{TABLES[resolution]}"


def creating(prefix: str) -> list[str]:
    """Statements that make what is not there yet."""
    return [
        f"CREATE TABLE IF NOT EXISTS {prefix}schema (version integer NOT NULL)",
        f"CREATE TABLE IF NOT EXISTS {prefix}meter (number bigint PRIMARY KEY, name text NOT NULL)",
        *(_table(prefix, resolution) for resolution in RESOLUTIONS),
        *(
            f"ALTER TABLE {table(prefix, name)} ADD COLUMN IF NOT EXISTS {column} bigint"
            for name in _ROWS
            for column in _LATER
        ),
        *(_view(prefix, resolution) for resolution in RESOLUTIONS),
        f"DELETE FROM {prefix}schema",
        f"INSERT INTO {prefix}schema VALUES ({VERSION})",
    ]


def _table(prefix: str, resolution: str) -> str:
    first, second, *rest = RESOLUTIONS[resolution].columns
    columns = [f"{first} bigint NOT NULL", f"{second} bigint NOT NULL", *(f"{name} bigint" for name in rest)]
    return (
        f"CREATE TABLE IF NOT EXISTS {table(prefix, resolution)} (meter bigint NOT NULL, "
        f"t timestamptz NOT NULL, version bigint NOT NULL, {', '.join(columns)}, PRIMARY KEY (meter, t))"
    )


def hypertable(prefix: str, resolution: str) -> str:
    """Has TimescaleDB cut a table up by time."""
    return (
        f"SELECT create_hypertable('{table(prefix, resolution)}', 't', "
        f"chunk_time_interval => interval '{CHUNKS[resolution]}', "
        "if_not_exists => true, migrate_data => true)"
    )


def writing_meters(prefix: str) -> str:
    """Takes a JSON array of objects; a meter has the name that it was last called."""
    return (
        f"INSERT INTO {prefix}meter AS known SELECT number, name "
        "FROM json_to_recordset(%s::json) AS new (number bigint, name text) ORDER BY number "
        "ON CONFLICT (number) DO UPDATE SET name = excluded.name WHERE known.name <> excluded.name"
    )


def writing(prefix: str, resolution: str) -> str:
    """Takes an array for each column: meters, starts, versions, and the values of the resolution."""
    names = ("version", *RESOLUTIONS[resolution].columns)
    columns = ", ".join(names)
    arrays = ", ".join(["%s::bigint[]"] * (2 + len(names)))
    updated = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"INSERT INTO {table(prefix, resolution)} AS known (meter, t, {columns}) "
        f"SELECT meter, to_timestamp(start), {columns} "
        f"FROM unnest({arrays}) AS new (meter, start, {columns}) "
        f"ON CONFLICT (meter, t) DO UPDATE SET {updated} WHERE excluded.version >= known.version"
    )


def refused(prefix: str) -> str:
    """The name of the table of what could not be written."""
    return f"{prefix}refused"


def creating_refused(prefix: str) -> str:
    """Made when it is first needed: most databases never need it."""
    return (
        f"CREATE TABLE IF NOT EXISTS {refused(prefix)} (at timestamptz NOT NULL DEFAULT now(), "
        "origin text NOT NULL, why text NOT NULL, content bytea NOT NULL)"
    )


def refusing(prefix: str, most: int | None) -> str:
    """Takes a JSON array of arrays: where it is from, why, and in base64 what; `most` rows are kept."""
    limit = f" LIMIT greatest(0, {most} - (SELECT count(*) FROM {refused(prefix)}))" if most else ""
    return (
        f"INSERT INTO {refused(prefix)} (origin, why, content) "
        f"SELECT one->>0, one->>1, decode(one->>2, 'base64') FROM json_array_elements(%s::json) AS one{limit}"
    )


def _view(prefix: str, resolution: str) -> str:
    """A table with names and units, scaled: what a dashboard shows."""
    source = table(prefix, resolution)
    columns = _hour_columns() if resolution == "hour" else _row_columns()
    return (
        f"CREATE OR REPLACE VIEW {prefix}{VIEWS[resolution]} AS "
        f"SELECT known.t AS time, meter.name AS name, known.meter AS meter, {', '.join(columns)} "
        f"FROM {source} AS known JOIN {prefix}meter AS meter ON meter.number = known.meter"
    )


def _hour_columns() -> list[str]:
    names = " ".join(f"WHEN {basis.value} THEN '{basis.name.lower()}'" for basis in Basis)
    energies = {COLUMNS[quantity]: quantity for quantity in ENERGIES}
    used = [f"trunc(known.{name} * known.scale / 1000.0) AS {energies[name].key}" for name in COUNTERS]
    drift = [
        f"trunc(known.{name} * known.scale / 1000.0) AS drift_{energies[name.removeprefix('d_')].key}"
        for name in DRIFTS
    ]
    return [f"CASE known.basis {names} END AS basis", *used, *drift]


def _row_columns() -> list[str]:
    net = [f"trunc(known.{name} * known.scale / 1000.0) AS net_pow_{to}_w" for name, to in _NET]
    return ["known.covered AS covered_s", *net, *map(_mean, MEASURED), "known.sure AS sure"]


_NET = (("low", "min"), ("high", "max"))


def _mean(quantity: Quantity) -> str:
    name = f"known.{COLUMNS[quantity]}"
    scaled = f"trunc({name} * known.scale / 1000.0)" if quantity.scaled else name
    per = quantity.unit.per_display
    shown = f"({scaled} / {per}.0)::double precision" if per > 1 else scaled
    return f"{shown} AS {quantity.key}"
