"""The settings file: TOML that a person can edit, and the service that writes changes back to it.

Only values that changed are set, one by one, in the file as it is on disk at that moment, so that
comments, order and what a person edits meanwhile survive. The new text is read back and compared before
it replaces the file, all at once.
"""

import asyncio
import os
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..settings.amend import Complaint, Refused, as_table, documented, from_table
from ..settings.schema import REPEATED, SECTIONS, Settings
from .gateway import Condition, Gateway, Trouble


def load(path: Path) -> Settings | Refused:
    """The settings in a file, the defaults where there is none; complaints name the file's faults."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        return Refused((Complaint(str(path), f"cannot be read: {error}"),))
    try:
        return from_table(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        return Refused((Complaint(str(path), f"is not TOML: {error}"),))


async def run(path: Path, gateway: Gateway, name: str) -> None:
    """Write settings back as they change; raises `Trouble` when the file cannot be written."""
    written = gateway.settings.value if (loaded := load(path)) == gateway.settings.value else loaded
    while True:
        settings = gateway.settings.value
        if settings != written:
            await asyncio.to_thread(write, path, settings)
            gateway.written(settings)
            written = settings
        gateway.report(name, Condition.OK)
        await gateway.settings.changed(settings)


def write(path: Path, settings: Settings) -> None:
    """Bring the file in line with the settings; raises `Trouble` and leaves the file as it was."""
    try:
        text = path.read_text("utf-8") if path.exists() else sample(Settings())
        changed = _amended(text, settings)
        if changed != text or not path.exists():
            _replace(path, changed)
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror or error}") from None
    except ValueError as error:
        raise Trouble(f"{path} has been edited and is not valid any more: {error}") from None


def _amended(text: str, settings: Settings) -> str:
    """The text with the values that differ set one by one; raises ValueError for an invalid text."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    for holder, key, value in _differences(document, settings):
        holder[key] = value
    changed = tomlkit.dumps(document)
    if from_table(tomllib.loads(changed)) != settings:
        raise ValueError("its values do not add up to the settings in use")
    return changed


def _differences(document: Any, settings: Settings) -> Iterator[tuple[Any, str, object]]:
    """Where the document holds, or implies, another value than the settings."""
    import tomlkit

    for name, wanted in as_table(settings).items():
        if name not in document:
            document[name] = tomlkit.aot() if name in REPEATED else tomlkit.table()
        if name in REPEATED:
            while len(document[name]) < len(wanted):
                document[name].append(tomlkit.table())
            while len(document[name]) > len(wanted):
                del document[name][-1]
        pairs = zip(document[name], wanted, strict=True) if name in REPEATED else ((document[name], wanted),)
        defaults = {key: default for key, default, *_ in documented(SECTIONS[name])}
        for holder, values in pairs:
            for key, value in values.items():
                if holder.get(key, defaults[key]) != value:
                    yield holder, key, value


def _replace(path: Path, text: str) -> None:
    """The file with a new content, whole at every moment and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    fd, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o777)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def sample(settings: Settings) -> str:
    """A settings file with every setting, its meaning and its rule."""
    lines = [
        "# Settings of han2x. Every setting is here; what is left out has the value shown in the sample."
    ]
    for name, values in as_table(settings).items():
        rows = {key: (must, doc) for key, _, must, doc in documented(SECTIONS[name])}
        for table in values if name in REPEATED else [values]:
            lines += ["", f"[[{name}]]" if name in REPEATED else f"[{name}]"]
            for key, value in table.items():
                must, doc = rows[key]
                lines += [f"# {doc} Must be {must}.", f"{key} = {_toml(value)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
