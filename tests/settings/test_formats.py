"""Settings of older versions become those of today; those of newer ones are refused."""

from pathlib import Path
from typing import Any

import pytest

from han2x.runtime.settings_file import load, sample, write
from han2x.settings.amend import Refused
from han2x.settings.formats import upgraded
from han2x.settings.schema import Meter, Settings


def renamed(table: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in table.items() if k != "old"}, "new": table["old"]}


def doubled(table: dict[str, Any]) -> dict[str, Any]:
    return {**table, "new": 2 * table["new"]}


@pytest.mark.parametrize(
    ("table", "result"),
    [
        ({"old": 3}, {"new": 6}),
        ({"format": 1, "old": 3}, {"new": 6}),
        ({"format": 2, "new": 3}, {"new": 6}),
        ({"format": 3, "new": 3}, {"new": 3}),
    ],
)
def test_each_step_is_taken_in_turn(table: dict[str, Any], result: dict[str, Any]) -> None:
    """A table of any older format passes all migrations from its own on."""
    assert upgraded(table, (renamed, doubled)) == result


@pytest.mark.parametrize("number", [0, -1, "1", 1.0, True, None])
def test_a_format_that_is_none_is_refused(number: object) -> None:
    """The line must hold a whole number."""
    refused = upgraded({"format": number})
    assert isinstance(refused, Refused)
    assert refused.complaints[0].path == "format"


def test_a_newer_file_is_refused_politely(tmp_path: Path) -> None:
    """What a newer version wrote is refused with what to do, and stays as it is."""
    file = tmp_path / "han2x.toml"
    file.write_text("format = 3\n[future]\nx = 1\n")
    refused = load(file)
    assert isinstance(refused, Refused)
    assert str(refused) == (
        "format: is 3, and this version of han2x knows formats up to 2: a newer version wrote the file. "
        "Install that version again, or move the file away to begin with factory settings"
    )


def test_the_sample_says_its_format(tmp_path: Path) -> None:
    """What is written whole carries the line, and is read again."""
    file = tmp_path / "han2x.toml"
    file.write_text(sample(Settings()))
    assert "\nformat = 2\n" in file.read_text()
    assert load(file) == Settings()


def test_an_older_file_is_kept_when_it_is_written_anew(tmp_path: Path) -> None:
    """The first change after an update writes today's format, and leaves the old file beside it."""
    file = tmp_path / "han2x.toml"
    old = "# mine\nformat = 1\n[[meters]]\nscale = 500\n"
    file.write_text(old)
    before = Settings(meters=(Meter(scale=500),))
    write(file, Settings(meters=(Meter(scale=700),)), before)
    assert (tmp_path / "han2x.toml.old").read_text() == old
    assert "format = 2" in file.read_text()
    assert file.read_text() == '# mine\nformat = 2\n[[meters]]\nscale = 700\nid = "main"\n'
