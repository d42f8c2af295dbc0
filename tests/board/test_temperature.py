"""The temperature sensor's file is read within bounds, whatever is in its place."""

import os
from pathlib import Path

import pytest

from han2x.board.temperature import read_temperature


@pytest.mark.parametrize(
    ("content", "hundredths"),
    [("48500\n", 4850), ("-7250", -725), ("", None), ("warm", None), ("150010", None)],
)
def test_a_sensor_is_read(tmp_path: Path, content: str, hundredths: int | None) -> None:
    """Thousandths of a degree; of what is not a sensor's, nothing."""
    file = tmp_path / "temp"
    file.write_text(content)
    assert read_temperature(file) == hundredths


def test_what_is_no_regular_file_is_no_sensor(tmp_path: Path) -> None:
    """A pipe that somebody writes to is not read, nor waited for; nor is a device or folder."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    os.write(held, b"21000\n")
    try:
        assert read_temperature(pipe) is None
    finally:
        os.close(held)
    assert read_temperature(Path("/dev/null")) is None
    assert read_temperature(tmp_path) is None


def test_a_file_without_end_is_read_in_part(tmp_path: Path) -> None:
    """A sparse file of a terabyte costs nothing."""
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(1 << 40)
    assert read_temperature(file) is None
