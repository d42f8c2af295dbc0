"""How far a setting reaches beyond the gateway's own values. Every row of the schema says so."""

from collections.abc import Callable
from enum import Flag, auto
from typing import Any

from .source import ReplaySource, SerialSource, SourceError, parse_source


class Reach(Flag):
    """What a value names or decides; a token may change what is plain, a person who is logged in the rest."""

    PLAIN = 0
    READS_FILE = auto()  # a file or folder whose content is read
    WRITES_FILE = auto()  # a file that is written
    OPENS_DEVICE = auto()  # a device of the machine
    TAKES_SECRET = auto()  # a part of where, or how safely, a stored secret is sent
    ADMITS = auto()  # who may log in or connect
    SHOWS_BYTES = auto()  # who may see a meter's telegrams as they came


PLAIN = Reach.PLAIN
READS_FILE = Reach.READS_FILE
WRITES_FILE = Reach.WRITES_FILE
OPENS_DEVICE = Reach.OPENS_DEVICE
TAKES_SECRET = Reach.TAKES_SECRET
ADMITS = Reach.ADMITS
SHOWS_BYTES = Reach.SHOWS_BYTES

ReachOf = Reach | Callable[[Any], Reach]
"""A row's reach, or how it follows from the value."""


def reasons(reach: ReachOf) -> list[str]:
    """Why only a person changes a setting, a word each; `by_value` where it depends on the value."""
    if not isinstance(reach, Reach):
        return ["by_value"]
    return [str(one.name).lower() for one in reach]


def source_reach(line: str) -> Reach:
    """How far a meter's source reaches: a recording is read, a named serial device is opened."""
    match parsed(line):
        case ReplaySource():
            return READS_FILE
        case SerialSource(path) if path != "auto":
            return OPENS_DEVICE
    return PLAIN


def recording(line: str) -> str | None:
    """The file that a source replays; None for other sources."""
    source = parsed(line)
    return source.path if isinstance(source, ReplaySource) else None


def parsed(line: str) -> object:
    """The source, None for a line that is none."""
    try:
        return parse_source(line)
    except SourceError:
        return None
