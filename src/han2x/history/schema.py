"""The tables of the history file, and how an older file becomes one of today.

One row a period, integers only, clustered by meter and time: what is read together lies together. Times
are Unix seconds (UTC) of a period's beginning; meters go by a small number. NULL is "not known", and
costs one octet.
"""

from ..model.record import COLUMNS, COUNTERS, DRIFTS, MEANS, PHASE_MEANS
from ..runtime.sqlite_file import APPLICATION_ID
from .journal import JOURNAL

__all__ = [
    "APPLICATION_ID",
    "BETTER_STAYS",
    "COLUMNS",
    "COUNTERS",
    "DRIFTS",
    "FOR_EVER",
    "MEANS",
    "MIGRATIONS",
    "ROW_COLUMNS",
]

ROW_COLUMNS = ("covered", "scale", "low", "high", *MEANS, "sure", "era")
"""Of a row of ten seconds or a minute, after its meter and time."""

BETTER_STAYS = (
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in ROW_COLUMNS)} "
    "WHERE (excluded.sure, excluded.covered) >= (sure, covered)"
)
"""Of two rows of one period, as after a restart within it, the one stays that knows more of it; but one that
may be of another time takes no other's place."""

_PERIOD = """CREATE TABLE {name} (
    meter INTEGER NOT NULL, t INTEGER NOT NULL, covered INTEGER NOT NULL, scale INTEGER NOT NULL,
    low INTEGER, high INTEGER, {means}, PRIMARY KEY (meter, t)) WITHOUT ROWID"""


_PRINCIPAL_MEANS = tuple(column for column in MEANS if column not in PHASE_MEANS)


def _integers(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{column} INTEGER" for column in columns)


MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meter (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE series (id INTEGER PRIMARY KEY, meter INTEGER NOT NULL, identity TEXT NOT NULL)",
        _PERIOD.format(name="raw", means=_integers(_PRINCIPAL_MEANS)),
        _PERIOD.format(name="minute", means=_integers(_PRINCIPAL_MEANS)),
        f"""CREATE TABLE register (
            meter INTEGER NOT NULL, t INTEGER NOT NULL, series INTEGER NOT NULL, {_integers(COUNTERS)},
            PRIMARY KEY (meter, t)) WITHOUT ROWID""",
        f"""CREATE TABLE hour (
            meter INTEGER NOT NULL, t INTEGER NOT NULL, basis INTEGER NOT NULL, scale INTEGER NOT NULL,
            {_integers(COUNTERS)}, {_integers(DRIFTS)}, PRIMARY KEY (meter, t)) WITHOUT ROWID""",
    ),
    JOURNAL,
    tuple(
        f"ALTER TABLE {table} ADD COLUMN sure INTEGER NOT NULL DEFAULT 1"
        for table in ("register", "raw", "minute")
    ),
    (
        """CREATE TABLE era (
            id INTEGER PRIMARY KEY, meter INTEGER NOT NULL, boot TEXT NOT NULL, ahead INTEGER NOT NULL,
            after INTEGER NOT NULL, UNIQUE (meter, boot, ahead))""",
        f"""CREATE TABLE undated (
            era INTEGER NOT NULL, span INTEGER NOT NULL, t INTEGER NOT NULL, covered INTEGER NOT NULL,
            scale INTEGER NOT NULL, low INTEGER, high INTEGER, {_integers(_PRINCIPAL_MEANS)},
            PRIMARY KEY (era, span, t)) WITHOUT ROWID""",
        *(f"ALTER TABLE {table} ADD COLUMN era INTEGER" for table in ("register", "raw", "minute")),
        *(
            f"CREATE INDEX {table}_doubted ON {table} (meter, era, t) WHERE NOT sure"
            for table in ("register", "raw", "minute")
        ),
    ),
    tuple(
        f"ALTER TABLE {table} ADD COLUMN {column} INTEGER"
        for table in ("raw", "minute", "undated")
        for column in PHASE_MEANS
    ),
)
"""What makes version n of version n - 1; `user_version` of the file says which it is. Only ever appended."""

FOR_EVER = ("meter", "series", "register", "hour")
"""Tables that nothing is ever deleted from, in the order in which they are saved from a damaged file."""
