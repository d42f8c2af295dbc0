"""Files of our own: what is read, replaced and set aside, whatever lies in their place."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.runtime.files import ASIDE_MAX, read, replace, set_aside

NO_FILES: dict[str, Callable[[Path], object]] = {
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "full device": lambda path: path.symlink_to("/dev/full"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("make", NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_regular_file_is_neither_read_nor_replaced(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    """OSError at once, nothing waits; it stays, and can be set aside so that a file takes its place."""
    path = tmp_path / "file"
    make(path)
    with pytest.raises((OSError, RuntimeError)):
        read(path, 100)
    with pytest.raises((OSError, RuntimeError)):
        replace(path, "new")
    assert os.path.lexists(path)
    set_aside(path)
    replace(path, "new")
    assert path.read_text() == "new"
    assert Path("/dev/zero").is_char_device()


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    """A file may lie on another disk."""
    target, path = tmp_path / "elsewhere", tmp_path / "file"
    target.write_text("old")
    path.symlink_to(target)
    assert read(path, 3) == b"old"
    replace(path, "new")
    assert path.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize(
    ("size", "right"), [(0, True), (99, True), (100, True), (101, False), (10**6, False)]
)
def test_reading_is_bounded(tmp_path: Path, size: int, *, right: bool) -> None:
    """A file of the bound is read, a longer one is an error."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    if right:
        assert read(path, 100) == b"x" * size
    else:
        with pytest.raises(OSError, match="larger than 100 bytes") as error:
            read(path, 100)
        assert error.value.errno == errno.EFBIG


def test_damaged_files_are_kept_and_bounded(tmp_path: Path) -> None:
    """Each gets a name of its own; when there are too many the oldest makes room."""
    path = tmp_path / "web.json"
    for number in range(ASIDE_MAX + 2):
        path.write_text(str(number))
        os.utime(path, (number, number))
        set_aside(path)
    assert not path.exists()
    assert sorted(int(one.read_text()) for one in tmp_path.iterdir()) == list(range(2, ASIDE_MAX + 2))
