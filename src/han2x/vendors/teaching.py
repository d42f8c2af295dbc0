"""What the owner may say of the places of a list, and what is wrong with a list that was taught. Pure."""

from collections.abc import Iterable, Iterator

from ..model.explained import Meaning
from ..model.quantity import Quantity
from ..settings.complaint import Complaint
from ..settings.lists import TaughtList
from ..wire.obis import cde
from .layouts import example_of
from .obis_quantities import CLOCK, DETAILS, LIST_VERSION, METER_ID, METER_TYPE, QUANTITIES, TEXTS
from .recognition import recognise
from .sums import PARTS
from .taught import measured

NUMBER, CLOCKS, NAMES = "n", "c", "ctvn"
"""Letters of the places at which a number, a clock and a text can be."""

TEXTS_OF_COMPLAINTS = {
    "list_code_unknown": "place {place}: {obis} means nothing here. Write a code such as 1.7.0, or -",
    "list_code_kind": "place {place} holds no value that {obis} could be. Choose another meaning, or -",
    "list_factor_missing": "place {place} has a code and no factor. Write what makes it W, Wh, V or A",
    "list_no_value": "none of the codes is a power, an energy, a current or a voltage. Name one at least",
    "list_known": "lists of this pattern are read already, as those of {vendor}. Remove this list",
}
"""What a complaint of each code says; the page has the same in its catalogues."""

NAMES_OF_TEXTS = {METER_ID: "meter id", METER_TYPE: "meter type", LIST_VERSION: "list version"}


def meanings() -> Iterator[Meaning]:
    """What a place may mean, by its code: every quantity of the model, the clock, and names of the meter."""
    codes = {quantity: group for table in (DETAILS, QUANTITIES) for group, quantity in table.items()}
    for quantity in Quantity:
        yield Meaning(
            _written(codes[quantity]), quantity.value, quantity.label, quantity.unit.display, NUMBER
        )
    yield Meaning("16.7.0", "net_power", "net power", "W", NUMBER)
    yield Meaning(_written(CLOCK), "clock", "clock", "", CLOCKS)
    for group, text in TEXTS.items():
        if text in NAMES_OF_TEXTS:
            yield Meaning(_written(group), text, NAMES_OF_TEXTS[text], "", NAMES)


def _written(group: bytes) -> str:
    return ".".join(map(str, group))


def complaints(lists: Iterable[TaughtList]) -> Iterator[Complaint]:
    """What is wrong with lists that are right by themselves: meanings, kinds, and what is read already."""
    for index, taught in enumerate(lists):
        if not taught.complete:
            continue
        yield from _misnamed(index, taught)
        known = recognise(example_of(taught.pattern))
        if known is not None:
            yield _complaint(index, "pattern", "list_known", vendor=known.name)


def _misnamed(index: int, taught: TaughtList) -> Iterator[Complaint]:
    codes, factors = taught.codes.split(), taught.factors.split()
    for place, (letter, code, factor) in enumerate(zip(taught.pattern, codes, factors, strict=True), 1):
        letters = _letters(code)
        if not letters:
            yield _complaint(index, "codes", "list_code_unknown", place=place, obis=code)
        elif letter not in letters:
            yield _complaint(index, "codes", "list_code_kind", place=place, obis=code)
        elif factor == "-" and measured(code) is not None:
            yield _complaint(index, "factors", "list_factor_missing", place=place, obis=code)
    if not any(cde(code) in QUANTITIES or cde(code) in PARTS for code in codes if code != "-"):
        yield _complaint(index, "codes", "list_no_value")


def _letters(code: str) -> str:
    """Letters of the places at which a code can be, "" for a code that means nothing."""
    if code == "-":
        return "ntcbavfsz"
    if measured(code) is not None:
        return NUMBER
    return CLOCKS if cde(code) == CLOCK else NAMES if cde(code) in TEXTS else ""


def _complaint(index: int, setting: str, code: str, **params: str | int) -> Complaint:
    text = TEXTS_OF_COMPLAINTS[code].format(**params)
    return Complaint(f"lists.{index}.{setting}", text, code, params)
