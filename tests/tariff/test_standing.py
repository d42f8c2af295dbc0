"""How price lists and levies stand on a day: in force, about to end, ended, or not checked for a year."""

import tomllib
from datetime import date
from typing import Any

import pytest

from han2x.tariff.levies_reading import levies
from han2x.tariff.standing import State, notices, standing

from .conftest import DATA, read


def a_tariff(*spans: tuple[str, str], checked: str = "") -> Any:
    periods = [
        {
            "from": date.fromisoformat(begins),
            **({"until": date.fromisoformat(until)} if until else {}),
            "steps": [{"from_kw": 0, "price": 1}],
        }
        for begins, until in spans
    ]
    return read({"periods": periods, **({"checked": date.fromisoformat(checked)} if checked else {})})


YEAR = ("2026-01-01", "2027-01-01")
NEXT = ("2027-01-01", "")


@pytest.mark.parametrize(
    ("spans", "checked", "today", "state", "ends"),
    [
        ([YEAR], "2026-01-01", "2026-06-01", State.OK, "2027-01-01"),
        ([YEAR], "2026-01-01", "2026-12-01", State.OK, "2027-01-01"),  # 31 days
        ([YEAR], "2026-01-01", "2026-12-02", State.ENDING, "2027-01-01"),  # 30 days
        ([YEAR], "2026-01-01", "2026-12-31", State.ENDING, "2027-01-01"),
        ([YEAR], "2026-01-01", "2027-01-01", State.ENDED, "2027-01-01"),
        ([YEAR], "2026-01-01", "2025-12-31", State.ENDED, "2025-12-31"),
        ([YEAR, NEXT], "2026-06-01", "2026-12-31", State.OK, None),  # another follows at once
        ([YEAR, ("2027-02-01", "")], "2026-06-01", "2026-12-31", State.ENDING, "2027-01-01"),  # with a gap
        ([NEXT], "2027-01-01", "2028-01-01", State.OK, None),  # 365 days
        ([NEXT], "2027-01-01", "2028-01-02", State.OLD, None),  # 366 days
        ([NEXT], "", "2029-01-02", State.OK, None),  # when it was checked is not known
    ],
)
def test_a_tariff_on_a_day(
    spans: list[tuple[str, str]], checked: str, today: str, state: State, ends: str | None
) -> None:
    """Thirty days before the last list ends it is ending, a year after it was checked it is old."""
    found = standing(a_tariff(*spans, checked=checked), date.fromisoformat(today))
    assert (found.state, found.ends) == (state, date.fromisoformat(ends) if ends else None)


def said(today: str, **more: Any) -> list[str]:
    return [one.text.split(". ")[0] for one in notices(date.fromisoformat(today), **more)]


def test_an_old_list_that_ends_is_said_twice() -> None:
    """Both are said, with their days."""
    assert said("2026-12-20", tariff=a_tariff(YEAR, checked="2025-12-01")) == [
        'the last price list of tariff "test" ends on 2027-01-01',
        'the price list of tariff "test" was checked last on 2025-12-01',
    ]


LEVIES, _ = levies(tomllib.loads((DATA / "levies.toml").read_text("utf-8")))
LAST = max(row.ends for row in LEVIES.supports if row.ends)


@pytest.mark.parametrize(
    ("contract", "word"),
    [("support", "support"), ("norgespris", "Norgespris"), ("norgespris-cabin", "Norgespris")],
)
def test_the_last_row_of_a_scheme(contract: str, word: str) -> None:
    """From 30 days before its end it is said, and on the day it has ended that nothing is priced."""
    for days, expected in (
        (31, []),
        (30, [f"the last row of {word} ends on {LAST}"]),
        (1, [f"the last row of {word} ends on {LAST}"]),
        (0, [f"there is no row of {word} for today: power is not priced"]),
        (-400, [f"there is no row of {word} for today: power is not priced"]),
    ):
        today = date.fromordinal(LAST.toordinal() - days).isoformat()
        assert said(today, levies=LEVIES, contract=contract) == expected


def test_what_does_not_concern_a_meter_is_not_said() -> None:
    """Taxes are part of grid costs; a contract without a scheme has no row to miss; no costs, no levies."""
    late = "2030-01-01"
    assert said(late, levies=LEVIES, contract="spot") == []
    assert said(late, levies=None, contract="support") == []
    assert said(late, levies=LEVIES, contract="spot", tariff=a_tariff(NEXT)) == [
        "there is no row of taxes for today: no grid costs"
    ]
