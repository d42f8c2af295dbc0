"""Who a meter or broker is, apart from what it is called: an id that is made once and then stays. Pure.

All that is stored or published of a meter hangs on its `id`; its `name` is a label for people. A table of
the settings file that has no id is recognised by what was `Remembered` of it, else it gets a new id, made of
its name.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

ID = r"[a-z0-9][a-z0-9_-]{0,31}"
ID_MAX = 32
ROOM = 4
"""Characters left for a number that tells two ids apart."""

LABEL_MAX = 64
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn the direction of writing, with which a label could look like another."""

_ASCII = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ß": "ss", "đ": "d", "ð": "d", "þ": "th", "ł": "l"})

ALIKE = {"lists": "pattern", "meters": "source", "mqtt": "host"}
"""By repeated section, the setting that tells which row it is when the name is another."""

STEM = {"lists": "list", "meters": "meter", "mqtt": "broker"}
"""The id of one whose name has no letter that an id could have."""

DEFAULT_NAME = "main"


class Remembered(NamedTuple):
    """A row of a repeated section as it was last seen; `alike`: its setting of `ALIKE`; `used`: in force."""

    section: str
    id: str
    name: str
    alike: str
    used: bool = True


def tidy(label: Any) -> Any:
    """A label without spaces at its ends, its letters composed; what is no text stays as it is."""
    if not isinstance(label, str):
        return label
    if label.isascii():
        return label.strip()
    import unicodedata  # costs memory, and most names need none of it

    return unicodedata.normalize("NFC", label).strip()


def is_label(value: object) -> bool:
    """Whether a value can name something for people: 1 to 64 characters of any script, one visible."""
    if not isinstance(value, str) or not 1 <= len(value) <= LABEL_MAX or value != value.strip():
        return False
    if value.isascii():
        return value.isprintable()
    import unicodedata

    kinds = [unicodedata.category(one) for one in value]
    hidden = _UNSEEN.intersection(kinds) or _TURNS.intersection(value)
    return not hidden and any(kind[0] in "LNPS" for kind in kinds)


def made_of(name: object, taken: Collection[str] = (), *, stem: str = "meter") -> str:
    """An id that nobody has, as like the name as can be; a name that could be an id is one."""
    text = name if isinstance(name, str) else ""
    wanted = text if re.fullmatch(ID, text) else _ascii(text) or stem
    if wanted not in taken:
        return wanted
    stem = wanted[: ID_MAX - ROOM]
    return next(new for n in range(2, len(taken) + 3) if (new := f"{stem}-{n}") not in taken)


def identify(row: Any, stem: str) -> None:
    """One that is made without an id has one made of its name; the settings file's are told apart before."""
    if row.id == "":
        object.__setattr__(row, "id", made_of(row.name, stem=stem))


def _ascii(text: str) -> str:
    import unicodedata

    folded = unicodedata.normalize("NFKD", text.lower().translate(_ASCII))
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:ID_MAX].strip("-_")


def identified(table: Mapping[str, Any], known: Iterable[Remembered] = ()) -> dict[str, Any]:
    """A table of settings in which every row has an id; rows that cannot be right stay as they are."""
    known = tuple(known)
    return {
        section: _rows(value, section, [one for one in known if one.section == section])
        if section in ALIKE and isinstance(value, list) and all(isinstance(row, dict) for row in value)
        else value
        for section, value in table.items()
    }


def _rows(rows: Sequence[dict[str, Any]], section: str, known: Sequence[Remembered]) -> list[dict[str, Any]]:
    given = {row["id"] for row in rows if isinstance(row.get("id"), str)}
    free = [one for one in known if one.id not in given]
    found = _recognised([row for row in rows if "id" not in row], ALIKE[section], free, len(rows))
    taken = given | {one.id for one in known}
    done = []
    for row in rows:
        if "id" not in row:
            row = {"id": found.get(id(row)) or made_of(_name(row), taken, stem=STEM[section]), **row}
            taken.add(row["id"])
        done.append(row)
    return done


def _recognised(
    rows: Sequence[dict[str, Any]], alike: str, free: Sequence[Remembered], count: int
) -> dict[int, str]:
    """The ids of rows that are known, by the rows' identities in this process.

    Who has name and source as before comes first, in force or not; then who has the source that it alone has;
    then who has the name; at last the only one there was for the only one there is.
    """
    found: dict[int, str] = {}
    left = [one for one in free if one.used or one.alike]  # of some only an id is known

    def pair(row: dict[str, Any], matching: list[Remembered]) -> None:
        if id(row) not in found and len(matching) == 1:
            found[id(row)] = matching[0].id
            left.remove(matching[0])

    def once(row: dict[str, Any]) -> bool:
        return [other.get(alike) for other in rows].count(row.get(alike)) == 1

    for row in rows:
        pair(row, [one for one in left if (one.name, one.alike) == (_name(row), row.get(alike, one.alike))])
    left = [one for one in left if one.used]
    for row in rows:
        if alike in row and once(row):
            pair(row, [one for one in left if one.alike == row[alike]])
    for row in rows:
        pair(row, [one for one in left if one.name == _name(row)])
    if count == 1 == len([one for one in free if one.used]):
        pair(rows[0], left) if rows else None
    return found


def _name(row: Mapping[str, Any]) -> Any:
    return tidy(row.get("name", DEFAULT_NAME))
