"""`[[lists]]`: what the places of a list mean that says nothing of itself and that no table knows. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .identity import made_of
from .reach import PLAIN
from .rule import IDENTITY, LABEL, setting, text

VALUES_MAX = 64
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|\d{1,2})"
_CODE = rf"(-|{_BYTE}\.{_BYTE}\.{_BYTE})"
_FACTOR = r"(-|\d{1,6}(\.\d{1,6})?)"

PATTERN = text(
    rf"[ntcbavfsz]{{0,{VALUES_MAX}}}",
    "a letter for each value: n a whole number, t an octet string, v a text, c a clock, b a boolean, "
    "a an array, s a structure, f a floating-point number, z a null",
)
CODES = text(
    rf"({_CODE}( {_CODE}){{0,{VALUES_MAX - 1}}})?",
    "an OBIS code such as 1.7.0 for each value, or - for one that is passed over, with spaces between them",
)
FACTORS = text(
    rf"({_FACTOR}( {_FACTOR}){{0,{VALUES_MAX - 1}}})?",
    "a number for each value that makes it W, var, Wh, varh, V or A, such as 0.1, or - where there is none",
)


class ListFault(NamedTuple):
    """What is wrong with a list: in which of its settings, a code of `consistency.TEXTS`, its parameters.

    `params`: `place` counts from 1.
    """

    setting: str
    code: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtList:
    """`[[lists]]`: what the places of a list mean that no table knows. Repeat the table for each list."""

    id: str = setting("", IDENTITY, PLAIN, "Who the list is. Made once.")
    name: str = setting(
        "taught list", LABEL, PLAIN, "Name of the list, shown as the vendor of its telegrams."
    )
    pattern: str = setting("", PATTERN, PLAIN, "Kinds of the values, by which the list is known.")
    codes: str = setting("", CODES, PLAIN, "What each value means.")
    factors: str = setting("", FACTORS, PLAIN, "What each value is multiplied by.")

    def __post_init__(self) -> None:
        if self.id == "":
            object.__setattr__(self, "id", made_of(self.name, stem="list"))

    @property
    def complete(self) -> bool:
        """Whether each value has its code and its factor."""
        return 0 < len(self.pattern) == len(self.codes.split()) == len(self.factors.split())

    def faults(self) -> Iterator[ListFault]:
        """What is wrong with the list by itself, each value being right."""
        codes, factors = self.codes.split(), self.factors.split()
        if not len(self.pattern) == len(codes) == len(factors):
            counts = {"pattern": len(self.pattern), "codes": len(codes), "factors": len(factors)}
            yield ListFault("pattern", "list_incomplete", counts)
        for place, code in enumerate(codes, 1):
            if code != "-" and (first := codes.index(code) + 1) < place:
                yield ListFault("codes", "list_code_twice", {"place": place, "obis": code, "other": first})
        for place, factor in enumerate(factors, 1):
            if factor != "-" and not float(factor):
                yield ListFault("factors", "list_factor_zero", {"place": place})


def malformed(codes: str, factors: str) -> Iterator[ListFault]:
    """Which codes and factors are none, each by its place."""
    checked = (("codes", "obis", _CODE, codes), ("factors", "factor", _FACTOR, factors))
    for where, name, rule, values in checked:
        for place, value in enumerate(values.split()[: VALUES_MAX + 1], 1):
            if not re.fullmatch(rule, value):
                code = "list_code_wrong" if where == "codes" else "list_factor_wrong"
                yield ListFault(where, code, {"place": place, name: value[:32]})
