"""A meter is renamed on the page, and every page shows the new name at once."""

import time
from pathlib import Path
from typing import Any

import pytest

from . import past
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


@pytest.fixture
def former(start: Start) -> Running:
    """A meter that is there, and one of which there are history rows only."""

    def remember(state: Path) -> None:
        past.write(state / "history.sqlite", "cabin", int(time.time()), days=2)

    return start(main="simulate:kaifa?speed=20&start=2025-12-14T15:59:40Z", before=remember)


def test_a_meter_is_said_to_be_a_former_one(former: Running, browse: Open) -> None:
    """On its card: asked once, and from then on every page is about that meter; nothing more is offered."""
    page = browse(former)
    go(page, "settings/meters")
    page.get_by_role("button", name="This is a former meter").click()
    choice = page.locator("dialog select[name=id]")
    assert "cabin" in (choice.locator("option").first.text_content() or "")
    page.get_by_role("dialog").get_by_role("button", name="This is a former meter").click()
    page.wait_for_function(IDS, arg=["cabin"])
    page.get_by_role("button", name="This is a former meter").wait_for(state="hidden")
    go(page, "now")
    page.wait_for_selector("#net-power:not(:text('–'))")


def test_the_first_run_offers_former_meters(former: Running, browse: Open) -> None:
    """In Norwegian, where the meter is named: a new one unless it is said, and then the one it was."""
    page = browse(former, language="nb-NO", phone=True)
    go(page, "wizard")
    page.get_by_role("button", name="Lytt", exact=True).click()
    page.wait_for_selector("#heard:enabled")
    page.click("#heard")
    choice = page.get_by_label("Hvilken måler er dette?")
    assert choice.input_value() == ""
    choice.select_option("cabin")
    assert page.input_value("#meter-name") == "cabin"
    page.fill("#meter-name", "Hytta på fjellet")
    page.get_by_role("button", name="Neste").click()
    page.wait_for_selector("#password-new")
    meters: Any = page.evaluate("() => fetch('v1/meters').then((answer) => answer.json())")
    assert [(one["id"], one["name"]) for one in meters] == [("cabin", "Hytta på fjellet")]


IDS = """async (ids) => {
  const meters = await (await fetch("v1/meters")).json();
  return String(meters.map(({ id }) => id)) === String(ids);
}"""


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
