"""`StateFile`: whatever happens to the file, what is loaded is a payload that was saved, or nothing."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.runtime.state_file import HEAD, PAYLOAD_MAX, SLOT, StateFile

OLDER, NEWER = b'{"wh": 1000}', b'{"wh": 2000, "longer": true}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "main.state"


@pytest.fixture
def two(path: Path) -> bytes:
    """A file with both slots in use."""
    file = StateFile(path)
    file.save(OLDER)
    file.save(NEWER)
    return path.read_bytes()


def loaded(path: Path) -> bytes | None:
    return StateFile(path).payload


def test_nothing_is_loaded_where_nothing_was_saved(path: Path) -> None:
    """No file is no payload, and loading makes none."""
    assert loaded(path) is None
    assert not path.exists()


@pytest.mark.parametrize("payload", [b"", b"x", NEWER, bytes(range(256)), b" " * 100, b"x" * PAYLOAD_MAX])
def test_what_was_saved_is_loaded(path: Path, payload: bytes) -> None:
    """Any octets up to the limit come back as they were."""
    StateFile(path).save(payload)
    assert loaded(path) == payload


def test_each_save_wins_over_all_before(path: Path) -> None:
    """The newest is loaded, over restarts too, and the file never grows beyond two slots."""
    for number in range(25):
        StateFile(path).save(b"%d" % number)
        assert loaded(path) == b"%d" % number
        assert path.stat().st_size <= 2 * SLOT


def test_the_largest_payload_stays_within_its_slot(path: Path) -> None:
    """A full slot does not reach into the other."""
    file = StateFile(path)
    for payload in (b"x" * PAYLOAD_MAX, b"y" * PAYLOAD_MAX, b"z" * PAYLOAD_MAX):
        before = path.read_bytes() if path.exists() else b""
        file.save(payload)
        after = path.read_bytes()
        assert loaded(path) == payload
        assert len(after) <= 2 * SLOT
        assert sum(before[at : at + SLOT] != after[at : at + SLOT] for at in (0, SLOT)) <= 1 + (not before)


def test_a_save_leaves_the_slot_of_the_one_before(path: Path, two: bytes) -> None:
    """The slots take turns."""
    StateFile(path).save(b"third")
    after = path.read_bytes()
    changed = [slot for slot in (0, SLOT) if two[slot : slot + SLOT] != after[slot : slot + SLOT]]
    assert changed == [SLOT]
    assert NEWER in after


def test_the_file_is_for_its_owner_alone(path: Path, two: bytes) -> None:
    """Nobody else needs to know what a household uses."""
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_cut_at_any_length_gives_a_payload_or_nothing(path: Path, two: bytes) -> None:
    """A cut costs what was cut off and no more."""
    found = set()
    begins = range(HEAD + len(NEWER) + 2)
    for length in {*begins, *(SLOT + at for at in begins), *range(0, len(two), 61)}:
        path.write_bytes(two[:length])
        found.add(result := loaded(path))
        assert result in (None, OLDER, NEWER)
        if length >= HEAD + len(NEWER):  # the newer one is in the first slot
            assert result == NEWER
    assert found == {None, NEWER}


def test_any_damaged_octet_gives_the_older_or_the_newer(path: Path, two: bytes) -> None:
    """One wrong octet, wherever it is and whatever it becomes, costs one of the two payloads at most."""
    interesting = [*range(HEAD + len(NEWER) + 2), *range(SLOT - 2, SLOT + HEAD + len(OLDER) + 2)]
    for at in interesting:
        for octet in {two[at] ^ 0x01, 0x00, 0x20, 0x39} - {two[at]}:
            damaged = bytearray(two)
            damaged[at] = octet
            path.write_bytes(damaged)
            assert loaded(path) in (OLDER, NEWER), f"octet {at} became {octet:#x}"


def test_after_damage_saving_goes_on(path: Path, two: bytes) -> None:
    """What is saved to a file with one damaged slot is loaded again."""
    for slot in (0, SLOT):
        path.write_bytes(two[:slot] + bytes(SLOT) + two[slot + SLOT :])
        file = StateFile(path)
        for payload in (b"third", b"fourth", b"fifth"):
            file.save(payload)
            assert loaded(path) == payload


@settings(max_examples=200)
@given(content=st.binary(max_size=300), slot=st.sampled_from([0, SLOT]))
def test_garbage_is_no_payload(tmp_path_factory: pytest.TempPathFactory, content: bytes, slot: int) -> None:
    """A file of anything else loads as nothing, and does not fail."""
    path = tmp_path_factory.getbasetemp() / "garbage.state"
    path.write_bytes(bytes(slot) + content)
    assert loaded(path) is None


@pytest.mark.parametrize(
    "head",
    [
        b"han2x 1 1 0",
        b"han2x 2 1 0",
        b"han2x 0 0 0",
        b"han2x -1 1 0",
        b"han2x 1 1",
        b"han2x 1 1 0 0",
        b"han2y 1 1 0",
    ],
)
def test_only_a_whole_head_counts(path: Path, head: bytes) -> None:
    """A head needs its name, a sequence number above 0, a check sum that is of it too, and a length.

    The CRC-32 of no octets, begun from 1, is 1.
    """
    path.write_bytes(head.ljust(HEAD - 1) + b"\n")
    assert loaded(path) == (b"" if head == b"han2x 1 1 0" else None)


def test_what_is_too_large_is_refused_and_costs_nothing(path: Path, two: bytes) -> None:
    """A payload beyond the slot raises OSError before anything is written."""
    with pytest.raises(OSError, match="a state of 4032 octets is too large"):
        StateFile(path).save(b"x" * (PAYLOAD_MAX + 1))
    assert path.read_bytes() == two


@contextmanager
def files_end_at(octets: int) -> Iterator[None]:
    """A disk that is full: no file of this process grows beyond so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, HEAD, SLOT, SLOT + HEAD])
def test_a_full_disk_is_an_error_and_keeps_what_is_there(path: Path, room: int) -> None:
    """Where a slot does not fit as a whole OSError is raised, and what was saved before is loaded."""
    file = StateFile(path)
    file.save(b"first")
    first = path.read_bytes()
    path.write_bytes(b"")
    with files_end_at(room):
        for _ in range(3):
            with pytest.raises(OSError, match=r"too large|No space"):
                StateFile(path).save(NEWER)
    assert loaded(path) is None
    path.write_bytes(first)
    file.save(b"second")
    assert loaded(path) == b"second"


def test_after_a_failed_save_the_good_slot_stays(path: Path, tmp_path: Path) -> None:
    """As long as saving fails the last good slot is not written to; when there is room it goes on."""
    file = StateFile(path)
    file.save(b"first")
    file.save(b"second")
    file.save(b"third")
    good = path.read_bytes()[SLOT:]
    os.truncate(path, 2 * SLOT)
    with files_end_at(HEAD):
        for _ in range(4):
            with pytest.raises(OSError, match=r"No space|too large"):
                file.save(b"lost")
            assert path.read_bytes()[SLOT:] == good
            assert loaded(path) == b"third"
    file.save(b"fourth")
    assert loaded(path) == b"fourth"


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    """The state directory need not be there before."""
    path = tmp_path / "a" / "b" / "main.state"
    StateFile(path).save(NEWER)
    assert loaded(path) == NEWER


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/proc/none/x")])
def test_a_place_that_cannot_be_written_is_an_oserror(path: Path, make: object) -> None:
    """A folder in the file's place, or a place that takes no files, raises OSError and nothing else."""
    assert callable(make)
    make(path)
    with pytest.raises(OSError, match=r"Is a directory|No such file"):
        StateFile(path).save(NEWER)


def test_sync_reaches_the_disk_or_says_why(path: Path, two: bytes) -> None:
    """Syncing works where the file is, and is an OSError where it cannot be."""
    StateFile(path).sync()
    assert path.read_bytes() == two
    file = StateFile(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        file.sync()
