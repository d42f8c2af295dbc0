"""What is served while the settings file cannot be used, and how the program goes on when it can be again.

A copy of the settings that were last good is kept in the state directory. With a broken file they are served;
without such a copy the page alone is, as its section of the broken file has it if that can be read. Until a
person has mended the file nothing is written to it, and no setting can be changed. It is looked at each
second, so that mending needs no restart.
"""

import asyncio
import base64
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..settings import bounded_toml
from ..settings.amend import Complaint, Refused, changed_names, from_table, without_contradictions
from ..settings.device import Board
from ..settings.modbus import ModbusTcp
from ..settings.page import Web
from ..settings.schema import History, Settings
from . import settings_file
from .audit import FILE
from .factory_reset import first
from .files import replace as replace_file
from .gateway import Gateway, Trouble
from .health import Condition
from .stored_files import GOOD, Say, load

log = logging.getLogger("han2x")

NAME = "settings.good.toml"
LOOK_S = 1.0
COPIES = 9
"""So many broken files are kept beside the settings file; then the last is overwritten."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Where settings are, and what is made of them before they are served (keys of the command line)."""

    path: Path
    adjusted: Callable[[Settings], Settings]


def open_settings(path: Path, state_dir: Path) -> tuple[Settings, Refused | None]:
    """The settings to serve, and why they are not those of the file."""
    settings = settings_file.load(path, state_dir)
    checked = settings if isinstance(settings, Refused) else without_contradictions(settings)
    if isinstance(checked, Settings):
        return checked, None
    checked = settings_file.located(checked, path)
    good = last_good(state_dir)
    if good is None and isinstance(settings, Settings):  # each service does what it can, as ever
        log.warning("%s: %s", path, "; ".join(map(str, checked.complaints)))
        return settings, None
    return good or page_only(path), checked


def last_good(state_dir: Path | None) -> Settings | None:
    """The settings of the last time that they were good."""
    if state_dir is None or not (state_dir / NAME).exists():
        return None
    settings = settings_file.load(state_dir / NAME, state_dir)
    return None if isinstance(settings, Refused) else settings


def page_only(path: Path) -> Settings:
    """Settings under which nothing is served but the page: meters and unit ids are not made up."""
    return Settings(
        meters=(),
        mqtt=(),
        modbus_tcp=ModbusTcp(enabled=False),
        history=History(enabled=False),
        board=Board(enabled=False),
        web=_web(path),
    )


def _web(path: Path) -> Web:
    """The page's own settings in a file that is broken elsewhere."""
    try:
        text = settings_file.read_text(path)
    except Trouble:
        return _locked(first(path).web)
    section = re.search(
        r"^[ \t]*\[web\][ \t]*(#[^\n]*)?$(.*?)(?=^[ \t]*\[|\Z)", text, re.MULTILINE | re.DOTALL
    )
    if section is None:
        return (
            first(path).web
            if not re.search(r"^[ \t]*\[?[ \t]*\"?web\b", text, re.MULTILINE)
            else _locked(Web())
        )
    try:
        settings = from_table({"web": bounded_toml.loads(section[2])})
    except (ValueError, RecursionError):
        return _locked(first(path).web)
    return settings.web if isinstance(settings, Settings) else _locked(first(path).web)


def _locked(web: Web) -> Web:
    """The page where its password cannot be known: no password opens it, least of all the default."""
    salt, key = (base64.b64encode(os.urandom(size)).decode() for size in (16, 32))
    return replace(web, password=f"scrypt:{salt}:{key}")


async def run(section: SettingsFile, gateway: Gateway, name: str) -> None:
    """Wait until the file can be used; then write settings back to it as they change. Raises `Trouble`."""
    if gateway.broken.value:
        await _mended(section, gateway, name)
    else:
        await _note_edits(gateway)
    keeping = asyncio.create_task(_keep_good(section.path, gateway))
    try:
        await settings_file.run(section.path, gateway, name)
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


async def _note_edits(gateway: Gateway) -> None:
    """Note what a person has changed in the file since its settings were last in force."""
    before = await asyncio.to_thread(last_good, gateway.state_dir)
    if before:
        gateway.audit.note(FILE, changed_names(before, gateway.on_disk), gateway.now())


async def _mended(section: SettingsFile, gateway: Gateway, name: str) -> None:
    """Look at the file until its settings are in force."""
    seen: object = None
    while refused := gateway.broken.value:
        gateway.report(name, Condition.FAILING, _sentence(section.path, refused, gateway))
        await asyncio.sleep(LOOK_S)
        state = await asyncio.to_thread(_state, section.path)
        if state == seen:
            continue
        seen = state
        result = await asyncio.to_thread(_load, section.path, gateway.state_dir)
        if isinstance(result, Settings):
            log.info("%s can be used again: its settings are in force", section.path)
            gateway.mended(section.adjusted(result))
        elif result != refused:
            gateway.broken.set(result)


def _load(path: Path, state_dir: Path | None) -> Settings | Refused:
    if not os.path.lexists(path):
        return Refused((Complaint(str(path), "is gone. Put it back", "file_gone"),))
    settings = settings_file.load(path, state_dir)
    checked = settings if isinstance(settings, Refused) else without_contradictions(settings)
    return settings_file.located(checked, path) if isinstance(checked, Refused) else checked


def _state(path: Path) -> object:
    """What differs when a file, or who may read it, has changed."""
    try:
        found = os.stat(path)
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _sentence(path: Path, refused: Refused, gateway: Gateway) -> str:
    served = (
        "The last good settings are served" if gateway.settings.value.meters else "Only the page is served"
    )
    return f"{path} cannot be used: {'; '.join(map(str, refused.complaints))}. {served} until it is mended"


def begin(path: Path, refused: Refused, gateway: Gateway) -> None:
    """Serve on without the file; said once."""
    gateway.broken.set(refused)
    log.error("%s", _sentence(path, refused, gateway))


async def _keep_good(path: Path, gateway: Gateway) -> None:
    """Keep a copy of the settings whenever the file has new ones."""
    while gateway.state_dir:
        settings, said = gateway.settings.value, list[str]()
        try:
            await asyncio.to_thread(_copy, path, gateway.on_disk, gateway.state_dir, said.append)
        except OSError as error:
            log.warning("the last good settings cannot be kept: %s", error.strerror or error)
        for text in said:
            gateway.damaged(text)
        await gateway.settings.changed(settings)
        await asyncio.sleep(LOOK_S)  # the file is being written meanwhile


def _copy(path: Path, settings: Settings, state_dir: Path, say: Say) -> None:
    """Keep the file as it is, with its comments, if it holds these settings; else the settings alone."""
    target = state_dir / NAME
    text = settings_file.sample(settings, secrets=True)
    if path.exists() and settings_file.load(path, state_dir) == settings:
        text = settings_file.read_text(path)
    if load(target, GOOD, bytes, say) != text.encode():
        replace_file(target, text, private=True)
        target.chmod(0o600)


def put_back(path: Path, state_dir: Path | None) -> Path:
    """Replace a broken file by the last good settings; returns the copy kept of it. Raises `Trouble`."""
    if last_good(state_dir) is None or state_dir is None:
        raise Trouble("there are no last good settings to put back")
    text = settings_file.read_text(state_dir / NAME)
    names = [path.with_name(f"{path.name}.broken-{number}") for number in range(1, COPIES + 1)]
    copy = next((one for one in names if not os.path.lexists(one)), names[-1])
    try:
        if path.is_file():
            copy.unlink(missing_ok=True)
            os.link(path, copy)
        elif os.path.lexists(path):
            os.rename(path, copy)
        replace_file(path, text, private=True)
    except OSError as error:
        raise Trouble(f"{path} cannot be replaced: {error.strerror or error}") from None
    return copy
