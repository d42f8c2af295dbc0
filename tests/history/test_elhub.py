"""Elhub's CSV, in the shapes in which it is downloaded; what the import does with it is in `tests/cli`."""

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.history.elhub import read, read_file
from han2x.history.elhub_text import NotElhub
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


def refused(text: str, metering_point: str = "") -> str:
    """Why a file is refused."""
    with pytest.raises(NotElhub) as error:
        read_file(text.encode(), OSLO, metering_point)
    return str(error.value)


def rows(head: str, *lines: str) -> str:
    return "\n".join([head, *lines]) + "\n"


HOURS = [FIRST, FIRST + 3600]
MIDNIGHT = "01.07.2025 00:00"

RIGHT = {
    "windows-1252": (SEMICOLON.encode("cp1252"), [1234, 500]),
    "utf-16 with its mark": (SEMICOLON.encode("utf-16"), [1234, 500]),
    "utf-16 without": (SEMICOLON.encode("utf-16-le"), [1234, 500]),
    "utf-16 of the other order": (b"\xfe\xff" + SEMICOLON.encode("utf-16-be"), [1234, 500]),
    "returns and newlines": (SEMICOLON.replace("\n", "\r\n").encode(), [1234, 500]),
    "returns alone": (SEMICOLON.replace("\n", "\r").encode(), [1234, 500]),
    "tabs": (b"Fra\tTil\tKWH 60 Forbruk\n01.07.2025 00:00\t\t1,234\n01.07.2025 01:00\t\t0,5\n", [1234, 500]),
    "bars": (b"Fra|KWH 60 Forbruk\n01.07.2025 00:00|1,234\n01.07.2025 01:00|0,5\n", [1234, 500]),
    "the newest first": (b"Fra;KWH 60 Forbruk\n01.07.2025 01:00;0,5\n01.07.2025 00:00;1,234\n", [1234, 500]),
    "lines before the head": (
        b"Forbruk for;Storgata 1\nMalepunkt;707057500000000001\n\nFra;KWH 60 Forbruk\n"
        b"01.07.2025 00:00;1,234\n01.07.2025 01:00;0,5\n",
        [1234, 500],
    ),
    "other order of columns": (
        b"Kvalitet;KWH 60 Forbruk;Fra\nM;1,234;01.07.2025 00:00\nM;0,5;01.07.2025 01:00\n",
        [1234, 500],
    ),
    "upper case": (b"FRA;TIL;KWH 60 FORBRUK\n01.07.2025 00:00;;1,234\n01.07.2025 01:00;;0,5\n", [1234, 500]),
    "watt hours": (b"Fra;WH 60 Forbruk\n01.07.2025 00:00;1234\n01.07.2025 01:00;500\n", [1234, 500]),
    "megawatt hours": (
        b"Fra;MWH 60 Forbruk\n01.07.2025 00:00;0,001234\n01.07.2025 01:00;0,0005\n",
        [1234, 500],
    ),
    "the unit in brackets": (
        b"Fra;Til;Forbruk (kWh)\n01.07.2025 00:00;01.07.2025 01:00;1,234\n"
        b"01.07.2025 01:00;01.07.2025 02:00;0,5\n",
        [1234, 500],
    ),
    "spaces between thousands": (
        "Fra;KWH 60 Forbruk\n01.07.2025 00:00;1\u00a0234,5\n01.07.2025 01:00;12 345,678\n".encode(),
        [1_234_500, 12_345_678],
    ),
    "ISO with offsets": (
        b'Fra,KWH 60 Forbruk\n2025-07-01T00:00:00+02:00,"1,234"\n2025-07-01T01:00:00+02:00,"0,5"\n',
        [1234, 500],
    ),
    "ISO in UTC": (
        b"Fra,KWH 60 Forbruk\n2025-06-30T22:00:00Z,1.234\n2025-06-30T23:00:00Z,0.5\n",
        [1234, 500],
    ),
    "no newline at the end": (
        b"Fra;KWH 60 Forbruk\n01.07.2025 00:00;1,234\n01.07.2025 01:00;0,5",
        [1234, 500],
    ),
    "delimiters at the end": (
        b"Fra;KWH 60 Forbruk;\n01.07.2025 00:00;1,234;\n01.07.2025 01:00;0,5;\n",
        [1234, 500],
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_in_another_dress_is_imported_exactly(name: str) -> None:
    """Encodings, line ends, delimiters, units, orders: the same two hours."""
    content, energies = RIGHT[name]
    found = read_file(content, OSLO)
    assert [(hour.start, hour.energies[A_POS]) for hour in found.hours] == list(
        zip(HOURS, energies, strict=True)
    )
    assert found.missing == []


HEAD = "Fra;Til;KWH 60 Forbruk;Kvalitet"
WRONG = {
    "a decimal comma without quotes": (
        "Fra,Til,KWH 60 Forbruk\n01.07.2025 00:00,01.07.2025 01:00,1,987\n",
        "line 2: 4 fields, and the head names 3: has a number a decimal comma and no quotes?",
    ),
    "an hour that is not": (
        rows(HEAD, "30.03.2025 01:00;;1;", "30.03.2025 02:00;;1;", "30.03.2025 03:00;;1;"),
        "line 3: 30.03.2025 02:00 is not: clocks go forward then",
    ),
    "an hour that comes twice and stands once": (
        rows(HEAD, "26.10.2025 01:00;;1;", "26.10.2025 02:00;;1;", "26.10.2025 04:00;;1;"),
        "line 3: 26.10.2025 02:00 comes twice when clocks go back, and stands here once",
    ),
    "the same hour twice": (
        rows(HEAD, f"{MIDNIGHT};;1;", f"{MIDNIGHT};;2;"),
        "line 3: 01.07.2025 00:00 is there twice",
    ),
    "out of order": (
        rows(
            HEAD,
            "01.07.2025 00:00;;1;",
            "01.07.2025 02:00;;1;",
            "01.07.2025 01:00;;1;",
            "01.07.2025 03:00;;1;",
        ),
        "line 4: 01.07.2025 01:00 is out of order",
    ),
    "Til is not an hour later": (
        rows(HEAD, "01.07.2025 00:00;01.07.2025 00:30;1;"),
        "line 2: from 01.07.2025 00:00 it is not 60 minutes to",
    ),
    "Til is before": (
        rows(HEAD, "01.07.2025 01:00;01.07.2025 00:00;1;"),
        "line 2: from 01.07.2025 01:00 it is not",
    ),
    "a decimal point and a thousands' comma": (
        rows(HEAD, f"{MIDNIGHT};;1,234.5;"),
        "line 2: a decimal point and",
    ),
    "a decimal point after a comma": (
        rows(HEAD, f"{MIDNIGHT};;1,5;", "01.07.2025 01:00;;1.234;"),
        "line 3: a decimal point and, elsewhere, a decimal comma",
    ),
    "two metering points": (
        rows(
            "Målepunkt;Fra;KWH 60 Forbruk",
            f"707057500000000001;{MIDNIGHT};1",
            f"707057500000000002;{MIDNIGHT};2",
        ),
        "line 3: another metering point begins",
    ),
    "two columns of consumption": (
        rows("Fra;KWH 60 Forbruk;KWH 60 Forbruk", f"{MIDNIGHT};1;2"),
        "line 1: two columns",
    ),
    "no unit": (rows("Fra;Til;Forbruk", f"{MIDNIGHT};;1"), "line 1: no Elhub file"),
    "no length": (rows("Fra;Forbruk (kWh)", f"{MIDNIGHT};1"), "line 2: neither the head nor the times say"),
    "a day each": (
        rows("Fra;Til;Forbruk (kWh)", "01.07.2025 00:00;02.07.2025 00:00;24"),
        "line 2: neither the head nor the times say how long an interval is",
    ),
    "days without a time": (rows(HEAD, "2025-07-01;;24;"), "line 2: '2025-07-01' is no time"),
    "American days": (rows(HEAD, "07/01/2025 00:00;;1;"), "line 2: '07/01/2025 00:00' is no time"),
    "some offsets": (
        rows("Fra;KWH 60 Forbruk", "2025-07-01T00:00:00+02:00;1", "2025-07-01T01:00:00;1"),
        "line 3: 2025-07-01T01:00:00: some times have their offset",
    ),
    "a number in words": (
        rows(HEAD, f"{MIDNIGHT};;n/a;"),
        "line 2: 'n/a' is no number of kWh (column KWH 60 Forbruk)",
    ),
    "a unit beside the number": (
        rows(HEAD, f"{MIDNIGHT};;1,2 kWh;"),
        "line 2: '1,2 kWh' is no number of kWh",
    ),
    "below zero": (rows(HEAD, f"{MIDNIGHT};;-0,5;"), "line 2: '-0,5' is no energy of an hour"),
    "a quote that does not end": (
        'Fra;KWH 60 Forbruk\n"01.07.2025 00:00;1\n',
        "line 2: unexpected end of data",
    ),
    "too few fields": (rows(HEAD, MIDNIGHT), "line 2: too few columns"),
    "JSON": ('{"data": []}', "line 1: no Elhub file"),
    "a page": ("<!DOCTYPE html><html></html>", "line 1: no Elhub file"),
    "no offset's seconds": (
        rows(HEAD, "01.07.2025 00:00:30;;1;"),
        "line 2: 01.07.2025 00:00:30 begins no interval",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_may_be_read_in_two_ways_is_refused_with_its_line(name: str) -> None:
    """Nothing is guessed, and nothing is taken from a file with one doubtful line."""
    text, complaint = WRONG[name]
    assert refused(text).startswith(complaint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PK\x03\x04rest", "the file is an Excel workbook"),
        (b"%PDF-1.7", "the file is a PDF"),
        (b"\x1f\x8b\x08", "the file is compressed"),
        (b"\x01\x02\x03\x04" * 9, "the file is no text"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(content: bytes, complaint: str) -> None:
    """Not by the words of a codec."""
    with pytest.raises(NotElhub, match=complaint):
        read_file(content, OSLO)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("minutes", [15, 60])
def test_both_hours_of_october_keep_their_values(newest_first: bool, minutes: int) -> None:
    """In either order the first 02:00 is summer's: 1 to 4 kWh in the four hours from 01:00."""
    quarters = 60 // minutes
    lines = [
        f"26.10.2025 {hour:02}:{minute:02};{kwh / quarters}".replace(".", ",").replace(",", ".", 2)
        for kwh, hour in enumerate((1, 2, 2, 3), 1)
        for minute in range(0, 60, minutes)
    ]
    text = rows(f"Fra;KWH {minutes} Forbruk", *(reversed(lines) if newest_first else lines))
    begin = utc("2025-10-25T23:00:00+00:00")
    found = read_file(text.encode(), OSLO)
    assert [(hour.start, hour.energies[A_POS]) for hour in found.hours] == [
        (begin + n * 3600, (n + 1) * 1000) for n in range(4)
    ]


def test_hours_that_are_not_whole_are_told() -> None:
    """A missing quarter, an empty field and a line that is not there: each is an hour that is missing."""
    quarters = [f"01.07.2025 {hour:02}:{minute:02};0,25" for hour in range(6) for minute in (0, 15, 30, 45)]
    quarters[5] = "01.07.2025 01:15;"
    del quarters[17], quarters[8:12]
    found = read_file(rows("Fra;KWH 15 Forbruk", *quarters).encode(), OSLO)
    assert [(hour.start - FIRST) // 3600 for hour in found.hours] == [0, 3, 5]
    assert [(start - FIRST) // 3600 for start in found.missing] == [1, 2, 4]


def test_one_of_several_metering_points_may_be_named() -> None:
    """Then only its lines count, and theirs are in order though they stand between others."""
    one, two = "707057500000000001", "707057500000000002"
    text = rows(
        "MålepunktID;Fra;Til;KWH 60 Forbruk;Kvalitet",
        f"{one};01.07.2025 00:00;01.07.2025 01:00;1;Målt",
        f"{two};01.07.2025 00:00;01.07.2025 01:00;5;Målt",
        f"{one};01.07.2025 01:00;01.07.2025 02:00;2;Stipulert",
    )
    found = read_file(text.encode(), OSLO, one)
    assert [hour.energies[A_POS] for hour in found.hours] == [1000, 2000]
    assert (found.metering_point, dict(found.qualities)) == (one, {"Målt": 1, "Stipulert": 1})
    assert (
        refused(text, "1" * 18) == f"nothing in the file is of metering point {'1' * 18}: it has {one}, {two}"
    )


@given(st.binary(max_size=300))
def test_no_content_is_more_than_refused(content: bytes) -> None:
    """Whatever a file holds, it is understood or refused with a sentence."""
    for octets in (content, SEMICOLON.encode()[: len(content)] + content):
        with contextlib.suppress(NotElhub):
            read_file(octets, OSLO)
