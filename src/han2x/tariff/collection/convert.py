"""The companies of the open collection Fri nettleie made into tables of our own tariff files.

What a price list says is carried over as it is, to the last figure; what cannot be said in a tariff file is
left out and named, never approximated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from .. import complaint, tariff
from ..complaint import Reader
from .price_list import Omitted, converted, day, words

Table = dict[str, Any]

CUSTOMERS = {"husholdning": "home", "fritid": "cabin", "liten_næring": "business", "næring": "business"}
RENAMED = {"soraurdalenergi": "sor-aurdal"}
"""Files whose tariff was called otherwise before the whole collection came with the program."""

SOURCE = "Fri nettleie (kraftsystemet), CC BY 4.0"


class Omission(NamedTuple):
    """A price list that cannot be said in a tariff file: whose, in force from when, and why not."""

    file: str
    begins: str
    reason: str


@dataclass(frozen=True, slots=True)
class Company:
    """What one file of the collection has: tables by the names of tariffs, how many price lists they hold.

    `count`: price lists in the file, of which those in `omitted` are in no table.
    """

    tariffs: Mapping[str, Table]
    count: int
    omitted: tuple[Omission, ...]


class _List(NamedTuple):
    """One price list: who it is for, the part of the grid, and its table."""

    customers: frozenset[str]
    part: str
    table: Table


class Faulty(ValueError):
    """A file of the collection that contradicts its own format; the message says where."""


def company(file: str, value: Any) -> Company:
    """The tariffs of one file; `file` is its name without .yml. Raises `Faulty`."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", file):
        raise Faulty(f"{file!r} is no name of a tariff: a-z, 0-9, - and _")
    if not isinstance(value, dict):
        raise Faulty("must be a mapping with netteier and tariffer")
    top = Reader("", _without_nulls(value))
    head = _head(top)
    lists: list[_List] = []
    omitted: list[Omission] = []
    rows = top.rows("tariffer")
    for row in rows:
        found = converted(row)
        if isinstance(found, Omitted):
            omitted.append(Omission(file, found.begins, found.reason))
        else:
            lists.append(_List(_customers(row), _part(row), found))
    top.done()
    if not rows:
        top.complaints.append("tariffer is missing: a company has one price list or more")
    if top.complaints:
        raise Faulty("; ".join(top.complaints[:3]))
    return Company(dict(_tariffs(RENAMED.get(file, file), head, lists)), len(rows), tuple(omitted))


def _head(top: Reader) -> Table:
    """What all tariffs of a company have in common."""
    owner = " ".join(top.need("netteier", complaint.text, "").split())
    checked = top.need("sist_oppdatert", day, date.min)
    nothing: list[str] = []
    pages = top.need("kilder", words, nothing)
    for name in ("gln", "mga"):
        top.take(name, lambda value: value, None)
    return {
        "title": owner,
        "source": " · ".join([f"{owner}, by way of {SOURCE}", *pages]),
        "checked": checked,
    }


def _customers(row: Reader) -> frozenset[str]:
    nothing: list[str] = []
    groups = row.need("kundegrupper", words, nothing)
    unknown = [name for name in groups if name not in CUSTOMERS]
    if unknown or not groups:
        row.complaints.append(f"{row.where}kundegrupper must be some of {', '.join(CUSTOMERS)}")
    return frozenset(CUSTOMERS.get(name, "home") for name in groups)


def _part(row: Reader) -> str:
    """The part of the grid, where a company has prices of its own for it."""
    return " ".join(str(row.table[name]) for name in ("navn", "mga") if row.table.get(name))


def _without_nulls(value: Any) -> Any:
    """In the collection null is as good as nothing."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _tariffs(stem: str, head: Table, lists: list[_List]) -> Iterator[tuple[str, Table]]:
    """A tariff for homes; one more for cabins and for businesses where their price lists are others."""
    given: dict[tuple[int, ...], str] = {}
    customers: dict[str, list[str]] = {}
    tables: dict[str, list[Table]] = {}
    for customer in tariff.CUSTOMERS:
        for part, chosen in _parts([one for one in lists if customer in one.customers]):
            key = tuple(id(one) for one in chosen)
            name = given.setdefault(key, "-".join([stem, *part, *([customer] if customer != "home" else [])]))
            customers.setdefault(name, []).append(customer)
            tables[name] = [one.table for one in chosen]
    for name, periods in tables.items():
        yield name, {**head, "customers": customers[name], "periods": periods}


def _parts(lists: list[_List]) -> Iterator[tuple[list[str], list[_List]]]:
    """The price lists of one kind of customers, apart by parts of the grid if two are in force at once."""
    ordered = sorted(lists, key=lambda one: one.table["from"])
    if not ordered or not any(_clash(one, other) for one, other in pairwise(ordered)):
        yield from [([], ordered)] if ordered else []
        return
    for part in sorted({one.part for one in ordered}):
        chosen = [one for one in ordered if one.part == part]
        if any(_clash(one, other) for one, other in pairwise(chosen)):
            raise Faulty(f"two price lists are in force at once from {chosen[-1].table['from']}")
        yield [_slug(part)], chosen


def _slug(part: str) -> str:
    plain = part.lower().replace("å", "a").replace("ø", "o").replace("æ", "ae")
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:16] or "other"


def _clash(one: _List, other: _List) -> bool:
    until = one.table.get("until")
    return until is None or bool(until > other.table["from"])
