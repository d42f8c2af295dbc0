"""Documentation that can be wrong is tested: tables against the code, and what the tree must not hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from han2x.cli import COMMANDS
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType

ROOT = Path(__file__).resolve().parents[2]


def test_tables_are_what_the_code_says() -> None:
    """The register and settings pages are those that `scripts/docs` writes."""
    result = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    """The README names every command but `version`."""
    assert command == "version" or f"`han2x {command}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("word", [*(q.key for q in Quantity), *(kind.value for kind in ListType)])
def test_decode_page_names_every_key_and_list(word: str) -> None:
    """The page on `decode` names every value and every list."""
    assert f"`{word}`" in (ROOT / "docs" / "decode.md").read_text("utf-8")


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in the documentation points to a file of the project."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
