"""Pages for people keep up with the program: verdicts, commands, defaults, and each other."""

import re
from pathlib import Path

import pytest

from han2x.board.button import RESET_MS
from han2x.board.lamps import HAN_MS
from han2x.board.profile import DHCP_TIMEOUT_S
from han2x.model.diagnosis import TEXTS
from han2x.settings.device import Network

DOCS = Path(__file__).parents[2] / "docs"
HEADLINES = [headline for headline, _ in TEXTS.values()]


@pytest.mark.parametrize("headline", HEADLINES)
def test_every_verdict_is_explained(headline: str) -> None:
    """The page on troubles has each sentence that the diagnosis says."""
    assert f"| {headline} |" in (DOCS / "troubleshooting.md").read_text("utf-8")


def test_the_two_manuals_have_the_same_chapters() -> None:
    """Norwegian and English: as many chapters, registers and questions, and the same figures."""
    texts = [(DOCS / f"manual.{language}.md").read_text("utf-8") for language in ("nb", "en")]
    for pattern in (r"(?m)^## ", r"(?m)^\d+\. ", r"\b4\d{4}\b", r"(?m)^\|", r"`[^`]+\.md`|\]\((\S+)\)"):
        counts = [len(re.findall(pattern, text)) for text in texts]
        assert counts[0] == counts[1], pattern


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_manuals_figures_are_the_programs(language: str) -> None:
    """Address, seconds and user are those of the code."""
    text = (DOCS / f"manual.{language}.md").read_text("utf-8")
    address = Network().address.partition("/")[0]
    assert address in text
    assert (RESET_MS, HAN_MS, DHCP_TIMEOUT_S, Network().trial_s) == (5000, 60_000, 8, 120)
    for said in ({"nb": "fem sekunder", "en": "five seconds"}[language], "60 se", "8 se"):
        assert said in text
