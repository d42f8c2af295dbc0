"""Where settings and state are: the options of every command that needs them, and the defaults."""

import argparse
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..runtime import factory_reset, lock
from . import Busy, Wrong

PAUSE_S = 0.5
"""Between two tries to lock."""

SYSTEM = Path("/etc/han2x/han2x.toml")


def configure(parser: argparse.ArgumentParser, *, state: bool = False) -> None:
    """`--settings`, and `--state` where it is needed."""
    parser.add_argument(
        "--settings", type=Path, default=settings_file(), help="settings file (default: %(default)s)"
    )
    if state:
        parser.add_argument(
            "--state", type=Path, default=state_directory(), help="state directory (default: %(default)s)"
        )


def settings_file() -> Path:
    """`/etc/han2x/han2x.toml` for the system's service and root, else below the user's configuration."""
    if os.geteuid() == 0:
        return SYSTEM
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "han2x" / "han2x.toml"


def state_directory() -> Path:
    """What systemd gives the service, `/var/lib/han2x` for root, else below the user's state."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/han2x")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "han2x"


def check(settings: Path, *, regular: bool = True) -> None:
    """Raises `Wrong` for a settings file that is not there, which is likely a path mistyped.

    Before anybody has changed a setting there is none in the usual places, nor beside factory settings.
    `regular`: also for what is there and no file, such as a folder.
    """
    usual = settings in (SYSTEM, settings_file()) or settings.with_name(factory_reset.NAME).exists()
    if not (usual or os.path.lexists(settings)):
        raise Wrong(f"settings file {settings} does not exist. Check the path, or create the file")
    if regular and settings.exists() and not settings.is_file():  # opening a pipe may take for ever
        raise Wrong(f"settings file {settings} is not a regular file. Check the path")


@contextlib.contextmanager
def alone(settings: Path, state: Path, remedy: str, *, tries: int = 1) -> Iterator[None]:
    """Settings and state are nobody else's meanwhile; raises `Busy` after so many tries."""
    for left in reversed(range(tries)):
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(lock.directory(state, remedy))
                held.enter_context(lock.beside(settings, remedy))
            except lock.Held as error:
                if not left:
                    raise Busy(str(error)) from None
            else:
                yield
                return
        time.sleep(PAUSE_S)
