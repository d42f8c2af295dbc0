"""Back to factory settings: what a box is when it leaves the workbench (manual row M51).

`factory.toml` beside the settings file holds what differs from the program's own defaults: the ports of an
installed service, how lamps and button are wired. What describes the machine and not its use outlives a
reset: the wiring, and which network interface is managed. Everything works on files, so that it also works
when the program's own state is damaged.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..settings import bounded_toml
from ..settings.amend import Refused, from_table
from ..settings.formats import FORMAT, upgraded
from ..settings.schema import Settings
from . import sqlite_file
from .files import read
from .files import replace as replace_file
from .gateway import Trouble
from .lock import is_lock
from .stored_files import FACTORY, MODBUS_FOLDER

NAME = "factory.toml"
HISTORY = "history.sqlite"
EMPTY = f"# Factory settings. `han2x settings --sample` prints all settings there are.\nformat = {FORMAT}\n"
COMPLAINTS_MAX = 3
ENDINGS = ("", "-wal", "-shm", "-journal")


def defaults(settings_file: Path) -> dict[str, Any]:
    """The table of the factory settings; empty where there are none, or they are not valid."""
    found = _read(settings_file.with_name(NAME))
    return {} if isinstance(found, str) else found


def complaint(settings_file: Path) -> str:
    """What is wrong with the factory settings, for log and health; "" for nothing."""
    path = settings_file.with_name(NAME)
    found = _read(path)
    return f"{path} cannot be used: {found}. {FACTORY.damaged}" if isinstance(found, str) else ""


def _read(path: Path) -> dict[str, Any] | str:
    """The table of a file of factory settings, empty where there is none; or why it cannot be used."""
    try:
        table = upgraded(bounded_toml.loads(read(path, FACTORY.most).decode("utf-8-sig")))
    except FileNotFoundError:
        return {}
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except (ValueError, RecursionError) as error:
        return f"it is not TOML: {error}"
    refused = table if isinstance(table, Refused) else from_table(table)
    if isinstance(refused, Refused):
        return "; ".join(f"{one.path}: {one.text}" for one in refused.complaints[:COMPLAINTS_MAX])
    return table if isinstance(table, dict) else {}


def first(settings_file: Path | None) -> Settings:
    """The settings before anybody has changed any."""
    made = from_table(defaults(settings_file)) if settings_file else Settings()
    return Settings() if isinstance(made, Refused) else made


def factory(settings: Settings, settings_file: Path | None) -> Settings:
    """The settings after a reset."""
    made = first(settings_file)
    used = settings.network
    network = replace(made.network, manage=used.manage, interface=used.interface) if used.manage else None
    board = settings.board if settings.board != Settings().board else made.board
    return replace(made, board=board, network=network or made.network)


def erase(
    settings: Settings, settings_file: Path | None, state_dir: Path | None, *, history: bool
) -> list[Path]:
    """Delete settings and state, and write what the settings are from now on; the files that this touched.

    `history`: delete that too. `settings`: those before, as far as they are known. What cannot be deleted
    is no reason to leave the rest; raises `Trouble` at the end, which names it.
    """
    failed: list[str] = []
    places = _histories(settings, state_dir)
    kept = tuple(Path(f"{path}{ending}") for path in places for ending in ENDINGS)
    gone = list(_state_files(state_dir, kept))
    for path in places if history else ():
        if _is_ours(path, state_dir):
            gone += [Path(f"{path}{ending}") for ending in ENDINGS]
        else:
            failed.append(f"{path}: it is not a history of han2x")
    touched = [path for path in gone if _delete(path, failed)]
    if settings_file:
        existed = os.path.lexists(settings_file)
        try:
            _begin(settings_file, factory(settings, settings_file))
            touched += [settings_file] if existed or settings_file.exists() else []
        except OSError as error:
            failed.append(f"{settings_file}: {error.strerror or error}")
    if failed:
        raise Trouble("the reset could not delete everything: " + "; ".join(failed))
    return touched


def keep_copy(settings_file: Path) -> Path | None:
    """Copy a settings file to a new name beside it, only for its owner; None without one. Raises OSError."""
    if not settings_file.exists():
        return None
    content, number = settings_file.read_bytes(), 1
    while True:
        copy = settings_file.with_name(f"{settings_file.name}.before-reset-{number}")
        try:
            fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            break
        except FileExistsError:
            number += 1
    with os.fdopen(fd, "wb") as file:
        if os.geteuid() == 0:
            owner = settings_file.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(fd)
    return copy


def _begin(settings_file: Path, made: Settings) -> None:
    """Have the settings file hold the settings from now on, or have none where `factory.toml` says it all."""
    from .settings_file import sample

    existed = os.path.lexists(settings_file)
    settings_file.unlink(missing_ok=True)
    if made != first(settings_file):
        replace_file(settings_file, sample(made, secrets=True))
    elif existed and not settings_file.with_name(NAME).exists():  # or the next start would miss it
        replace_file(settings_file, EMPTY)


def _histories(settings: Settings, state_dir: Path | None) -> tuple[Path, ...]:
    """Where the history is, or has been before `history.path` was set."""
    named = [Path(settings.history.path)] if settings.history.path else []
    return (*named, *([state_dir / HISTORY] if state_dir else []))


def _is_ours(path: Path, state_dir: Path | None) -> bool:
    """Whether a history may be deleted: no other program's database, and none of its files elsewhere."""
    if not os.path.lexists(path):
        return True
    try:
        head = sqlite_file.header(path)
    except OSError:
        return False
    if head.application_id == sqlite_file.APPLICATION_ID:
        return True
    return not head.is_sqlite and state_dir is not None and path.resolve().parent == state_dir.resolve()


def _state_files(state_dir: Path | None, kept: tuple[Path, ...]) -> Iterator[Path]:
    """Every file of the state directory but locks, the history and what was saved of it."""
    try:
        found = sorted(state_dir.iterdir()) if state_dir else []
    except OSError:
        return
    saved = (HISTORY, *(f"{path.stem}.damaged-" for path in kept if path.suffix))
    for path in found:
        if path in kept or is_lock(path) or path.name.startswith(saved):
            continue
        if path.is_symlink() or not path.is_dir():
            yield path
        elif path.name == MODBUS_FOLDER:  # a reset ends what clients' certificates open
            yield from sorted(path.iterdir())


def _delete(path: Path, failed: list[str]) -> bool:
    """Whether there was such a file, and it is gone."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        failed.append(f"{path}: {error.strerror or error}")
        return False
    return True
