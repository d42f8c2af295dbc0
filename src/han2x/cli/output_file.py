"""Files that a command writes where the user says: new ones only, or any regular file with `--force`."""

import argparse
import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from . import Wrong

_STREAM = (stat.S_ISFIFO, stat.S_ISCHR)
"""A pipe or terminal: nothing that is in it could be lost."""


def configure(parser: argparse.ArgumentParser) -> None:
    """`--force`."""
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


@contextlib.contextmanager
def created(path: Path, *, force: bool, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write, from its beginning; `private`: only its owner may read a new one.

    Raises `Wrong` for a file that holds something already, unless `force`, and where it cannot be written.
    """
    try:
        fd = _opened(path, force, private)
        with os.fdopen(fd, "wb") as file:
            yield file
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror or error}") from None


def _opened(path: Path, force: bool, private: bool) -> int:
    flags = os.O_WRONLY | os.O_CLOEXEC
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    except FileExistsError:
        if not path.exists():  # a link to nowhere: following it would make a file that nobody named
            raise
    found = path.stat()
    if not any(kind(found.st_mode) for kind in _STREAM):
        _be_replaceable(path, found, force)
    fd = os.open(path, flags)
    try:
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode):
            if status.st_size and not force:  # written to since it was looked at
                raise FileExistsError(errno.EEXIST, "It was written to by another program")
            os.ftruncate(fd, 0)
            if private:
                os.fchmod(fd, 0o600)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _be_replaceable(path: Path, found: os.stat_result, force: bool) -> None:
    """Raises `Wrong` for what must not be written over."""
    if not stat.S_ISREG(found.st_mode):
        raise Wrong(f"{path} is not a regular file. Name a new file")
    if found.st_size and not force:
        raise Wrong(f"{path} exists and would be overwritten. Name a new file, or give --force")
