"""`han2x collect`."""

import argparse
from pathlib import Path

from .. import app
from ..runtime.settings_file import load
from ..settings.amend import Refused, amend
from . import Wrong, places, serving


def configure(parser: argparse.ArgumentParser) -> None:
    """Where settings are, and what this worker is called."""
    parser.add_argument(
        "--settings", type=Path, default=places.settings_file(), help="settings file (default: %(default)s)"
    )
    parser.add_argument("--worker", help="name of this worker, unlike the others' (default: as set)")
    serving.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Collect until the process is told to stop; nothing is kept here."""
    settings = load(arguments.settings)
    if isinstance(settings, Refused):
        raise Wrong(f"the settings in {arguments.settings} are refused:\n{settings}")
    if arguments.worker is not None:
        settings = amend(settings, {"collect.worker": arguments.worker})
        if isinstance(settings, Refused):
            raise Wrong(f"--worker: {settings}")
    return serving.serve(arguments, settings, settings_file=None, state_dir=None, services=app.COLLECTING)
