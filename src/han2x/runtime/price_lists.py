"""Where tariffs and levies are found by name: a person's own files, those fetched last, those built in.

Fetched files lie in one file of the state directory, which is replaced as a whole. Of a fetched file and
the one built in, the one checked later is used, so a new version of the program may bring newer ones.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ..settings import bounded_toml
from ..tariff.levies import Levies
from ..tariff.levies_reading import levies
from ..tariff.reading import tariff
from ..tariff.tariff import Tariff
from .files import read, replace
from .stored_files import TARIFFS, Say, load, text

BUILT_IN = Path(__file__).resolve().parent.parent / "data"
"""The tariffs and levies that come with the program."""

LEVIES = "levies.toml"
FILE_MAX = 1_000_000
NAMES_MAX = 1000
COMPLAINTS_MAX = 5

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], tuple[T, list[str]]]


class Unusable(Exception):
    """A file that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched last: from where, on which day, and files by their names."""

    address: str = ""
    day: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PriceLists:
    """All files of tariffs and levies. `folder`: a person's own, "" for none. All methods block."""

    folder: str = ""
    state_dir: Path | None = None

    def names(self) -> tuple[str, ...]:
        """The names of all tariffs."""
        fetched = [Path(name).stem for name in self.fetched().texts if name != LEVIES]
        own = _stems(Path(self.folder)) if self.folder else ()
        return tuple(sorted({*_stems(BUILT_IN / "tariffs"), *fetched, *own}))

    def tariff(self, name: str) -> Tariff:
        """A tariff by its name; raises `Unusable`."""
        return self._first(f"{name}.toml", BUILT_IN / "tariffs", lambda table: tariff(name, table))[1]

    def every(self) -> tuple[Tariff, ...]:
        """All tariffs that can be used."""
        names = self.names()
        return _every(self, names, self.states(names))

    def levies(self) -> tuple[str, Levies]:
        """Where the levies are from, and the levies; raises `Unusable`."""
        return self._first(LEVIES, BUILT_IN, levies)

    def states(self, names: tuple[str, ...]) -> tuple[object, ...]:
        """What differs when a file has changed that one of these tariffs, or the levies, may come from."""
        own = [Path(self.folder) / name for name in (LEVIES, *(f"{n}.toml" for n in names)) if self.folder]
        fetched = [self.state_dir / TARIFFS.pattern] if self.state_dir else []
        return tuple(_modified(path) for path in (*own, *fetched))

    def fetched(self, say: Say = lambda _: None) -> Fetched:
        """What was fetched last. A damaged file is set aside, which is said, and is as none."""
        path = self.state_dir / TARIFFS.pattern if self.state_dir else None
        return load(path, TARIFFS, _fetched, say) or Fetched()

    def store(self, fetched: Fetched) -> None:
        """Keep what was fetched, in place of what was before; raises OSError."""
        if self.state_dir is not None:
            stored = {"address": fetched.address, "day": fetched.day, "texts": dict(fetched.texts)}
            replace(self.state_dir / TARIFFS.pattern, json.dumps(stored, ensure_ascii=False, indent=0))

    def _first(self, file: str, built_in: Path, read: Read[T]) -> tuple[str, T]:
        """Where a file is from and what it says: a person's own, else the one checked last that is good."""
        own = Path(self.folder) / file if self.folder else None
        if own and (own.exists() or own.is_symlink()):
            return str(own), _good(str(own), _text(own), read)[1]
        found: list[tuple[date, str, T]] = []
        wrong: list[Unusable] = []
        for where, content in self._candidates(file, built_in):
            try:
                checked, value = _good(where, content, read)
                found.append((checked, where, value))
            except Unusable as error:
                wrong.append(error)
        if found:
            return max(found, key=lambda one: one[0])[1:]  # of equals the first
        raise wrong[0] if wrong else Unusable(f"there is no tariff {Path(file).stem}")

    def _candidates(self, file: str, built_in: Path) -> Iterator[tuple[str, str]]:
        fetched = self.fetched()
        if file in fetched.texts:
            yield f"{file} from {fetched.address}", fetched.texts[file]
        if (built_in / file).exists():
            yield str(built_in / file), _text(built_in / file)


@lru_cache(maxsize=1)
def _every(lists: PriceLists, names: tuple[str, ...], states: object) -> tuple[Tariff, ...]:
    """Kept until a file changes: all of them take half a second."""
    found = []
    for name in names:
        with contextlib.suppress(Unusable):
            found.append(lists.tariff(name))
    return tuple(found)


def _good(where: str, content: str, read: Read[T]) -> tuple[date, T]:
    """When a text was checked and what it says; raises `Unusable`."""
    table = _toml(where, content)
    found, complaints = read(table)
    if complaints:
        more = len(complaints) - COMPLAINTS_MAX
        shown = [*complaints[:COMPLAINTS_MAX], *([f"and {more} more"] if more > 0 else [])]
        raise Unusable(f"{where}: {'; '.join(shown)}")
    return table.get("checked", date.min), found


def _fetched(content: bytes) -> Fetched:
    stored = json.loads(content)
    texts = {text(name): text(value, FILE_MAX) for name, value in stored["texts"].items()}
    return Fetched(text(stored["address"]), text(stored["day"]), texts)


def _stems(folder: Path) -> list[str]:
    try:
        found = [path.stem for path, _ in zip(folder.glob("*.toml"), range(NAMES_MAX), strict=False)]
    except OSError:
        return []
    return [name for name in found if f"{name}.toml" != LEVIES]


def _text(path: Path) -> str:
    try:
        return read(path, FILE_MAX).decode("utf-8-sig")
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Unusable(f"{path} cannot be read: it is not UTF-8") from None


def _toml(where: str, content: str) -> Mapping[str, Any]:
    try:
        return bounded_toml.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{where} is not TOML: {error}") from None


def _modified(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
