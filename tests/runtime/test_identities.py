"""Who the meters are where the settings file does not say: by the list in the state directory."""

from pathlib import Path

from han2x.runtime.identities import remember
from han2x.runtime.settings_file import load
from han2x.settings.schema import Settings

ROW = '[[meters]]\nname = "{}"\nsource = "tcp:{}:1"\nunit_id = {}\n'


def read(path: Path, text: str) -> list[str]:
    """The ids that a program which starts with this file gives its meters; it cannot write them there."""
    path.write_text(text)
    settings = load(path, path.parent)
    assert isinstance(settings, Settings), settings
    remember(path.parent, settings)
    return [meter.id for meter in settings.meters]


def test_meters_of_a_file_that_is_never_written_keep_who_they_are(tmp_path: Path) -> None:
    """Renamed, moved and back, start after start; one that was removed is not continued by its name alone."""
    path = tmp_path / "han2x.toml"
    house, cabin = ROW.format("House", "h", 1), ROW.format("Cabin", "c", 2)
    assert read(path, house + cabin) == ["house", "cabin"]
    assert read(path, ROW.format("Villa", "h", 1) + cabin) == ["house", "cabin"]
    assert read(path, cabin + ROW.format("Mitt Hus", "h", 1)) == ["cabin", "house"]
    assert read(path, ROW.format("Mitt Hus", "other", 1) + cabin) == ["house", "cabin"]
    assert read(path, cabin) == ["cabin"]
    assert read(path, cabin + ROW.format("house", "new", 1)) == ["cabin", "house-2"]
    assert read(path, cabin + ROW.format("Mitt Hus", "other", 3)) == ["cabin", "house"]
