"""How a settings file of an older version becomes one of today, and why a newer one is refused. Pure.

A file says its format in its first line; a file without that line is of format 1. A change of names or
meanings is a function in `MIGRATIONS`, and nothing else in the program knows that it ever was otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .amend import Complaint, Refused
from .identity import identified

Table = Mapping[str, Any]
Migration = Callable[[dict[str, Any]], dict[str, Any]]

KEY = "format"
MIGRATIONS: tuple[Migration, ...] = (identified,)
"""What makes format n + 1 of format n, beginning with n = 1. Only ever appended.

2: meters and brokers have an `id`, which is what they were called until then.
"""
FORMAT = len(MIGRATIONS) + 1


def upgraded(table: Table, migrations: Sequence[Migration] = MIGRATIONS) -> dict[str, Any] | Refused:
    """The table in today's format, without the line that says so; refused if a newer version wrote it."""
    newest = len(migrations) + 1
    number = format_of(table)
    if type(number) is not int or number < 1:
        return Refused((Complaint(KEY, f"must be a whole number from 1 to {newest}, not {number!r}"),))
    if number > newest:
        text = (
            f"is {number}, and this version of han2x knows formats up to {newest}: a newer version wrote the "
            "file. Install that version again, or move the file away to begin with factory settings"
        )
        return Refused((Complaint(KEY, text),))
    result = {name: value for name, value in table.items() if name != KEY}
    for migration in migrations[number - 1 :]:
        result = migration(result)
    return result


def format_of(table: Table) -> Any:
    """What a table says its format is."""
    return table.get(KEY, 1)
