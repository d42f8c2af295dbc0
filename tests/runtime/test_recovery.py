"""A settings file that cannot be used: what is served meanwhile; nothing of a person's is lost.

That a program goes on with a mended file without a restart is in `tests/web/test_broken_settings.py`.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from han2x.runtime import recovery
from han2x.runtime.gateway import Trouble
from han2x.runtime.recovery import last_good, open_settings, page_only, put_back
from han2x.runtime.settings_file import load, located
from han2x.settings.amend import Refused
from han2x.settings.schema import Settings

GOOD = '# mine\n[[meters]]\nname = "house"\nunit_id = 9\n\n[web]\nport = 8181\n'
BROKEN = GOOD + "[modbus_tcp\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "han2x.toml"
    path.write_text(GOOD)
    return path


def keep(file: Path, state: Path) -> None:
    """What the program does with good settings."""
    settings = load(file)
    assert isinstance(settings, Settings)
    recovery._copy(file, settings, state, list[str]().append)


def reason(path: Path) -> str:
    refused = load(path)
    assert isinstance(refused, Refused)
    return str(located(refused, path))


def test_a_good_file_is_served_and_nothing_else(file: Path, tmp_path: Path) -> None:
    """There is no complaint, and no copy is looked at."""
    assert open_settings(file, tmp_path / "state") == (load(file), None)


def test_the_last_good_settings_are_served_for_a_broken_file(file: Path, tmp_path: Path) -> None:
    """They are a private copy, comments and all."""
    keep(file, tmp_path)
    good = load(file)
    file.write_text(BROKEN)
    settings, refused = open_settings(file, tmp_path)
    assert settings == good
    assert refused
    assert "line 8" in str(refused)
    copy = tmp_path / recovery.NAME
    assert copy.read_text() == GOOD
    assert copy.stat().st_mode & 0o777 == 0o600


def test_a_damaged_copy_is_no_copy(file: Path, tmp_path: Path) -> None:
    """Then the page alone is served."""
    (tmp_path / recovery.NAME).write_bytes(b"\0" * 100)
    file.write_text(BROKEN)
    settings, refused = open_settings(file, tmp_path)
    assert refused
    assert settings.meters == ()


def test_without_a_copy_only_the_page_is_served_at_its_own_port(file: Path, tmp_path: Path) -> None:
    """No meter and no unit id is made up; the page's section is read though the rest cannot be."""
    file.write_text(BROKEN)
    settings, refused = open_settings(file, tmp_path / "state")
    assert refused
    assert (settings.meters, settings.mqtt, settings.web.port) == ((), (), 8181)
    assert not settings.modbus_tcp.enabled
    assert settings.web.password == ""


@pytest.mark.parametrize(
    "content",
    [
        b"[web]\npassword = \n[modbus_tcp\n",
        b"[web]\nport = 0\n[modbus_tcp\n",
        b'web.password = "x"\n[modbus_tcp\n',
        b'name = "\xf8"\n',
    ],
)
def test_default_password_opens_nothing_where_the_real_one_is_lost(file: Path, content: bytes) -> None:
    """A page whose password cannot be read has one that nobody knows."""
    file.write_bytes(content)
    assert page_only(file).web.password.startswith("scrypt:")


def test_a_contradiction_without_a_copy_is_served_as_far_as_it_goes(file: Path, tmp_path: Path) -> None:
    """A file that an older version took does not stop the meters; with a copy, the copy is served."""
    file.write_text(GOOD + "[modbus_tcp]\nport = 8181\n")
    settings, refused = open_settings(file, tmp_path)
    assert refused is None
    assert settings.meters[0].unit_id == 9
    text = file.read_text()
    file.write_text(GOOD)
    keep(file, tmp_path)
    file.write_text(text)
    settings, refused = open_settings(file, tmp_path)
    assert settings.modbus_tcp.port == 1502
    assert refused
    assert [(one.path, one.line) for one in refused.complaints] == [("modbus_tcp.port", 9), ("web.port", 7)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[web]\nport = 0\n", "line 2: web.port: must be a whole number from 1 to 65535, not 0"),
        (b"[web]\n\n[[meters]]\nscale=1\n", "line 4: meters.0.scale: "),
        (b'[[meters]]\nname="a"\n[[meters]]\nunit_id=2\nname="a"\n', "line 5: meters.1.name: name"),
        (b"[[meters]]\n[colour]\nred = 1\n", "line 2: colour: is no section"),
        (b"format = 99\n", "line 1: format: is 99, and this version"),
        (b"[web\n", "at line 1, column 5"),
        (b'[web]\nname = "h\xf8tte"\n', "byte 0xf8 at line 2, column 10. Save it as UTF-8"),
        (b"#" * 1_000_001, "larger than 1000000 bytes"),
    ],
)
def test_the_line_of_a_complaint_is_said(file: Path, content: bytes, said: str) -> None:
    """A person finds what is meant."""
    file.write_bytes(content)
    assert said in reason(file)


def test_a_byte_order_mark_and_carriage_returns_are_taken(file: Path) -> None:
    """As editors of another system write them."""
    settings = load(file)
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(file) == settings


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "dangling", "loop"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Nothing waits, nothing grows."""
    path = tmp_path / "han2x.toml"
    makers: dict[str, Callable[[], None]] = {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "dangling": lambda: path.symlink_to(tmp_path / "nothing"),
        "loop": lambda: path.symlink_to(path),
    }
    makers[kind]()
    assert "cannot be read" in reason(path)


def test_putting_back_keeps_what_a_person_wrote(file: Path, tmp_path: Path) -> None:
    """Each broken file is kept under a name of its own; a folder in its place too."""
    keep(file, tmp_path)
    for number in (1, 2):
        file.write_text(BROKEN + f"# {number}\n")
        copy = put_back(file, tmp_path)
        assert copy.name == f"han2x.toml.broken-{number}"
        assert copy.read_text().endswith(f"# {number}\n")
        assert file.read_text() == GOOD
    file.unlink()
    file.mkdir()
    assert put_back(file, tmp_path).is_dir()
    assert file.read_text() == GOOD


def test_nothing_is_put_back_where_there_is_nothing(file: Path, tmp_path: Path) -> None:
    """The broken file stays as it is."""
    file.write_text(BROKEN)
    with pytest.raises(Trouble):
        put_back(file, tmp_path / "state")
    assert file.read_text() == BROKEN
    assert last_good(tmp_path / "state") is None
