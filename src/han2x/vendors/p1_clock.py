"""The time in P1 text: in one line, or date and time in a line each (IEC 62056-21 readouts)."""

import re
from collections.abc import Mapping
from datetime import datetime

from ..model.reading import MeterClock, TimeBase

CLOCK, TIME, DATE = "1.0.0", "0.9.1", "0.9.2"
CODES = frozenset(
    f"{channel}{code}" for channel in ("0-0:", "1-0:", "") for code in (CLOCK, TIME, DATE)
)  # fmt: skip
"""The lines that tell the time; a short code stands for its electricity code."""

_CLOCK = re.compile(r"(?:20)?(\d\d)[-/.]?(\d\d)[-/.]?(\d\d)[ T]?(\d\d):?(\d\d):?(\d\d)([WS]?)")
_SEASON = re.compile(r"[012](?=(?:\d{6}|\d\d[:]\d\d[:]\d\d)$)")
"""Before a time or date: normal time, summer time, UTC."""


def clock(texts: Mapping[str, str]) -> MeterClock | None:
    """The time by the texts of a telegram, by code. W and S are winter and summer; many send W all year."""
    together = _first(texts, CLOCK)
    found = _CLOCK.fullmatch(together.strip()) or _CLOCK.fullmatch(
        f"{_SEASON.sub('', _first(texts, DATE))} {_SEASON.sub('', _first(texts, TIME))}"
    )
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    try:
        local = datetime(2000 + year, month, day, hour, minute, second)
    except ValueError:
        return None
    return MeterClock(local, True, TimeBase.STANDARD if found.group(7) == "W" else TimeBase.CIVIL)


def is_clock(text: str) -> bool:
    """Whether a text has the form of a time, even of one that cannot be."""
    return _CLOCK.fullmatch(text.strip()) is not None


def _first(texts: Mapping[str, str], code: str) -> str:
    return next((texts[key] for key in (f"0-0:{code}", f"1-0:{code}", code) if key in texts), "")
