"""Lists that say themselves what their values are, whoever sends them.

Any structure of A-XDR data whose parts carry OBIS code, value, scaler and unit, however it is nested:

* entries (code, value[, scaler_unit]), the scaler_unit before or behind, in a structure of its own or bare;
* the same behind the attribute they are read from: (class, code, attribute, value[, scaler_unit]);
* the same in a row without brackets, one behind the other;
* push objects: an array of descriptors (class, code, attribute, index[, restriction …]), then their values,
  where a descriptor of the attribute scaler_unit tells that of the value (Blue Book 4.3: classes 3, 4, 5).

What is told by a list holds; where it tells no scaler and unit, the maker's table does, or nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..model.quantity import PRINCIPAL, VAR, VAR_HOUR, WATT, WATT_HOUR, Quantity
from ..wire.attribute_list import AttributeList
from ..wire.axdr import Array, Data, Structure
from ..wire.clock import cosem_time
from ..wire.obis import cde
from .landisgyr import LIST_FACTORS as LANDISGYR_FACTORS
from .landisgyr import PUSH_DETAIL_FACTORS, PUSH_TEXTS
from .layouts import CLOCK, CLOCK_SIZE, METER_ID, as_text
from .makers import by_letters, by_number
from .obis_quantities import QUANTITIES, own
from .sums import PARTS
from .vendor import Factor, Item, Vendor

A_MAX = 15
"""The greatest value group A of a code; text is above that (Blue Book 5.2: 0 to 15)."""

VALUE, SCALER_UNIT, OTHER = "value", "scaler_unit", "other"
ATTRIBUTES = {
    **{(kind, 2): VALUE for kind in (1, 3, 4, 5, 8)},
    (3, 3): SCALER_UNIT,
    (4, 3): SCALER_UNIT,
    (5, 4): SCALER_UNIT,
}
"""What an attribute of a COSEM class is: data, registers of three kinds, clock (Blue Book 4.3, 4.5)."""

PUSH_SETUP = 40
"""The class whose attribute 2 is the list of descriptors, and stands first among them (Blue Book 4.4.8)."""

PROFILES = (98, 99)
"""Value group C of what holds historic values (Blue Book 7.4)."""

LANDISGYR_PUSH = b"\x00\x08\x19\x09\x00\xff"
"""0-8:25.9.0: the push setup of Landis+Gyr's E450 and E570, where the list names no device."""

DEVICE_NAME = cde("42.0.0")
NUMBERS = (DEVICE_NAME, cde("96.1.0"), cde("96.1.1"))


class Cell(NamedTuple):
    """A value with its code; `part`: the register's value, its scaler_unit or something else."""

    code: bytes
    part: str
    value: Data
    scaler_unit: Data


def items(body: Data) -> Iterator[Item]:
    """The values of a body with their codes and the scaler_units that they come with, in order."""
    cells = list(_cells(body, outermost=True)) if isinstance(body, Array | Structure) else []
    scaler_units = {cell.code: cell.value for cell in cells if cell.part is SCALER_UNIT}
    for code, part, value, scaler_unit in cells:
        if part is VALUE:
            yield code, value, scaler_units.get(code) if scaler_unit is None else scaler_unit


def vendor_of(body: Data, title: bytes = b"") -> Vendor | None:
    """Who sent a list that describes itself, None if it does not. `title`: the system title it came with."""
    found = list(items(body))
    if not any(own(code) in QUANTITIES or own(code) in PARTS for code, _, _ in found):
        return None
    return _vendor(_maker(found, body, title), len(found), _has_attribute_list(body))


@lru_cache(maxsize=64)
def _vendor(maker: str, count: int, attribute_list: bool) -> Vendor:
    known = maker in MAKERS_WITHOUT_SCALERS
    factors = LANDISGYR_FACTORS if known else ATTRIBUTE_LIST_FACTORS if attribute_list else NO_FACTORS
    return Vendor(
        name=maker or f"unknown vendor, list of {count} values",
        recognise=lambda body: vendor_of(body) is not None,
        items=items,
        factors=lambda *_: factors,
        detail_factors=PUSH_DETAIL_FACTORS if factors else {},
        texts=PUSH_TEXTS if maker == "landisgyr" or attribute_list else {},
        describes_itself=True,
        anonymous=not maker,
    )


MAKERS_WITHOUT_SCALERS = ("iskraemeco", "landisgyr")
"""Those whose lists of codes without scalers are known (han-port sheet 6.5): both go by one profile."""


NO_FACTORS: Mapping[Quantity, Factor] = {}
ATTRIBUTE_LIST_FACTORS: Mapping[Quantity, Factor] = {
    quantity: 1 for quantity in PRINCIPAL if quantity.unit in (WATT, VAR, WATT_HOUR, VAR_HOUR)
}
"""Czech grid companies have powers and energies in whole units (CEZ Distribuce, EG.D: customer interface)."""


def _has_attribute_list(body: Data) -> bool:
    return isinstance(body, Structure) and any(isinstance(part, AttributeList) for part in body)


def _maker(found: Sequence[Item], body: Data, title: bytes) -> str:
    """By the system title, the device name, a number with the maker's letters, or a maker's own code."""
    if maker := by_letters(as_text(title[:3])):
        return maker
    texts = [(code[2:5], as_text(value)) for code, value, _ in found if code[2:5] in NUMBERS]
    named = [by_letters(text) for code, text in texts if code == DEVICE_NAME]
    named += [by_number(text) for _, text in texts]
    if _has_code(body, LANDISGYR_PUSH):
        named.append("landisgyr")
    return next(filter(None, named), "")


def _has_code(body: Data, code: bytes) -> bool:
    if isinstance(body, Array | Structure):
        return any(_has_code(part, code) for part in body)
    return type(body) is bytes and body == code


def is_code(value: Data) -> bool:
    """Whether a value can be an OBIS code, and is no text of six characters."""
    return type(value) is bytes and len(value) == 6 and value[0] <= A_MAX


def _is_integer(value: Data) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_scaler_unit(value: Data) -> bool:
    return isinstance(value, Structure) and len(value) == 2 and all(map(_is_integer, value))


def _cells(parts: Array | Structure, *, outermost: bool = False) -> Iterator[Cell]:
    """The cells of one level and of those within."""
    if values := _pushed_values(parts):
        yield from _pushed(parts[0], values)
        return
    parts_in_order: Sequence[Data] = parts if outermost else _code_first(parts)
    index = 0
    while index < len(parts_in_order):
        index, cells = _entry(parts_in_order, index, outermost)
        yield from cells


def _code_first(parts: Sequence[Data]) -> Sequence[Data]:
    """An entry whose code is behind its value, turned round."""
    places = [index for index, part in enumerate(parts) if is_code(part)]
    if len(places) != 1 or not places[0] or len(parts) > 3 or _is_attribute(parts, 0):
        return parts
    return [parts[places[0]], *parts[: places[0]], *parts[places[0] + 1 :]]


def _entry(parts: Sequence[Data], index: int, outermost: bool) -> tuple[int, Iterator[Cell]]:
    """The cells of what begins at `index`, and where the next begins."""
    head = parts[index]
    if _is_attribute(parts, index):
        number, code, attribute = parts[index : index + 3]
        assert isinstance(code, bytes)
        part = ATTRIBUTES.get((number, attribute), OTHER)  # type: ignore[arg-type]
        return _coded(code, part, parts, index + 3)
    if is_code(head):
        assert isinstance(head, bytes)
        return _coded(head, VALUE, parts, index + 1)
    if isinstance(head, Array | Structure):
        return index + 1, _cells(head)
    return index + 1, _loose(head, index, len(parts)) if outermost else iter(())


def _is_attribute(parts: Sequence[Data], index: int) -> bool:
    """Whether class, code, attribute and something more begin at `index`."""
    return (
        index + 3 < len(parts)
        and _is_integer(parts[index])
        and is_code(parts[index + 1])
        and _is_integer(parts[index + 2])
        and not is_code(parts[index + 3])
        and (
            ATTRIBUTES.get((parts[index], parts[index + 2])) is SCALER_UNIT  # type: ignore[arg-type]
            or not _is_scaler_unit_of(parts, index + 2)
        )
    )


def _is_scaler_unit_of(parts: Sequence[Data], index: int) -> bool:
    """Whether what stands at `index` is a value with its scaler_unit behind it, and so no attribute."""
    following = parts[index + 2 :]
    return _is_scaler_unit(parts[index + 1]) and (not following or is_code(following[0]))


def _loose(value: Data, index: int, count: int) -> Iterator[Cell]:
    """A clock that comes first, or a number of the meter that comes last, without a code."""
    if type(value) is not bytes and not isinstance(value, str):
        return
    if index == 0 and isinstance(value, bytes) and len(value) == CLOCK_SIZE and cosem_time(value):
        yield Cell(CLOCK, VALUE, value, None)
    elif index == count - 1 and as_text(value).isprintable() and any(map(str.isdigit, as_text(value))):
        yield Cell(METER_ID, VALUE, value, None)


def _coded(code: bytes, part: str, parts: Sequence[Data], index: int) -> tuple[int, Iterator[Cell]]:
    """The value of a code that begins at `index`, and where the next entry begins."""
    if index == len(parts) or (is_code(parts[index]) and index + 1 < len(parts)):
        return index, iter(())
    if part is SCALER_UNIT:
        return index + 1, iter((Cell(code, part, parts[index], None),))
    value, scaler_unit, index = _value(parts, index)
    if isinstance(value, Array | Structure):
        if _has_codes(value):
            return index, iter(()) if code[2] in PROFILES else _cells(value)
        value, inner = _unwrapped(value)
        scaler_unit = inner if scaler_unit is None else scaler_unit
    return index, iter((Cell(code, part, value, scaler_unit),))


def _unwrapped(value: Data) -> tuple[Data, Data]:
    """What is within structures that hold one value, and the scaler_unit if that is there too."""
    scaler_unit: Data = None
    while isinstance(value, Array | Structure) and value:
        inner, beside, end = _value(value, 0)
        if end < len(value):
            break
        value, scaler_unit = inner, scaler_unit if beside is None else beside
    return value, scaler_unit


def _value(parts: Sequence[Data], index: int) -> tuple[Data, Data, int]:
    """The value that begins at `index`, its scaler_unit if it stands beside it, and where they end."""
    first, *rest = parts[index : index + 3]
    if rest and _is_scaler_unit(first) and not is_code(rest[0]):
        return rest[0], first, index + 2
    if rest and (_is_scaler_unit(rest[0]) or _is_scaler_unit_in_one(rest[0])):
        return first, _opened(rest[0]), index + 2
    if len(rest) == 2 and all(map(_is_integer, rest)):
        return first, Structure(rest), index + 3
    return first, None, index + 1


def _is_scaler_unit_in_one(value: Data) -> bool:
    return isinstance(value, Structure) and len(value) == 1 and _is_scaler_unit(value[0])


def _opened(value: Data) -> Data:
    return value[0] if isinstance(value, Structure) and len(value) == 1 else value


def _has_codes(parts: Array | Structure) -> bool:
    return any(is_code(part) or (isinstance(part, Array | Structure) and _has_codes(part)) for part in parts)


def _pushed_values(parts: Sequence[Data]) -> Sequence[Data]:
    """The values that descriptors come before, as many as they are; none if this is no push list."""
    descriptors = parts[0] if parts else None
    if not isinstance(descriptors, Array) or not descriptors or not all(map(_is_descriptor, descriptors)):
        return ()
    flat: Sequence[Data] = parts[1:]
    inner = flat[0] if len(flat) == 1 else None
    nested = inner if isinstance(inner, Array | Structure) else flat
    first = descriptors[0]
    assert isinstance(first, Structure)
    itself = first[0] == PUSH_SETUP
    fitting = [
        values
        for count in (len(descriptors) - itself, len(descriptors))
        for values in (flat, nested)
        if len(values) == count
    ]
    return fitting[0] if fitting else ()


def _is_descriptor(value: Data) -> bool:
    """Class, code, attribute and data index; newer ones have a restriction and columns behind."""
    return (
        isinstance(value, Structure)
        and 4 <= len(value) <= 6
        and is_code(value[1])
        and all(map(_is_integer, (value[0], value[2], value[3])))
        and not any(_is_integer(part) or _is_scaler_unit(part) for part in value[4:])
    )


def _pushed(descriptors: Data, values: Sequence[Data]) -> Iterator[Cell]:
    """The values behind descriptors; one more, the first, describes the descriptors themselves."""
    assert isinstance(descriptors, Array)
    described = descriptors[len(descriptors) - len(values) :]
    for descriptor, value in zip(described, values, strict=True):
        assert isinstance(descriptor, Structure)
        number, code, attribute = descriptor[:3]
        assert isinstance(code, bytes)
        part = ATTRIBUTES.get((number, attribute), OTHER)  # type: ignore[arg-type]
        if attribute == 0 and isinstance(value, Array | Structure):
            yield from _cells(value)
        elif part is VALUE:
            yield from _coded(code, part, (value,), 0)[1]
        else:
            yield Cell(code, part, value, None)
