"""Elhub's CSV, in the shapes in which it is downloaded; what the import does with it is in `tests/cli`."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from han2x.history.elhub import NotElhub, read
from han2x.model.hour import Basis
from han2x.model.quantity import Quantity

OSLO = ZoneInfo("Europe/Oslo")
A_POS, A_NEG = Quantity.ACT_ENERGY_POS, Quantity.ACT_ENERGY_NEG


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def told(text: str) -> list[tuple[int, dict[Quantity, int]]]:
    return [(hour.start, dict(hour.energies)) for hour in read(text.splitlines(keepends=True), OSLO)]


SEMICOLON = """\
"Fra";"Til";"KWH 60 Forbruk";"Kvalitet"
"01.07.2025 00:00";"01.07.2025 01:00";"1,234";"Målt"
"01.07.2025 01:00";"01.07.2025 02:00";"0,5";"Målt"
"""
COMMA = """\
\ufeffFra,Til,KWH 60 Forbruk,KWH 60 Produksjon
2025-07-01T00:00:00+02:00,2025-07-01T01:00:00+02:00,"1,234",0
2025-07-01T01:00:00+02:00,2025-07-01T02:00:00+02:00,0.500,"2,1"
"""
FIRST = utc("2025-06-30T22:00:00+00:00")


def test_semicolons_and_decimal_commas() -> None:
    """The common form: local times, kWh with a decimal comma, to whole watt hours."""
    assert told(SEMICOLON) == [(FIRST, {A_POS: 1234}), (FIRST + 3600, {A_POS: 500})]


def test_commas_offsets_and_both_flows() -> None:
    """With offsets and production beside consumption, quoted decimal commas among commas."""
    assert told(COMMA) == [(FIRST, {A_POS: 1234, A_NEG: 0}), (FIRST + 3600, {A_POS: 500, A_NEG: 2100})]


def test_hours_are_marked_as_imported() -> None:
    """What comes from a file is never taken for measured here."""
    assert {hour.basis for hour in read(SEMICOLON.splitlines(), OSLO)} == {Basis.IMPORTED}


def test_repeated_hour_is_told_by_its_place() -> None:
    """On the day that ends summer time 02:00 comes twice, an hour apart."""
    lines = [f"26.10.2025 {hour:02}:00;;{n},0" for n, hour in enumerate((1, 2, 2, 3))]
    starts = [start for start, _ in told("\n".join(["Fra;Til;KWH 60 Forbruk", *lines]))]
    begin = utc("2025-10-25T23:00:00+00:00")
    assert starts == [begin + n * 3600 for n in range(4)]


def test_day_that_begins_summer_time_has_no_hour_too_many() -> None:
    """From 01:00 to 03:00 local time is one hour."""
    lines = [f"30.03.2025 {hour:02}:00;;1,0" for hour in (1, 3, 4)]
    starts = [start for start, _ in told("\n".join(["Fra;Til;KWH 60 Forbruk", *lines]))]
    assert [start - starts[0] for start in starts] == [0, 3600, 7200]


def test_quarters_are_summed_up_and_broken_hours_left_out() -> None:
    """Four quarters make an hour; an hour with three makes none."""
    lines = [f"01.07.2025 00:{m:02};;0,25" for m in (0, 15, 30, 45)] + [
        f"01.07.2025 01:{m:02};;1" for m in (0, 15, 45)
    ]
    assert told("\n".join(["Fra;Til;KWH 15 Forbruk", *lines])) == [(FIRST, {A_POS: 1000})]


def test_hours_without_a_number_are_left_out() -> None:
    """An empty field is not a zero; empty lines are nothing."""
    text = "Fra;Til;KWH 60 Forbruk\n01.07.2025 00:00;;\n\n01.07.2025 01:00;;1\n"
    assert told(text) == [(FIRST + 3600, {A_POS: 1000})]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: no Elhub file"),
        ("a;b;c\n1;2;3\n", "line 1: no Elhub file"),
        ("Fra;Til\n", "line 1: no Elhub file"),
        ("Fra;KWH 60 Forbruk;KWH 15 Produksjon\n", "line 1: no Elhub file"),
        ("Fra;KWH 60 Forbruk\n32.01.2025 00:00;1\n", "line 2: '32.01.2025 00:00' is no time"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:00;1\n01.01.2025 01:00;x\n", "line 3: 'x' is no number of kWh"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:00;-1\n", "line 2: '-1' is no energy"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:00;NaN\n", "line 2: 'NaN' is no energy"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:00;1e99\n", "line 2: '1e99' is no energy"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:00\n", "line 2: too few columns"),
        ("Fra;KWH 60 Forbruk\n01.01.2025 00:30;1\n", "line 2: 01.01.2025 00:30 begins no interval"),
        ("Fra;KWH 60 Forbruk\n01.01.0001 00:00;1\n", "line 2: "),
        ("Fra;KWH 60 Forbruk\n" + "x" * 200_000 + ";1\n", "line 2: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, complaint: str) -> None:
    """A file that cannot be understood is refused with the line and the reason."""
    with pytest.raises(NotElhub) as error:
        told(text)
    assert complaint in str(error.value)
