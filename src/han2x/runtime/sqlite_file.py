"""What an SQLite file says of itself, read without SQLite, which leaves files beside what it opens.

Source: the SQLite file format, sections 1.3 (header) and 4.1 (write-ahead log). Not for a file that this
process has open by SQLite: closing any descriptor of a file ends all of the process's POSIX locks on it.
"""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

APPLICATION_ID = 0x68326E78
"""Marks a history as ours, for `file` and for ourselves."""

MAGIC = b"SQLite format 3\0"
HEADER = 100
WAL_HEAD, FRAME_HEAD, FRAMES_MAX = 32, 24, 1000


class Header(NamedTuple):
    """Size in bytes, whether it begins as SQLite files do, application id, and whether writers use a WAL."""

    size: int
    is_sqlite: bool
    application_id: int
    wal: bool


def header(path: Path) -> Header:
    """The header of a file; raises OSError for one that is none, or not a regular file."""
    fd = _open(path)
    try:
        head = os.pread(fd, HEADER, 0)
        size = os.fstat(fd).st_size
    finally:
        os.close(fd)
    whole = len(head) == HEADER and head.startswith(MAGIC)
    application_id, wal = (int.from_bytes(head[68:72]), head[18] == 2) if whole else (0, False)
    if whole and wal and not application_id:
        application_id = _in_wal(path)
    return Header(size, whole, application_id, wal)


def is_history(path: Path) -> bool:
    """Whether a file is a history of ours."""
    with contextlib.suppress(OSError):
        return header(path).application_id == APPLICATION_ID
    return False


def _open(path: Path) -> int:
    """A descriptor of a regular file: opening a pipe may block, and opening a device may start something."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is not a regular file")
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def _in_wal(path: Path) -> int:
    """The application id of a file so young that its first transaction is still in the log alone."""
    try:
        fd = _open(path.with_name(f"{path.name}-wal"))
    except OSError:
        return 0
    try:
        head = os.pread(fd, WAL_HEAD, 0)
        frame = FRAME_HEAD + int.from_bytes(head[8:12])
        for at in range(WAL_HEAD, WAL_HEAD + FRAMES_MAX * frame, frame):
            page = os.pread(fd, FRAME_HEAD + HEADER, at)
            if len(page) < FRAME_HEAD + HEADER:
                break
            if page[:4] == b"\0\0\0\1" and page[8:16] == head[16:24]:  # page 1, of this log and no older one
                found = int.from_bytes(page[FRAME_HEAD + 68 : FRAME_HEAD + 72])
                if found:
                    return found
    finally:
        os.close(fd)
    return 0
