"""The button FACTRESET: what each way of holding it means (manual rows M51, M52)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.board.button import Button, Press, Since, at_start

Moves = list[tuple[bool, int]]


def asked(button: Button, moves: Moves) -> list[tuple[int, Press]]:
    """What is asked for, and when, if the button is looked at then, and whenever it says it must be."""
    found: list[tuple[int, Press]] = []
    for pressed, at_ms in moves:
        while (due := button.due_ms) is not None and due <= at_ms:
            button, press = button.step(True, due)
            if press is not Press.NOTHING:
                found.append((due, press))
        button, press = button.step(pressed, at_ms)
        if press is not Press.NOTHING:
            found.append((at_ms, press))
    return found


PRESSES: list[tuple[str, Moves, list[tuple[int, Press]]]] = [
    ("a touch", [(True, 1000), (False, 1100)], []),
    ("just too short", [(True, 1000), (False, 5999)], []),
    ("five seconds", [(True, 1000), (True, 6000)], [(6000, Press.RESET)]),
    ("long", [(True, 1000), (False, 90_000)], [(6000, Press.RESET)]),
    ("twice too short", [(True, 0), (False, 3000), (True, 3100), (False, 7000)], []),
    ("long, then long", [(True, 0), (False, 6000), (True, 7000), (False, 13_000)],
     [(5000, Press.RESET), (12_000, Press.RESET)]),
]  # fmt: skip


@pytest.mark.parametrize(("moves", "expected"), [row[1:] for row in PRESSES], ids=[row[0] for row in PRESSES])
def test_a_press_while_running(moves: Moves, expected: list[tuple[int, Press]]) -> None:
    """Five seconds reset, once a hold; everything shorter is nothing."""
    assert asked(at_start(False, 0, Since.START), moves) == expected


STARTS: list[tuple[str, Moves, list[tuple[int, Press]]]] = [
    ("a glitch", [(False, 999)], []),
    ("a second", [(False, 1000)], [(1000, Press.DHCP)]),
    ("a minute", [(True, 30_000), (False, 60_000)], [(60_000, Press.DHCP)]),
    ("for ever", [(True, 3_600_000)], []),
    ("then pressed again", [(False, 2000), (True, 3000), (False, 9000)],
     [(2000, Press.DHCP), (8000, Press.RESET)]),
    ("then touched again", [(False, 2000), (True, 3000), (False, 4500)], [(2000, Press.DHCP)]),
]  # fmt: skip


@pytest.mark.parametrize(("moves", "expected"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_held_at_the_start(moves: Moves, expected: list[tuple[int, Press]]) -> None:
    """Held since the start it asks for DHCP when it is released, and never resets."""
    assert asked(at_start(True, 0, Since.START), moves) == expected


def test_the_lamp_answers_when_it_may_be_released() -> None:
    """Blinking begins after five seconds, or one at the start, and ends with the release."""
    running, _ = at_start(False, 0, Since.START).step(True, 0)
    starting = at_start(True, 0, Since.START)
    for button, limit_ms in ((running, 5000), (starting, 1000)):
        assert not button.step(True, limit_ms - 1)[0].blinking
        blinking = button.step(True, limit_ms)[0]
        assert blinking.blinking
        assert blinking.step(True, limit_ms + 60_000)[0].blinking
        assert not blinking.step(False, limit_ms + 1)[0].blinking


def test_still_held_after_a_reset() -> None:
    """A hold that a reset has ended means nothing until the button is released."""
    button = at_start(True, 0, Since.BEFORE)
    assert button.due_ms is None
    assert asked(button, [(True, 60_000), (False, 60_001)]) == []
    assert asked(button, [(False, 10), (True, 20), (True, 5020)]) == [(5020, Press.RESET)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20_000)), max_size=40), st.booleans())
def test_a_hold_since_the_start_never_resets(steps: list[tuple[bool, int]], held: bool) -> None:
    """Whatever happens, there is no reset before a release and a new hold of five seconds."""
    now, moves = 0, []
    for pressed, gap in steps:
        now += gap
        moves.append((pressed, now))
    found = asked(at_start(held, 0, Since.START), moves)
    for at_ms, press in found:
        before = [(p, t) for p, t in [(held, 0), *moves] if t <= at_ms]
        releases = [t for p, t in before if not p]
        if press is Press.RESET:
            assert releases, "held since the start"
            since = min(t for p, t in before if p and t > max(releases))
            assert at_ms - since >= 5000
        else:
            assert all(p for p, t in before[:-1])
