"""`han2x factory-reset`."""

import argparse
import tomllib
from pathlib import Path

from ..runtime import factory
from ..runtime.gateway import Trouble
from ..runtime.settings_file import load
from ..settings.amend import Refused, from_table
from ..settings.schema import Settings
from . import Wrong, places


def configure(parser: argparse.ArgumentParser) -> None:
    """Where settings and state are, and whether history goes too."""
    parser.add_argument(
        "--settings", type=Path, default=places.settings_file(), help="settings file (default: %(default)s)"
    )
    parser.add_argument(
        "--state", type=Path, default=places.state_directory(), help="state directory (default: %(default)s)"
    )
    parser.add_argument(
        "--history", action="store_true", help="delete what was kept of what was measured, too"
    )
    parser.epilog = (
        "Settings, passwords and state go; history stays. How lamps and button are wired and which network "
        "interface is managed stay too. Stop the program first: it writes what it knows as it ends."
    )


def run(arguments: argparse.Namespace) -> int:
    """Put everything back, whatever state it is in."""
    settings = load(arguments.settings)
    known = salvage(arguments.settings) if isinstance(settings, Refused) else settings
    try:
        factory.erase(known, arguments.settings, arguments.state, history=arguments.history)
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None
    print(f"Factory settings are back{'; history is deleted' if arguments.history else ''}.")
    return 0


def salvage(path: Path) -> Settings:
    """What describes the machine and its history in a file that is refused as a whole."""
    try:
        table = tomllib.loads(path.read_text("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return Settings()
    valid: dict[str, object] = {}
    for name in ("board", "network", "history"):
        if name in table and not isinstance(from_table({name: table[name]}), Refused):
            valid[name] = table[name]
    settings = from_table(valid)
    return Settings() if isinstance(settings, Refused) else settings
