"""One process, one state: what a second process may do beside a running one, and paths that are wrong."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from han2x.cli import BUSY, NO, OK, WRONG, main, run
from han2x.runtime import lock
from han2x.runtime.settings_file import load
from han2x.settings.schema import Settings

from ..ports import free_port

SETTINGS = """
[modbus_tcp]
host = "127.0.0.1"
port = {port}
[web]
enabled = false
[history]
enabled = false
[[meters]]
source = "serial:/no/tty"
scale = 2000
"""


class Place:
    """A settings file and a state directory."""

    def __init__(self, folder: Path, name: str = "one", port: int = 0) -> None:
        self.file, self.state = folder / f"{name}.toml", folder / name
        self.file.write_text(SETTINGS.format(port=port or free_port()))

    def words(self, *, file: Path | None = None, state: Path | None = None) -> list[str]:
        return ["--settings", str(file or self.file), "--state", str(state or self.state)]

    def files(self) -> dict[str, bytes]:
        found = [self.file, *self.file.parent.glob(f"{self.file.name}*"), *self.state.glob("*")]
        return {path.name: path.read_bytes() for path in found if path.is_file() and path.name != "lock"}


def han2x(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "han2x", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, input=text or "")


@contextmanager
def running(place: Place) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "han2x", "run", *place.words()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "/no/tty is not there" in line:
                break
        try:
            yield process
        finally:
            process.kill()


def test_a_second_one_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """By the state directory, by the settings file, through a link; killed, the first one frees both."""
    place = Place(tmp_path)
    (tmp_path / "link").symlink_to(place.state)
    other = Place(tmp_path, "two")
    with running(place) as process:
        for words in (
            place.words(),
            place.words(state=tmp_path / "link"),
            place.words(file=other.file),
            place.words(state=other.state),
        ):
            second = han2x("run", *words)
            assert (second.returncode, second.stdout) == (BUSY, "")
            (line,) = second.stderr.splitlines()
            assert f"is in use by process {process.pid} (han2x run --settings {place.file}" in line
            assert "--state" in line.partition(". ")[2]
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(place) as again:
        again.send_signal(signal.SIGTERM)
        assert again.wait(20) == OK


def test_a_service_waits_for_one_that_is_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemd does not start it again after status 3; anyone else is told at once."""
    place, waited = Place(tmp_path), 0
    held = lock.directory(place.state)

    def wait(_: float) -> None:
        nonlocal waited
        waited += 1
        if waited == run.TRIES - 1:
            held.release()

    monkeypatch.setattr("time.sleep", wait)
    monkeypatch.setattr(run, "_serve", lambda *_: OK)
    assert main(["run", *place.words()]) == BUSY
    assert waited == 0
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "systemd"))
    assert main(["run", *place.words()]) == OK
    assert waited == run.TRIES - 1


def test_two_that_share_nothing_run_beside_each_other(tmp_path: Path) -> None:
    """Two gateways of one machine, their settings files in one folder."""
    with running(Place(tmp_path)) as first, running(Place(tmp_path, "two")) as second:
        assert (first.poll(), second.poll()) == (None, None)


def test_a_reset_is_refused_while_it_runs(tmp_path: Path) -> None:
    """Nothing is touched, whichever of the two it shares with the one that runs."""
    place, other = Place(tmp_path), Place(tmp_path, "two")
    other.state.mkdir()
    with running(place):
        while not all((place.state / name).exists() for name in ("settings.good.toml", "identities.json")):
            time.sleep(0.05)  # it has settled then
        before = place.files()
        for words in (place.words(), place.words(file=other.file), place.words(state=other.state)):
            done = han2x("factory-reset", "--yes", "--history", *words)
            assert done.returncode == BUSY
            assert "is in use by process" in done.stderr
        assert place.files() == before
        assert other.file.exists()


def reset_place(folder: Path) -> Place:
    place = Place(folder)
    place.state.mkdir()
    for name in ("format", "main.state", "web.json", "history.sqlite", "history.damaged-1.sqlite"):
        (place.state / name).write_text("1")
    return place


def test_a_reset_says_what_it_touched_and_keeps_a_copy(tmp_path: Path) -> None:
    """Each file that went; the copy beside is the file as it was, for its owner alone; each has its own."""
    place = reset_place(tmp_path)
    before = place.file.read_text()
    done = han2x("factory-reset", "--yes", *place.words())
    assert done.returncode == OK
    copy = tmp_path / "one.toml.before-reset-1"
    assert copy.read_text() == before
    assert copy.stat().st_mode & 0o777 == 0o600
    for name in ("format", "main.state", "web.json"):
        assert f"deleted   {place.state / name}\n" in done.stdout
    assert f"rewritten {place.file}\n" in done.stdout
    assert str(copy) in done.stdout
    assert "history" not in done.stdout
    assert {path.name for path in place.state.iterdir()} >= {"history.sqlite", "history.damaged-1.sqlite"}
    assert load(place.file) == Settings()
    assert han2x("factory-reset", "--yes", *place.words()).returncode == OK
    assert copy.read_text() == before
    assert (tmp_path / "one.toml.before-reset-2").exists()


def test_after_a_reset_the_next_start_finds_its_settings(tmp_path: Path) -> None:
    """`settings FILE` is as strict as `run` about a file that is not there."""
    place = reset_place(tmp_path)
    han2x("factory-reset", "--yes", *place.words())
    assert han2x("settings", str(place.file)).returncode == OK


def test_a_reset_without_a_terminal_needs_yes(tmp_path: Path) -> None:
    """A script that says nothing changes nothing, even with yes on its standard input."""
    place = reset_place(tmp_path)
    before = place.files()
    for text in ("", "yes\n"):
        done = han2x("factory-reset", *place.words(), text=text)
        assert done.returncode == WRONG
        assert "--yes" in done.stderr
    assert place.files() == before


@pytest.mark.parametrize(("answer", "status"), [("yes\n", OK), ("no\n", NO), ("\n", NO), ("\x04", NO)])
def test_a_reset_asks_at_the_terminal(tmp_path: Path, answer: str, status: int) -> None:
    """Only yes is yes; the question names what would go."""
    place = reset_place(tmp_path)
    before = place.files()
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "han2x", "factory-reset", *place.words()]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as process:
        os.write(ours, answer.encode())
        said, _ = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == status
    assert f"all state in {place.state}, but not history" in said
    assert (place.files() == before) is (status == NO)


def test_a_reset_of_a_wrong_path_fails_and_touches_nothing(tmp_path: Path) -> None:
    """A settings file or directory that is not there, not a file, or not ours."""
    place = reset_place(tmp_path)
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "thesis.txt").write_text("years of work")
    os.mkfifo(tmp_path / "fifo")
    before = place.files()
    for words in (
        place.words(file=tmp_path / "typo.toml"),
        place.words(file=documents),
        place.words(file=tmp_path / "fifo"),
        place.words(state=tmp_path / "typo"),
        place.words(state=place.file),
        place.words(state=documents),
    ):
        done = han2x("factory-reset", "--yes", "--history", *words)
        assert done.returncode == WRONG, done
        assert len(done.stderr.splitlines()) == 1
        assert "Traceback" not in done.stderr
    assert place.files() == before
    assert (documents / "thesis.txt").exists()
    assert not (tmp_path / "typo").exists()


def test_a_reset_deletes_no_database_of_others(tmp_path: Path) -> None:
    """`history.path` names Home Assistant's: the rest goes, that stays, and the command says so."""
    import sqlite3

    place = reset_place(tmp_path)
    foreign = tmp_path / "home-assistant_v2.db"
    with sqlite3.connect(foreign) as file:
        file.execute("CREATE TABLE states (state TEXT)")
    file.close()
    (tmp_path / "notes.txt").write_text("x")
    for path in (foreign, tmp_path / "notes.txt"):
        content = path.read_bytes()
        place.file.write_text(f'[history]\npath = "{path}"\n')
        (place.state / "format").write_text("1")
        done = han2x("factory-reset", "--yes", "--history", *place.words())
        assert done.returncode == WRONG
        assert f"{path}: it is not a history of han2x" in done.stderr
        assert path.read_bytes() == content
        assert not (place.state / "history.sqlite").exists()


COMMANDS = {
    "settings": ["settings"],
    "run": ["run", "--settings"],
    "collect": ["collect", "--settings"],
    "probe": ["probe", "--settings"],
    "factory-reset": ["factory-reset", "--yes", "--settings"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_settings_file_that_is_not_there_is_said(tmp_path: Path, command: list[str]) -> None:
    """One sentence, and nothing is made."""
    path = tmp_path / "folder" / "typo.toml"
    done = han2x(*command, str(path))
    assert (done.returncode, done.stdout) == (WRONG, "")
    (line,) = done.stderr.splitlines()
    assert f"settings file {path} does not exist" in line
    assert not list(tmp_path.iterdir())


def test_a_first_start_needs_no_settings_file_in_its_usual_place(tmp_path: Path) -> None:
    """Where factory settings lie beside, as the package puts them there, none has been written yet."""
    (tmp_path / "factory.toml").write_text("[modbus_tcp]\nport = 1777\n")
    done = han2x("settings", str(tmp_path / "han2x.toml"))
    assert done.returncode == OK
    assert "port = 1777" in done.stdout


def test_a_lock_lives_as_long_as_its_process(tmp_path: Path) -> None:
    """Stopped by a signal in the midst of its start or later, a program leaves the place free."""
    place = Place(tmp_path)
    for delay in (0.02, 0.1, 0.3):
        command = [sys.executable, "-m", "han2x", "run", *place.words()]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(delay)
            process.kill()
    with running(place) as process:
        assert process.poll() is None
