"""Texts of price lists from where they lie: a folder, a file, an archive, or any of these by HTTP(S).

An archive (.tar.gz) is read as it arrives, within bounds of its packed and its unpacked length, so that
neither a large nor a hostile one grows the process.
"""

import gzip
import io
import math
import tarfile
import time
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from ..runtime.files import read
from ..runtime.gateway import Trouble
from . import web

FILE_MAX = 200_000
"""Bytes of one text; a company's price lists are 6 kB."""

FILES_MAX = 1000
PACKED_MAX = 30_000_000
UNPACKED_MAX = 64_000_000
"""Bytes of an archive: the collection's is of a repository with more than the price lists in it."""

MEMBERS_MAX = 5000
TEXTS_MAX = 5_000_000
"""Characters of all price lists of an archive together; the collection's are 350 kB."""

DOWNLOAD_S = 300.0
BLOCK = 1 << 16
SUFFIXES = (".yml", ".yaml", ".toml")
ARCHIVES = (".tar.gz", ".tgz")
COLLECTION = "tariffer"
"""The folder of an archive whose files are meant, where there is one so called."""


class Packed(Protocol):
    """A stream of bytes."""

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes, as soon as there are any; none at the end."""


def texts(place: str) -> dict[str, str]:
    """Texts by the names of their files, from a folder, file or address; raises `Trouble`. Blocks."""
    if place.startswith(("http://", "https://")):
        return from_address(place)
    path = Path(place)
    if path.is_dir():
        return _from_folder(path)
    try:
        if path.name.endswith(ARCHIVES):
            return from_archive(place, io.BytesIO(read(path, PACKED_MAX)))
        return {path.name: _decoded(place, read(path, FILE_MAX))}
    except OSError as error:
        raise Trouble(f"{place} cannot be read: {error.strerror or error}") from None


def from_address(address: str) -> dict[str, str]:
    """An archive, or one file, by HTTP(S)."""
    until = time.monotonic() + DOWNLOAD_S
    name = PurePosixPath(unquote(urlsplit(address).path)).name
    with web.opened(address) as answer:
        if not name.endswith(SUFFIXES):
            return from_archive(address, answer, until)
        stream = _Bounded(answer, FILE_MAX, until)
        return {name: _decoded(address, b"".join(iter(stream.read, b"")))}


def _from_folder(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.name.endswith(SUFFIXES) and not path.name.startswith("."):
                found[path.name] = _decoded(str(path), read(path, FILE_MAX))
                if len(found) > FILES_MAX:
                    raise Trouble(f"{folder} has more than {FILES_MAX} price lists")
    except OSError as error:
        raise Trouble(f"{error.filename or folder} cannot be read: {error.strerror or error}") from None
    return found


def from_archive(place: str, packed: Packed, until: float = math.inf) -> dict[str, str]:
    """The texts of a .tar.gz: those in a folder called `tariffer`, or of the one folder that has any.

    `until`: by the monotonic clock, when all of it must have come.
    """
    folders: dict[str, dict[str, str]] = {}
    length = 0
    try:
        unpacked = _Bounded(gzip.GzipFile(fileobj=_Bounded(packed, PACKED_MAX, until)), UNPACKED_MAX)
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for count, member in enumerate(archive):
                if count >= MEMBERS_MAX:
                    raise Trouble(f"{place} has more than {MEMBERS_MAX} files")
                path = PurePosixPath(member.name)
                if member.isfile() and path.name.endswith(SUFFIXES) and not path.name.startswith("."):
                    texts = folders.setdefault(str(path.parent), {})
                    texts[path.name] = _member(place, archive, member)
                    length += len(texts[path.name])
                    if length > TEXTS_MAX or len(texts) > FILES_MAX:
                        raise Trouble(f"{place} has too many price lists")
        while unpacked.read():  # to its checksum: a cut archive is none
            pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise Trouble(f"{place} is no archive (.tar.gz) that can be read: {error}") from None
    return _chosen(place, folders)


def _member(place: str, archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    if member.size > FILE_MAX or file is None:
        return _TOO_LARGE
    return _decoded(f"{place}: {member.name}", file.read())


_TOO_LARGE = "\0"
"""In place of the text of a file that may not be meant at all."""


def _chosen(place: str, folders: dict[str, dict[str, str]]) -> dict[str, str]:
    meant = [name for name in folders if PurePosixPath(name).name == COLLECTION] or list(folders)
    if len(meant) != 1:
        folder = f"one folder with price lists, or one called {COLLECTION}"
        raise Trouble(f"{place} has {len(meant)} folders with {', '.join(SUFFIXES)} files; it needs {folder}")
    texts = folders[meant[0]]
    for name, text in texts.items():
        if text == _TOO_LARGE:
            raise Trouble(f"{place}: {name} is larger than {FILE_MAX} bytes")
    return texts


def _decoded(place: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Trouble(f"{place}: byte {error.start + 1} is not UTF-8") from None


class _Bounded(io.RawIOBase):
    """A stream that gives no more than `most` bytes, and none after `until`; raises OSError."""

    def __init__(self, inner: Packed, most: int, until: float = math.inf) -> None:
        self._inner, self._left, self._most, self._until = inner, most, most, until

    def readable(self) -> bool:
        """It is read from."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Some bytes; none at the end."""
        part = self._inner.read1(size if 0 <= size <= BLOCK else BLOCK)
        self._left -= len(part)
        if self._left < 0:
            raise OSError(f"it is longer than {self._most} bytes")
        if time.monotonic() > self._until:
            raise OSError(f"it took longer than {DOWNLOAD_S:.0f} s")
        return part
