"""One price list of the collection as a `[[periods]]` table of ours, or why it cannot be one.

A value of a wrong kind is a complaint; a list that is well formed but says what our tables cannot is
`Omitted`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from typing import Any, NamedTuple

from .. import complaint
from ..calendar import holidays
from ..complaint import Reader, Unfit
from ..tariff import DAYS, WEEK

Table = dict[str, Any]

METHODS: Mapping[str, Table] = {
    "TRE_DØGNMAX_MND": {"rule": "days", "count": 3},
    "MND_MAX": {"rule": "month"},
    "OV_TREFASE": {"rule": "fuse"},
    "FEM_VEKTET_ÅR": {
        "rule": "weeks",
        "count": 5,
        "weights": [100, 100, 85, 50, 30, 25, 25, 25, 30, 45, 70, 95],
        "billed_by": "month-before",
    },
}
"""How a step is found. The months' weights are not in the collection: they are Fjellnett's, the one company
with this method, as its price list of 2026-01-01 has them."""

DAY_KINDS: Mapping[str, str] = {
    **dict(zip(("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"), WEEK, strict=True)),
    "ukedag": "weekdays",
    "helg": "weekends",
    "helligdager": "holidays",
    "fridag": "free-days",
    "virkedag": "workdays",
    "alle": "all",
}

MONTHS = (
    *("januar", "februar", "mars", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "desember"),
)


EVERY_DAY: tuple[str, ...] = ("all",)


class Omitted(NamedTuple):
    """A price list that is not carried over."""

    begins: str
    reason: str


class _Inexpressible(Exception):
    """What our tables have no word for."""


def day(value: Any) -> date:
    """A day, as text or as a date."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Unfit(f"must be a day such as 2026-01-01, not {value!r}") from None
    return complaint.day(value)


def words(value: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Unfit(f"must be a list of texts, not {value!r}")
    return value


def converted(row: Reader) -> Table | Omitted:
    """The table of one entry of `tariffer`; what is wrong with it is among the complaints of `row`."""
    begins = row.need("gyldig_fra", day, date.min)
    until = row.take("gyldig_til", lambda value: day(value) if value else None, None)
    if until and until <= begins:
        row.complaints.append(f"{row.where}gyldig_til must be after gyldig_fra")
    for name in ("kundegrupper", "navn", "mga"):
        row.take(name, lambda value: value, None)
    try:
        fixed, energy = _inner(row, "fastledd"), _inner(row, "energiledd")
        table = {"from": begins, **({"until": until} if until else {}), **_fixed(fixed)}
        table["energy"] = _energy(energy)
        for reader in (row, fixed, energy):
            _all_asked(reader)
    except _Inexpressible as what:
        return Omitted(begins.isoformat(), str(what))
    return table


def _inner(row: Reader, name: str) -> Reader:
    def mapping(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise Unfit(f"must be a mapping, not {value!r}")
        return value

    nothing: Mapping[str, Any] = {}
    return Reader(f"{row.where}{name}.", row.need(name, mapping, nothing), row.complaints)


def _all_asked(reader: Reader) -> None:
    unknown = [name for name in reader.table if name not in reader.asked]
    if unknown:
        raise _Inexpressible(f"{reader.where}{unknown[0]} is not known")


def _fixed(row: Reader) -> Table:
    """How the step is found, and the price of each."""
    method = row.need("metode", complaint.text, "")
    at_limit_higher = row.take("terskel_inkludert", complaint.flag, None)
    by_amperes = METHODS.get(method, {}).get("rule") == "fuse"
    steps = sorted(_step(step, by_amperes) for step in row.rows("terskler"))
    if method not in METHODS:
        raise _Inexpressible(f"how its step is found is not known (metode {method})")
    if not steps or steps[0][0]:
        raise _Inexpressible("it has no step from 0")
    if any(lower[0] == upper[0] for lower, upper in pairwise(steps)):
        raise _Inexpressible("two of its steps begin at one limit")
    if at_limit_higher is None and len(steps) > 1:
        raise _Inexpressible("to which step a limit itself belongs is not said (terskel_inkludert)")
    limit = "at_limit"
    common = {**METHODS[method], limit: "lower" if at_limit_higher is False else "higher", "per": "year"}
    if common["rule"] == "weeks" and (line := _line(steps)):
        del common[limit]
        return {**common, **line}
    name = "from_a" if by_amperes else "from_kw"
    return {**common, "steps": [{name: start, "price": price} for start, price in steps]}


def _step(row: Reader, by_amperes: bool) -> tuple[Decimal, Decimal]:
    start = row.need("terskel", _figure(0 if by_amperes else 3), Decimal(0))
    step = start, row.need("pris", _figure(5), Decimal(0))
    _all_asked(row)
    return step


def _figure(decimals: int, low: int = 0, high: int = 10_000_000) -> Any:
    """A number that our tables hold exactly."""

    def read(value: Any) -> Decimal:
        if type(value) not in (int, Decimal) or not low <= value <= high:
            raise Unfit(f"must be a number from {low} to {high}, not {value!r}")
        if Decimal(value) != round(Decimal(value), decimals):
            raise _Inexpressible(f"{value} has more than {decimals} decimals")
        return Decimal(value)

    return read


def _line(steps: list[tuple[Decimal, Decimal]]) -> Table | None:
    """A price for each kW, where the collection has three or more points of one line."""
    if len(steps) < 3:
        return None
    base, (kw, price) = steps[0][1], steps[1]
    if any((other - base) * kw != (price - base) * start for start, other in steps):
        return None
    per_kw = (price - base) / kw
    return {"base": base, "per_kw": per_kw} if per_kw * kw == price - base else None


def _energy(row: Reader) -> list[Table]:
    """The exceptions, and the price of all other hours last."""
    base = row.need("grunnpris", _figure(3, -10_000, 10_000), Decimal(0))
    rows = [_exception(one) for one in row.rows("unntak")]
    for one, other in product(rows, rows):
        if one is not other and one["price"] != other["price"] and _meet(one, other):
            raise _Inexpressible("two of its exceptions hold in the same hours at different prices")
    return [*(_written(one) for one in rows), {"price": base}]


def _exception(row: Reader) -> Table:
    row.take("navn", lambda value: value, None)
    found = {
        "price": row.need("pris", _figure(3, -10_000, 10_000), Decimal(0)),
        "hours": row.take("timer", _hours, frozenset(range(24))),
        "days": row.take("dager", _days, EVERY_DAY),
        "months": row.take("måneder", _months, frozenset(range(1, 13))),
    }
    _all_asked(row)
    return found


def _hours(value: Any) -> frozenset[int]:
    """Hours as 6-21, the last one included; also over midnight, one hour, or a list of these."""
    found: set[int] = set()
    for one in value if isinstance(value, list) else [value]:
        begin, _, last = str(one).partition("-")
        ends = [begin, last or begin]
        if not all(end.isascii() and end.isdecimal() and int(end[:3]) < 24 for end in ends):
            raise Unfit(f"must be hours such as 6-21, not {value!r}")
        first, final = map(int, ends)
        found.update(range(first, final + 1) if first <= final else (*range(first, 24), *range(final + 1)))
    if not found:
        raise Unfit("must not be an empty list")
    return frozenset(found)


def _days(value: Any) -> tuple[str, ...]:
    names = _named(value, DAY_KINDS)
    kinds = tuple(DAY_KINDS[name] for name in names)
    return EVERY_DAY if "all" in kinds else kinds


def _months(value: Any) -> frozenset[int]:
    return frozenset(MONTHS.index(name) + 1 for name in _named(value, MONTHS))


def _named(value: Any, known: Iterable[str]) -> list[str]:
    names = words(value)
    if not names:
        raise Unfit("must not be an empty list")
    for name in names:
        if name not in known:
            raise _Inexpressible(f"{name!r} is none of {', '.join(known)}")
    return names


_WEEK_OF_2026 = tuple(date(2026, 3, number) for number in range(2, 9))
_SAMPLE_DAYS = (*_WEEK_OF_2026, *(day for year in range(2024, 2032) for day in sorted(holidays(year))))
"""Each day of the week, with and without a public holiday on it, is among these."""


def _meet(one: Table, other: Table) -> bool:
    """Whether two exceptions hold in one hour."""
    same_day = any(
        all(any(DAYS[kind](day) for kind in row["days"]) for row in (one, other)) for day in _SAMPLE_DAYS
    )
    return same_day and bool(one["hours"] & other["hours"] and one["months"] & other["months"])


def _written(row: Table) -> Table:
    """A row of `energy`; what holds always is left out."""
    hours, months = _runs(row["hours"], 0, 23), _runs(row["months"], 1, 12)
    written: Table = {"price": row["price"]}
    if len(row["hours"]) < 24:
        written["hours"] = _one_or_more([f"{first}-{last + 1}" for first, last in hours])
    if row["days"] != EVERY_DAY:
        written["days"] = _one_or_more(list(row["days"]))
    if len(row["months"]) < 12:
        written["months"] = _one_or_more([f"{first}-{last}" for first, last in months])
    return written


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def _runs(numbers: frozenset[int], low: int, high: int) -> list[tuple[int, int]]:
    """First and last number of each run; a run may go past the highest and on from the lowest."""
    firsts = [n for n in sorted(numbers) if (high if n == low else n - 1) not in numbers]
    lasts = [n for n in sorted(numbers) if (low if n == high else n + 1) not in numbers]
    if lasts and firsts and lasts[0] < firsts[0]:
        lasts.append(lasts.pop(0))
    return list(zip(firsts, lasts, strict=True))
