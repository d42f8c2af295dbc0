"""What is on this machine that settings are checked against: tariffs, tax zones, files, serial devices."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .price_lists import PriceLists, Unusable


@dataclass(frozen=True, slots=True)
class Machine:
    """The `Facts` of the machine the program runs on. `state_dir`: where fetched tariffs are."""

    state_dir: Path | None = None

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
        """Names of the tariffs built in, of those fetched and of those in a folder."""
        return self._lists(folder).names()

    def tariff_problem(self, folder: str, name: str) -> str:
        """Why a tariff's file cannot be used, empty if it can."""
        try:
            self._lists(folder).tariff(name)
        except Unusable as error:
            return str(error)
        return ""

    def is_by_fuse(self, folder: str, name: str) -> bool:
        """Whether a tariff that can be used goes by the main fuse, now or some day."""
        return any(period.rule == "fuse" for period in self._lists(folder).tariff(name).periods)

    def tax_zones(self, folder: str) -> tuple[str, ...]:
        """Names of the tax zones, none if their file cannot be used."""
        try:
            return tuple(self._lists(folder).levies()[1].zones)
        except Unusable:
            return ()

    def _lists(self, folder: str) -> PriceLists:
        return PriceLists(folder, self.state_dir)
