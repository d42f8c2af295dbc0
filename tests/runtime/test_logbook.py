"""The page's log: the newest lines, and no cause that repeats itself pushes the others out."""

import logging
import time
from collections.abc import Iterator

import pytest

from han2x.runtime.logbook import Logbook


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger that only the logbook listens to."""
    log = logging.Logger("han2x.test")
    yield log
    log.handlers.clear()


@pytest.fixture
def book(log: logging.Logger) -> Logbook:
    book = Logbook()
    log.addHandler(book)
    return book


FLOODS = {
    "ports and addresses in a template": lambda log, n: log.warning("%s: refused", f"10.0.{n % 256}.7:{n}"),
    "words in a template": lambda log, n: log.warning("%s tried to log in", "abcdefghij"[n % 10] * (n % 9)),
    "a finished sentence": lambda log, n: log.warning(f"[fd00::{n:x}1]:{n} is no source"),
    "a template of places only": lambda log, n: log.warning("%s%s", f"10.0.0.{n}: closed", f", {n} more"),
    "figures": lambda log, n: log.info("%d bytes of %.1f kB make no telegram", n, n / 7),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_source_that_repeats_itself_hides_no_other_line(
    log: logging.Logger, book: Logbook, flood: str
) -> None:
    """Two thousand such lines: fifty are kept, the newest counts the others, nothing else goes."""
    log.info("started")
    for number in range(2000):
        FLOODS[flood](log, number)
    log.info("ended")
    found = [line.text for line in book.lines(500)]
    assert len(found) == 52
    assert (found[0], found[-1]) == ("started", "ended")
    assert found[-2].endswith(" (and 1950 earlier lines like this)")
    assert sum("earlier lines" in text for text in found) == 1


def test_lines_of_many_kinds_are_the_newest_five_hundred(log: logging.Logger, book: Logbook) -> None:
    """Different causes are no repetition; the count of one that is gone goes with it."""
    for number in range(200):
        log.info("flood %d", number)
    for number in range(600):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        log.info(f"cause {word}")
    log.info("flood %d", 200)
    found = [line.text for line in book.lines(1000)]
    assert len(found) == 500
    assert found[-1] == "flood 200"
    assert found[0] == "cause bab"
    assert book.lines(1)[0].text == "flood 200"
    assert book.lines(0) == []


def test_a_watcher_gets_each_line_as_it_was_written(log: logging.Logger, book: Logbook) -> None:
    """What is left out of the list is still told at once, without a count."""
    told: list[str] = []
    stop = book.watch(lambda line: told.append(line.text))
    for number in range(60):
        log.info("flood %d", number)
    stop()
    log.info("flood %d", 60)
    assert told == [f"flood {number}" for number in range(60)]


@pytest.mark.parametrize("text", ["x" * 4000, "é" * 4000, "x1 " * 1300, "%" * 4000, "-." * 2000])
def test_a_long_line_costs_little(log: logging.Logger, book: Logbook, text: str) -> None:
    """Text of a stranger without a space or digit in it holds nothing up: well below a millisecond a line."""
    began = time.thread_time()
    for _ in range(100):
        log.info(text)
        log.info("%s is no source", text)
    assert time.thread_time() - began < 1
    assert len(book.lines(500)) == 100
