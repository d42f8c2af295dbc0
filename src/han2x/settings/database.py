"""Settings of a database elsewhere: where the history is copied to, and what takes it there for a fleet."""

from dataclasses import dataclass

from .reach import PLAIN, READS_FILE, TAKES_SECRET
from .rule import BOOLEAN, NAME, choice, setting, text

EXTENTS = ("hours", "minutes", "all")
"""What of the history is passed on, each word with what is before it."""

DSN = text(
    r"[^\0\r\n]{0,1023}", "a line such as postgresql://USER:PASSWORD@HOST/DATABASE, or empty", secret=True
)
TABLES = text(r"[a-z_][a-z0-9_]{0,23}", "1 to 24 of a-z, 0-9 and _, not beginning with a digit")
FILTER = text(
    r"(?=[^\0-\x20$][^\0-\x20]{0,127}\Z)((\+|[^+#/]*)/)*(\+|#|[^+#/]*)",
    "a topic to subscribe to, without spaces; + and # are wildcards",
)
GROUP = text(r"[A-Za-z0-9_-]{1,32}", "1 to 32 letters, digits, - and _")
WORKER = text(r"[A-Za-z0-9._-]{0,64}", "at most 64 letters, digits, ., - and _")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """`[postgres]`: a PostgreSQL database that the history is copied to, or `han2x collect` writes to."""

    enabled: bool = setting(False, BOOLEAN, PLAIN, "Copy this gateway's own history there.")
    dsn: str = setting(
        "",
        DSN,
        TAKES_SECRET | READS_FILE,
        "How to connect, as libpq has it; empty for what its environment says.",
    )
    prefix: str = setting("han2x_", TABLES, PLAIN, "What the names of tables and views begin with.")
    history: str = setting(
        "all",
        choice(*EXTENTS),
        PLAIN,
        "What of the history is copied: hours, minutes too, or ten seconds too.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """`[collect]`: what `han2x collect` takes from a broker to the database of `[postgres]`."""

    broker: str = setting("main", NAME, PLAIN, "Id of the [[mqtt]] broker, which need not be enabled.")
    topic: str = setting("+/history/#", FILTER, PLAIN, "Topics that gateways publish their history to.")
    group: str = setting(
        "han2x", GROUP, PLAIN, "Name of the shared subscription; workers of one group share the work."
    )
    worker: str = setting(
        "", WORKER, PLAIN, "Name of this worker, unlike the others'; empty for the machine's."
    )
