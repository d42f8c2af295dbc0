"""A whole collection of price lists, checked: all of it is good, or none of it is taken.

Price lists come as the open collection has them (.yml) or as tariff files of our own (.toml), levies as
`levies.toml`. What was read is kept as the texts of our own files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import PurePath

from ..runtime.gateway import Trouble
from ..runtime.price_lists import LEVIES
from ..settings import bounded_toml
from ..tariff.collection import convert, write, yaml
from ..tariff.levies_reading import levies
from ..tariff.reading import tariff
from ..tariff.tariff import Tariff

MOST_COMPLAINTS = 5
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(slots=True)
class Collection:
    """What was read: texts of our own files by their names, the tariffs in them by theirs.

    `companies`, `lists`: how many of each there were; `omitted`: those of the lists that are in no text.
    """

    texts: dict[str, str] = field(default_factory=dict)
    tariffs: dict[str, Tariff] = field(default_factory=dict)
    companies: int = 0
    lists: int = 0
    omitted: list[convert.Omission] = field(default_factory=list)


def collection(place: str, texts: Mapping[str, str], today: date) -> Collection:
    """The collection that texts by file name make; raises `Trouble` with all that is wrong with them."""
    found = Collection()
    complaints = [
        f"{name}: {complaint}"
        for name, text in sorted(texts.items())
        for complaint in _read(found, PurePath(name), text, today)
    ]
    if not found.texts and not complaints:
        complaints.append("there is no price list in it (.yml or .toml)")
    if complaints:
        more = len(complaints) - MOST_COMPLAINTS
        shown = [*complaints[:MOST_COMPLAINTS], *([f"and {more} more"] if more > 0 else [])]
        raise Trouble(f"{place}: {'; '.join(shown)}. Nothing of it is used")
    return found


def _read(found: Collection, path: PurePath, text: str, today: date) -> list[str]:
    """Add what one file says; what is wrong with it."""
    try:
        if path.suffix == ".toml":
            return _add(found, path.stem, text, today)
        company = convert.company(path.stem, yaml.loads(text))
    except (ValueError, RecursionError) as error:
        return [str(error)]
    found.companies += 1
    found.lists += company.count
    found.omitted += company.omitted
    return [
        complaint
        for name, table in company.tariffs.items()
        for complaint in _add(found, name, write.text(table), today)
    ]


def _add(found: Collection, name: str, text: str, today: date) -> list[str]:
    """Add one of our own files, as its reader finds it."""
    file = f"{name}.toml"
    if file in found.texts:
        return [f"{name} is there twice"]
    table = bounded_toml.loads(text)
    found.texts[file] = text
    if file == LEVIES:
        return levies(table)[1]
    read, complaints = tariff(name, table)
    found.tariffs[name] = read
    if not _NAME.fullmatch(name):
        complaints.append(f"{name!r} is no name of a tariff: a-z, 0-9, - and _")
    if read.checked and read.checked > today + timedelta(days=1):
        complaints.append(f"it was checked on {read.checked}, which is still to come")
    return complaints
