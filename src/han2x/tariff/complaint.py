"""Checked reading of a table that a person wrote: values, or sentences about what is wrong and where."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

T = TypeVar("T")

MOST_MONEY = 10**11
"""Milliøre, a million NOK: no price is further from nothing."""


class Unfit(ValueError):
    """What is wrong with a value, as the end of a sentence that begins with where it stands."""


@dataclass(slots=True)
class Reader:
    """A table being read: takes one value after the other, and keeps all complaints."""

    where: str
    table: Mapping[str, Any]
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def take(self, name: str, read: Callable[[Any], T], default: T) -> T:
        """A value by its name, `default` where it is absent or wrong."""
        self.asked.append(name)
        if name not in self.table:
            return default
        try:
            return read(self.table[name])
        except Unfit as wrong:
            self.complaints.append(f"{self.where}{name} {wrong}")
            return default

    def need(self, name: str, read: Callable[[Any], T], default: T) -> T:
        """A value that must be there."""
        if name not in self.table:
            self.complaints.append(f"{self.where}{name} is missing")
        return self.take(name, read, default)

    def rows(self, name: str) -> "list[Reader]":
        """An array of tables, each to be read in its turn; none where it is absent or wrong."""
        nothing: list[Mapping[str, Any]] = []
        rows = self.take(name, _tables, nothing)
        return [
            Reader(f"{self.where}{name}[{index}].", row, self.complaints) for index, row in enumerate(rows)
        ]

    def done(self) -> None:
        """Complain of names that nobody asked for."""
        for name in self.table:
            if name not in self.asked:
                near = difflib.get_close_matches(name, self.asked, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.asked)}"
                self.complaints.append(f"{self.where}{name} is not known; {hint}")


def _tables(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unfit("must be a list of tables")
    return value


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise Unfit(f"must be a text, not {value!r}")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit(f"must be true or false, not {value!r}")
    return value


def day(value: Any) -> date:
    """A date."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Unfit(f"must be a date such as 2026-01-01, not {value!r}")
    return value


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise Unfit(f"must be a whole number from {low} to {high}, not {value!r}")
        return value

    return read


def one_of(*words: str) -> Callable[[Any], str]:
    """One of some words."""

    def read(value: Any) -> str:
        if value not in words:
            raise Unfit(f"must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return read


def number(per_unit: int, low: int, high: int, unit: str) -> Callable[[Any], int]:
    """A number with decimals, as whole parts of which `per_unit` make one; bounds in those parts."""

    def read(value: Any) -> int:
        if type(value) not in (int, float, Decimal):
            raise Unfit(f"must be a number ({unit}), not {value!r}")
        exact = Decimal(str(value)) * per_unit
        if not exact.is_finite() or not low <= exact <= high:
            raise Unfit(f"must be from {low / per_unit:.15g} to {high / per_unit:.15g} {unit}, not {value!r}")
        return round(exact)

    return read


ore_per_kwh = number(1000, -(10**8), 10**8, "øre per kWh")
nok_per_kwh = number(100_000, -(10**8), 10**8, "NOK per kWh")
nok = number(100_000, 0, MOST_MONEY, "NOK")
watts = number(1000, 0, 10**9, "kW")
