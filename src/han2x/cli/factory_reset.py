"""`han2x factory-reset`."""

import argparse
import sys
from pathlib import Path

from ..runtime import factory_reset, state_version
from ..runtime.gateway import Trouble
from ..runtime.settings_file import load
from ..settings import bounded_toml
from ..settings.amend import Refused, from_table
from ..settings.schema import Settings
from . import NO, OK, Wrong, paths

REMEDY = "Stop it first: it writes what it knows as it ends. A running gateway is reset on its page"
SIGNS = (state_version.NAME, factory_reset.HISTORY, "*.state")
"""What the program leaves in its state directory: one of them is in each that it has used."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Where settings and state are, and whether history goes too."""
    paths.configure(parser, state=True)
    parser.add_argument("--history", action="store_true", help="delete stored history too")
    parser.add_argument("--yes", action="store_true", help="do not ask, for scripts")
    parser.epilog = (
        "Settings, passwords and state are deleted; history stays. How LEDs and button are wired and which "
        "network interface is managed stay too. A copy of the settings file stays beside it, passwords "
        "included. Refused while the program runs."
    )


def run(arguments: argparse.Namespace) -> int:
    """Put everything back, whatever state it is in."""
    paths.check(arguments.settings)
    _check(arguments.state)
    with paths.alone(arguments.settings, arguments.state, REMEDY):
        if not _agreed(arguments):
            print("Nothing was changed.")
            return NO
        return _reset(arguments)


def _check(state: Path) -> None:
    """Raises `Wrong` for a state directory that is none: every file in it would be deleted."""
    if state == paths.state_directory() and not state.exists():
        return
    if not state.is_dir():
        raise Wrong(f"state directory {state} does not exist. Check the path")
    if any(state.iterdir()) and not any(True for sign in SIGNS for _ in state.glob(sign)):
        raise Wrong(f"{state} is not a state directory of han2x: nothing in it is known. Check the path")


def _agreed(arguments: argparse.Namespace) -> bool:
    """Whether the person at the terminal, or the script, wants it; raises `Wrong` if none can be asked."""
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        raise Wrong("there is no terminal to ask at. Give --yes to reset without being asked")
    history = "and history" if arguments.history else "but not history"
    print(f"This deletes the settings in {arguments.settings} and all state in {arguments.state}, {history}.")
    try:
        return input("Type yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False


def _reset(arguments: argparse.Namespace) -> int:
    settings = load(arguments.settings)
    known = salvage(arguments.settings) if isinstance(settings, Refused) else settings
    try:
        copy = factory_reset.keep_copy(arguments.settings)
        touched = factory_reset.erase(known, arguments.settings, arguments.state, history=arguments.history)
    except OSError as error:
        reason = error.strerror
        raise Wrong(f"{arguments.settings} cannot be copied: {reason}. Nothing was deleted") from None
    except Trouble as trouble:
        raise Wrong(str(trouble)) from None
    for path in touched:
        print(f"{'rewritten' if path.exists() else 'deleted':<10}{path}")
    if copy:
        print(f"{'copied':<10}{copy} has the settings as they were, with passwords and keys")
    print(f"Factory settings are back{'; history is deleted' if arguments.history else ''}.")
    return OK


def salvage(path: Path) -> Settings:
    """What describes the machine and its history in a file that is refused as a whole."""
    try:
        table = bounded_toml.loads(path.read_text("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return Settings()
    valid: dict[str, object] = {}
    for name in ("board", "network", "history"):
        if name in table and not isinstance(from_table({name: table[name]}), Refused):
            valid[name] = table[name]
    settings = from_table(valid)
    return Settings() if isinstance(settings, Refused) else settings
