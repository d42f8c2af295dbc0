"""The log over years: what repeats is said once an hour, and there is an end to everything else too."""

import logging

from han2x.runtime.log_filter import AUDIT, BURST, LogFilter


class Log:
    """A log whose clock is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.quiet = LogFilter(lambda: self.now)

    def say(self, text: str, *args: object) -> str | None:
        record = logging.LogRecord("han2x", logging.WARNING, "", 0, text, args, None)
        return record.getMessage() if self.quiet.filter(record) else None


def test_a_missing_adapter_is_a_line_an_hour() -> None:
    """Every two seconds for a day: 24 lines, each but the first with how many it stands for."""
    log = Log()
    said = []
    for _ in range(43_200):
        said.append(log.say("meter %s: %s", "main", "/dev/ttyUSB0 is not there"))
        log.now += 2
    lines = [line for line in said if line]
    assert len(lines) == 24
    assert lines[0] == "meter main: /dev/ttyUSB0 is not there"
    assert set(lines[1:]) == {f"{lines[0]} (1799 times more since the last such line)"}


def test_texts_that_differ_have_an_end_too() -> None:
    """A thousand lines a minute, all unlike: a burst, then one in ten seconds, and the rest is counted."""
    log = Log()
    lines = []
    for number in range(60_000):
        if line := log.say("%d", number):
            lines.append(line)
        log.now += 0.06
    assert BURST + 359 <= len(lines) <= BURST + 361
    assert "other lines left out" in lines[-1]


def test_two_texts_do_not_hide_each_other() -> None:
    """Each is said at once, and again only after an hour."""
    log = Log()
    assert [log.say("a"), log.say("b"), log.say("a"), log.say("b")] == ["a", "b", None, None]
    log.now += 3600
    assert log.say("a") == "a (1 times more since the last such line)"


def test_what_is_remembered_is_bounded() -> None:
    """However many texts there are, only the newest are known."""
    log = Log()
    for number in range(5000):
        log.say("%d", number)
        log.now += 20
    assert len(log.quiet._said) <= 256


def test_who_changed_what_is_always_written() -> None:
    """However often, and after whatever flood."""
    log = Log()
    for number in range(1000):
        log.say("%d", number)
    record = logging.makeLogRecord({"msg": "owner: web.name", **AUDIT})
    assert all(log.quiet.filter(record) for _ in range(500))
