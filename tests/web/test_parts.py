"""The page's pure parts: checks of bodies, throttling, the door, sessions, metrics; and the log's bound."""

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from han2x.model.instant import Instant
from han2x.model.line import LineStatus
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, TimeBase
from han2x.model.state import Snapshot
from han2x.model.view import View, view
from han2x.runtime.logbook import LINES, Line, Logbook
from han2x.web.json_schema import faults, schema
from han2x.web.metrics import METRICS
from han2x.web.sessions import IDLE_MS, SESSIONS, Keys
from han2x.web.throttle import ADDRESSES, Throttle
from han2x.web.times import iso, seconds


class Row(TypedDict):
    """A row."""

    name: str
    count: NotRequired[int]
    price: float | None
    kind: Literal["a", "b"]
    flags: list[bool]


GOOD = {"name": "x", "price": 1, "kind": "a", "flags": []}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, set()),
        ({"count": 3, "price": None, "flags": [True, False]}, set()),
        ({"count": True}, {"count"}),
        ({"count": 1.5, "price": "1"}, {"count", "price"}),
        ({"kind": "c", "name": 1}, {"kind", "name"}),
        ({"flags": [True, 1, None]}, {"flags.1", "flags.2"}),
        ({"flags": {}}, {"flags"}),
        ({"more": 1}, {"more"}),
    ],
)
def test_bodies_are_checked_by_their_hints(change: dict[str, Any], wrong: set[str]) -> None:
    """Each fault is told by its path; a truth is no number."""
    assert {path for path, _ in faults({**GOOD, **change}, Row)} == wrong


def test_a_schema_says_what_the_check_does() -> None:
    """Required and optional fields, bounds of choices, null."""
    named: dict[str, Any] = {}
    assert schema(list[Row], named) == {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    assert named["Row"]["required"] == ["name", "price", "kind", "flags"]
    assert named["Row"]["properties"]["price"] == {"anyOf": [{"type": "number"}, {"type": "null"}]}
    assert named["Row"]["properties"]["kind"] == {"enum": ["a", "b"]}
    assert named["Row"]["additionalProperties"] is False


def test_guesses_are_counted_by_address_and_come_back_slowly() -> None:
    """Five at once, then one each fifteen seconds; a right one costs nothing; IPv6 counts by network."""
    throttle = Throttle(0)
    assert [throttle.take("10.0.0.1", 0) > 0 for _ in range(6)] == [False] * 5 + [True]
    assert throttle.take("10.0.0.2", 0) == 0
    assert throttle.take("10.0.0.1", 14_000) > 0
    assert throttle.take("10.0.0.1", 15_100) == 0
    for _ in range(50):
        assert throttle.take("10.0.0.3", 20_000) == 0
        throttle.right("10.0.0.3", 20_000)
    v6 = [throttle.take(f"2001:db8:0:1::{n}", 20_000) > 0 for n in range(6)]
    assert v6 == [False] * 5 + [True]
    assert throttle.take("2001:db8:0:2::1", 20_000) == 0


def test_guesses_of_all_are_bounded_and_so_is_their_memory() -> None:
    """A thousand addresses have sixty tries among them, and leave a thousand buckets at most."""
    throttle = Throttle(0)
    passed = sum(throttle.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 0) == 0 for n in range(5000))
    assert passed == 60
    assert len(throttle._each) == ADDRESSES


def test_sessions_hold_for_their_credentials_and_for_a_month(tmp_path: Path) -> None:
    """Another stamp or too long a pause ends one; the least used makes room; no file tells a secret."""
    file = tmp_path / "web.json"
    keys = Keys(file)
    secret = keys.open("stamp", 1000)
    keys.write(keys.to_text())
    assert secret not in file.read_text()
    keys = Keys(file)
    assert keys.session(secret, "stamp", 2000)
    assert keys.session(secret, "other", 2000) is None
    assert keys.session(secret, "stamp", 1000 + IDLE_MS) is not None
    assert keys.session(secret, "stamp", 2000 + 3 * IDLE_MS) is None
    first = keys.open("stamp", 1)
    for n in range(SESSIONS):
        keys.open("stamp", 10 + n)
    assert keys.session(first, "stamp", 100) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "sessions": [{"x": 1}]}', "[" * 99999]
)
def test_what_was_kept_may_be_damaged(tmp_path: Path, text: str) -> None:
    """Then nobody is logged in, and all goes on."""
    (tmp_path / "web.json").write_text(text)
    keys = Keys(tmp_path / "web.json")
    assert keys.session("x", "stamp", 0) is None
    assert json.loads(keys.to_text())["sessions"] == []


def _view(age_ms: int) -> View:
    at = Instant(1_700_000_000_000, 0)
    snapshot = Snapshot(
        vendor="kaifa",
        identity=Identity("KFM_001", "6970631400000017", 'MA"304\\H4'),
        values={Quantity.ACT_POW_POS: 1500, Quantity.VOLT_L1: 230_500, Quantity.ACT_ENERGY_POS: 1000},
        clock=MeterClock(datetime(2026, 11, 22, 17, 30, 10), True, TimeBase.STANDARD),
        list_at={ListType.TEN_SECONDS: at, ListType.HOURLY: at},
        last=at,
        received=7,
    )
    return view(snapshot, scale=1000, now=at.plus_ms(age_ms), uptime_s=60, line=LineStatus(open=True))


def _samples(found: View) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {m.name: [(dict(labels), value) for labels, value in m.samples(found)] for m in METRICS}


def test_stale_values_have_no_series() -> None:
    """Power and voltage vanish after half a minute, the register after two hours; the counters stay."""
    fresh = _samples(_view(29_000))
    assert fresh["active_power_import_watts"] == [({}, 1500.0)]
    assert fresh["voltage_volts"] == [({"phase": "L1"}, 230.5)]
    assert fresh["energy_import_joules_total"] == [({}, 3_600_000.0)]
    stale = _samples(_view(31_000))
    assert stale["active_power_import_watts"] == stale["voltage_volts"] == []
    assert stale["energy_import_joules_total"] == [({}, 3_600_000.0)]
    assert stale["telegrams_total"] == [({}, 7.0)]
    assert stale["last_telegram_timestamp_seconds"] == [({}, 1_700_000_000.0)]
    assert _samples(_view(7_201_000))["energy_import_joules_total"] == []


def test_moments_are_written_and_read_in_utc() -> None:
    """With Z; whole seconds without a fraction; a moment without an offset is refused."""
    assert iso(1_795_368_610_000) == "2026-11-22T17:30:10Z"
    assert iso(1_795_368_610_005) == "2026-11-22T17:30:10.005Z"
    assert seconds("2026-11-22T18:30:10+01:00") == seconds("2026-11-22T17:30:10Z") == 1_795_368_610
    for wrong in ("", "now", "2026-11-22T17:30:10", "2026-13-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r"."):
            seconds(wrong)


def _record(text: str, created: float) -> logging.LogRecord:
    record = logging.LogRecord("han2x", logging.INFO, "", 0, text, (), None)
    record.created = created
    return record


def test_the_logbook_keeps_the_newest_lines() -> None:
    """So many of them, none longer than a page, oldest first; a watcher hears each until it stops.

    Each is of another kind: its second word is a number written in letters.
    """
    digits = str.maketrans("0123456789", "abcdefghij")
    book = Logbook()
    heard: list[Line] = []
    stop = book.watch(heard.append)
    for n in range(LINES + 10):
        book.emit(_record(f"line {str(n).translate(digits)} {'x' * 5000}", n))
    stop()
    book.emit(_record("last", 0))
    assert len(book.lines(10_000)) == LINES
    assert [line.text[:8] for line in book.lines(2)] == ["line faj", "last"]
    assert len(book.lines(2)[0].text) == 2000
    assert len(heard) == LINES + 10
