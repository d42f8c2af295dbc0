"""What a change of settings reaches, and which secrets must be given again for it. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from .amend import section_at
from .complaint import Complaint, Refused
from .reach import Reach, recording
from .schema import REPEATED, SECTIONS, Settings, rules

TEXTS = {
    "reach": "is changed only by a person who is logged in, not with a token",
    "secret_again": "was entered for another server: {changed} changed. Enter the password again",
    "secret_left_out": "was set where this file was saved, and is not in the file. Enter it again",
    "recording_elsewhere": "a recording that is set here must be a file in {folder}. Move it there, or name "
    "it in the settings file",
}
"""What a complaint of each code says; the page has the same in its catalogues."""


class Change(NamedTuple):
    """A setting that a change gives another value."""

    path: str
    name: str
    reach: Reach
    old: Any
    new: Any


def row_changes(holder: str, old: Any, new: Any) -> Iterator[Change]:
    """The settings in which one row of a section differs from another. `holder`: as in `mqtt.0`."""
    for one in fields(new):
        before, after, reach = getattr(old, one.name), getattr(new, one.name), one.metadata["reach"]
        if before != after:
            found = reach if isinstance(reach, Reach) else reach(after)
            yield Change(f"{holder}.{one.name}", one.name, found, before, after)


def changes(before: Settings, after: Settings) -> Iterator[Change]:
    """All settings that differ; a new row of a repeated section differs from one by default."""
    for holder, old, new in _pairs(before, after):
        yield from row_changes(holder, old, new)


def asked(settings: Settings, values: Mapping[str, object]) -> Iterator[Change]:
    """The changes that values by path ask for, as far as they are right by themselves."""
    for path, value in values.items():
        holder, _, name = path.rpartition(".")
        section = section_at(settings, holder)
        rule = rules(type(section)).get(name) if section is not None else None
        if rule and not rule.complaint(value):
            wanted = replace(section, **{name: rule.tidy(value)})
            yield from row_changes(holder, section, wanted)


def not_for_tokens(found: Iterator[Change]) -> tuple[Complaint, ...]:
    """Complaints about the changes that only a person may make."""
    return tuple(Complaint(one.path, TEXTS["reach"], "reach") for one in found if one.reach)


def secrets_again(before: Settings, after: Settings, given: Collection[str]) -> Iterator[Complaint]:
    """Secrets that would be sent elsewhere, or less safely, than they were entered for.

    `given`: paths of the values that whoever makes the change has entered with it.
    """
    for holder, old, new in _pairs(before, after):
        yield from row_secrets_again(holder, old, new, given)


def proven(result: Settings | Refused, before: Settings, given: Collection[str]) -> Settings | Refused:
    """New settings, unless a secret must be given again for them."""
    again = tuple(secrets_again(before, result, given)) if isinstance(result, Settings) else ()
    return Refused(again) if again else result


def row_secrets_again(holder: str, old: Any, new: Any, given: Collection[str]) -> Iterator[Complaint]:
    """The same for one row of a section."""
    moved = [one.name for one in row_changes(holder, old, new) if _moves(one)]
    for name, rule in rules(type(new)).items():
        kept = rule.secret and getattr(new, name) and getattr(new, name) == getattr(old, name)
        if moved and kept and f"{holder}.{name}" not in given:
            params = {"changed": ", ".join(moved)}
            yield Complaint(
                f"{holder}.{name}", TEXTS["secret_again"].format(**params), "secret_again", params
            )


def _moves(change: Change) -> bool:
    """Whether a secret would go elsewhere, or less safely: TLS turned on sends it to nobody else."""
    return bool(change.reach & Reach.TAKES_SECRET) and (change.old, change.new) != (False, True)


def secrets_left_out(after: Settings, marked: Mapping[str, int]) -> Iterator[Complaint]:
    """Secrets that a saved file says were set, and that nobody here knows: `marked`, the lines by path."""
    for path, line in marked.items():
        holder, _, name = path.rpartition(".")
        section = section_at(after, holder)
        rule = rules(type(section)).get(name) if section is not None else None
        if rule and rule.secret and not getattr(section, name):
            yield Complaint(path, TEXTS["secret_left_out"], "secret_left_out", {"line": line})


def recordings(before: Settings, after: Settings) -> Iterator[tuple[str, str]]:
    """Path and file of each recording that a change sets."""
    for one in changes(before, after):
        if one.name == "source" and (file := recording(one.new)):
            yield one.path, file


def elsewhere(path: str, folder: str) -> Complaint:
    """The complaint about a recording outside of the folder of recordings."""
    params = {"folder": folder}
    return Complaint(path, TEXTS["recording_elsewhere"].format(**params), "recording_elsewhere", params)


def _pairs(before: Settings, after: Settings) -> Iterator[tuple[str, Any, Any]]:
    """Where a row stands now, what it was before, and what it is."""
    for name, section in SECTIONS.items():
        new = getattr(after, name)
        if name not in REPEATED:
            yield name, getattr(before, name), new
            continue
        known = {row.id: row for row in getattr(before, name)}
        for index, row in enumerate(new):
            yield f"{name}.{index}", known.get(row.id) or section(), row
