"""Price series: quarters and hours, what replaces what, and the texts they are fed from."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.tariff.price_feed import Unreadable, of_day, rows
from han2x.tariff.prices import MOST_QUARTERS, QUARTER_S, Price, Row, Series, merge

from .conftest import at

NOON = at("2026-11-25 12:00")
EMPTY = Series("NO1")


def test_quarters_make_an_hour() -> None:
    """An hour's price is the mean of its quarters, to the nearest milliøre, below zero too."""
    quarters = [Row(NOON + QUARTER_S * index, QUARTER_S, price) for index, price in enumerate((-7, -8, 1, 3))]
    series = merge(EMPTY, quarters)
    assert series.of_hour(NOON) == Price(-3, True)  # -2.75
    assert series.at(NOON + 899) == Price(-7, True)
    assert series.at(NOON + 900) == Price(-8, True)
    assert series.at(NOON - 1) is None


def test_an_hour_with_a_missing_quarter_has_no_price() -> None:
    """Three quarters are no hour: nothing is guessed."""
    series = merge(EMPTY, [Row(NOON, 2_700, 5)])
    assert (series.of_hour(NOON), series.at(NOON)) == (None, Price(5, True))


def test_an_hour_is_four_quarters() -> None:
    """Hourly prices are known in each of their quarters; an hour is final when all its quarters are."""
    series = merge(EMPTY, [Row(NOON, 3_600, 81_250, False)])
    assert series.at(NOON + 3_599) == Price(81_250, False)
    series = merge(series, [Row(NOON, 900, 81_250)])
    assert series.of_hour(NOON) == Price(81_250, False)


@pytest.mark.parametrize(
    ("fed", "price"),
    [
        ([(1, True), (2, True)], Price(2, True)),
        ([(1, False), (2, True)], Price(2, True)),
        ([(1, True), (2, False)], Price(1, True)),
        ([(1, False), (2, False)], Price(2, False)),
    ],
)
def test_what_replaces_what(fed: list[tuple[int, bool]], price: Price) -> None:
    """The newest price is right, but what is provisional replaces nothing final."""
    series = EMPTY
    for one, final in fed:
        series = merge(series, [Row(NOON, 3_600, one, final)])
    assert series.of_hour(NOON) == price


@pytest.mark.parametrize(
    "row", [Row(NOON + 1, 900, 1), Row(NOON, 901, 1), Row(NOON, 0, 1), Row(NOON, -900, 1)]
)
def test_prices_are_for_whole_quarters(row: Row) -> None:
    """What does not fit the quarters is refused, and changes nothing."""
    with pytest.raises(ValueError, match="whole quarters"):
        merge(EMPTY, [row])


def test_a_series_does_not_grow_without_end() -> None:
    """The newest quarters of some thirteen months are kept."""
    series = merge(EMPTY, [Row(NOON, QUARTER_S * (MOST_QUARTERS + 5), 1)])
    assert len(series.quarters) == MOST_QUARTERS
    assert min(series.quarters) == NOON + 5 * QUARTER_S


CSV = """\
start,price,minutes,final
2026-11-25T12:00:00+01:00,0.8125,60,true
2026-11-25T13:00:00+01:00,-0.00127,15,false
"""
SEMICOLONS = "start;price\n2026-11-25T12:00:00+01:00;0,8125\n\n"
OURS = [
    {"start": "2026-11-25T12:00:00+01:00", "price": 0.8125},
    {"start": "2026-11-25T12:00:00Z", "price": -0.00127, "minutes": 15, "final": False},
]
THEIRS = [
    {
        "NOK_per_kWh": 0.8125,
        "EUR_per_kWh": 0.07,
        "EXR": 11.6,
        "time_start": "2026-11-25T12:00:00+01:00",
        "time_end": "2026-11-25T12:15:00+01:00",
    }
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CSV, [Row(NOON, 3_600, 81_250), Row(NOON + 3_600, 900, -127, False)]),
        (SEMICOLONS, [Row(NOON, 3_600, 81_250)]),
        (json.dumps(OURS), [Row(NOON, 3_600, 81_250), Row(NOON + 3_600, 900, -127, False)]),
        (json.dumps(THEIRS), [Row(NOON, 900, 81_250)]),
        ("[]", []),
    ],
)
def test_texts(text: str, expected: list[Row]) -> None:
    """CSV, our JSON and the public source's say the same; decimals are exact."""
    assert rows(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the first line must name the columns start, price"),
        ("a,b\n1,2\n", "the first line must name the columns start, price"),
        (CSV.replace("0.8125", "0,8125"), "[0]."),
        (CSV.replace("0.8125", "x"), "[0].price must be a number (NOK per kWh), not 'x'"),
        (CSV.replace("0.8125", "NaN"), "[0].price must be from"),
        (CSV.replace("0.8125", "1e9"), "[0].price must be from -1000 to 1000 NOK per kWh"),
        (CSV.replace("T12:00:00+01:00", "T12:00:00"), "[0].start must be a time with its offset"),
        (CSV.replace("T12:00:00", "T12:01:00"), "[0].start and minutes must be whole quarters of an hour"),
        (CSV.replace(",15,", ",7,"), "[1].minutes must be a whole number from 15 to 1440, not 7"),
        (CSV.replace(",true", ",maybe"), "[0].final must be true or false, not 'maybe'"),
        (CSV.replace("minutes", "minuts"), "[0].minuts is not known; did you mean minutes?"),
        (CSV.replace(",60,true", ",60,true,9"), "[0]. is not known"),
        ("{}", "must be a list of objects"),
        ("[1]", "must be a list of objects"),
        ("[" * 100_000, ""),
        ('[{"start": 1, "price": 1}]', "[0].start must be a time with its offset"),
        ('[{"start": "2026-11-25T12:00:00Z", "price": NaN}]', "[0].price must be"),
        ('[{"NOK_per_kWh": 1}]', "[0].time_start or time_end must be a time with its offset"),
        ("[{", "Expecting"),
    ],
)
def test_wrong_texts(text: str, wrong: str) -> None:
    """One wrong row, and the text is refused as a whole, with where and what."""
    with pytest.raises(Unreadable) as refused:
        rows(text)
    assert wrong in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "<html>", CSV])
def test_an_answer_that_is_no_day(text: str) -> None:
    """An empty list or a page in place of prices is not taken for prices."""
    with pytest.raises(Unreadable):
        of_day(text)


@given(st.text() | st.recursive(st.none() | st.text() | st.floats(), st.lists, max_leaves=5).map(json.dumps))
def test_any_text(text: Any) -> None:
    """Whatever is fed is a list of rows or is refused."""
    with contextlib.suppress(Unreadable):
        assert isinstance(rows(text), list)
