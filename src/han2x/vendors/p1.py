"""P1 text of whatever maker: lines of OBIS code and value with its unit (DSMR 5.0.2; han-port sheet 6.2).

A register is the present value of this meter's own line: 1-0, no storage number (group F) but 255, one
value. The check sum vouches for the text, so a line that is not understood costs itself alone and is listed;
without one it costs the text. What is sent in parts (`sums`) is added up when no part is missing.
"""

from collections.abc import Mapping

from ..model.quantity import Quantity
from ..model.reading import Identity, ListType, Reading
from ..wire.p1 import carries_check_sum
from .makers import MAKERS
from .meter_number import P1_CODES, chosen
from .p1_clock import clock, is_clock
from .p1_known_texts import KnownTexts, Numbers, Said
from .p1_lines import (
    ANY_LINE,
    DETAIL,
    LINE,
    NO_UNIT,
    STRANGE,
    TARGETS,
    TENS,
    TEXT,
    UNKNOWN,
    goes_on,
    is_tidy,
    number_in,
    number_of,
    target,
    tidied,
    understood,
)
from .sums import HELD_BACK, TWICE, Number, Part, add_up, in_whole_units, is_held_back, signed
from .vendor import Mismatch

NOT_CHECKED = "the text carries no check sum: damage cannot be told"
STRANGE_MAX = 40


def read(octets: bytes, known: KnownTexts | None = None) -> Reading:
    """What a whole text says, whose check sum, if it has one, is right; raises `Mismatch`.

    `known`: the layouts of the texts that came before.
    """
    checked = carries_check_sum(octets)
    found = _Found(strict=not checked)
    said = known.find(octets) if known else None
    if said:
        found.numbers, found.texts, found.unknown = said
    else:
        body = _body(octets)
        understood = _read_lines(body, found)
        if known and understood and not found.refused:
            known.learn(octets, body, Said(found.numbers, found.texts, found.unknown))
    return _reading(octets, found, () if checked else (NOT_CHECKED,))


def _read_lines(body: bytes, found: "_Found") -> bool:
    """What each line says; whether all are lines as they stand. Raises `Mismatch`."""
    numbers, targets, tens = found.numbers, TARGETS, TENS
    lines = LINE.findall(body)
    strange = body.count(b"\n") + (not body.startswith(b"\n")) - len(lines)
    for code, whole, fraction, unit, rest in lines:
        kind, key, exponent = targets.get(code + unit) or target(code, unit)
        if kind <= DETAIL and whole and exponent >= len(fraction):  # by far the most
            number = int(whole + fraction) * tens[exponent - len(fraction)]
            if numbers[kind].setdefault(key, number) != number:
                found.refuse(key, code, TWICE)
        elif kind <= UNKNOWN:
            found.line(code, whole, fraction, unit, rest)
        elif kind == STRANGE:
            strange += 1
    if strange:
        found.strange_lines(body)
    return not strange


def _body(octets: bytes) -> bytes:
    """The lines between the first and the last, each ended by LF."""
    text = octets.replace(b"\r\n", b"\n")
    if b"\r" in text:
        text = text.replace(b"\r", b"\n")
    return text.partition(b"\n")[2].rpartition(b"\n!")[0]


def _reading(octets: bytes, found: "_Found", notes: tuple[str, ...]) -> Reading:
    """What the lines make together."""
    values, sent_in_parts, details = found.usable()
    if b"(-" in octets:
        signed(values, found.refused)
        signed(details, found.refused)
    parts = add_up(values, sent_in_parts, details, frozenset(found.refused))
    if not values:
        raise Mismatch("; ".join(("carries no electricity reading", *found.refused.values())))
    held_back = not details and is_held_back(values)
    numbers, exact = in_whole_units({**values, **details})
    return Reading(
        vendor=maker(octets),
        list_type=ListType.OTHER,
        values=numbers,
        identity=Identity(meter_id=_meter_id(found.texts)),
        clock=clock(found.texts),
        unknown=tuple(dict.fromkeys(found.unknown)),
        finer=exact,
        refused=tuple(found.refused.values()),
        parts=tuple(parts.items()),
        notes=(*notes, HELD_BACK) if held_back else notes,
        reduced=held_back,
    )


def maker(octets: bytes) -> str:
    """Who made the meter, by the text's first line."""
    letters = octets[1:4].decode("ascii", "replace").upper()
    return MAKERS.get(letters, letters.lower())


class _Found:
    """What the lines of a text say, as it is read. `strict`: one that is not understood costs the text."""

    __slots__ = ("numbers", "refused", "strict", "texts", "unknown")

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.numbers: Numbers = ({}, {}, {})
        self.texts: dict[str, str] = {}
        self.unknown: list[str] = []
        self.refused: dict[object, str] = {}

    def line(self, code: bytes, whole: bytes, fraction: bytes, unit: bytes, rest: bytes) -> None:
        """Any line of a code; raises `Mismatch`."""
        kind, key, _ = TARGETS.get(code + unit) or target(code, unit)
        if kind == UNKNOWN:
            self.unknown.append(code.decode("ascii"))
        elif kind == TEXT:
            sent = rest or whole + (fraction and b"." + fraction) + unit
            self.texts.setdefault(str(key), sent.decode("ascii", "replace"))
        elif kind <= DETAIL and (whole or rest):
            self._number(code, (whole, fraction, unit) if whole else number_in(rest))

    def strange_lines(self, body: bytes) -> None:
        """What is understood of the lines that are none as they stand; may raise `Mismatch`."""
        for line in ANY_LINE.findall(body):
            if not understood(line):
                self._strange(line)

    def _strange(self, line: bytes) -> None:
        tidy, whole = tidied(line), is_tidy(line)
        if self.strict and not (whole and (not tidy or goes_on(tidy) or understood(tidy))):
            raise Mismatch("a line of the P1 text is damaged")
        if sent := understood(tidy):
            self.line(*sent)
        if not whole or not (sent or not tidy or goes_on(tidy)):
            self.unknown.append(ascii(line[:STRANGE_MAX].decode("ascii", "replace").strip())[1:-1])

    def refuse(self, key: object, code: bytes, why: str) -> None:
        """A value is not used, and nor is what it would be a part of."""
        self.refused[key] = f"{code.decode('ascii')}: {why}"

    def usable(self) -> tuple[dict[Quantity, Number], dict[Part, Number], dict[Quantity, Number]]:
        """The numbers of what was not refused."""
        for key in self.refused:
            for numbers in self.numbers:
                numbers.pop(key, None)
        return self.numbers

    def _number(self, code: bytes, sent: tuple[bytes, bytes, bytes] | None) -> None:
        """One number to where it belongs; raises `Mismatch`."""
        whole, fraction, unit = sent or (b"", b"", b"")
        kind, key, exponent = TARGETS.get(code + unit) or target(code, unit)
        if exponent == NO_UNIT or not sent:
            if self.strict and kind != DETAIL:
                raise Mismatch(f"{code.decode('ascii')} carries no number with a unit of its own")
            self.refuse(key, code, "no number with a unit of its own")
            return
        number = number_of(whole, fraction, exponent)
        if self.numbers[kind].setdefault(key, number) != number:
            self.refuse(key, code, TWICE)


def _meter_id(texts: Mapping[str, str]) -> str | None:
    """The number of the meter; what tells the time is none."""
    sent = (texts[code] for code in P1_CODES if code in texts)
    return chosen(text for text in sent if not is_clock(text))
