"""The ways vendors lay their lists out, each from a body to items (han-port sheet 4.5, 6).

* registers: an array of structures (OBIS, value[, scaler_unit]) that describe themselves;
* pairs: a flat structure of OBIS and value, each with or without a scaler_unit behind it;
* positions: bare values whose place alone gives them meaning.

What says itself what it is needs none of these: `selfdescribing`.
"""

from collections.abc import Iterable, Iterator, Mapping

from ..wire.axdr import Array, Data, Structure
from ..wire.obis import electricity
from .vendor import Item, Mismatch

OBIS_SIZE = 6
CLOCK_SIZE = 12
CLOCK, METER_ID = electricity("1.0.0"), electricity("96.1.0")


def is_obis(value: Data) -> bool:
    """Whether a value can be an OBIS code."""
    return isinstance(value, bytes) and len(value) == OBIS_SIZE


def registers(body: Data) -> Iterator[Item]:
    """An array of structures: OBIS and value, and scaler_unit where it is a number."""
    assert isinstance(body, Array)
    for element in body:
        if not isinstance(element, Structure) or not 2 <= len(element) <= 3:
            raise Mismatch("an element is no register")
        obis = element[0]
        if type(obis) is not bytes or len(obis) != OBIS_SIZE:
            raise Mismatch("an element is no register")
        yield obis, element[1], element[2] if len(element) == 3 else None


def pairs(body: Data) -> Iterator[Item]:
    """A structure of OBIS and value, OBIS and value …; a scaler_unit may follow; nulls stand for nothing.

    Austrian lists have a lone clock first and a lone meter id last, or structures for some of the pairs.
    """
    assert isinstance(body, Structure)
    index, count = 0, len(body)
    while index < count:
        head = body[index]
        index += 1
        if head is None:
            continue
        if is_obis(head) and index < count:
            value, scaler_unit = body[index], None
            index += 1
            if index < count and _is_scaler_unit(body[index]):
                scaler_unit = body[index]
                index += 1
            yield head, value, scaler_unit  # type: ignore[misc]
        elif isinstance(head, Structure) and 2 <= len(head) <= 3 and is_obis(head[0]):
            yield from registers(Array((head,)))
        elif isinstance(head, bytes):
            yield (CLOCK if index == 1 else METER_ID), head, None
        else:
            raise Mismatch(f"element {index} is neither an OBIS code nor null")


def _is_scaler_unit(value: Data) -> bool:
    return isinstance(value, Structure) and len(value) == 2 and all(type(part) is int for part in value)


class Positions:
    """Meanings by place. A row is matched by how many values there are and of which kinds.

    `table`: from a pattern to codes. The pattern has a letter for each value: `n` a number, `t` an octet
    string, `c` a clock, `b` a boolean, `a` an array, `v` a text, `s` a structure, `f` a floating-point
    number, `z` a null; a code is C.D.E, or "-" for a value passed over.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._rows: dict[tuple[type, ...], tuple[list[int], list[bytes]]] = {}
        for pattern, codes in table.items():
            obis = [electricity(code) if code != "-" else b"" for code in codes.split()]
            assert len(pattern) == len(obis), pattern
            clocks = [index for index, letter in enumerate(pattern) if letter == "c"]
            self._rows[tuple(_TYPES[letter] for letter in pattern)] = clocks, obis

    def match(self, body: Data) -> list[bytes] | None:
        """The codes of a body's values, or None if no row fits."""
        if not isinstance(body, Structure):
            return None
        clocks, codes = self._rows.get(tuple(map(type, body)), _NO_ROW)
        fits = all(len(body[index]) == CLOCK_SIZE for index in clocks)  # type: ignore[arg-type]
        return codes if codes and fits else None

    def items(self, body: Data) -> Iterable[Item]:
        """The values with their codes; raises `Mismatch`."""
        codes = self.match(body)
        if codes is None:
            raise Mismatch("a list of this length or these types is not known")
        assert isinstance(body, Structure)
        return [(code, value, None) for code, value in zip(codes, body, strict=True) if code]


_TYPES: dict[str, type] = {
    "n": int,
    "t": bytes,
    "c": bytes,
    "b": bool,
    "a": Array,
    "v": str,
    "s": Structure,
    "f": float,
    "z": type(None),
}
_LETTERS = {kind: letter for letter, kind in _TYPES.items() if letter != "c"}


def pattern_of(body: Data) -> str:
    """The pattern by which a list can be taught, "" where it has none."""
    letters = list(map(_letter, body)) if isinstance(body, Structure) else []
    return "".join(letters) if all(letters) else ""


def _letter(value: Data) -> str:
    return "c" if isinstance(value, bytes) and len(value) == CLOCK_SIZE else _LETTERS.get(type(value), "")


_EXAMPLES: dict[str, Data] = {
    "n": 0,
    "t": b"",
    "c": bytes(CLOCK_SIZE),
    "b": False,
    "a": Array(),
    "v": "",
    "s": Structure(),
    "f": 0.0,
    "z": None,
}


def example_of(pattern: str) -> Structure:
    """A body that has a pattern, and says nothing."""
    return Structure(_EXAMPLES[letter] for letter in pattern)


_NO_ROW: tuple[list[int], list[bytes]] = ([], [])


def first_text(body: Data) -> str:
    """The first element of a body as text, "" if it is none."""
    return as_text(body[0]) if isinstance(body, Array | Structure) and body else ""


def as_text(value: Data) -> str:
    """An octet string or text as text, without the NULs that pad it; "" for anything else."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0") if isinstance(value, str) else ""
