"""`[[lists]]`: what the places of a list mean that says nothing of itself and that no table knows. Pure."""

from dataclasses import dataclass

from .identity import made_of
from .reach import PLAIN
from .rule import IDENTITY, LABEL, setting, text

VALUES_MAX = 64
_BYTE = r"(25[0-5]|2[0-4]\d|1\d\d|\d{1,2})"
_CODE = rf"(-|{_BYTE}\.{_BYTE}\.{_BYTE})"
_FACTOR = r"(-|\d{1,6}(\.\d{1,6})?)"

PATTERN = text(
    rf"[ntcbav]{{0,{VALUES_MAX}}}",
    "a letter for each value: n a number, t an octet string, v a text, c a clock, b a boolean, a an array",
)
CODES = text(
    rf"({_CODE}( {_CODE}){{0,{VALUES_MAX - 1}}})?",
    "an OBIS code such as 1.7.0 for each value, or - for one that is passed over, with spaces between them",
)
FACTORS = text(
    rf"({_FACTOR}( {_FACTOR}){{0,{VALUES_MAX - 1}}})?",
    "a number for each value that makes it W, var, Wh, varh, V or A, such as 0.1, or - where there is none",
)


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
