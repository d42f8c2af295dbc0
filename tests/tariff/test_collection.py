"""The open collection's format: what of YAML is read, and what tariffs its price lists become."""

import contextlib
import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.tariff.collection import convert, write, yaml
from han2x.tariff.collection.price_list import METHODS
from han2x.tariff.reading import tariff
from han2x.tariff.tariff import Tariff

from .conftest import at, use
from .test_capacity import seen

COMPANY = """\
---
netteier: 'Fjord Nett  AS '
gln:
  - '7080000000000'
sist_oppdatert: '2026-02-03'
kilder:
  - 'https://fjord.example/#priser' # a comment
tariffer:
  - kundegrupper: [husholdning, fritid]
    fastledd:
      metode: TRE_DØGNMAX_MND
      terskel_inkludert: true
      terskler:
      - terskel: 2
        pris: 2400.5
      - terskel: 0
        pris: 1440
    energiledd:
      grunnpris: 16.99
      unntak:
        - navn: Dag
          timer: 6-21
          dager: [virkedag]
          pris: 28.99
    gyldig_fra: '2026-01-01'
    gyldig_til:
"""


def converted(text: str = COMPANY) -> dict[str, dict[str, Any]]:
    found = convert.company("fjord", yaml.loads(text))
    assert not found.omitted
    return {name: tomllib.loads(write.text(table)) for name, table in found.tariffs.items()}


def read(text: str = COMPANY, name: str = "fjord") -> Tariff:
    made, complaints = tariff(name, converted(text)[name])
    assert not complaints
    return made


def omitted(text: str) -> str:
    [only] = convert.company("fjord", yaml.loads(text)).omitted
    assert (only.file, only.begins) == ("fjord", "2026-01-01")
    return only.reason


def changed(*changes: str) -> str:
    text = COMPANY
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_company_is_a_tariff_file() -> None:
    """All that the price list says is in the file, with its source and the day it was checked."""
    assert write.text(convert.company("fjord", yaml.loads(COMPANY)).tariffs["fjord"]) == (
        'title = "Fjord Nett AS"\n'
        'source = "Fjord Nett AS, by way of Fri nettleie (kraftsystemet), CC BY 4.0'
        ' · https://fjord.example/#priser"\n'
        "checked = 2026-02-03\n"
        'customers = ["home", "cabin"]\n'
        "\n"
        "[[periods]]\n"
        "from = 2026-01-01\n"
        'rule = "days"\n'
        "count = 3\n"
        'at_limit = "higher"\n'
        'per = "year"\n'
        "steps = [\n"
        "  { from_kw = 0, price = 1440 },\n"
        "  { from_kw = 2, price = 2400.5 },\n"
        "]\n"
        "energy = [\n"
        '  { price = 28.99, hours = "6-22", days = "workdays" },\n'
        "  { price = 16.99 },\n"
        "]\n"
    )


@pytest.mark.parametrize(
    ("method", "rule", "extra"),
    [
        ("TRE_DØGNMAX_MND", "days", (3, False)),
        ("MND_MAX", "month", (1, False)),
        ("FEM_VEKTET_ÅR", "weeks", (5, True)),
    ],
)
def test_methods(method: str, rule: str, extra: tuple[int, bool]) -> None:
    """Each way to find a step is the rule that finds it so."""
    period = read(changed("TRE_DØGNMAX_MND", method)).periods[0]
    assert (period.rule, period.count, period.by_month_before) == (rule, *extra)
    assert [step.limit for step in period.steps] == [0, 2_000]


def test_a_fuse_is_in_amperes() -> None:
    """A step by fuse goes by A, not kW; the limit itself is where the list says."""
    text = changed("TRE_DØGNMAX_MND", "OV_TREFASE", "terskel: 2", "terskel: 63")
    assert [step.limit for step in read(text).periods[0].steps] == [0, 63]
    for word, step in (("true", 2), ("false", 1)):
        made = read(text.replace("terskel_inkludert: true", f"terskel_inkludert: {word}"))
        assert seen(made, [], "2026-02-01 12:00", 63).step == step


@pytest.mark.parametrize(("word", "step"), [("true", 2), ("false", 1)])
def test_a_mean_at_a_limit(word: str, step: int) -> None:
    """Included is the higher step, not included the lower."""
    made = read(changed("terskel_inkludert: true", f"terskel_inkludert: {word}"))
    assert seen(made, [use("2026-02-01 08:00", 2_000)], "2026-02-01 12:00").step == step


def test_points_of_a_line_are_a_price_per_kw() -> None:
    """Five weighted weeks are billed by the kW, so points of one line are its price."""
    line = "".join(
        f"      - {{}}\n        pris: {2000 + 589 * kw}\n".format(f"terskel: {kw}") for kw in (1, 2, 7)
    )
    weeks = changed(
        "TRE_DØGNMAX_MND",
        "FEM_VEKTET_ÅR",
        "      - terskel: 2\n        pris: 2400.5\n",
        line,
        "pris: 1440",
        "pris: 2000",
    )
    period = read(weeks).periods[0]
    assert (period.base, period.per_kw, period.steps) == (200_000_000, 58_900_000, ())
    bent = read(weeks.replace("6123", "6124")).periods[0]
    assert (bent.base, len(bent.steps)) == (0, 4)
    assert len(read(weeks.replace("FEM_VEKTET_ÅR", "TRE_DØGNMAX_MND")).periods[0].steps) == 4


HOURS = [
    ("6-21", set(range(6, 22))),
    ("22-5", {22, 23, 0, 1, 2, 3, 4, 5}),
    ("0-23", set(range(24))),
    ("23", {23}),
    ("23-0", {23, 0}),
    ("[6, 7, 16-18]", {6, 7, 16, 17, 18}),
    ("5-4", set(range(24))),
    ("[22-23, 0-5]", {22, 23, 0, 1, 2, 3, 4, 5}),
]


@pytest.mark.parametrize(("written", "hours"), HOURS)
def test_hours(written: str, hours: set[int]) -> None:
    """The last hour of a span is in it, a span goes over midnight, and some may be listed."""
    assert read(changed("6-21", written)).periods[0].charges[0].hours == hours


MONTHS = [
    ("[januar]", {1}),
    ("[oktober, november, desember, januar]", {10, 11, 12, 1}),
    ("[januar, mars, desember]", {1, 3, 12}),
    ("[april, mai, juni, juli, august, september]", {4, 5, 6, 7, 8, 9}),
]


@pytest.mark.parametrize(("written", "months"), MONTHS)
def test_months(written: str, months: set[int]) -> None:
    """Any set of months."""
    text = changed("          timer: 6-21\n", f"          måneder: {written}\n")
    charge = read(text).periods[0].charges[0]
    assert charge.months == months
    assert charge.hours == set(range(24))


DAYS = [
    # a Monday, Friday and Saturday in March; Good Friday; 17 May, a Sunday; Christmas Day, a Friday
    ("alle", "111111"),
    ("virkedag", "110000"),
    ("ukedag", "110101"),
    ("helg", "001010"),
    ("fridag", "001111"),
    ("helligdager", "000111"),
    ("fredag", "010101"),
    ("mandag, helg", "101010"),
    ("søndag, fredag", "010111"),
]


@pytest.mark.parametrize(("written", "holds"), DAYS)
def test_days(written: str, holds: str) -> None:
    """Each kind of day, and several, any of which will do."""
    charge = read(changed("virkedag", written)).periods[0].charges[0]
    days = ("03-02", "03-06", "03-07", "04-03", "05-17", "12-25")
    at_ten = [
        read(changed("virkedag", written)).periods[0].charge(_hour(f"2026-{day} 10:00")) for day in days
    ]
    assert "".join("1" if price == 28_990 else "0" for price in at_ten) == holds
    assert charge.price == 28_990


def _hour(text: str) -> Any:
    from han2x.tariff.calendar import local

    from .conftest import OSLO

    return local(at(text), OSLO)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (("TRE_DØGNMAX_MND", "UKJENT"), "how its step is found is not known (metode UKJENT)"),
        (("inkludert: true", "inkludert: null"), "to which step a limit itself belongs is not said"),
        (("terskel: 0", "terskel: 1"), "it has no step from 0"),
        (("terskel: 0", "terskel: 2"), "it has no step from 0"),
        (("[virkedag]", "[romjul]"), "'romjul' is none of mandag"),
        (("16.99", "16.9999"), "16.9999 has more than 3 decimals"),
        (("      grunnpris", "      effektledd: 3\n      grunnpris"), "energiledd.effektledd is not known"),
        (("    gyldig_til:", "    rabatt: 3"), "rabatt is not known"),
        (
            (
                "        - navn: Dag\n",
                "        - navn: Kveld\n          timer: 21-23\n          pris: 1\n        - navn: Dag\n",
            ),
            "two of its exceptions hold in the same hours at different prices",
        ),
    ],
)
def test_what_cannot_be_said_is_named(changes: tuple[str, ...], reason: str) -> None:
    """A price list that our files have no word for is left out, with the reason."""
    assert reason in omitted(changed(*changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("pris: 1440", "pris: mye"), "terskler[1].pris must be a number"),
        (("pris: 1440", "pris: -1"), "must be a number from 0"),
        (("grunnpris: 16.99", "grunnpris:"), "energiledd.grunnpris is missing"),
        (("'2026-01-01'", "'2026-13-01'"), "gyldig_fra must be a day"),
        (("gyldig_til:", "gyldig_til: '2026-01-01'"), "gyldig_til must be after gyldig_fra"),
        (("6-21", "6-24"), "timer must be hours"),
        (("6-21", "dag"), "timer must be hours"),
        (("netteier", "eier"), "netteier is missing"),
        (("[husholdning, fritid]", "[alle]"), "kundegrupper must be some of husholdning"),
        (("'2026-02-03'", "i fjor"), "sist_oppdatert must be a day"),
    ],
)
def test_a_file_against_its_own_format(changes: tuple[str, ...], message: str) -> None:
    """What is no price list at all is refused, and not left out."""
    with pytest.raises(convert.Faulty) as refused:
        convert.company("fjord", yaml.loads(changed(*changes)))
    assert message in str(refused.value)


def _list(customers: str, begins: str, until: str = "", name: str = "") -> str:
    return (
        f"  - kundegrupper: [{customers}]\n    gyldig_fra: {begins}\n"
        + (f"    gyldig_til: {until}\n" if until else "")
        + (f"    navn: {name}\n" if name else "")
        + "    fastledd:\n      metode: MND_MAX\n      terskler:\n        - terskel: 0\n          pris: 100\n"
        "    energiledd:\n      grunnpris: 10\n"
    )


HEAD = COMPANY.split("  - kundegrupper")[0]


def test_customers_with_price_lists_of_their_own() -> None:
    """Homes and cabins share a tariff; businesses have another where their price lists are others."""
    text = HEAD + _list("husholdning, fritid, liten_næring", "2025-01-01", "2026-01-01")
    assert {name: table["customers"] for name, table in converted(text).items()} == {
        "fjord": ["home", "cabin", "business"]
    }
    text += _list("husholdning, fritid", "2026-01-01") + _list("liten_næring", "2026-01-01")
    found = converted(text)
    assert {name: table["customers"] for name, table in found.items()} == {
        "fjord": ["home", "cabin"],
        "fjord-business": ["business"],
    }
    assert [len(table["periods"]) for table in found.values()] == [2, 2]


def test_parts_of_a_grid() -> None:
    """Two price lists at once are two tariffs if they are for parts of the grid, else a fault."""
    text = (
        HEAD
        + _list("husholdning", "2026-01-01", name="Nord")
        + _list("husholdning", "2026-01-01", name="Sør")
    )
    assert set(converted(text)) == {"fjord-nord", "fjord-sor"}
    with pytest.raises(convert.Faulty, match="two price lists are in force at once from 2026-01-01"):
        converted(HEAD + _list("husholdning", "2026-01-01") + _list("husholdning", "2026-01-01"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (
            "a: 1\nb: -2.50\nc: 'it''s'\nd: \"x\\\"y\"",
            {"a": 1, "b": Decimal("-2.50"), "c": "it's", "d": 'x"y'},
        ),
        ("a:\n- 1\n- x y\nb: [1, 'a, b', c]", {"a": [1, "x y"], "b": [1, "a, b", "c"]}),
        ("- a: 1\n  b:\n    - c: ~\n- - 1\n  - 2", [{"a": 1, "b": [{"c": None}]}, [1, 2]]),
        ("a: [1,\n  2, # two\n  3]\nb: []", {"a": [1, 2, 3], "b": []}),
        ("# only\n---\na: b#c # d\n", {"a": "b#c"}),
        ("a: 2026-01-01\nb: 6-21\nc: true\nd: 010", {"a": "2026-01-01", "b": "6-21", "c": True, "d": "010"}),
        ("a: 'https://x/#y'", {"a": "https://x/#y"}),
        ("a:\n\n    b: 1\n", {"a": {"b": 1}}),
    ],
)
def test_yaml(text: str, value: object) -> None:
    """Mappings, lists, and plain or quoted values."""
    assert yaml.loads(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1", "line 1: '&x 1' is more than a plain value"),
        ("a: *x", "line 1: "),
        ("a: |\n  text", "line 2: a text over several lines"),
        ("a: {b: 1}", "line 1: "),
        ("a: 1\na: 2", "line 2: a is there twice"),
        ("a: 1\n b: 2", "line 2: "),
        ("  a: 1\nb: 2", "line 2: its indentation fits no line above"),
        ("\ta: 1", "line 1: it is indented with a tab"),
        ("a: [1, 2", "line 1: the list has no ]"),
        ("a: [1, [2]]", "is no list of plain values"),
        ("a: b: c", "line 1: "),
        ("b: 1\na: " + '"\\' * 100_000, "line 2: it is longer than 500 characters"),
        ("a: [" + "1,\n" * 50_000, "line 1: the list has no ] within 2000 characters"),
        ("a: 'x", "line 1: "),
        ("plain", "line 1: 'plain' is no key with a value"),
        ("a: !!python/object:os.system x", "line 1: "),
        ("- " * 100 + "x", "more than 16 blocks are inside each other"),
        ("\n".join(" " * n + "a:" for n in range(100)), "more than 16 blocks are inside each other"),
    ],
)
def test_what_of_yaml_is_not_read(text: str, message: str) -> None:
    """Anything else is refused with its line."""
    with pytest.raises(yaml.NotReadable) as refused:
        yaml.loads(text)
    assert message in str(refused.value)


@given(st.text(alphabet="ab:-[]'\"#, \n~1", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing else happens, whatever the text."""
    with contextlib.suppress(yaml.NotReadable):
        yaml.loads(text)


@given(st.data())
def test_a_broken_file_is_refused_or_read(data: st.DataObject) -> None:
    """A price list with any line taken out, or cut, is converted, left out or refused, never a traceback."""
    lines = COMPANY.split("\n")
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))]
    with contextlib.suppress(yaml.NotReadable, convert.Faulty):
        convert.company("fjord", yaml.loads("\n".join(lines)))


def test_all_methods_are_tried() -> None:
    """A method that is added needs its test."""
    assert set(METHODS) == {"TRE_DØGNMAX_MND", "MND_MAX", "FEM_VEKTET_ÅR", "OV_TREFASE"}
