"""Stored files in bad shape: never waited for, never believed, and said to be so."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.runtime import factory_reset, identities
from han2x.runtime.authority import Authority
from han2x.runtime.files import read, replace
from han2x.runtime.gateway import Trouble
from han2x.runtime.keeper import Keeper
from han2x.runtime.price_lists import PriceLists, Unusable
from han2x.runtime.state_file import StateFile
from han2x.runtime.stored_files import damaged_files, mark_seen, remove_temporaries

Damage = Callable[[Path], object]


def _loop(path: Path) -> None:
    other = path.with_name("other-end")
    other.symlink_to(path)
    path.symlink_to(other)


DAMAGES: dict[str, Damage] = {
    "zeroed": lambda path: path.write_bytes(bytes(200)),
    "random": lambda path: path.write_bytes(bytes(range(255, -1, -1)) * 8),
    "huge": lambda path: path.write_bytes(b"#" * 20_000_000),
    "Latin-1": lambda path: path.write_bytes("navn = 'Sørlandet'".encode("latin-1")),
    "cut": lambda path: path.write_bytes(b'{"a": ["'),
    "a pipe": os.mkfifo,
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": Path.mkdir,
    "a loop of links": _loop,
}


@pytest.fixture(params=list(DAMAGES.values()), ids=list(DAMAGES))
def damage(request: pytest.FixtureRequest) -> Damage:
    found: Damage = request.param
    return found


def test_damaged_factory_settings_are_said_and_defaults_used(tmp_path: Path, damage: Damage) -> None:
    """It was ignored without a word, and a pipe was waited for."""
    settings = tmp_path / "han2x.toml"
    assert factory_reset.complaint(settings) == ""
    damage(tmp_path / "factory.toml")
    assert factory_reset.defaults(settings) == {}
    assert factory_reset.complaint(settings).startswith(f"{tmp_path / 'factory.toml'} cannot be used: ")


def test_factory_settings_out_of_bounds_are_named(tmp_path: Path) -> None:
    """What is TOML and no settings is damage as well; what is right is not."""
    (tmp_path / "factory.toml").write_text("[web]\nport = 99999\n")
    assert "web.port" in factory_reset.complaint(tmp_path / "han2x.toml")
    (tmp_path / "factory.toml").write_text("[web]\nport = 8081\n")
    assert factory_reset.complaint(tmp_path / "han2x.toml") == ""


def test_a_file_of_prices_or_tariffs_is_read_within_bounds(tmp_path: Path, damage: Damage) -> None:
    """A sentence that names the file, whatever is in its place."""
    damage(tmp_path / "mine.toml")
    with pytest.raises(Unusable, match=r"mine\.toml"):
        PriceLists(str(tmp_path)).tariff("mine")


def test_a_damaged_list_of_clients_lets_nobody_in(tmp_path: Path, damage: Damage) -> None:
    """It raises, and its stamp is unlike that of no list."""
    damage(tmp_path / "clients.json")
    authority = Authority(tmp_path)
    assert authority.stamp() is not None
    with pytest.raises(Trouble, match="no client is let in"):
        authority.clients()


ROW = {"serial": "4F", "name": "plc", "role": "", "created_ms": 1, "days": 9, "revoked": True}


@pytest.mark.parametrize(
    "wrong", [{"revoked": 0}, {"revoked": "true"}, {"serial": 79}, {"days": "9"}, {"name": None}, {"role": 1}]
)
def test_a_row_of_a_wrong_shape_spoils_the_list_of_clients(tmp_path: Path, wrong: dict[str, object]) -> None:
    """Or a revoked client would be let in."""
    path, authority = tmp_path / "clients.json", Authority(tmp_path)
    path.write_text(json.dumps([ROW]))
    assert authority.clients()[0].revoked
    spoilt: list[object] = [
        [ROW, ROW | wrong],
        {"rows": []},
        [{k: v for k, v in ROW.items() if k not in wrong}],
    ]
    for rows in spoilt:
        path.write_text(json.dumps(rows))
        with pytest.raises(Trouble):
            authority.clients()


def test_a_damaged_server_pair_is_set_aside_and_made_anew(tmp_path: Path) -> None:
    """Empty files of a full disk, another pair's key, a pipe; the authority itself is left alone."""
    folder, said = tmp_path / "modbus-tls", list[str]()
    authority = Authority(folder, said.append)
    certificate, key = authority.server()
    (tmp_path / "foreign").write_bytes((folder / "ca-key.pem").read_bytes())
    cases: list[Damage] = [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes((tmp_path / "foreign").read_bytes()),
        os.mkfifo,
    ]
    for number, harm in enumerate(cases, 1):
        key.unlink()
        harm(key)
        assert authority.server() == (certificate, key)
        assert len(said) == 2 * number
    assert len(damaged_files(tmp_path)) == 6
    mark_seen(tmp_path)
    assert damaged_files(tmp_path) == []
    (folder / "ca.pem").write_bytes(b"")
    with pytest.raises(Trouble, match="restore them from a backup"):
        authority.server()


def test_a_damaged_list_of_identities_is_set_aside_and_said(tmp_path: Path, damage: Damage) -> None:
    """Nobody is known then, and the start goes on."""
    said: list[str] = []
    identities.set_damaged_aside(tmp_path, said.append)
    assert said == []
    damage(tmp_path / identities.NAME)
    assert identities.remembered(tmp_path) == ()
    identities.set_damaged_aside(tmp_path, said.append)
    assert len(said) == 1
    assert not os.path.lexists(tmp_path / identities.NAME)


def test_one_damaged_slot_is_spoken_of_until_it_was_seen(tmp_path: Path) -> None:
    """The next save mends the file; a copy of what was found stays, and with it the notice."""
    path, said = tmp_path / "main.state", list[str]()
    file = StateFile(path)
    for _ in range(3):
        file.save(b"{}")
    content = bytearray(path.read_bytes())
    content[:64] = bytes(64)
    path.write_bytes(content)
    found = path.read_bytes()
    Keeper(tmp_path, said.append)._file("main")
    assert "one of its two copies is damaged" in said[0]
    assert path.read_bytes() == found
    assert [one.name for one in damaged_files(tmp_path)] == ["main.state.damaged-1"]


def test_only_our_own_temporaries_are_deleted(tmp_path: Path) -> None:
    """Those that a kill left of stored files; nobody else's, no links, no folders."""
    state = tmp_path / "state"
    (state / "modbus-tls").mkdir(parents=True)
    ours = [
        state / ".web.json.abcdefg1",
        state / ".main.state.a_cdefg1",
        state / "modbus-tls" / ".clients.json.abcdefgh",
        tmp_path / ".han2x.toml.abcdefgh",
    ]
    others = [
        state / ".web.json.swp",
        state / ".notes.txt.abcdefgh",
        state / "web.json",
        tmp_path / ".web.json.abcdefgh",
        tmp_path / ".other.toml.abcdefgh",
    ]
    for path in (*ours, *others):
        path.write_text("x")
    (state / ".numbers.json.abcdefgh").symlink_to(state / "web.json")
    remove_temporaries(state, tmp_path / "han2x.toml")
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in (*others, state / ".numbers.json.abcdefgh"))


def test_two_writers_leave_one_whole_content(tmp_path: Path) -> None:
    """Whoever is last; never a mixture, and no temporary stays."""
    program = (
        "import sys; from pathlib import Path; from han2x.runtime.files import replace\n"
        "for _ in range(30): replace(Path(sys.argv[1]), sys.argv[2] * 9000)"
    )
    path = tmp_path / "web.json"
    words = [sys.executable, "-c", program, str(path)]
    writers = [subprocess.Popen([*words, letter]) for letter in "ab"]
    assert [one.wait(20) for one in writers] == [0, 0]
    assert path.read_text() in ("a" * 9000, "b" * 9000)
    assert list(tmp_path.iterdir()) == [path]


def test_without_permission_the_reason_is_said(tmp_path: Path) -> None:
    """As another user, for root may read everything."""
    path = tmp_path / "factory.toml"
    path.write_text("")
    path.chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    program = (
        "import sys; from pathlib import Path; from han2x.runtime.factory_reset import complaint\n"
        "import os; os.getuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "print(complaint(Path(sys.argv[1])))"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "han2x.toml")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "cannot be used: Permission denied" in done.stdout


def test_a_full_file_system_leaves_the_old_content(tmp_path: Path) -> None:
    """A real one, of 64 KiB, in a mount namespace of its own."""
    program = f"""
import errno, sys
from pathlib import Path
from han2x.runtime.files import replace
path = Path({str(tmp_path)!r}, "web.json")
replace(path, "old")
try:
    replace(path, bytes(100_000))
except OSError as error:
    print(errno.errorcode[error.errno], path.read_text(), [one.name for one in path.parent.iterdir()])
"""
    mount = f'mount -t tmpfs -o size=64k none {tmp_path} && exec {sys.executable} -c "$0"'
    words = ["unshare", "--user", "--map-root-user", "-m", "sh", "-c", mount, program]
    if os.geteuid() == 0:
        words = ["unshare", "-m", *words[4:]]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "ENOSPC old ['web.json']", done.stderr


def test_a_loop_of_links_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    """With the kernel's own reason."""
    _loop(tmp_path / "web.json")
    with pytest.raises(OSError, match="symbolic links") as refused:
        read(tmp_path / "web.json", 10)
    assert refused.value.errno == errno.ELOOP
    with pytest.raises((OSError, RuntimeError)):
        replace(tmp_path / "web.json", "new")
