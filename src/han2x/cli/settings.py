"""`han2x settings`."""

import argparse
import sys
from pathlib import Path

from ..runtime.machine_facts import Machine
from ..runtime.settings_file import load, located, sample
from ..settings.amend import Refused, without_contradictions
from ..settings.outside import complaints
from ..settings.schema import Settings
from ..vendors import teaching
from . import Wrong, paths


def configure(parser: argparse.ArgumentParser) -> None:
    """A file to check, or the sample."""
    parser.add_argument(
        "file", nargs="?", type=Path, help=f"settings file (default: {paths.settings_file()})"
    )
    parser.add_argument(
        "--sample", action="store_true", help="print a file with every setting and its meaning"
    )
    parser.add_argument("--secrets", action="store_true", help="print passwords too")


def run(arguments: argparse.Namespace) -> int:
    """Print the settings in force as a settings file, or say what is wrong with them."""
    path = arguments.file or paths.settings_file()
    if arguments.file and not arguments.sample:
        paths.check(path)
    settings = Settings() if arguments.sample else load(path)
    if isinstance(settings, Settings):
        settings = without_contradictions(settings)
    if isinstance(settings, Refused):
        raise Wrong(f"the settings in {path} are refused:\n{located(settings, path)}")
    machine = Machine(paths.state_directory())  # this one: perhaps the file is for another
    for complaint in (*complaints(settings, machine), *teaching.complaints(settings.lists)):
        print(f"{path}: {complaint}", file=sys.stderr)
    sys.stdout.write(sample(settings, secrets=arguments.secrets))
    return 0
