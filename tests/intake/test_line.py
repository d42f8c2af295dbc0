"""Finding a serial line's settings by listening: when they are changed, and when never."""

import pytest

from han2x.intake.line import CANDIDATES, LISTEN_MS, RELENT_MS, LineFinder


def hear(finder: LineFinder, begin_ms: int, seconds: int, *, every_ms: int = 500) -> list[int]:
    """Octets without a telegram for so long; the moments at which the settings changed."""
    moments = range(begin_ms, begin_ms + seconds * 1000 + 1, every_ms)
    return [ms for ms in moments if finder.heard(ms, good=0)]


def locked() -> LineFinder:
    finder = LineFinder()
    finder.heard(0, good=1)
    finder.heard(1000, good=1)
    assert finder.locked
    return finder


def test_even_parity_comes_first() -> None:
    """Most Norwegian meters send 8E1, so that is what is listened with."""
    finder = LineFinder()
    assert (finder.line, finder.locked) == ("8E1", False)
    assert CANDIDATES[0] == "8E1"


def test_octets_without_telegrams_change_the_settings() -> None:
    """Twelve seconds of octets without a telegram are enough, and the next candidate gets as long."""
    finder = LineFinder()
    assert hear(finder, 5000, 40) == [17_000, 29_000, 41_000]
    assert finder.line == CANDIDATES[3]


def test_every_candidate_has_its_turn() -> None:
    """P1 at 115200 Bd and the old 9600 Bd are tried too, then the search begins again."""
    finder = LineFinder()
    moments = range(0, 7 * LISTEN_MS + 1, 500)
    tried = ["8E1", *(finder.line for now_ms in moments if finder.heard(now_ms, good=0))]
    assert tried == ["8E1", "8N1", "115200-8N1", "9600-7E1", "9600-8N1", "9600-8E1", "9600-7N1", "8E1"]


def test_not_a_moment_before() -> None:
    """One millisecond less than the listening time changes nothing."""
    finder = LineFinder()
    assert not finder.heard(1000, good=0)
    assert not finder.heard(1000 + LISTEN_MS - 1, good=0)
    assert finder.heard(1000 + LISTEN_MS, good=0)


def test_a_meter_that_sends_each_ten_seconds_is_listened_to_twice() -> None:
    """With the wrong settings a list each ten seconds leads to the other ones with the third list at most."""
    finder = LineFinder()
    assert hear(finder, 0, 30, every_ms=10_000) == [20_000]


@pytest.mark.parametrize("silence_s", [12, 60, 3600, 86_400])
def test_silence_changes_nothing(silence_s: int) -> None:
    """A stray octet when the plug goes in, and the first telegram much later: the settings are the same."""
    finder = LineFinder()
    finder.heard(0, good=0)
    begin_ms = silence_s * 1000
    assert [finder.heard(ms, good=0) for ms in range(begin_ms, begin_ms + 1000, 50)] == [False] * 20
    finder.heard(begin_ms + 1000, good=1)
    assert finder.line == "8E1"


def test_one_good_telegram_gives_more_time() -> None:
    """After a good telegram the listening time begins anew, though nothing is locked yet."""
    finder = LineFinder()
    assert hear(finder, 0, 11) == []
    assert not finder.heard(11_400, good=1)
    assert not finder.locked
    assert hear(finder, 12_000, 11) == []
    assert hear(finder, 23_500, 1) == [24_000]


def test_two_good_telegrams_lock() -> None:
    """Settings that gave two telegrams are right: noise does not change them."""
    finder = locked()
    assert hear(finder, 2000, 290) == []
    assert finder.line == "8E1"


@pytest.mark.parametrize("good", [2, 5])
def test_telegrams_may_come_at_once(good: int) -> None:
    """Two telegrams in one piece lock as well."""
    finder = LineFinder()
    assert not finder.heard(0, good=good)
    assert finder.locked


def test_a_telegram_now_and_then_keeps_the_lock() -> None:
    """A noisy line with one good telegram each four minutes stays as it is."""
    finder = locked()
    for begin_ms in range(2000, 2_000_000, 240_000):
        assert hear(finder, begin_ms, 239) == []
        finder.heard(begin_ms + 239_500, good=1)
    assert finder.line == "8E1"


def test_minutes_of_nothing_good_on_a_busy_line_unlock() -> None:
    """Another meter may have been plugged in: after five busy minutes the search begins again."""
    finder = locked()
    assert hear(finder, 2000, 330)[0] == 2000 + RELENT_MS
    assert finder.line == "8E1" or not finder.locked


def test_given_settings_are_never_changed() -> None:
    """Who says what the line is like is taken at their word."""
    finder = LineFinder("8N1")
    assert (finder.line, finder.locked) == ("8N1", True)
    assert hear(finder, 0, 1000) == []
    assert finder.line == "8N1"
