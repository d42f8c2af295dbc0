"""`han2x tariffs`."""

import argparse
from datetime import date
from pathlib import Path

from ..app import now_utc
from ..billing import gather
from ..billing.collection import Collection, collection
from ..runtime.files import replace
from ..runtime.gateway import Trouble
from ..runtime.price_lists import PriceLists, Unusable
from ..runtime.settings_file import load
from ..settings.schema import Settings
from ..tariff.standing import standing
from . import OK, Wrong, paths


def configure(parser: argparse.ArgumentParser) -> None:
    """`list` and `import`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="print the tariffs there are, with age and end")
    listed.add_argument("words", nargs="*", metavar="WORD", help="parts of name or company")
    paths.configure(listed, state=True)
    imported = actions.add_parser(
        "import",
        help="convert the open collection of grid tariffs to tariff files",
        epilog="SOURCE has price lists as the open collection Fri nettleie has them (.yml), or tariff files "
        "(.toml). All of it is checked before the first file is written. Price lists that a tariff file "
        "cannot express are named.",
    )
    imported.add_argument(
        "source", metavar="SOURCE", help="folder, file, archive (.tar.gz), or the http(s) address of one"
    )
    imported.add_argument("--to", type=Path, metavar="FOLDER", help="write here (default: tariffs.folder)")
    imported.add_argument("--check", action="store_true", help="write nothing")
    paths.configure(imported)


def run(arguments: argparse.Namespace) -> int:
    """Print what there is, or bring in more."""
    return _list(arguments) if arguments.action == "list" else _import(arguments)


def _list(arguments: argparse.Namespace) -> int:
    lists = PriceLists(_settings(arguments).tariffs.folder, arguments.state)
    today = now_utc().date()
    for name in lists.names():
        print_line(lists, name, [word.lower() for word in arguments.words], today)
    return OK


def print_line(lists: PriceLists, name: str, words: list[str], today: date) -> None:
    """Print one tariff, if all words are in its name or title."""
    try:
        found = lists.tariff(name)
    except Unusable as error:
        print(f"{name:32} cannot be used: {error}")
        return
    if all(word in f"{name} {found.title}".lower() for word in words):
        state = standing(found, today)
        checked = f"checked {state.checked}" if state.checked else "checked: unknown"
        print(f"{name:32} {found.title}: {', '.join(found.customers)}; {checked}; {state.state}")


def _import(arguments: argparse.Namespace) -> int:
    try:
        found = collection(arguments.source, gather.texts(arguments.source), now_utc().date())
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None
    if not arguments.check:
        _write(found, _folder(arguments))
    for omission in found.omitted:
        print(f"not converted: {omission.file}, from {omission.begins}: {omission.reason}")
    print(
        f"{found.companies} companies, {found.lists} price lists: "
        f"{found.lists - len(found.omitted)} converted, {len(found.omitted)} not; {len(found.texts)} files"
    )
    return OK


def _folder(arguments: argparse.Namespace) -> Path:
    folder: Path | None = arguments.to
    if folder is None and (named := _settings(arguments).tariffs.folder):
        folder = Path(named)
    if folder is None:
        raise Wrong("no folder to write to. Name one with --to, or in tariffs.folder of the settings")
    return folder


def _settings(arguments: argparse.Namespace) -> Settings:
    settings = load(arguments.settings)
    if not isinstance(settings, Settings):
        raise Wrong(f"the settings in {arguments.settings} are refused. See han2x settings")
    return settings


def _write(found: Collection, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in found.texts.items():
            replace(folder / name, text)
    except OSError as error:
        raise Wrong(f"{error.filename or folder}: {error.strerror or error}") from None
