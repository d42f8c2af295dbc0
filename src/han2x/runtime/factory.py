"""Back to factory settings: what a box is when it leaves the workbench (manual row M51).

`factory.toml` beside the settings file holds what differs from the program's own defaults: the ports of an
installed service, how lamps and button are wired. What describes the machine and not its use outlives a
reset: the wiring, and which network interface is managed. Everything works on files, so that it also works
when the program's own state is damaged.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..settings.amend import Refused, from_table
from ..settings.formats import upgraded
from ..settings.schema import Settings
from .files import replace as replace_file
from .gateway import Trouble

NAME = "factory.toml"
HISTORY = "history.sqlite"
ENDINGS = ("", "-wal", "-shm", "-journal")


def defaults(settings_file: Path) -> dict[str, Any]:
    """The table of the factory settings; empty where there are none, or they are not valid."""
    try:
        table = upgraded(tomllib.loads(settings_file.with_name(NAME).read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}
    return {} if isinstance(table, Refused) or isinstance(from_table(table), Refused) else table


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


def erase(settings: Settings, settings_file: Path | None, state_dir: Path | None, *, history: bool) -> None:
    """Delete settings and state, and write what the settings are from now on; raises `Trouble` at the end.

    `history`: delete that too. `settings`: those before, as far as they are known. What cannot be deleted
    is no reason to leave the rest.
    """
    from .settings_file import sample

    failed: list[str] = []
    kept = _history_files(settings, state_dir)
    for path in _state_files(state_dir, kept):
        _delete(path, failed)
    for path in kept if history else ():
        _delete(path, failed)
    if settings_file:
        made = factory(settings, settings_file)
        try:
            settings_file.unlink(missing_ok=True)
            if made != first(settings_file):
                replace_file(settings_file, sample(made, secrets=True))
        except OSError as error:
            failed.append(f"{settings_file}: {error.strerror or error}")
    if failed:
        raise Trouble("the reset could not delete everything: " + "; ".join(failed))


def _history_files(settings: Settings, state_dir: Path | None) -> tuple[Path, ...]:
    named = [Path(settings.history.path)] if settings.history.path else []
    usual = [state_dir / HISTORY] if state_dir else []
    return tuple(Path(f"{path}{ending}") for path in (*named, *usual) for ending in ENDINGS)


def _state_files(state_dir: Path | None, kept: tuple[Path, ...]) -> Iterator[Path]:
    """Every file directly in the state directory but the history and what was saved of it."""
    try:
        found = sorted(state_dir.iterdir()) if state_dir else []
    except OSError:
        return
    for path in found:
        if path not in kept and path.is_file() and not path.name.startswith(HISTORY):
            yield path


def _delete(path: Path, failed: list[str]) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        failed.append(f"{path}: {error.strerror or error}")
