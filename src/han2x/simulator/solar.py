"""A solar plant at 60 degrees north: what it makes minute by minute of one day.

The height of the sun gives the clear sky, a seeded walk the clouds. `solar_w` is reached at noon of a clear
midsummer day; a clear noon in December gives about a tenth.
"""

from math import cos, pi, radians, sin
from random import Random

LATITUDE = radians(60)
TILT = 23.44
SOLAR_NOON = 13 * 60 - 45
"""Minute of the day in standard time: south of Norway lies at about 11 degrees east, or 45 minutes."""
_CLOUD_MINUTES = 5


_HOUR_ANGLES = [cos(2 * pi * (minute - SOLAR_NOON) / 1440) for minute in range(1440)]
_BEST = sin(radians(90 + TILT) - LATITUDE)


def solar(rng: Random, solar_w: int, day_of_year: int) -> list[int]:
    """W for each minute of a day."""
    clouds = _clouds(rng)
    return [
        int(solar_w * clouds[minute // _CLOUD_MINUTES] * (height / _BEST) ** 1.15) if height > 0 else 0
        for minute, height in enumerate(_heights(day_of_year))
    ]


def _heights(day_of_year: int) -> list[float]:
    """Sine of the sun's height by minute of the day, below zero at night."""
    tilt = radians(-TILT) * cos(2 * pi * (day_of_year + 10) / 365.25)
    middle, swing = sin(LATITUDE) * sin(tilt), cos(LATITUDE) * cos(tilt)
    return [middle + swing * angle for angle in _HOUR_ANGLES]


def _clouds(rng: Random) -> list[float]:
    """The share of light that passes, a walk around the day's mean."""
    mean = rng.choice((0.95, 0.85, 0.6, 0.4, 0.25))
    walk = mean
    passed = []
    for _ in range(1440 // _CLOUD_MINUTES):
        walk += (mean - walk) * 0.2 + rng.gauss(0, 0.1) * (1.05 - mean)
        passed.append(min(max(walk, 0.08), 1.0))
    return passed
