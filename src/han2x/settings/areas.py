"""Price areas: the bidding zones of Europe's day-ahead market, by the names that ENTSO-E uses."""

import re

NORWAY = ("NO1", "NO2", "NO3", "NO4", "NO5")
ELSEWHERE = (
    *("SE1", "SE2", "SE3", "SE4", "DK1", "DK2", "FI", "EE", "LV", "LT", "PL", "DE-LU", "AT", "NL", "BE"),
    *("FR", "CH", "CZ", "SK", "HU", "SI", "HR", "RO", "BG", "GR", "RS", "ME", "MK", "BA", "AL", "ES", "PT"),
    *("GB", "IE", "SEM", "IT-NORTH", "IT-CNORTH", "IT-CSOUTH", "IT-SOUTH", "IT-SICILY", "IT-SARDINIA"),
)
EIC = re.compile(r"10Y[A-Z0-9-]{13}")
"""An area's energy identification code."""


def is_area(name: str) -> bool:
    """Whether there is a price area of this name or code."""
    return name.replace("_", "-").upper() in {*NORWAY, *ELSEWHERE} or EIC.fullmatch(name) is not None
