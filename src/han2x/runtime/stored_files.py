"""Every file that the program stores, and how a damaged one is met: it is set aside, and said to be.

What is damaged is never deleted: it gets another name beside where it was, and the program goes on with what
the other files hold. The notices stay in health, over restarts too, until the files with those names are gone
or somebody has said that they were seen.
"""

import contextlib
import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .files import ASIDE, read, set_aside

MODBUS_FOLDER = "modbus-tls"
"""Of the state directory, for Modbus Security."""


class StoredFile(NamedTuple):
    """A kind of stored file.

    `pattern`: its name. `most`: so many bytes are read at most, 0 where another library reads it. `holds`:
    what is in it. `damaged`: what the program does when it is.
    """

    pattern: str
    most: int
    holds: str
    damaged: str


STATE = StoredFile(
    "*.state",
    8192,
    "per meter: identity, energy registers, estimates, running hour, scale factor, number; two copies",
    "The other copy is used; without it the next telegrams bring the energies, and numbers.json the number",
)
NUMBERS = StoredFile(
    "numbers.json",
    65_536,
    "per meter: its number, once more",
    "The numbers come from the state files",
)
WEB = StoredFile(
    "web.json",
    262_144,
    "sessions, API tokens and the first password, as hashes",
    "Entries that are right stay; the others are gone: log in again, make new tokens; a lost first password "
    "is drawn anew",
)
FIRST_PASSWORD = StoredFile(
    "initial-password",
    0,
    "the page's first password, for its owner to read, until another is set",
    "It is not read: web.json has its hash",
)
CERTIFICATE = StoredFile(
    "web-cert.pem",
    65_536,
    "the TLS certificate made here, for ten years; another is made two days before its end",
    "A new pair is made",
)
KEY = StoredFile("web-key.pem", 65_536, "the TLS certificate's private key", "A new pair is made")
TRIAL = StoredFile(
    "network.json",
    65_536,
    "the network setting pending confirmation, and the one before",
    "The settings file's network setting is used",
)
ANNOUNCED = StoredFile(
    "mqtt-*.json",
    4_194_304,
    "per broker: what was announced to Home Assistant",
    "Everything is announced anew; entities of meters that are gone have to be deleted by hand",
)
IDENTITIES = StoredFile(
    "identities.json",
    1_000_000,
    "ids and last names of all meters and brokers there have been",
    "The ids come from the settings file; former meters are not offered by name",
)
FORMAT = StoredFile("format", 16, "the format of the state directory", "Written anew")
HISTORY = StoredFile(
    "history.sqlite",
    0,
    "stored history",
    "A new file begins with the hours that can still be read",
)
SETTINGS = StoredFile(
    "han2x.toml", 1_048_576, "the settings", "It is left as it is, and the complaint names the line"
)
GOOD = StoredFile(
    "settings.good.toml",
    1_000_000,
    "the settings that were last good, for a settings file that becomes broken",
    "It is written anew; with the settings file broken too, the page alone is served",
)
FACTORY = StoredFile(
    "factory.toml",
    1_048_576,
    "the installation's defaults",
    "It is left as it is; the program's own defaults are used",
)

PAGE_TRIAL = StoredFile(
    "page-trial.json",
    65_536,
    "how the page was reached before a change that is not confirmed",
    "The settings file's way is used",
)
TARIFFS = StoredFile(
    "tariffs.json",
    20_000_000,
    "tariffs and levies that were fetched last",
    "Those that come with the program are used until the next fetch",
)
CA = StoredFile(
    f"{MODBUS_FOLDER}/ca.pem",
    65_536,
    "the authority of Modbus Security clients",
    "It is left as it is; Modbus Security is off until it is restored, or its folder deleted",
)
CA_KEY = StoredFile(f"{MODBUS_FOLDER}/ca-key.pem", 65_536, "the authority's private key", CA.damaged)
SERVER = StoredFile(
    f"{MODBUS_FOLDER}/server.pem", 65_536, "the Modbus Security server's certificate", "A new pair is made"
)
SERVER_KEY = StoredFile(f"{MODBUS_FOLDER}/server-key.pem", 65_536, "its private key", "A new pair is made")
CLIENTS = StoredFile(
    f"{MODBUS_FOLDER}/clients.json",
    1_000_000,
    "the certificates handed out to Modbus Security clients, and which are revoked",
    "It is left as it is; no client is let in until it is restored or deleted",
)

AUDIT = StoredFile(
    "audit.jsonl",
    262_144,
    "who changed which settings, and when: names, never values",
    "Lines that are right are shown; the others are skipped",
)
AUDIT_BEFORE = StoredFile(
    "audit.1.jsonl", AUDIT.most, "the same, before audit.jsonl was begun anew", AUDIT.damaged
)

STORED_FILES = (
    STATE, NUMBERS, IDENTITIES, WEB, FIRST_PASSWORD, CERTIFICATE, KEY, CA, CA_KEY, SERVER, SERVER_KEY,
    CLIENTS, TRIAL, PAGE_TRIAL, ANNOUNCED, TARIFFS, FORMAT, HISTORY, GOOD, SETTINGS, FACTORY,
    AUDIT, AUDIT_BEFORE,
)  # fmt: skip
TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
"""What `files.replace` calls a file until it is whole."""


T = TypeVar("T")
Say = Callable[[str], None]
"""Takes a sentence about a damaged file, for log and health."""


class Damaged(ValueError):
    """A content that this version has not written; the message says why."""


def load(path: Path | None, kind: StoredFile, parse: Callable[[bytes], T], say: Say) -> T | None:
    """What `parse` makes of a stored file; None where there is none, or it is damaged, which is said then.

    `parse` raises ValueError, TypeError, KeyError, AttributeError or RecursionError for a damaged content.
    """
    if path is None:
        return None
    try:
        return parse(read(path, kind.most))
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or str(error)
    except Damaged as error:
        why = str(error)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        why = "its content is damaged"
    put_aside(path, kind, why, say)
    return None


def put_aside(path: Path, kind: StoredFile, why: str, say: Say) -> None:
    """Set a damaged file aside, and say so."""
    try:
        say(f"{path} cannot be used: {why}. It is now {set_aside(path).name}. {kind.damaged}")
    except OSError as error:
        say(f"{path} cannot be used: {why}. It cannot be renamed: {error.strerror or error}. {kind.damaged}")


def table_of(content: bytes, format: int) -> dict[str, Any]:
    """The JSON object of a stored file; raises `Damaged` for anything else, and for another format."""
    try:
        table = json.loads(content)
    except (ValueError, RecursionError):
        raise Damaged("its content is damaged") from None
    if not isinstance(table, dict):
        raise Damaged("its content is damaged")
    found = table.get("format")
    if isinstance(found, int) and found > format:
        raise Damaged(f"it has format {found}, and this version knows formats up to {format}")
    if found != format:
        raise Damaged("its content is damaged")
    return table


def whole(value: object, low: int, high: int) -> int:
    """A whole number within bounds; raises `Damaged`."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise Damaged("its content is damaged")


def text(value: object, most: int = 4096) -> str:
    """A text within a length; raises `Damaged`."""
    if isinstance(value, str) and len(value) <= most:
        return value
    raise Damaged("its content is damaged")


def damaged_files(state_dir: Path | None) -> list[Path]:
    """The files that were set aside and that nobody has said to have seen, by name."""
    try:
        places = (f"*{ASIDE}[0-9]", f"{MODBUS_FOLDER}/*{ASIDE}[0-9]")
        return sorted(path for place in places for path in state_dir.glob(place)) if state_dir else []
    except OSError:
        return []


def mark_seen(state_dir: Path | None) -> None:
    """Rename what was set aside so that it is not spoken of again; raises OSError."""
    for path in damaged_files(state_dir):
        path.rename(path.with_name(path.name.replace(ASIDE, ".seen-")))


def remove_temporaries(state_dir: Path | None, settings_file: Path | None) -> None:
    """Delete what a kill left of files that were being written: those of our own names, nothing else."""
    inside = [kind.pattern.rpartition("/")[2] for kind in STORED_FILES]
    if state_dir:
        _remove_temporaries(state_dir, inside)
        _remove_temporaries(state_dir / MODBUS_FOLDER, inside)
    if settings_file:
        _remove_temporaries(settings_file.parent, [re.sub(r"([*?[])", r"[\1]", settings_file.name)])


def _remove_temporaries(folder: Path, patterns: list[str]) -> None:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            name = TEMPORARY.fullmatch(path.name)
            ours = name and any(fnmatchcase(name[1], pattern) for pattern in patterns)
            if ours and path.is_file() and not path.is_symlink():
                path.unlink(missing_ok=True)
