"""The documentation of the settings, held against the schema."""

import re
from pathlib import Path

import pytest

from han2x.settings.amend import documented
from han2x.settings.schema import OPTIONAL, REPEATED, SECTIONS

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROWS = [(name, key) for name, section in SECTIONS.items() for key, *_ in documented(section)]


@pytest.mark.parametrize(("section", "key"), ROWS)
def test_every_setting_has_a_meaning_and_a_rule(section: str, key: str) -> None:
    """A setting says in one sentence what it means, and what it must be."""
    rows = {name: (must, doc) for name, _, must, doc in documented(SECTIONS[section])}
    must, doc = rows[key]
    assert must
    assert doc.endswith(".")
    assert "\n" not in doc + must


@pytest.mark.parametrize(("section", "key"), ROWS)
def test_every_setting_is_in_the_documentation(section: str, key: str) -> None:
    """docs/settings.md has each setting in its section, with its meaning and its default."""
    if not PAGE.exists():
        pytest.skip("docs/settings.md has not been written yet")
    text = PAGE.read_text("utf-8")
    head = f"[[{section}]]" if section in REPEATED else f"[{section}]"
    head = f"# {head}" if section in OPTIONAL else head
    assert f"\n{head}\n" in text, f"docs/settings.md has no section {head}"
    body = re.split(r"^\[", text.split(f"\n{head}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    mark = "# " if section in OPTIONAL else ""
    doc = next(doc for name, _, _, doc in documented(SECTIONS[section]) if name == key)
    assert re.search(rf"^{mark}{key} = ", body, re.MULTILINE), (
        f"docs/settings.md does not show {section}.{key}"
    )
    assert doc in body
