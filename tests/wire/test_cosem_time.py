"""The meter's clock (wire/clock.py): the naive local time, and whether the status vouches for it."""

from datetime import datetime

import pytest

from han2x.wire.clock import CosemTime, cosem_time

NOON = datetime(2025, 12, 14, 12, 30, 5)


@pytest.mark.parametrize(
    ("octets", "time"),
    [
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 00", CosemTime(NOON, True)),
        ("07E9 0C 0E 00 0C 1E 05 FF 0000 00", CosemTime(NOON, True)),  # Aidon: Sunday is 0
        ("07E9 0C 0E FF 0C 1E 05 00 FFC4 80", CosemTime(NOON, True)),  # daylight saving
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 FF", CosemTime(NOON, True)),  # status not specified
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 01", CosemTime(NOON, False)),  # invalid
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 02", CosemTime(NOON, False)),  # doubtful
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 83", CosemTime(NOON, False)),
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 0C", CosemTime(NOON, True)),  # another base: neither bit
        ("07D0 01 01 06 00 00 00 FF 8000 01", CosemTime(datetime(2000, 1, 1), False)),
        ("07E9 0C 0E 07 0C 1E FF FF 8000 00", CosemTime(NOON.replace(second=0), True)),
        ("07E9 0C 1F 03 17 3B 3B FF 8000 00", CosemTime(datetime(2025, 12, 31, 23, 59, 59), True)),
        ("07E8 02 1D 04 00 00 00 FF 8000 00", CosemTime(datetime(2024, 2, 29), True)),
        ("07E9 02 1D 04 00 00 00 FF 8000 00", None),  # no leap year
        ("FFFF FF FF FF FF FF FF FF 8000 FF", None),
        ("FFFF 0C 0E 07 0C 1E 05 FF 8000 00", None),
        ("07E9 FF 0E 07 0C 1E 05 FF 8000 00", None),
        ("07E9 0C FF 07 0C 1E 05 FF 8000 00", None),
        ("07E9 0C 0E 07 FF 1E 05 FF 8000 00", None),
        ("07E9 0C 0E 07 0C FF 05 FF 8000 00", None),
        ("0000 00 00 00 00 00 00 00 0000 00", None),
        ("07E9 0D 0E 07 0C 1E 05 FF 8000 00", None),
        ("07E9 0C 20 07 0C 1E 05 FF 8000 00", None),
        ("07E9 0C 0E 07 18 00 00 FF 8000 00", None),
        ("07E9 0C 0E 07 0C 3C 05 FF 8000 00", None),
        ("07E9 0C 0E 07 0C 1E 3C FF 8000 00", None),
        ("07E9 0C 0E 07 0C 1E 05 FF 8000", None),
        ("07E9 0C 0E 07 0C 1E 05 FF 8000 00 00", None),
        ("", None),
    ],
)
def test_times(octets: str, time: CosemTime | None) -> None:
    """Twelve octets give a time, or none where they name no moment."""
    assert cosem_time(bytes.fromhex(octets)) == time
