"""P1 texts whose layout is known from an earlier one: of the next ones only digits are read.

A meter sends the same lines with numbers of the same width for years. A text that is the same but for digits
of numbers, of times and of what is passed over has the same layout, and says the same, line by line.
"""

import re
from collections.abc import Callable
from functools import partial
from operator import itemgetter, mul
from struct import Struct
from typing import Any, NamedTuple

from .layout_memory import LayoutMemory
from .p1_clock import CODES as CLOCK_CODES
from .p1_lines import DETAIL, LINE, PART, TENS, TEXT, VALUE, target

_ZEROS = bytes(0x30 if octet in b"0123456789" else octet for octet in range(256))
_BETWEEN = b".,\r"
"""What stands between the digits of a number, and may stand before the end of a line."""

Numbers = tuple[dict[Any, Any], dict[Any, Any], dict[Any, Any]]
"""By the kind of line: values, parts and details."""


class Said(NamedTuple):
    """What the lines of a text say: numbers, texts by code, and the codes that nothing explains."""

    numbers: Numbers
    texts: dict[str, str]
    unknown: list[str]


class KnownText(NamedTuple):
    """A text's layout, of its octets without `_BETWEEN`. `fixed`: the octets that `mask` keeps.

    `digits`: those of values, parts, details and the clock, in this order; `keys` of each of the first three,
    `factors` of all numbers to their units, and `clock`, the codes of its lines.
    """

    mask: int
    fixed: int
    digits: Callable[[bytes], tuple[bytes, ...]]
    keys: tuple[tuple[object, ...], ...]
    factors: tuple[int, ...]
    clock: tuple[str, ...]
    texts: dict[str, str]
    unknown: list[str]


class KnownTexts:
    """The texts of one meter, by their shape: what they are with all digits 0."""

    def __init__(self) -> None:
        self._texts = LayoutMemory[KnownText]()

    def find(self, octets: bytes) -> Said | None:
        """What a text says, if its layout is known."""
        text = octets[: octets.rfind(b"!")]
        known = self._texts.get(text.translate(_ZEROS))
        return _said(known, text) if known else None

    def learn(self, octets: bytes, body: bytes, said: Said) -> None:
        """Take in the layout of a text of which each line was understood. `body`: its lines, ended by LF."""
        text = octets[: octets.rfind(b"!")]
        self._texts.miss(text.translate(_ZEROS), partial(_certain, text, body, said))


def _said(known: KnownText, text: bytes) -> Said | None:
    """What a text of this shape says, if it is the same where it has to be."""
    bare = text.translate(None, _BETWEEN)
    if int.from_bytes(bare, "big") & known.mask != known.fixed:
        return None
    digits = known.digits(bare)
    numbers = map(mul, map(int, digits), known.factors)
    values, parts, details = (dict(zip(keys, numbers, strict=False)) for keys in known.keys)
    texts = dict(known.texts)
    for code, sent in zip(known.clock, digits[len(known.factors) :], strict=True):
        texts[code] = sent.decode("ascii")
    return Said((values, parts, details), texts, known.unknown)


def _certain(text: bytes, body: bytes, said: Said) -> KnownText | None:
    """The layout of a text; None where a line says more than its digits, or something else than they do."""
    lines = list(LINE.finditer(body))
    fields = [field for line in lines if (field := _field(line))]
    keys = [(field.kind, field.key) for field in fields]
    if len(set(keys)) < len(keys) or len(keys) < 2 or b"\r" in text.replace(b"\r\n", b"\n"):
        return None
    known = _known(text, body, said, lines, sorted(fields, key=lambda field: field.kind))
    return known if _said(known, text) == said else None


class _Field(NamedTuple):
    """Digits that are read: the kind of line, what it is of, the factor to its unit, and where they are."""

    kind: int
    key: object
    factor: int
    begin: int
    end: int


_NUMBER = re.compile(rb"\(([-+]?\d{1,20})(?:[.,](\d{1,20}))?(\*[A-Za-z]+)\)")


def _field(line: re.Match[bytes]) -> _Field | None:
    """The field of a line, None if nothing of it is read again."""
    kind, key, _ = target(line.group(1), b"")
    if kind == TEXT:
        return _Field(kind, key, 1, line.end(1) + 1, line.end() - 1) if key in CLOCK_CODES else None
    if kind > DETAIL:
        return None
    whole, fraction, unit = 2, 3, 4
    number: re.Match[bytes] | None = line
    if not line.group(whole):  # of several brackets the one with a number and its unit
        found = list(_NUMBER.finditer(line.string, line.end(1), line.end()))
        number = found[0] if len(found) == 1 else None
        whole, fraction, unit = 1, 2, 3
    if number is None:
        return None
    exponent = target(line.group(1), number.group(unit) or b"")[2] - len(number.group(fraction) or b"")
    end = max(number.end(whole), number.end(fraction))
    return _Field(kind, key, TENS[exponent], number.start(whole), end) if exponent >= 0 else None


def _known(
    text: bytes, body: bytes, said: Said, lines: list[re.Match[bytes]], fields: list[_Field]
) -> KnownText:
    """The layout; `fields` by their kind."""
    bare = text.translate(None, _BETWEEN)
    begin = bare.index(b"\n") + 1

    def place(offset: int) -> int:
        """Where an octet of the body is in the text without `_BETWEEN`."""
        return begin + len(body[:offset].translate(None, _BETWEEN))

    mask = bytearray(b"\xff" * len(bare))
    for line in lines:
        kind, key, _ = target(line.group(1), line.group(4) or b"")
        if kind != TEXT or key in CLOCK_CODES:
            piece = slice(place(line.end(1)), place(line.end()))
            mask[piece] = bytes(piece.stop - piece.start)
    kept = int.from_bytes(mask, "big")
    in_order = sorted(fields, key=lambda field: field.begin)
    layout, position = "", 0
    for field in in_order:
        layout += f"{place(field.begin) - position}x{place(field.end) - place(field.begin)}s"
        position = place(field.end)
    unpack = Struct(f"{layout}{len(bare) - position}x").unpack
    pick = itemgetter(*map(in_order.index, fields))
    numbers = [field for field in fields if field.kind <= DETAIL]
    return KnownText(
        mask=kept,
        fixed=int.from_bytes(bare, "big") & kept,
        digits=lambda octets: pick(unpack(octets)),
        keys=tuple(
            tuple(field.key for field in numbers if field.kind == kind) for kind in (VALUE, PART, DETAIL)
        ),
        factors=tuple(field.factor for field in numbers),
        clock=tuple(str(field.key) for field in fields if field.kind == TEXT),
        texts={code: sent for code, sent in said.texts.items() if code not in CLOCK_CODES},
        unknown=said.unknown,
    )
