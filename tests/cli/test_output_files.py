"""Files that a command writes where the user says: nothing that exists is overwritten without --force."""

import os
import stat
from pathlib import Path

import pytest

from han2x.cli import NO, OK, WRONG, main
from han2x.history.batch import Batch
from han2x.history.rows import MEASURED, MINUTE_S, Row
from han2x.history.store import Store

MINE = b"what I have written for years\n"


def words(folder: Path, command: str, target: Path) -> list[str]:
    """A call of each command that writes a file which the user names."""
    capture, state = folder / "capture.bin", folder / "state"
    capture.write_bytes(b"no telegram")
    state.mkdir(exist_ok=True)
    if command == "history" and not (state / "history.sqlite").exists():
        store = Store(state / "history.sqlite")
        store.write(Batch([("main", Row(1_800_000_000, MINUTE_S, 60, 1000, 1, 1, (1,) * len(MEASURED)))]))
        store.close()
    settings = folder / "han2x.toml"
    settings.write_text('[[meters]]\nsource = "serial:auto"\n')
    calls: dict[str, list[str]] = {
        "simulate": ["simulate", "kaifa", "--hours", "0.01", "--file", str(target)],
        "record": ["record", f"replay:{capture}?speed=max", "--file", str(target)],
        "bundle": ["bundle", str(capture), "--file", str(target)],
        "keys": ["keys", "--state", str(state), "add", "plc", "--folder", str(target.parent)],
        "history": ["history", "--settings", str(settings), "--state", str(state), "backup", str(target)],
    }
    return calls[command]


COMMANDS = ("simulate", "record", "bundle", "keys", "history")


def target_of(folder: Path, command: str) -> Path:
    place = folder / "place"
    place.mkdir()
    return place / ("plc-ca.pem" if command == "keys" else "mine.txt")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_of_the_user_stays(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused with a sentence, and the file is as it was; --force replaces it, for its owner's eyes."""
    target = target_of(tmp_path, command)
    target.write_bytes(MINE)
    target.chmod(0o644)
    call = words(tmp_path, command, target)
    assert main(call) == WRONG
    assert target.read_bytes() == MINE
    said = capsys.readouterr().err
    assert str(target) in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert main([*call, "--force"]) in (OK, NO)
    assert target.read_bytes() != MINE
    if command in ("record", "bundle", "keys"):
        assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["a folder", "a link to nowhere", "a link to my file", "a block device"])
def test_what_is_no_new_file_is_refused(
    tmp_path: Path, command: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is made where a link leads to, and nothing behind one is overwritten."""
    target, other = target_of(tmp_path, command), tmp_path / "other.txt"
    if kind == "a folder":
        target.mkdir()
    elif kind == "a block device":
        try:
            os.mknod(target, 0o600 | stat.S_IFBLK, os.makedev(240, 0))
        except OSError:
            pytest.skip("no device can be made here")
    else:
        target.symlink_to(other)
        if kind == "a link to my file":
            other.write_bytes(MINE)
    assert main(words(tmp_path, command, target)) == WRONG
    assert str(target) in capsys.readouterr().err
    assert not other.exists() or other.read_bytes() == MINE


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "history"])
def test_an_empty_file_is_written(tmp_path: Path, command: str) -> None:
    """As `mktemp` makes it: nothing can be lost in it."""
    target = target_of(tmp_path, command)
    target.touch()
    assert main(words(tmp_path, command, target)) in (OK, NO)
    assert target.stat().st_size


def test_no_certificate_is_made_for_a_file_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the second of two files is in the way there is no certificate that nobody has."""
    target = target_of(tmp_path, "keys")
    target.write_bytes(MINE)
    assert main(words(tmp_path, "keys", target)) == WRONG
    capsys.readouterr()
    assert main(["keys", "--state", str(tmp_path / "state"), "list"]) in (OK, NO)
    assert "plc" not in capsys.readouterr().out


def test_a_pipe_is_written(tmp_path: Path) -> None:
    """What goes on to another program overwrites nothing."""
    target = tmp_path / "pipe"
    os.mkfifo(target)
    reading = os.open(target, os.O_RDONLY | os.O_NONBLOCK)
    assert main(words(tmp_path, "simulate", target)) == OK
    assert os.read(reading, 1_000)[0] == 0x7E
    os.close(reading)
