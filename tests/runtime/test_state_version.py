"""A state directory tells which version wrote it; an older program leaves a newer one's alone."""

from pathlib import Path

import pytest

from han2x.cli import WRONG, main
from han2x.runtime.state_version import newer


def test_a_directory_is_marked_and_taken_again(tmp_path: Path) -> None:
    """New, unmarked and own directories are taken."""
    assert newer(tmp_path / "new") is None
    assert newer(tmp_path / "new") is None
    assert (tmp_path / "new" / "format").read_text() == "1\n"


@pytest.mark.parametrize("mark", ["", "one", "-3", "0"])
def test_a_damaged_mark_is_written_again(tmp_path: Path, mark: str) -> None:
    """What is no number is no reason to refuse."""
    (tmp_path / "format").write_text(mark)
    assert newer(tmp_path) is None
    assert (tmp_path / "format").read_text() == "1\n"


def test_a_newer_state_is_refused_politely(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`run` says whose state it is and what to do, and touches nothing."""
    (tmp_path / "format").write_text("2\n")
    words = ["run", "--settings", str(tmp_path / "none.toml"), "--state", str(tmp_path)]
    assert main(words) == WRONG
    said = capsys.readouterr().err
    assert "a newer version wrote it. Install that version again" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["format"]
