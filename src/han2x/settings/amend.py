"""The one way to new settings: a whole table, or changes to some values. All or nothing.

Any complaint, and nothing changes. Complaints are collected, so that a person sees all of them at once.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from itertools import chain, islice
from typing import Any

from .complaint import Complaint as Complaint
from .complaint import Refused as Refused
from .consistency import ambiguities, contradictions
from .identity import DEFAULT_NAME, STEM, identified, made_of
from .schema import OPTIONAL, REPEATED, SECTIONS, Settings, rules

INDEX_DIGITS = 6
COMPLAINTS_MAX = 100
"""More are not told, nor looked for: each costs time."""

FIXED = (
    "is made once and not changed, as all stored and published data hang on it: change the name instead; a "
    "meter or broker that is another is added as a new one"
)


def amend(
    settings: Settings, changes: Mapping[str, object], former: Collection[str] = ()
) -> Settings | Refused:
    """Settings with some values changed: `{"meters.0.scale": 2000}`.

    `former`: ids of meters that were removed; a meter may turn out to be one of them, and no id changes else.
    A path that names no setting is a complaint like any other. The cost does not grow with the settings
    that stay as they are.
    """
    before, complaints = settings, list[Complaint]()
    for path, value in changes.items():
        if len(complaints) >= COMPLAINTS_MAX:
            break
        holder, _, name = path.rpartition(".")
        section = section_at(settings, holder)
        rule = rules(type(section)).get(name) if section is not None else None
        if rule is None:
            complaints.append(Complaint(path, "is no setting", "unknown"))
        elif rule.made_once and value != getattr(section, name) and not _is_former(holder, value, former):
            complaints.append(Complaint(path, FIXED, "fixed"))
        elif text := rule.complaint(value):
            complaints.append(Complaint(path, text))
        elif not complaints:
            settings = _with_section(settings, holder, replace(section, **{name: rule.tidy(value)}))
    return Refused(tuple(complaints)) if complaints else consistent(settings, before)


def _is_former(holder: str, value: object, former: Collection[str]) -> bool:
    return holder.startswith("meters.") and isinstance(value, str) and value in former


def consistent(settings: Settings, before: Settings) -> Settings | Refused:
    """Settings that contradict themselves in nothing in which those before did not; else the reasons.

    What was contradictory already, in a file edited by hand, hinders no other change.
    """
    found = list(_clashes(settings))
    known = {one.text for one in _clashes(before)} if found else set()
    complaints = tuple(one for one in found if one.text not in known)
    return Refused(complaints) if complaints else settings


def added(
    settings: Settings, section: str, values: Mapping[str, object], taken: Collection[str] = ()
) -> Settings | Refused:
    """Settings with one more row of a repeated section; what `values` leaves out has its default.

    Without an `id` it gets a new one that is none of `taken`.
    """
    if section not in REPEATED:
        return Refused((Complaint(section, "has no rows", "unknown"),))
    rows = getattr(settings, section)
    wrong = _wrong_values(f"{section}.{len(rows)}", SECTIONS[section], values)
    complaints = list(islice(wrong, COMPLAINTS_MAX))
    if complaints:
        return Refused(tuple(complaints))
    values = _tidied(SECTIONS[section], values)
    if "id" not in values:
        name = values.get("name", DEFAULT_NAME)
        values["id"] = made_of(name, {*taken, *(row.id for row in rows)}, stem=STEM[section])
    return _with_rows(settings, section, (*rows, SECTIONS[section](**values)))


def removed(settings: Settings, section: str, index: int) -> Settings | Refused:
    """Settings with a row of a repeated section less; the last of its rows stays."""
    rows = getattr(settings, section) if section in REPEATED else ()
    if not 0 <= index < len(rows):
        return Refused((Complaint(f"{section}.{index}", "is no row", "unknown"),))
    if len(rows) == 1 and section not in OPTIONAL:
        return Refused((Complaint(section, f"must be one or more [[{section}]] tables", "rows"),))
    return _with_rows(settings, section, rows[:index] + rows[index + 1 :])


def changed_names(before: Settings, after: Settings) -> list[str]:
    """Which settings differ, by name and never by value; a section whose rows are others as a whole."""
    found: list[str] = []
    for name in SECTIONS:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if name not in REPEATED:
            found += _changed_keys(name, old, new)
        elif len(old) != len(new):
            found.append(name)
        else:
            for index, pair in enumerate(zip(old, new, strict=True)):
                found += _changed_keys(f"{name}.{index}", *pair)
    return found


def _changed_keys(path: str, old: Any, new: Any) -> list[str]:
    keys = [one.name for one in fields(new)]
    return [f"{path}.{key}" for key in keys if getattr(old, key) != getattr(new, key)]


def _with_rows(settings: Settings, section: str, rows: Any) -> Settings | Refused:
    return consistent(replace(settings, **{section: rows}), settings)


def section_at(settings: Settings, holder: str) -> Any:
    """The section that `meters.0` or `modbus_tcp` names; None if there is none."""
    name, _, index = holder.partition(".")
    if name not in SECTIONS or bool(index) != (name in REPEATED):
        return None
    section = getattr(settings, name)
    if not index:
        return section
    known = index.isdecimal() and len(index) <= INDEX_DIGITS and int(index) < len(section)
    return section[int(index)] if known else None


def _with_section(settings: Settings, holder: str, section: Any) -> Settings:
    name, _, index = holder.partition(".")
    if index:
        sections = getattr(settings, name)
        section = (*sections[: int(index)], section, *sections[int(index) + 1 :])
    return replace(settings, **{name: section})


def as_table(settings: Settings) -> dict[str, Any]:
    """The settings as TOML has them: plain dicts, lists and values."""
    table = asdict(settings)
    return {name: list(value) if name in REPEATED else value for name, value in table.items()}


def from_table(table: Mapping[str, Any]) -> Settings | Refused:
    """Settings from a table as a TOML file gives it; what is absent has its default.

    They may contradict each other in what some service could not do: see `without_contradictions`.
    """
    table = identified(table)
    wrong = chain(_unknown_sections(table), _wrong_sections(table))
    complaints = list(islice(wrong, COMPLAINTS_MAX))
    if not complaints:
        settings = Settings(**{name: _build(name, value) for name, value in table.items()})
        complaints = list(ambiguities(settings))
    return Refused(tuple(complaints)) if complaints else settings


def without_contradictions(settings: Settings) -> Settings | Refused:
    """The settings, unless some of them contradict each other."""
    complaints = tuple(contradictions(settings))
    return Refused(complaints) if complaints else settings


def _build(name: str, value: Any) -> Any:
    section = SECTIONS[name]
    if name in REPEATED:
        return tuple(section(**_tidied(section, one)) for one in value)
    return section(**_tidied(section, value))


def _tidied(section: type, values: Mapping[str, Any]) -> dict[str, Any]:
    known = rules(section)
    return {name: known[name].tidy(value) for name, value in values.items()}


def _unknown_sections(table: Mapping[str, Any]) -> Iterator[Complaint]:
    for name in table:
        if name not in SECTIONS:
            yield Complaint(name, f"is no section{_did_you_mean(name, SECTIONS)}", "unknown")


def _wrong_sections(table: Mapping[str, Any]) -> Iterator[Complaint]:
    for name, value in table.items():
        if name not in SECTIONS:
            continue
        if name in REPEATED:
            if (
                not isinstance(value, list)
                or not (value or name in OPTIONAL)
                or not all(isinstance(one, dict) for one in value)
            ):
                yield Complaint(name, f"must be one or more [[{name}]] tables", "rows")
                continue
            for index, one in enumerate(value):
                yield from _wrong_values(f"{name}.{index}", SECTIONS[name], one)
        elif not isinstance(value, dict):
            yield Complaint(name, f"must be a [{name}] table", "rows")
        else:
            yield from _wrong_values(name, SECTIONS[name], value)


def _wrong_values(path: str, section: type, values: Mapping[str, Any]) -> Iterator[Complaint]:
    known = rules(section)
    for name, value in values.items():
        if name not in known:
            yield Complaint(f"{path}.{name}", f"is no setting{_did_you_mean(name, known)}", "unknown")
        elif text := known[name].complaint(value):
            yield Complaint(f"{path}.{name}", text)


def _clashes(settings: Settings) -> Iterable[Complaint]:
    return chain(ambiguities(settings), contradictions(settings))


def _did_you_mean(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def documented(section: type) -> Iterator[tuple[str, Any, str, str]]:
    """Name, default, rule and meaning of each setting of a section, for documentation."""
    for f in fields(section):
        yield f.name, f.default, f.metadata["rule"].must, f.metadata["doc"]
