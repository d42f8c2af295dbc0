"""What may go wrong with a database, in sentences that say what to do and show no password. Pure."""

from collections.abc import Mapping

MISSING = (
    "psycopg cannot be used: install han2x[postgres], and where it has no binary of libpq the system's "
    "(Debian: libpq5)"
)
NO_DSN = "dsn in [postgres] cannot be understood: write postgresql://USER:PASSWORD@HOST/DATABASE"

_STATES = {
    "28P01": "{} refuses the user name or the password: check dsn in [postgres]",
    "28000": "{} does not let this user in from here: check dsn in [postgres], and the server's pg_hba.conf",
    "3D000": "the database of {} does not exist: create it, or correct dsn in [postgres]",
    "42501": "the user of {} lacks a right ({why}): make it the owner of the database, or grant it",
    "25006": "{} is read only, as a standby is: give the primary server in dsn",
    "53100": "{} has no room left on its disk",
    "53300": "{} has too many connections",
    "57P03": "{} is starting or ending",
    "57P01": "{} is shutting down; connecting anew",
    "57P02": "{} is shutting down; connecting anew",
}
_TEXTS = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "pg_hba.conf": "28000",
    "Peer authentication failed": "28000",
    "role ": "28000",
    "database ": "3D000",
    "permission denied": "42501",
    "too many": "53300",
    "starting up": "57P03",
    "shutting down": "57P03",
}
"""For what a connection meets before it is one: libpq then gives the server's sentence, and no code."""


def peer(parts: Mapping[str, object]) -> str:
    """A database for people: host, port and name, as far as they are set."""
    host = str(parts.get("host") or parts.get("hostaddr") or "PostgreSQL")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or ''}".rstrip("/")


def sentence(at: str, state: str | None, text: str) -> str:
    """What to say of an error: at which peer, its SQLSTATE if there is one, and the server's words."""
    why = _short(text)
    if state is None:
        state = next((code for part, code in _TEXTS.items() if "FATAL" in text and part in text), None)
    if state in _STATES:
        return _STATES[state].format(at, why=why)
    if state is None:
        return _unreachable(at, text)
    return f"{at} cannot be written: {why}"


def _unreachable(at: str, text: str) -> str:
    low = text.lower()
    if "closed the connection" in low or "connection is lost" in low:
        return f"{at} has ended the connection; connecting anew"
    if "refused" in low or "no such file" in low:
        return f"{at} refuses: does PostgreSQL run there?"
    if "could not translate" in low or "failed to resolve" in low or "name or service" in low:
        return f"{at} is not known on this network: check the name"
    if "timeout" in low or "timed out" in low:
        return f"{at} does not answer: is the server on, and the address right?"
    if "ssl" in low or "certificate" in low:
        return f"{at} does not agree on TLS: {_short(text)}"
    return f"the connection to {at} was lost, or there is none: {_short(text)}"


def _short(text: str) -> str:
    """The last line that says something: of several addresses tried, the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "FATAL" in line or "ERROR" in line] or lines
    return told[-1].split("FATAL:")[-1].strip()[:200] if told else "no reason given"
