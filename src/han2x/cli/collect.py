"""`han2x collect`."""

import argparse
import asyncio

from .. import app
from ..runtime.gateway import Trouble
from ..runtime.settings_file import load
from ..settings.amend import Refused, amend
from ..settings.schema import Settings
from . import OK, Wrong, paths, serving


def configure(parser: argparse.ArgumentParser) -> None:
    """Where settings are, and what this worker is called."""
    paths.configure(parser)
    parser.add_argument("--worker", help="name of this worker, unlike the others' (default: as set)")
    parser.add_argument(
        "--leave",
        action="store_true",
        help="write what the broker has for this worker, then give its place up",
    )
    serving.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Collect until the process is told to stop; nothing is kept here."""
    paths.check(arguments.settings)
    settings = load(arguments.settings)
    if isinstance(settings, Refused):
        raise Wrong(f"the settings in {arguments.settings} are refused:\n{settings}")
    if arguments.worker is not None:
        settings = amend(settings, {"collect.worker": arguments.worker})
        if isinstance(settings, Refused):
            raise Wrong(f"--worker: {settings}")
    return _leave(settings) if arguments.leave else _serve(arguments, settings)


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    return serving.serve(arguments, settings, settings_file=None, state_dir=None, services=app.COLLECTING)


def _leave(settings: Settings) -> int:
    """Give the place up, and say what became of what waited for it."""
    from ..postgres.collect import leave

    try:
        left = asyncio.run(leave(app.collecting(settings)))
    except Trouble as trouble:
        raise Wrong(f"{trouble}. Nothing is lost: the broker keeps what was not written; try again") from None
    print(f"{left.messages} messages were waiting, and the place is given up")
    if left.spoilt or left.refused:
        raise Wrong(
            f"not everything was history: {left.spoilt} messages held none, and the database refused "
            f"{left.refused} records; they are in the table {settings.postgres.prefix}refused"
        )
    return OK
