"""A telegram as people and programs read it."""

from collections.abc import Iterator, Mapping

from ..model.partial import TOTAL
from ..model.quantity import BESIDES, PRINCIPAL
from ..model.reading import Reading
from ..wire.result import Apdu

IDENTITY = (("list_version", "list version"), ("meter_id", "meter id"), ("meter_type", "meter type"))


def values(reading: Reading) -> Mapping[str, object]:
    """Everything a telegram says, by the keys of `decode --json`; only what was sent."""
    texts = {key: text for (key, _), text in zip(IDENTITY, reading.identity, strict=True) if text is not None}
    clock = {"meter_clock": reading.clock.local.isoformat()} if reading.clock else {}
    numbers = {q.key: q.displayed(value) for q, value in reading.values.items() if q in PRINCIPAL}
    finer = {quantity.key: value for quantity, value in reading.finer}
    exact = {key: finer.get(key, number) for key, number in numbers.items()}
    return {**texts, **clock, **exact}


def details(reading: Reading) -> Mapping[str, int | float]:
    """What a telegram says besides: by phase, power factor, frequency."""
    exact = dict(reading.finer)
    return {q.key: exact.get(q, q.displayed(value)) for q, value in reading.values.items() if q in BESIDES}


def parts(reading: Reading) -> Mapping[str, list[int]]:
    """The tariffs or phases that values were added up from."""
    return {quantity.key: sorted(numbers) for quantity, numbers in reading.parts if numbers != TOTAL}


def tree(apdu: Apdu, reading: Reading) -> Iterator[str]:
    """A telegram as lines of text."""
    yield (
        f"offset {apdu.offset}, {apdu.length} octets, {apdu.framing.upper()}: "
        f"{reading.vendor} list {reading.list_type}"
    )
    exact = dict(reading.finer)
    rows = [
        *((label, text) for (_, label), text in zip(IDENTITY, reading.identity, strict=True) if text),
        *(_clock_rows(reading)),
        *(
            (q.label, f"{exact.get(q, q.displayed(value))} {q.unit.display}".rstrip())
            for q, value in reading.values.items()
        ),
    ]
    rows += (("added up from", f"{key}: {', '.join(map(str, of))}") for key, of in parts(reading).items())
    rows += (("note", note) for note in reading.notes)
    rows += (("not used", why) for why in reading.refused)
    if reading.unknown:
        rows.append(("not decoded", " ".join(reading.unknown)))
    for index, (label, text) in enumerate(rows):
        yield f"{'└─' if index == len(rows) - 1 else '├─'} {label:<24}{text}"


def _clock_rows(reading: Reading) -> Iterator[tuple[str, str]]:
    if reading.clock:
        doubt = "" if reading.clock.valid else " (the meter says that its clock is not set)"
        yield "meter clock", f"{reading.clock.local.isoformat(' ')}{doubt}"


def line(reading: Reading) -> str:
    """A telegram in one line."""
    exact = dict(reading.finer)
    numbers = (
        f"{q.label} {exact.get(q, q.displayed(v))} {q.unit.display}" for q, v in reading.values.items()
    )
    return f"{reading.vendor} list {reading.list_type}: {', '.join(numbers)}"
