"""The settings file: TOML that a person can edit, and the service that writes changes back to it.

Only values that changed are set, one by one, in the file as it is on disk at that moment, so that
comments, order and what a person edits meanwhile survive. The new text is read back and compared before
it replaces the file, all at once.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..settings import bounded_toml, positions
from ..settings.amend import Complaint, Refused, as_table, documented, from_table
from ..settings.formats import FORMAT, KEY, format_of, upgraded
from ..settings.identity import Remembered, identified
from ..settings.schema import OPTIONAL, REPEATED, SECTIONS, Settings, rules
from . import factory_reset
from .files import read, replace
from .gateway import Gateway, Saved, Trouble
from .health import Condition
from .identities import in_force, remember, remembered

log = logging.getLogger("han2x")

PAUSE_MIN_S, PAUSE_MAX_S = 0.5, 60.0
MOST_BYTES = 1_000_000


def load(path: Path, state_dir: Path | None = None) -> Settings | Refused:
    """The settings in a file; complaints name the file's faults.

    What it leaves out, and all of it where there is no file, is as in the factory settings beside it. Who is
    who among meters and brokers without an id, the state directory tells.
    """
    if not os.path.lexists(path):
        return from_table(factory_reset.defaults(path))
    try:
        text = read_text(path)
    except Trouble as trouble:
        return Refused(
            (Complaint(str(path), f"cannot be read: {trouble}", "unreadable", {"reason": str(trouble)}),)
        )
    try:
        return _settings(text, factory_reset.defaults(path), remembered(state_dir))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and numbers or nesting beyond all reason
        return Refused((Complaint(str(path), f"is not TOML: {error}", "not_toml", {"reason": str(error)}),))


def read_text(path: Path) -> str:
    """A settings file's text, with or without a byte order mark; raises `Trouble` with the reason alone."""
    try:
        return read(path, MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise Trouble(error.strerror or str(error)) from None
    except UnicodeDecodeError as error:
        before = bytes(error.object[: error.start])
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        wrong = error.object[error.start]
        raise Trouble(
            f"it is not UTF-8: byte 0x{wrong:02x} at line {line}, column {column}. Save it as UTF-8"
        ) from None


def located(refused: Refused, path: Path) -> Refused:
    """The complaints with their lines in a file, as far as it can be read."""
    try:
        return positions.located(refused, read_text(path))
    except Trouble:
        return refused


async def run(path: Path, gateway: Gateway, name: str) -> None:
    """Write settings back as they change, each at once; what failed is tried again, and said until then."""
    pause_s = PAUSE_MIN_S
    await _to_the_end(_introduce, path, gateway.on_disk)
    while True:
        settings = gateway.settings.value
        await _to_the_end(_remember, gateway.state_dir, settings)
        trouble = await _saved(path, gateway, settings)
        gateway.saved.set(Saved(settings, trouble))
        pause_s = min(2 * pause_s, PAUSE_MAX_S) if trouble else PAUSE_MIN_S
        known = gateway.health.value.get(name)
        if trouble and (known is None or known.text != trouble):
            log.warning("%s: %s (trying again)", name, trouble)
        gateway.report(name, Condition.FAILING if trouble else Condition.OK, trouble)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gateway.settings.changed(settings), pause_s if trouble else None)


async def _saved(path: Path, gateway: Gateway, settings: Settings) -> str:
    """Have settings in the file; why that failed, "" if it did not."""
    if settings == gateway.on_disk:
        return ""
    gateway.writing(settings)
    try:
        await _to_the_end(write, path, settings, gateway.on_disk)
    except Trouble as trouble:
        return str(trouble)
    gateway.written(settings)
    return ""


async def _to_the_end(work: Callable[..., None], *arguments: object) -> None:
    """Work in a thread; a cancelled service waits for its end, and writes nothing after its own."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait([working])
        raise


def _remember(state_dir: Path | None, settings: Settings) -> None:
    try:
        remember(state_dir, settings)
    except OSError as error:
        log.warning("who the meters are cannot be stored: %s", error.strerror or error)


def _introduce(path: Path, settings: Settings) -> None:
    """Write ids into the file where they are missing; one that cannot be written goes without."""
    try:
        text = read_text(path) if path.exists() else ""
        table = bounded_toml.loads(text)
        rows = [row for name in REPEATED for row in table.get(name, [])]
        if any("id" not in row for row in rows):
            write(path, settings, settings)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, Trouble) as error:
        log.info("%s: the ids of meters and brokers stay in the state directory: %s", path, error)


def _settings(text: str, base: Mapping[str, Any], known: Sequence[Remembered] = ()) -> Settings | Refused:
    """The settings in a text on top of others; raises ValueError if it is no TOML."""
    table = upgraded(identified(bounded_toml.loads(text), known))
    if isinstance(table, Refused):
        return table
    mixed = {
        name: {**base[name], **value}
        if isinstance(value, dict) and isinstance(base.get(name), dict)
        else value
        for name, value in table.items()
    }
    return from_table({**base, **mixed})


def write(path: Path, settings: Settings, before: Settings) -> None:
    """Bring what has changed since `before` into the file; raises `Trouble` and leaves the file as it was."""
    try:
        text = read_text(path) if path.exists() else None
        changed = sample(settings, secrets=True) if text is None else _amended(text, settings, before)
        if text is not None and bounded_toml.loads(text).get(KEY, FORMAT) != FORMAT:
            replace(path.with_suffix(f"{path.suffix}.old"), text, private=has_secrets(settings))
        if changed != text:
            replace(path, changed, private=has_secrets(settings))
    except OSError as error:
        raise Trouble(f"{path} cannot be written: {error.strerror or error}") from None
    except Trouble as trouble:
        raise Trouble(f"{path} has been edited and is not valid any more: {trouble}") from None
    except ValueError as error:
        raise Trouble(f"{path} has been edited and is not valid any more: {error}") from None


def _amended(text: str, settings: Settings, before: Settings) -> str:
    """The text with the values that changed set one by one; raises ValueError for an invalid text."""
    import tomlkit

    _check(text)
    document: Any = tomlkit.parse(text)
    _identify(document, before)
    if format_of(document) != FORMAT:
        _upgrade(document, {**_upgraded(document.unwrap()), KEY: FORMAT})
    for holder, key, value in _changes(document, settings, before):
        holder[key] = value
    changed = tomlkit.dumps(document)
    _check(changed)
    return changed


def _upgraded(table: dict[str, Any]) -> dict[str, Any]:
    result = upgraded(table)
    return table if isinstance(result, Refused) else result  # which has been checked before


def _check(text: str) -> None:
    """Raises ValueError with what is wrong with a file of this text."""
    result = _settings(text, {})
    if isinstance(result, Refused):
        raise ValueError(", ".join(map(str, result.complaints)))


def _changes(document: Any, settings: Settings, before: Settings) -> Iterator[tuple[Any, str, object]]:
    """Where in the document each value goes that has changed; raises ValueError for a place that is gone."""
    import tomlkit

    known = as_table(before)
    for name, wanted in as_table(settings).items():
        if wanted == known[name]:
            continue
        if name not in document and name in REPEATED:
            yield from _first_rows(document, name, wanted)
            continue
        if name not in document:
            document[name] = tomlkit.table()
        if name not in REPEATED:
            yield from _changed(document[name], wanted, known[name])
            continue
        yield from _changed_rows(document[name], name, wanted, known[name])


def _first_rows(document: Any, name: str, wanted: Any) -> Iterator[tuple[Any, str, object]]:
    """All rows of a section that the file did not have: it would have no others than those in it."""
    import tomlkit

    tables = document[name] = tomlkit.aot()
    usual = {key: value for key, value in asdict(SECTIONS[name]()).items() if key != "id"}
    for row in wanted:
        tables.append(tomlkit.table())
        yield from _changed(tables[-1], row, usual)


def _changed(holder: Any, now: dict[str, Any], old: dict[str, Any]) -> Iterator[tuple[Any, str, object]]:
    return ((holder, key, value) for key, value in now.items() if key not in old or old[key] != value)


def _identify(document: Any, settings: Settings) -> None:
    """Give the rows of a file their ids, as the settings that were read from it have them."""
    for section in REPEATED & document.keys():
        rows = document[section].unwrap()
        known = in_force(section, getattr(settings, section))
        for row, found in zip(document[section], identified({section: rows}, known)[section], strict=True):
            row.setdefault("id", found["id"])


def _upgrade(holder: Any, wanted: Mapping[str, Any]) -> None:
    """Bring a file's tables to today's format, a value at a time; what stays keeps its comments."""
    for key in holder.keys() - wanted.keys():
        del holder[key]
    for key, value in wanted.items():
        if isinstance(value, dict) and key in holder:
            _upgrade(holder[key], value)
        elif key in holder and isinstance(value, list) and len(value) == len(holder[key]):
            for row, one in zip(holder[key], value, strict=True):
                _upgrade(row, one)
        elif key not in holder or holder[key] != value:
            holder[key] = value


def _changed_rows(
    tables: Any, section: str, wanted: list[dict[str, Any]], known: list[dict[str, Any]]
) -> Iterator[tuple[Any, str, object]]:
    """What changes in the tables of a repeated section, a row each; tables are found by their ids.

    Where the file leaves them all to the factory settings, every row is written. Raises ValueError where a
    row is gone from the file.
    """
    import tomlkit

    before = {row["id"]: row for row in known} if tables else {}
    places = {table["id"]: index for index, table in enumerate(tables)}
    if missing := [row["name"] for name, row in before.items() if name not in places]:
        raise ValueError(f"it has no [[{section}]] named {missing[0]} any more")
    gone = before.keys() - {row["id"] for row in wanted}
    for index in sorted((places[name] for name in gone), reverse=True):
        del tables[index]
    for row in wanted:
        if row["id"] in before:
            table = next(one for one in tables if one["id"] == row["id"])
            yield from _changed(table, row, before[row["id"]])
        else:
            tables.append(tomlkit.table())
            yield from _changed(tables[-1], row, {})
    _put_in_order(tables, [row["id"] for row in wanted])


def _put_in_order(tables: Any, wanted: list[str]) -> None:
    """The first meter is another where rows have changed places."""
    by_id = {table["id"]: table for table in tables}
    if [name for name in by_id if name in wanted] == wanted:
        return
    del tables[:]
    for name in (*wanted, *(name for name in by_id if name not in wanted)):  # some were added by hand
        tables.append(by_id[name])


HIDDEN = "# {} is set, and not shown"
HIDDEN_LINE = re.compile(r"# ([a-z_]{1,40}) is set, and not shown")
TABLE = re.compile(r"\[\[([a-z_]{1,40})\]\]|\[([a-z_]{1,40})\]")


def sample(settings: Settings, *, secrets: bool = False) -> str:
    """A settings file with every setting, its meaning and its rule; secrets only if asked for."""
    lines = [
        "# Settings of han2x. Every setting is here; what is left out has the value shown in the sample.",
        f"format = {FORMAT}",
    ]
    for name, values in as_table(settings).items():
        rows = {key: (must, doc) for key, _, must, doc in documented(SECTIONS[name])}
        hidden = {key for key, rule in rules(SECTIONS[name]).items() if rule.secret and not secrets}
        for table in values if name in REPEATED else [values]:
            lines += ["", f"[[{name}]]" if name in REPEATED else f"[{name}]"]
            for key, value in table.items():
                must, doc = rows[key]
                shown = HIDDEN.format(key) if key in hidden and value else f"{key} = {_toml(value)}"
                lines += [f"# {doc} Must be {must}.", shown]
        if not values and name in OPTIONAL:
            lines += ["", f"# [[{name}]]"]
            for key, default, must, doc in documented(SECTIONS[name]):
                lines += [f"# {doc} Must be {must}.", f"# {key} = {_toml(default)}"]
    return "\n".join(lines) + "\n"


def hidden_secrets(text: str) -> dict[str, int]:
    """Where a file that was saved without secrets says that one was set: path, and the line, from 1 on."""
    found: dict[str, int] = {}
    rows: Counter[str] = Counter()
    holder = ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if table := TABLE.fullmatch(line):
            name = table[1] or table[2]
            holder = f"{name}.{rows[name]}" if table[1] else name
            rows[name] += 1
        elif mark := HIDDEN_LINE.fullmatch(line):
            found[f"{holder}.{mark[1]}"] = number
    return found


def has_secrets(settings: Settings) -> bool:
    """Whether a secret is set, so that the file is its owner's alone."""
    return any(
        table.get(key)
        for name, values in as_table(settings).items()
        for table in (values if name in REPEATED else [values])
        for key, rule in rules(SECTIONS[name]).items()
        if rule.secret
    )


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # JSON's escapes are TOML's too, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
