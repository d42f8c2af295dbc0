"""Values made to take long: each rule of each setting answers in time that grows with their length."""

import time

import pytest

from han2x.settings.schema import SECTIONS, rules

SIZE = 250_000
"""As large as a body of the API may be."""

PIECES = (
    *(
        "a",
        "1.1.1 ",
        "0.1 ",
        "255.255.255",
        "a/",
        "+/",
        "- ",
        "1",
        "0.000001 ",
        "n",
        " ",
        "a.",
        "-",
        "ø",
        "A1:",
    ),
    *("10.0.0.1,", "simulate:kaifa?", "mqtt:+/", "https://", "\u200d", "0" * 15 + ",", "/a", "..", "[", "%"),
)
ENDS = ("", "!", "\n", "@", "\0")
MOST_S = 0.5


@pytest.mark.parametrize("section", SECTIONS)
def test_no_rule_takes_long(section: str) -> None:
    """In processor time of this thread, so that a busy machine changes nothing."""
    slow = []
    for key, rule in rules(SECTIONS[section]).items():
        for piece in PIECES:
            for end in ENDS:
                value = piece * (SIZE // len(piece)) + end
                began = time.thread_time()
                rule.complaint(value)
                if time.thread_time() - began > MOST_S:
                    slow.append((key, piece, end))
    assert slow == []
