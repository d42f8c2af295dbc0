"""A meter is renamed on the page, and every page shows the new name at once."""

from typing import Any

import pytest

from .conftest import Open, Running, Start, go

LABEL = "Mitt Hus 房子"


@pytest.fixture
def two(start: Start) -> Running:
    source = "simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z"
    return start(main=source, cabin=source)


def test_a_meter_is_renamed_on_the_page(two: Running, browse: Open) -> None:
    """Head, cards and health of this page and of another that is open have the name; the id stays."""
    acting, watching = browse(two), browse(two)
    go(watching, "system")
    go(acting, "settings/meters")
    acting.fill("[data-path='meters.0.name']", LABEL)
    acting.click("#save")
    for page in (acting, watching):
        page.wait_for_function(_CHOSEN, arg=LABEL)
    watching.get_by_role("cell", name=f"meter {LABEL}", exact=True).wait_for()
    meters: Any = acting.evaluate("() => fetch('v1/meters').then((answer) => answer.json())")
    assert [(one["id"], one["name"]) for one in meters] == [("main", LABEL), ("cabin", "cabin")]


_CHOSEN = "label => document.querySelector('header.head select option[value=main]')?.textContent === label"


def test_a_removed_meter_is_offered_when_one_is_added(two: Running, browse: Open) -> None:
    """The choice stands at a new meter; the one that was removed comes back as who it was."""
    page = browse(two)
    go(page, "settings/meters")
    page.evaluate(_REMOVED)
    page.reload()
    page.wait_for_selector("[data-path='meters.0.name']")
    page.get_by_role("button", name="Add a meter").click()
    choice = page.locator("dialog select[name=id]")
    assert choice.locator("option").first.text_content() == "A new meter"
    assert choice.input_value() == ""
    choice.select_option("cabin")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_selector("[data-path='meters.1.name']")
    meters: Any = page.evaluate("() => fetch('v1/meters').then((answer) => answer.json())")
    assert [one["id"] for one in meters] == ["main", "cabin"]


_REMOVED = """async () => {
  const { csrf } = await (await fetch("v1/session")).json();
  const answer = await fetch("v1/settings/meters/1", { method: "DELETE", headers: { "X-CSRF": csrf } });
  if (!answer.ok) throw new Error(String(answer.status));
}"""
