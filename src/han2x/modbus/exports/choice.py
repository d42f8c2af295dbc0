"""Which rows of a map a tool is given, and in which blocks it reads them.

A tool has no use for reserved registers, clocks and constants, and cannot read every type. Where a map has
a value twice, the extension's row (`x_…`) is taken, since it tells "unknown" from 0.
"""

from collections.abc import Container, Iterable
from itertools import pairwise

from ..listing import Row
from ..units import UNITS

MOST = 125
"""Registers in one request (Modbus Application Protocol 6.3)."""

NOT_MEASURED = frozenset({"hour", "second", "heartbeat", "unix_time", "uptime", "temperature"})
"""Rows with a unit that the meter does not measure: those that only count, and the box's own."""

INTEGERS = ("int", "uint", "acc")


def is_text(row: Row) -> bool:
    """Whether a row is text."""
    return row.type.startswith("text")


def kind(row: Row) -> str:
    """A row's type, all texts alike, with `_swap` where its low word comes first."""
    if is_text(row):
        return "text"
    return row.type + ("_swap" if row.words > 1 and row.word_order == "low first" else "")


def measured(table: list[Row], kinds: Container[str]) -> list[Row]:
    """The measurements and texts of a map that a tool can read: each once, none that needs an exponent."""
    return _once([row for row in fixed(table, kinds) if _is_measured(row) or is_text(row)])


def scaled(table: list[Row], kinds: Container[str]) -> list[Row]:
    """Like `measured`, for a tool that can apply the exponent of another register."""
    return _once([row for row in live(table, kinds) if _is_measured(row) or is_text(row)])


def fixed(table: list[Row], kinds: Container[str]) -> list[Row]:
    """All rows that a tool can read and that may change, but those whose exponent is in another register."""
    return [row for row in live(table, kinds) if not row.scale_factor]


def live(table: list[Row], kinds: Container[str]) -> list[Row]:
    """All rows that a tool can read and that may change; texts and what is written too."""
    return [row for row in table if kind(row) in kinds and (row.interval != "never" or is_text(row))]


def _is_measured(row: Row) -> bool:
    return row.unit in UNITS and bool(UNITS[row.unit].kind) and row.name not in NOT_MEASURED


def _once(table: list[Row]) -> list[Row]:
    names = {row.name for row in table}
    return [row for row in table if f"x_{row.name}" not in names]


def marker(row: Row) -> int | None:
    """The integer that stands for "unknown"; None for other types, and where 0 does."""
    if not row.type.startswith(INTEGERS) or len(row.unknown) < 4:
        return None
    number = int.from_bytes(in_order(row, row.unknown), "big", signed=row.type.startswith("int"))
    return number or None


def in_order(row: Row, hexadecimal: str) -> bytes:
    """Octets of a row with the high word first."""
    words = hexadecimal.split()
    return bytes.fromhex("".join(reversed(words) if kind(row).endswith("_swap") else words))


def blocks(table: list[Row], chosen: Iterable[Row], most: int = MOST) -> list[list[Row]]:
    """The chosen rows by requests of at most `most` registers, all of which exist."""
    run = _runs(table)
    found: list[list[Row]] = []
    for row in chosen:
        first = found[-1][0] if found else None
        if (
            first
            and run[row.address] == run[first.address]
            and row.address + row.words <= first.address + most
        ):
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _runs(table: list[Row]) -> dict[int, int]:
    """For each row's address, the number of the gapless run of rows that it is in."""
    run = {table[0].address: 0}
    for before, row in pairwise(table):
        run[row.address] = run[before.address] + (row.address != before.address + before.words)
    return run


def span(block: list[Row]) -> int:
    """How many registers a block has from its first row to the end of its last."""
    return block[-1].address + block[-1].words - block[0].address
