"""Values made to take long: each rule of a setting says no, or yes, in time that grows with their length."""

import time

import pytest

from han2x.settings.schema import SECTIONS, rules

SIZE = 100_000
PIECES = ("a", "1.1.1 ", "0.1 ", "a/", "+/", "1", "n", " ", "a.", "-", "A1:", "10.0.0.1,", "mqtt:+/")
RULES = {id(rule): rule for section in SECTIONS.values() for rule in rules(section).values()}
"""Each rule once, however many settings it has."""

MOST_S = 0.5


@pytest.mark.parametrize("piece", PIECES)
def test_no_rule_takes_long(piece: str) -> None:
    """In processor time of this thread, so that a busy machine changes nothing."""
    value, slow = piece * (SIZE // len(piece)) + "!", []
    for rule in RULES.values():
        began = time.thread_time()
        rule.complaint(value)
        if time.thread_time() - began > MOST_S:
            slow.append(rule.must)
    assert slow == []
