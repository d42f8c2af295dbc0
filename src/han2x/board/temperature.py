"""The machine's temperature, from a file of its sensors, in thousandths of a degree as Linux has them."""

from pathlib import Path

from ..runtime.files import read_head

PLACES = ("class/thermal/thermal_zone*/temp", "class/hwmon/hwmon*/temp1_input")
SIZE_MAX = 32
LOW, HIGH = -10_000, 15_000
"""Hundredths of a degree that a sensor can mean; everything else is a sensor that fails."""


def find_sensor(sys: Path = Path("/sys")) -> Path | None:
    """The first sensor of this machine that tells a temperature; None where there is none."""
    found = (path for place in PLACES for path in sorted(sys.glob(place)))
    return next((path for path in found if read_temperature(path) is not None), None)


def read_temperature(path: Path) -> int | None:
    """Hundredths of a degree Celsius; None if the file does not tell."""
    try:
        hundredths = int(read_head(path, SIZE_MAX)) // 10
    except (OSError, ValueError):
        return None
    return hundredths if LOW <= hundredths <= HIGH else None
