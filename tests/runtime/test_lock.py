"""Locks: real processes that hold, fork and die, and what strangers may have put in a lock's place."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from han2x.runtime import lock

HOLDER = """
import subprocess, sys
from pathlib import Path
from han2x.runtime import lock
held = getattr(lock, sys.argv[1])(Path(sys.argv[2]))
child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
"""
TAKERS = {"directory": lock.directory, "beside": lock.beside}
KEY = "00112233445566778899AABBCCDDEEFF"


@contextmanager
def holder(kind: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds a lock, and has a child."""
    words = [sys.executable, "-c", HOLDER, kind, str(path), "--key", KEY]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        try:
            yield process
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("kind", TAKERS)
def test_the_second_is_told_who_holds_it(tmp_path: Path, kind: str) -> None:
    """Process, command without keys, and since when; a kill frees it, even where a child lives on."""
    path = tmp_path / "place"
    with holder(kind, path) as process:
        with pytest.raises(lock.Held) as held:
            TAKERS[kind](path)
        said = str(held.value)
        assert f"{path} is in use by process {process.pid} (han2x {kind}" in said
        assert " since 20" in said
        assert said.endswith("Stop that process first")
        assert KEY not in said
        process.kill()
        process.wait()
        TAKERS[kind](path).release()


@pytest.mark.parametrize("kind", TAKERS)
def test_it_is_one_lock_by_whatever_path(tmp_path: Path, kind: str) -> None:
    """A link to the place is the place; after the release, and a second one, it is free."""
    path = tmp_path / "place"
    held = TAKERS[kind](path)
    path.touch() if kind == "beside" else None
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(lock.Held):
        TAKERS[kind](tmp_path / "link")
    held.release()
    held.release()
    with TAKERS[kind](tmp_path / "link"), pytest.raises(lock.Held):
        TAKERS[kind](path)
    TAKERS[kind](path).release()


def test_emptying_the_directory_frees_nothing(tmp_path: Path) -> None:
    """Whoever deletes the lock file of a running program does not start a second one."""
    with lock.directory(tmp_path):
        (tmp_path / lock.NAME).unlink()
        with pytest.raises(lock.Held, match="another process"):
            lock.directory(tmp_path)


def test_a_file_may_be_replaced_under_its_lock(tmp_path: Path) -> None:
    """The settings file gets a new content all at once, which is another file to the kernel."""
    path = tmp_path / "han2x.toml"
    path.touch()
    with lock.beside(path):
        (tmp_path / "new").touch()
        (tmp_path / "new").rename(path)
        with pytest.raises(lock.Held):
            lock.beside(path)


def odd(path: Path, kind: str) -> None:
    """Something else in a lock file's place."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.write_bytes(
            {"binary": os.urandom(9000), "huge": b"1 " + b"x" * 10**6, "text": b"\x1b[31m\n"}[kind]
        )


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "binary", "huge", "text"])
def test_whatever_lies_in_the_lock_files_place(tmp_path: Path, kind: str) -> None:
    """Nothing blocks, nothing is read without end, and a state directory is still locked."""
    odd(tmp_path / lock.NAME, kind)
    with lock.directory(tmp_path), pytest.raises(lock.Held) as held:
        lock.directory(tmp_path)
    assert len(str(held.value)) < 1500
    assert str(held.value).isprintable()
    odd(tmp_path / ".file.lock", kind)
    lock.beside(tmp_path / "file").release()


REFUSALS: dict[int, tuple[str, bool]] = {
    errno.ENOLCK: ("No locks available", True),
    errno.EOPNOTSUPP: ("not supported", True),
    errno.EROFS: ("", False),
}


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_where_nothing_can_be_locked_it_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    take: Callable[[Path], lock.Lock],
) -> None:
    """A file system that refuses locks is named in the log; one that takes no writing is not."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with take(tmp_path / "place"), take(tmp_path / "place"):
        pass
    text, warned = REFUSALS[number]
    assert ("cannot be locked: " in caplog.text) is warned
    assert text in caplog.text


def test_where_directories_cannot_be_locked_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """NFS locks files that are open for writing only: EBADF for a directory."""
    flock = fcntl.flock

    def picky(fd: int, how: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(fd, how)

    monkeypatch.setattr(fcntl, "flock", picky)
    with lock.directory(tmp_path), pytest.raises(lock.Held, match=f"process {os.getpid()} "):
        lock.directory(tmp_path)
    assert caplog.text == ""
