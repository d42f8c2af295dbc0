"""`han2x history`: what is kept, out and in. Works beside a program that is writing."""

import argparse
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from ..app import now_utc
from ..history import elhub, export, periods
from ..history.batch import Conflict
from ..history.elhub_text import NotElhub
from ..history.file import backup, open_reading
from ..history.service import path_of
from ..history.store import Store
from ..model.hour import HOUR_S, Basis, Hour
from ..model.quantity import Quantity
from ..runtime.files import read
from ..runtime.gateway import Trouble
from ..runtime.lock import Held
from ..runtime.settings_file import load
from ..settings.amend import Refused
from ..settings.schema import Settings
from . import NO, OK, Wrong, output_file, paths

IMPORT_MAX = 64 * 2**20
"""More than ten years of quarters of an hour."""

MISSING_TOLD = 10

AT_ONCE = 500
"""Hours imported in one transaction: a program that is writing waits no longer for it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """What to do with the history, and where it is."""
    paths.configure(parser, state=True)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _configure_export(actions.add_parser("export", help="print what is known of a meter"))
    importing = actions.add_parser("import", help="fill gaps with hours from Elhub's CSV, and compare")
    importing.add_argument("file", type=Path, help="the CSV as downloaded from Elhub")
    importing.add_argument(
        "--metering-point", default="", metavar="ID", help="whose values, where the file has several"
    )
    _configure_meter(importing)
    copying = actions.add_parser("backup", help="copy the history while it is being written")
    copying.add_argument("file", type=Path, help="the copy; an older one is replaced when the new is whole")
    output_file.configure(copying)
    actions.add_parser("status", help="say what is kept")


def _configure_export(parser: argparse.ArgumentParser) -> None:
    _configure_meter(parser)
    parser.add_argument("--from", dest="begin", help="first day or moment, local time (default: the first)")
    parser.add_argument("--to", dest="end", help="day or moment to end before (default: now)")
    parser.add_argument(
        "--resolution", choices=periods.RESOLUTIONS, default="hour", help="(default: %(default)s)"
    )
    parser.add_argument("--format", choices=export.FORMATS, default="csv", help="(default: %(default)s)")


def _configure_meter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--meter", help="id or name of the meter (default: the first of the settings)")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action; exit status 1 if there is nothing to tell."""
    paths.check(arguments.settings)
    settings = load(arguments.settings, arguments.state)
    if isinstance(settings, Refused):
        raise Wrong(f"the settings in {arguments.settings} are refused:\n{settings}")
    path = path_of(settings.history, arguments.state)
    assert path is not None  # there is always a state directory here
    try:
        return _ACTIONS[arguments.action](arguments, settings, path)
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None
    except sqlite3.Error as error:
        raise Wrong(f"the history in {path} cannot be read: {error}") from None


def _export(arguments: argparse.Namespace, settings: Settings, path: Path) -> int:
    zone = ZoneInfo(settings.site.time_zone)
    begin = _moment(arguments.begin, zone) if arguments.begin else 0
    end = _moment(arguments.end, zone) if arguments.end else int(now_utc().timestamp())
    resolution = arguments.resolution
    with closing(open_reading(path)) as file:
        meter = _meter(arguments, settings)
        if meter not in periods.meters(file):
            raise Wrong(f"nothing is known of a meter {meter}: there are {', '.join(periods.meters(file))}")
        found = periods.periods(file, meter, resolution, begin, end, zone)
        lines = 0
        for line in export.written(found, resolution, arguments.format, zone):
            sys.stdout.write(line)
            lines += 1
    return OK if lines > 1 else NO


def _moment(text: str, zone: tzinfo) -> int:
    """Unix seconds of a day or a moment; local unless it has its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"{text!r} is no day or time such as 2026-01-31 or 2026-01-31T15:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _meter(arguments: argparse.Namespace, settings: Settings) -> str:
    """The id of the meter that is named, by id or name; whoever is in no settings may be in the history."""
    wanted = arguments.meter or settings.meters[0].id
    if wanted in {meter.id for meter in settings.meters}:
        return str(wanted)
    return next((meter.id for meter in settings.meters if meter.name == wanted), str(wanted))


def _import(arguments: argparse.Namespace, settings: Settings, path: Path) -> int:
    """The whole file is understood before anything is taken from it."""
    zone = ZoneInfo(settings.site.time_zone)
    meter = _meter(arguments, settings)
    if meter not in {known.id for known in settings.meters}:
        raise Wrong(f"there is no meter {meter} in {arguments.settings}")
    try:
        content = read(arguments.file, IMPORT_MAX)
        found = elhub.read_file(content, zone, arguments.metering_point)
    except OSError as error:
        raise Wrong(f"{arguments.file} cannot be read: {error.strerror}") from None
    except NotElhub as error:
        raise Wrong(f"{arguments.file}: {error}") from None
    taken, conflicts = _adopted(_store(path, own=not settings.history.path), meter, iter(found.hours))
    _compare(taken, conflicts, zone)
    _say_import(found, zone)
    return OK if taken else NO


def _say_import(found: elhub.Import, zone: tzinfo) -> None:
    """From when to when, whose, of which quality, and what is missing, on stderr."""

    def local(start: int) -> str:
        return f"{datetime.fromtimestamp(start, zone):%Y-%m-%d %H:%M}"

    if found.hours:
        print(
            f"from {local(found.hours[0].start)} to {local(found.hours[-1].start + HOUR_S)}", file=sys.stderr
        )
    if found.metering_point:
        print(f"metering point {found.metering_point}", file=sys.stderr)
    for quality, lines in sorted(found.qualities.items()):
        print(f"{quality or 'no quality'}: {lines} lines", file=sys.stderr)
    if missing := found.missing:
        some = ", ".join(map(local, missing[:MISSING_TOLD]))
        more = " and others" if len(missing) > MISSING_TOLD else ""
        print(f"{len(missing)} hours are missing or not whole in the file: {some}{more}", file=sys.stderr)


def _store(path: Path, *, own: bool) -> Store:
    """The history to write to: alone, or as the guest of the gateway that uses it."""
    store = Store(path, own=own, alone=True)
    try:
        store.open()
    except Held:
        return Store(path, guest=True)
    return store


def _adopted(store: Store, meter: str, hours: Iterator[Hour]) -> tuple[int, list[Conflict]]:
    """How many hours were read, and those that had been metered."""
    taken, conflicts = 0, []
    try:
        while some := list(islice(hours, AT_ONCE)):
            conflicts += store.adopt(meter, some)
            taken += len(some)
    finally:
        store.close()
    return taken, conflicts


def _compare(taken: int, conflicts: list[Conflict], zone: tzinfo) -> None:
    """Hours that both sides have and that are not the same, as CSV; what it comes to, on stderr."""
    print("start,quantity,metered,imported,difference")
    differing = 0
    sums = {"metered": 0, "imported": 0}
    for metered, imported in conflicts:
        pairs = list(_both(metered, imported))
        differing += any(one != other for _, one, other in pairs)
        for energy, one, other in pairs:
            sums["metered"] += one
            sums["imported"] += other
            if one != other:
                start = datetime.fromtimestamp(metered.start, zone).isoformat()
                print(f"{start},{energy.key},{one},{other},{other - one}")
    print(
        f"{taken} hours read, {taken - len(conflicts)} taken where none was metered. {len(conflicts)} were, "
        f"{differing} of them otherwise: {sums['metered']} Wh metered, {sums['imported']} Wh imported",
        file=sys.stderr,
    )


def _both(metered: Hour, imported: Hour) -> Iterator[tuple[Quantity, int, int]]:
    for energy, wh in imported.energies.items():
        if energy in metered.energies:
            yield energy, export.scaled(metered.energies[energy], metered.scale), wh


def _backup(arguments: argparse.Namespace, _: Settings, path: Path) -> int:
    backup(path, arguments.file, force=arguments.force)
    return OK


def _status(_: argparse.Namespace, settings: Settings, path: Path) -> int:
    zone = ZoneInfo(settings.site.time_zone)
    with closing(open_reading(path)) as file:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB of at most {settings.history.max_mb}")
        names = periods.meters(file)
        for name in names:
            print(f"{name}:")
            for line in _told(file, name, zone):
                print(f"  {line}")
    return OK if names else NO


def _told(file: sqlite3.Connection, meter: str, zone: tzinfo) -> Iterator[str]:
    """How much there is of a meter, and from when to when."""
    for table, what in (("raw", "ten seconds"), ("minute", "minutes"), ("hour", "hours")):
        count, first, last = periods.extent(file, table, meter)
        if count:
            begin, end = (f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}" for at in (first, last))
            yield f"{what:<12}{count:>10}  {begin} to {end}"
    counts = periods.bases(file, meter)
    if counts:
        yield "hours that are " + ", ".join(f"{b.name.lower()}: {counts[b]}" for b in Basis if b in counts)


_ACTIONS: dict[str, Callable[[argparse.Namespace, Settings, Path], int]] = {
    "export": _export,
    "import": _import,
    "backup": _backup,
    "status": _status,
}
