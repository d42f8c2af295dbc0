"""The database itself, a real PostgreSQL: what is written, what stays, and what is said when it cannot be.

Figures are worked out by hand: a scale factor of 2000 doubles, 1500 adds half.
"""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from han2x.model.record import HOUR, ROW, Record
from han2x.postgres import tables
from han2x.postgres.database import Database, connect
from han2x.runtime.gateway import Trouble
from han2x.settings.database import Postgres

from .conftest import Base

T0 = 1_765_724_400
"""2025-12-14 15:00:00 UTC."""


def hour(
    start: int = T0, version: int = 1, used: int = 500, basis: int = 0, meter: int = 11_111_111
) -> Record:
    values = dict.fromkeys(HOUR, None) | {"basis": basis, "scale": 2000, "a_pos": used, "d_a_pos": -3}
    return Record(meter, "cabin", "hour", start, version, tuple(values.values()))


def minute(start: int = T0, version: int = 1, watts: int = 101) -> Record:
    values = dict.fromkeys(ROW, None) | {
        "covered": 60,
        "scale": 1500,
        "p_pos": watts,
        "u1": 230_400,
        "low": -3,
        "sure": 0,
        "p1_pos": 1000,
        "p2_neg": 710,
    }
    return Record(11_111_111, "cabin", "minute", start, version, tuple(values.values()))


def play(base: Base, scene: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = await connect(Postgres(dsn=base.dsn()))
        try:
            await scene(database)
        finally:
            await database.close()

    asyncio.run(run())


def refusal(dsn: str, prefix: str = "han2x_") -> str:
    """What is said when the database cannot be used."""
    with pytest.raises(Trouble) as caught:
        asyncio.run(connect(Postgres(dsn=dsn, prefix=prefix)))
    return str(caught.value)


def test_of_two_states_the_newer_stays(base: Base) -> None:
    """A corrected hour replaces the old one; the old one, coming late, replaces nothing; nothing doubles."""

    async def scene(database: Database) -> None:
        await database.write([hour(version=5, used=480, basis=2)])
        await database.write([hour(version=9, used=500), hour(version=5, used=480, basis=2)])
        await database.write([hour(version=5, used=480, basis=2)])
        await database.write([hour(version=9, used=500)])

    play(base, scene)
    assert base.query("SELECT extract(epoch FROM t)::int, version, basis, a_pos, a_neg FROM han2x_hour") == [
        (T0, 9, 0, 500, None)
    ]


def test_views_show_what_people_read(base: Base) -> None:
    """Views have the meter's newest name, scaled values, volts for millivolts, and the basis as a word."""

    async def scene(database: Database) -> None:
        await database.write([hour(), minute(), hour(T0 + 3600, 2, 7, 1)._replace(name="house")])

    play(base, scene)
    hours = (
        "SELECT name, basis, act_energy_pos_wh::int, drift_act_energy_pos_wh::int "
        "FROM han2x_hours ORDER BY time"
    )
    assert base.query(hours) == [("house", "metered", 1000, -6), ("house", "spread", 14, -6)]
    minutes = (
        "SELECT covered_s, act_pow_pos_w::int, net_pow_min_w::int, volt_l1_v, curr_l1_a, sure "
        "FROM han2x_minutes"
    )
    assert base.query(minutes) == [(60, 151, -4, 230.4, None, 0)]
    phases = "SELECT act_pow_pos_l1_w::int, act_pow_neg_l2_w::int, act_pow_pos_l3_w FROM han2x_minutes"
    assert base.query(phases) == [(1500, 1065, None)]


def test_tables_of_the_version_before_say_what_is_sure(base: Base) -> None:
    """Tables and views without `sure` get it, and what stands in them stays: of that it is not known."""
    play(base, lambda database: database.write([minute(), minute(T0 + 60)]))
    for name, view in (("minute", "minutes"), ("raw", "ten_seconds")):
        (definition,) = base.query(f"SELECT pg_get_viewdef('han2x_{view}'::regclass)")
        older = definition.replace(",\n    known.sure", "")
        assert older != definition
        base.query(f"DROP VIEW han2x_{view}")
        base.query(f"ALTER TABLE han2x_{name} DROP COLUMN sure")
        base.query(f"CREATE VIEW han2x_{view} AS {older}")
    base.query("UPDATE han2x_schema SET version = 2")
    play(base, lambda database: database.write([minute(T0 + 60, version=2)]))
    assert base.query("SELECT sure FROM han2x_minutes ORDER BY time") == [None, 0]
    assert base.query("SELECT sure FROM han2x_ten_seconds") == []


def test_tables_of_the_version_before_get_the_phases(base: Base) -> None:
    """Tables and views of version 2 have neither `sure` nor phases, and what stands in them stays."""
    play(base, lambda database: database.write([minute()]))
    later = ("sure", *(f"p{phase}_{way}" for phase in (1, 2, 3) for way in ("pos", "neg")))
    for name, view in (("minute", "minutes"), ("raw", "ten_seconds")):
        (definition,) = base.query(f"SELECT pg_get_viewdef('han2x_{view}'::regclass)")
        lines = [
            line for line in definition.split("\n") if not any(f"known.{column}" in line for column in later)
        ]
        older = "\n".join(lines).replace(",\n   FROM", "\n   FROM")
        base.query(f"DROP VIEW han2x_{view}")
        for column in later:
            base.query(f"ALTER TABLE han2x_{name} DROP COLUMN {column}")
        base.query(f"CREATE VIEW han2x_{view} AS {older}")
    base.query("UPDATE han2x_schema SET version = 2")
    play(base, lambda database: database.write([minute(T0 + 60, version=2)]))
    seen = "SELECT act_pow_pos_w::int, act_pow_pos_l1_w::int FROM han2x_minutes ORDER BY time"
    assert base.query(seen) == [(151, None), (151, 1500)]


def test_all_of_a_batch_or_nothing(base: Base) -> None:
    """Where one record cannot be written none is, and the trouble is told."""

    async def scene(database: Database) -> None:
        base.query("ALTER TABLE han2x_minute ADD CHECK (p_pos < 100)")
        with pytest.raises(Trouble, match="cannot be written"):
            await database.write([hour(), minute()])

    play(base, scene)
    assert base.query("SELECT count(*) FROM han2x_hour") == [0]


def test_many_may_start_at_once(base: Base) -> None:
    """Workers that start together at an empty database make its tables once."""

    async def run() -> None:
        opened = await asyncio.gather(*(connect(Postgres(dsn=base.dsn())) for _ in range(5)))
        await asyncio.gather(*(one.write([hour(), minute()]) for one in opened))
        for one in opened:
            await one.close()

    asyncio.run(run())
    assert base.query("SELECT version FROM han2x_schema") == [tables.VERSION]
    assert base.query("SELECT count(*) FROM han2x_hour") == [1]


def test_tables_may_be_made_by_another(base: Base) -> None:
    """A user who may write but not create is enough once the tables are there; without rights it is said."""
    play(base, lambda database: database.write([hour()]))
    base.query("CREATE ROLE writer LOGIN PASSWORD 'w'; GRANT USAGE ON SCHEMA public TO writer")
    assert "lacks a right (permission denied for table han2x_schema)" in refusal(base.dsn("writer", "w"))
    assert "lacks a right (permission denied for schema public)" in refusal(
        base.dsn("writer", "w"), prefix="other_"
    )
    base.query("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer")

    async def run() -> None:
        database = await connect(Postgres(dsn=base.dsn("writer", "w")))
        await database.write([hour(version=2, used=600)])
        await database.close()

    asyncio.run(run())
    assert base.query("SELECT a_pos FROM han2x_hour") == [600]


def test_what_is_wrong_is_said(base: Base) -> None:
    """Wrong password, missing database, no server, a bad dsn, newer tables: each has its sentence."""
    at = f"127.0.0.1:{base.cluster.port}"
    wrong = refusal(base.dsn(password="xyzzy"))
    assert wrong == f"{at}/{base.name} refuses the user name or the password: check dsn in [postgres]"
    assert f"the database of {at}/nowhere does not exist" in refusal(base.dsn(name="nowhere"))
    assert "refuses the user name or the password" in refusal(base.dsn(user="nobody"))
    assert "refuses: does PostgreSQL run there?" in refusal("host=127.0.0.1 port=1 dbname=x")
    assert "is not known on this network" in refusal("host=no.such.host.invalid dbname=x")
    assert refusal("postgresql://me:xyzzy@[::1/x").startswith("dsn in [postgres] cannot be understood")
    play(base, lambda database: database.write([]))
    base.query(f"UPDATE han2x_schema SET version = {tables.VERSION + 1}")
    assert "newer han2x" in refusal(base.dsn())
    base.query(f"ALTER DATABASE {base.name} SET default_transaction_read_only = on")
    assert "is read only" in refusal(base.dsn(), prefix="other_")


def test_a_lost_connection_is_trouble(base: Base) -> None:
    """A server that ends under an open connection is told of in words, not by a traceback."""

    async def scene(database: Database) -> None:
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'han2x' AND datname = current_database()"
        )
        assert base.query(ended) == [True]
        with pytest.raises(Trouble, match=r"shutting down|was lost"):
            await database.write([hour()])

    play(base, scene)


def test_no_password_is_shown(base: Base) -> None:
    """Neither the section's repr nor any sentence has the password in it."""
    section = Postgres(dsn=base.dsn(password="xyzzy"))
    assert "xyzzy" not in repr(section) + refusal(section.dsn) + refusal("password=xyzzy nonsense")
    with pytest.raises(psycopg.Error):
        psycopg.connect(section.dsn)
