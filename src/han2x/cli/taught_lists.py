"""Lists that were taught, on the command line: `--lists`."""

import argparse
import json
from pathlib import Path

from ..settings import bounded_toml
from ..settings.amend import from_table, without_contradictions
from ..settings.complaint import Refused
from ..settings.lists import TaughtList
from ..settings.schema import Settings
from ..vendors.teaching import complaints
from . import Wrong

FILE_MAX = 1_000_000
KEYS = ("id", "name", "pattern", "codes", "factors")


def configure(parser: argparse.ArgumentParser) -> None:
    """The option."""
    parser.add_argument(
        "--lists",
        type=Path,
        metavar="FILE",
        help="a settings file, or lists.toml of a bundle, with [[lists]]",
    )


def given(arguments: argparse.Namespace) -> tuple[TaughtList, ...]:
    """The lists in the file that was named, none without; raises `Wrong`."""
    path: Path | None = arguments.lists
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            table = bounded_toml.loads(file.read(FILE_MAX).decode("utf-8"))
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{path} is not TOML: {error}") from None
    found = from_table({"lists": table.get("lists", [])})
    found = without_contradictions(found) if isinstance(found, Settings) else found
    if isinstance(found, Refused):
        raise Wrong(f"{path}: {', '.join(map(str, found.complaints))}")
    if wrong := tuple(complaints(found.lists)):
        raise Wrong(f"{path}: {', '.join(map(str, wrong))}")
    return found.lists


def as_toml(lists: tuple[TaughtList, ...]) -> str:
    """The same as a file that can be given again."""
    return "\n".join(map(_row, lists))


def _row(taught: TaughtList) -> str:
    lines = (f"{key} = {json.dumps(getattr(taught, key), ensure_ascii=False)}\n" for key in KEYS)
    return "[[lists]]\n" + "".join(lines)
