"""What files have to say about settings: a tariff, tax zone or file that is not there. Pure; asks `Facts`."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Protocol

from .complaint import Complaint
from .consistency import device_clashes, named_files, serial_devices
from .schema import Settings

TEXTS = {
    "tariff_unknown": 'there is no tariff "{tariff}"; there are {known}. Name one of these, or put the file '
    "into tariffs.folder",
    "tariff_wrong": 'tariff "{tariff}" cannot be used: {reason}. Mend its file, or name another',
    "fuse_needed": 'tariff "{tariff}" goes by the main fuse. Set fuse_a of meter "{meter}"',
    "zone_unknown": 'there is no tax zone "{zone}"; there are {known}. Name one of these',
    "file_missing": '"{file}" cannot be read: {reason}. Name a file that is there, or leave it empty',
    "folder_missing": '"{folder}" is no folder that can be read. Name one that is there, or leave it empty',
}
"""What a complaint of each code says; the page has the same in its catalogues."""


class Facts(Protocol):
    """What of a machine's files settings are checked against. Every answer may block, none raises."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder that can be read."""

    def file_problem(self, path: str) -> str:
        """Why a file cannot be read, empty if it can."""

    def real_path(self, path: str) -> str:
        """A path without symbolic links."""

    def tariffs(self, folder: str) -> tuple[str, ...]:
        """Names of the tariffs built in and of those in a folder."""

    def tariff_problem(self, folder: str, name: str) -> str:
        """Why a tariff's file cannot be used, empty if it can."""

    def is_by_fuse(self, folder: str, name: str) -> bool:
        """Whether a tariff that can be used goes by the main fuse, now or some day."""

    def tax_zones(self, folder: str) -> tuple[str, ...]:
        """Names of the tax zones, none if their file cannot be used."""


def new_complaints(settings: Settings, before: Settings, facts: Facts) -> tuple[Complaint, ...]:
    """What files have against settings that they had not against those before."""
    found = tuple(complaints(settings, facts))
    known = {one.text for one in complaints(before, facts)} if found else set()
    return tuple(one for one in found if one.text not in known)


def complaints(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    """All that files have against settings."""
    for check in CHECKS:
        yield from check(settings, facts)


def _complaint(path: str, code: str, **params: str | int) -> Complaint:
    return Complaint(path, TEXTS[code].format(**params), code, params)


def _folder(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    folder = settings.tariffs.folder
    if folder and not facts.is_folder(folder):
        yield _complaint("tariffs.folder", "folder_missing", folder=folder)


def _files(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    for path, file in named_files(settings):
        if file and (reason := facts.file_problem(file)):
            yield _complaint(path, "file_missing", file=file, reason=reason)


def _tariffs(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    folder = settings.tariffs.folder
    named = {meter.tariff for meter in settings.meters if meter.tariff}
    known = facts.tariffs(folder) if named else ()
    problems = {name: facts.tariff_problem(folder, name) for name in named & set(known)}
    by_fuse = {name for name, problem in problems.items() if not problem and facts.is_by_fuse(folder, name)}
    for index, meter in enumerate(settings.meters):
        name, path = meter.tariff, f"meters.{index}.tariff"
        if name in by_fuse and not meter.fuse_a:
            for place in (path, f"meters.{index}.fuse_a"):
                yield _complaint(place, "fuse_needed", tariff=name, meter=meter.name)
        elif reason := problems.get(name):
            yield _complaint(path, "tariff_wrong", tariff=name, reason=reason)
        elif name and name not in known:
            yield _complaint(path, "tariff_unknown", tariff=name, known=", ".join(_near(name, known)))


def _near(name: str, known: Sequence[str]) -> Sequence[str]:
    """The names that are like one, all where none is: there are many."""
    return get_close_matches(name, known, 6, 0.75) or known


def _tax_zone(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    zones = facts.tax_zones(settings.tariffs.folder)
    if zones and settings.prices.tax_zone not in zones:
        yield _complaint(
            "prices.tax_zone", "zone_unknown", zone=settings.prices.tax_zone, known=", ".join(zones)
        )


def _devices(settings: Settings, facts: Facts) -> Iterator[Complaint]:
    """One serial device under two names, as under /dev/serial/by-id and as /dev/ttyUSB0."""
    named = dict(serial_devices(settings))
    yield from device_clashes((facts.real_path(device), (path, device)) for path, device in named.items())


CHECKS: tuple[Callable[[Settings, Facts], Iterator[Complaint]], ...] = (
    _folder,
    _files,
    _tariffs,
    _tax_zone,
    _devices,
)
