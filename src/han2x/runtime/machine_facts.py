"""What is on this machine that settings are checked against: tariffs, tax zones, files, serial devices."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..settings import bounded_toml
from ..tariff.levies_reading import levies
from ..tariff.reading import tariff
from .files import read

BUILT_IN = Path(__file__).resolve().parent.parent / "data"
"""The tariffs and levies that come with the program."""

LEVIES = "levies.toml"
MOST_BYTES = 1_000_000
MOST_FILES = 1000


class Unusable(Exception):
    """A file that cannot be used; the message says why."""


class Machine:
    """The `Facts` of the machine the program runs on."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder that can be read."""
        return os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK)

    def file_problem(self, path: str) -> str:
        """Why a file cannot be read, empty if it can."""
        try:
            status = os.stat(path)
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)
        if not stat.S_ISREG(status.st_mode):
            return "it is no regular file"
        return "" if os.access(path, os.R_OK) else "Permission denied"

    def real_path(self, path: str) -> str:
        """A path without symbolic links."""
        return os.path.realpath(path)

    def tariffs(self, folder: str) -> tuple[str, ...]:
        """Names of the tariffs built in and of those in a folder."""
        return tuple(sorted({*_names(BUILT_IN / "tariffs"), *(_names(Path(folder)) if folder else ())}))

    def tariff_problem(self, folder: str, name: str) -> str:
        """Why a tariff's file cannot be used, empty if it can."""
        try:
            return "; ".join(tariff(name, _table(_place(folder, name)))[1][:3])
        except Unusable as error:
            return str(error)

    def is_by_fuse(self, folder: str, name: str) -> bool:
        """Whether a tariff that can be used goes by the main fuse, now or some day."""
        read, _ = tariff(name, _table(_place(folder, name)))
        return any(period.rule == "fuse" for period in read.periods)

    def tax_zones(self, folder: str) -> tuple[str, ...]:
        """Names of the tax zones, none if their file cannot be used."""
        own = Path(folder) / LEVIES if folder else None
        try:
            read, complaints = levies(_table(own if own and own.exists() else BUILT_IN / LEVIES))
        except (Unusable, OSError):
            return ()
        return () if complaints else tuple(read.zones)


def _names(folder: Path) -> list[str]:
    try:
        found = [path.stem for path, _ in zip(folder.glob("*.toml"), range(MOST_FILES), strict=False)]
    except OSError:
        return []
    return [name for name in found if f"{name}.toml" != LEVIES]


def _place(folder: str, name: str) -> Path:
    own = Path(folder) / f"{name}.toml" if folder else None
    return own if own and own.exists() else BUILT_IN / "tariffs" / f"{name}.toml"


def _table(path: Path) -> Mapping[str, Any]:
    """A TOML file's table, read within bounds; raises `Unusable`."""
    try:
        return bounded_toml.loads(read(path, MOST_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{path} is not TOML: {error}") from None
