"""Where in a settings file each setting stands, so that a complaint can say its line. Pure.

A light reading of TOML's lines, enough for tables and keys as people write them; others have line 0.
"""

import re
from collections import Counter
from dataclasses import replace

from .complaint import Refused
from .schema import REPEATED

HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_-]+)\s*\]\]?\s*(#.*)?")
KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+)\s*=")
QUOTES = ('"""', "'''")


def lines(text: str) -> dict[str, int]:
    """The line, from 1, of each section and setting, by its path: `meters`, `meters.0`, `meters.0.scale`."""
    found: dict[str, int] = {}
    rows: Counter[str] = Counter()
    holder, quote = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
        elif header := HEADER.fullmatch(line):
            name = header[2]
            holder = f"{name}.{rows[name]}" if name in REPEATED else name
            rows[name] += 1
            found.setdefault(name, number)
            found[holder] = number
        elif key := KEY.match(line):
            found[f"{holder}.{key[1]}" if holder else key[1]] = number
            quote = next((each for each in QUOTES if line.count(each) == 1), "")
    return found


def located(refused: Refused, text: str) -> Refused:
    """The complaints with the lines of what they are about, or of what that is in."""
    known = lines(text)
    return Refused(tuple(replace(one, line=_line(one.path, known)) for one in refused.complaints))


def _line(path: str, known: dict[str, int]) -> int:
    while path and path not in known:
        path = path.rpartition(".")[0]
    return known.get(path, 0)
