"""The grid tariff on the page: chosen by company, and Cost says how old its price list is."""

from typing import Any

import pytest

from .conftest import Open, Running, Start, go
from .test_pages import EVENING


@pytest.fixture(scope="module")
def home(start: Start, browser: Any) -> Running:
    """A gateway with a simulated meter, which chooses a tariff in the first case and has it in the second."""
    return start(main=f"simulate:kaifa?start={EVENING}")


@pytest.mark.parametrize(
    ("language", "chosen", "checked"),
    [
        ("nb-NO", "BKK AS · husholdning, fritid · kontrollert 12. des. 2025", "kontrollert"),
        ("en-GB", "BKK AS · home, cabin · checked 12 Dec 2025", "checked"),
    ],
)
def test_a_tariff_is_chosen_by_its_company(
    home: Running, browse: Open, language: str, chosen: str, checked: str
) -> None:
    """The field offers all companies; a company's name is as good as the tariff's, and Cost tells its age."""
    page = browse(home, language=language)
    go(page, "settings/meters")
    field = "[data-path='meters.0.tariff']"
    page.wait_for_selector(f"{field}[list]")
    offered = page.evaluate(
        "field => [...document.querySelector(field).list.options].map((one) => one.value + ' ' + one.label)",
        field,
    )
    assert len(offered) == 106
    assert any(one.startswith("elvia Elvia AS · ") for one in offered)
    page.fill(field, "")
    page.fill(field, "bkk a")
    page.press(field, "Tab")
    assert page.input_value(field) == "bkk"
    page.wait_for_selector(f".extra:has-text('{chosen}')")
    if page.locator("#save").is_visible():
        page.click("#save")
    go(page, "cost")
    page.wait_for_selector(f".card p:has-text('BKK AS'):has-text('{checked}')")
