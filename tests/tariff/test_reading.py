"""Tariff files and the levies file: what they say, and what is said of one that is wrong."""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from han2x.tariff.calendar import day_start, holidays
from han2x.tariff.levies import Fixed, Support, Tax, Zone, on
from han2x.tariff.levies_reading import levies
from han2x.tariff.reading import tariff

from .conftest import DATA, OSLO, built_in

GOOD = """
source = "made up"
checked = 2026-01-31
[[periods]]
from = 2026-01-01
until = 2026-07-01
rule = "days"
count = 3
at_limit = "lower"
billed_by = "month-before"
per = "month"
steps = [{ from_kw = 0, price = 100.5 }, { from_kw = 2.5, price = 200 }]
energy = [
  { price = 30.25, hours = "6-22", days = "workdays", months = "11-3" },
  { price = -1, hours = "22-6" },
  { price = 20 },
]
[[periods]]
from = 2026-07-01
rule = "weeks"
weights = [100, 100, 85, 50, 30, 25, 25, 25, 30, 45, 70, 95]
base = 2000
per_kw = 534
"""


def complaints(text: str) -> list[str]:
    return tariff("test", tomllib.loads(text))[1]


def test_what_a_file_says() -> None:
    """Prices are milliøre, limits W, and a price a month is twelve times that a year."""
    found, wrong = tariff("test", tomllib.loads(GOOD))
    assert (wrong, found.name, found.source, found.checked) == ([], "test", "made up", date(2026, 1, 31))
    first, second = found.periods
    assert first.steps == ((0, 120_600_000), (2_500, 240_000_000))
    assert (first.at_limit_higher, first.by_month_before, first.ends) == (False, True, date(2026, 7, 1))
    assert (second.base, second.per_kw, second.count, second.ends) == (200_000_000, 53_400_000, 5, None)
    assert second.weights[2] == 85
    assert [found.on(date(2026, 6, 30)), found.on(date(2026, 7, 1))] == [first, second]
    assert found.on(date(2025, 12, 31)) is None


@pytest.mark.parametrize(
    ("hour", "price"),
    [
        ("2026-01-05 06:00", 30_250),  # a Monday
        ("2026-01-05 21:00", 30_250),
        ("2026-01-05 22:00", -1_000),
        ("2026-01-05 05:00", -1_000),
        ("2026-01-03 12:00", 20_000),  # a Saturday
        ("2026-04-02 12:00", 20_000),  # April
        ("2026-03-31 12:00", 30_250),
        ("2026-01-01 12:00", 20_000),  # New Year's Day, a Thursday
    ],
)
def test_the_first_charge_that_holds_counts(hour: str, price: int) -> None:
    """A charge holds in its hours, on its days, in its months; what is left out is always."""
    period = tariff("test", tomllib.loads(GOOD))[0].periods[0]
    assert period.charge(datetime.fromisoformat(hour)) == price


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2026, ["04-02", "04-03", "04-05", "04-06", "05-14", "05-24", "05-25"]),
        (2024, ["03-28", "03-29", "03-31", "04-01", "05-09", "05-19", "05-20"]),
        (2038, ["04-22", "04-23", "04-25", "04-26", "06-03", "06-13", "06-14"]),  # as late as it comes
        (2285, ["03-19", "03-20", "03-22", "03-23", "04-30", "05-10", "05-11"]),  # as early
    ],
)
def test_public_holidays(year: int, days: list[str]) -> None:
    """The moving ones go by Easter; five are fixed."""
    fixed = ["01-01", "05-01", "05-17", "12-25", "12-26"]
    assert sorted(f"{day:%m-%d}" for day in holidays(year)) == sorted([*fixed, *days])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("count = 3", "count = 0", "periods[0].count must be a whole number from 1 to 100, not 0"),
        ("count = 3", "cuont = 3", "periods[0].cuont is not known; did you mean count?"),
        ('"days"\ncount', '"mean"\ncount', "periods[0].rule must be one of days, hours, month, weeks, fuse"),
        ("from = 2026-01-01\n", "", "periods[0].from is missing"),
        ("from = 2026-01-01\n", "from = 2026-01-01T00:00:00Z\n", "periods[0].from must be a date such as"),
        ("until = 2026-07-01", "until = 2026-01-01", "periods[0].until must be after from"),
        ("until = 2026-07-01", "until = 2026-07-02", "periods: that from 2026-01-01 must end before that"),
        ("until = 2026-07-01", "", "periods: that from 2026-01-01 must end before that from 2026-07-01"),
        ("from_kw = 0,", "from_kw = 1,", "periods[0].steps[0].from_kw must be 0"),
        ("from_kw = 2.5", "from_kw = 0", "periods[0].steps must have ascending limits"),
        ("from_kw = 2.5", "from_a = 2", "periods[0].steps[1].from_kw is missing"),
        ("price = 100.5", "price = '100'", "periods[0].steps[0].price must be a number (NOK), not '100'"),
        ("price = 100.5", "price = nan", "periods[0].steps[0].price must be from 0 to 1000000 NOK, not nan"),
        ("price = 100.5", "price = inf", "periods[0].steps[0].price must be from 0 to 1000000 NOK, not inf"),
        ("price = 100.5", "price = -1", "periods[0].steps[0].price must be from 0 to 1000000 NOK, not -1"),
        ("price = 100.5", "price = true", "periods[0].steps[0].price must be a number (NOK), not True"),
        ('"6-22"', '"6-25"', "periods[0].energy[0].hours must be from 0 to 24, not '6-25'"),
        ('"6-22"', '"06:00-22:00"', 'periods[0].energy[0].hours must be two numbers such as "6-22"'),
        ('"11-3"', '"0-3"', "periods[0].energy[0].months must be from 1 to 12, not '0-3'"),
        ('"workdays"', '"mandag"', "periods[0].energy[0].days must be one of all, workdays"),
        ("base = 2000\nper_kw = 534", "", "periods[1].steps, or else base and per_kw, must tell the price"),
        ("base = 2000", "base = 2000\nsteps = [{from_kw=0, price=1}]", "periods[1].steps, or else base"),
        ('rule = "weeks"', 'rule = "fuse"', "periods[1].steps must tell the price of each fuse"),
        ("weights = [100, ", "weights = [", "periods[1].weights must be twelve whole numbers"),
        ("weights = [100, ", "weights = [101, ", "periods[1].weights must be a whole number from 0 to 100"),
        ("[[periods]]\nfrom = 2026-07", "[[period]]\nfrom = 2026-07", "period is not known; did you mean"),
        ("source = ", "sorce = ", "sorce is not known; did you mean source?"),
    ],
)
def test_a_wrong_file(old: str, new: str, complaint: str) -> None:
    """What is wrong is said with its place, what it must be, and what it is."""
    assert old in GOOD
    found = complaints(GOOD.replace(old, new, 1))
    assert any(one.startswith(complaint) for one in found), found


@pytest.mark.parametrize(
    "text", ["", "periods = 1", "periods = [1]", "periods = []", "[periods]\nfrom = 2026-01-01"]
)
def test_a_file_without_periods(text: str) -> None:
    """A tariff without a price list is none."""
    assert "periods is missing: a tariff has at least one [[periods]] table" in complaints(text)


def test_all_complaints_at_once() -> None:
    """A person sees all that is wrong with a file."""
    text = GOOD.replace("count = 3", "count = 0").replace('"workdays"', '"x"').replace("base", "bass")
    assert len(complaints(text)) == 3


@pytest.mark.parametrize("path", sorted((DATA / "tariffs").glob("*.toml")), ids=lambda path: path.stem)
def test_tariffs_that_come_with_the_program(path: Path) -> None:
    """Each is without faults, names its source, and has a charge for every hour of every month."""
    found = built_in(path.stem)
    assert found.source
    for period in found.periods:
        for month in range(1, 13):
            for hour in range(24):
                assert period.charge(datetime(2027, month, 7, hour)) is not None


def read_levies(**changes: Any) -> tuple[Any, list[str]]:
    table = tomllib.loads((DATA / "levies.toml").read_text("utf-8"))
    return levies({**table, **changes})


def test_the_levies() -> None:
    """Rates by date, in milliøre per kWh without VAT, and Wh a month."""
    found, wrong = read_levies()
    assert not wrong
    assert found.zones == {"south": Zone(25, True), "north": Zone(0, True), "action": Zone(0, False)}
    day, new_year = date(2026, 11, 25), date(2027, 1, 1)
    assert on(found.taxes, day) == Tax(date(2026, 1, 1), new_year, 7_130, 1_000)
    assert on(found.supports, day) == Support(date(2026, 1, 1), new_year, 77_000, 90, 5_000_000)
    assert on(found.fixed, day) == Fixed(date(2025, 10, 1), new_year, 40_000, 5_000_000, 1_000_000)
    assert on(found.fixed, date(2025, 9, 30)) is None
    assert on(found.supports, new_year) is None  # rates of years to come are not guessed
    assert day_start(new_year, OSLO) - day_start(day, OSLO) == 37 * 86_400


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"zones": []}, "zones is missing: a home lies in one of some [[zones]]"),
        ({"zones": [{"name": "a", "vat": 101, "power_tax": True}]}, "zones[0].vat must be a whole number"),
        ({"zones": [{"name": "a", "vat": 25, "power_tax": 1}]}, "zones[0].power_tax must be true or false"),
        ({"taxes": [{"from": date(2026, 1, 1), "power": 7}]}, "taxes[0].fund is missing"),
        ({"support": [{"form": 1}]}, "support[0].form is not known; did you mean from?"),
        ({"norgespris": {}}, "norgespris must be a list of tables"),
        ({"tax": []}, "tax is not known; did you mean taxes?"),
    ],
)
def test_wrong_levies(changes: dict[str, Any], complaint: str) -> None:
    """A levies file is checked like a tariff."""
    found = read_levies(**changes)[1]
    assert any(one.startswith(complaint) for one in found), found
