"""Records as text: what goes out comes in again, however much of it; what strangers send does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.record import HOUR, RESOLUTIONS, ROWS_MAX, NotRecords, Record, newest, records, texts

INTEGER = st.integers(-(2**63), 2**63 - 1)
T0 = 1_765_724_400


@st.composite
def any_record(draw: st.DrawFn) -> Record:
    resolution = draw(st.sampled_from(sorted(RESOLUTIONS)))
    span_s, columns = RESOLUTIONS[resolution]
    first = st.integers(0, 3) if resolution == "hour" else INTEGER
    rest = st.lists(st.none() | INTEGER, min_size=len(columns) - 2, max_size=len(columns) - 2)
    return Record(
        draw(st.sampled_from([10_000_000, 99_999_999])),
        draw(st.sampled_from(["main", "cabin-2"])),
        resolution,
        span_s * draw(st.integers(0, 10**6)),
        draw(st.integers(0, 2**63 - 1)),
        (draw(first), draw(INTEGER), *draw(rest)),
    )


def key(record: Record) -> tuple[object, ...]:
    return record.name, record.resolution, record.start, record.version, str(record.values)


@given(st.lists(any_record(), max_size=130))
def test_what_goes_out_comes_in(found: list[Record]) -> None:
    """Each record is in one text, of its meter and resolution, with no more than so many others."""
    same_number = [record._replace(meter=len(record.name) + 10_000_000) for record in found]
    come_in: list[Record] = []
    for name, resolution, text in texts(same_number):
        some = records(text.encode())
        assert {(one.name, one.resolution) for one in some} == {(name, resolution)}
        assert len(some) <= ROWS_MAX
        come_in += some
    assert sorted(come_in, key=key) == sorted(same_number, key=key)


@given(st.lists(any_record(), max_size=30), st.randoms())
def test_the_newest_of_each_period_stays(found: list[Record], random: Any) -> None:
    """However records are shuffled, the highest version of each key is left, once."""
    highest: dict[tuple[str, int, int], int] = {}
    for one in found:
        where = (one.resolution, one.meter, one.start)
        highest[where] = max(highest.get(where, 0), one.version)
    random.shuffle(found)
    left = newest(found)
    assert {(one.resolution, one.meter, one.start): one.version for one in left} == highest
    assert len(left) == len(highest)


def test_an_hour_as_it_is_sent() -> None:
    """The text of an hour, written out: names of columns, then rows, nothing for what is not known."""
    values = dict.fromkeys(HOUR, None) | {"basis": 0, "scale": 1000, "a_pos": 512, "d_a_pos": -4}
    record = Record(12_345_678, "main", "hour", T0, 7, tuple(values.values()))
    ((name, resolution, text),) = texts([record])
    assert (name, resolution) == ("main", "hour")
    assert text == (
        '{"meter":12345678,"name":"main","resolution":"hour","columns":["start","version","basis","scale",'
        '"a_pos","a_neg","r_pos","r_neg","d_a_pos","d_a_neg","d_r_pos","d_r_neg"],'
        '"rows":[[1765724400,7,0,1000,512,null,null,null,-4,null,null,null]]}'
    )


def test_columns_go_by_their_names() -> None:
    """A gateway of another version may send other columns in another order: the known ones are taken."""
    table = {
        "meter": 12_345_678,
        "name": "main",
        "resolution": "hour",
        "columns": ["scale", "new", "basis", "version", "start", "a_pos"],
        "rows": [[1000, "x", 2, 9, T0, 512]],
    }
    (found,) = records(json.dumps(table).encode())
    assert (found.start, found.version, found.values) == (T0, 9, (2, 1000, 512, *[None] * 7))


GOOD: dict[str, Any] = {
    "meter": 12_345_678,
    "name": "main",
    "resolution": "10s",
    "columns": ["start", "version", "covered", "scale", "p_pos"],
    "rows": [[T0, 1, 10, 1000, 60]],
}

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("meter is no", {"meter": 0}),
    ("meter is no", {"meter": "12345678"}),
    ("meter is no", {"meter": 2**31}),
    ("name is no", {"name": "Main"}),
    ("name is no", {"name": "main\n"}),
    ("name is no", {"name": ["main"]}),
    ("resolution is none", {"resolution": "year"}),
    ("resolution is none", {"resolution": {}}),
    ("no list of names", {"columns": "start"}),
    ("no list of names", {"columns": [1, 2]}),
    ("lacks one of", {"columns": ["start", "version", "covered"]}),
    ("rows is no list", {"rows": None}),
    ("rows is no list", {"rows": [[T0, 1, 10, 1000, 60]] * (10 * ROWS_MAX + 1)}),
    ("a row is no list", {"rows": [T0]}),
    ("too short", {"rows": [[T0, 1, 10, 1000]]}),
    ("64 bits", {"rows": [[T0, 1, 10, 1000, 1.5]]}),
    ("64 bits", {"rows": [[T0, 1, 10, 1000, 2**63]]}),
    ("64 bits", {"rows": [[T0, True, 10, 1000, 60]]}),
    ("64 bits", {"rows": [[T0, 1, None, 1000, 60]]}),
    ("begins no period", {"rows": [[T0 + 1, 1, 10, 1000, 60]]}),
    ("begins no period", {"rows": [[-10, 1, 10, 1000, 60]]}),
    ("begins no period", {"rows": [[2**35 * 10, 1, 10, 1000, 60]]}),
    ("begins no period", {"rows": [[T0, -1, 10, 1000, 60]]}),
    ("basis 5", {"resolution": "hour", "columns": ["start", "version", "basis", "scale"],
                 "rows": [[T0, 1, 5, 1000]]}),
]  # fmt: skip


@pytest.mark.parametrize(("why", "change"), WRONG)
def test_what_is_wrong_is_named(why: str, change: dict[str, Any]) -> None:
    """One thing wrong, and the whole text is refused with a reason."""
    assert records(json.dumps(GOOD).encode())
    with pytest.raises(NotRecords, match=why):
        records(json.dumps(GOOD | change).encode())


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
    lambda value: json.dumps(value).encode()))  # fmt: skip
def test_anything_else_is_refused(text: bytes) -> None:
    """Octets of any kind are refused, and nothing else happens."""
    with pytest.raises(NotRecords):
        records(text)


def test_depth_and_size_are_refused() -> None:
    """Nesting beyond all reason, and numbers of thousands of digits, are no JSON for us."""
    for text in (b"[" * 60_000, b'{"meter":' + b"9" * 6000 + b"}"):
        with pytest.raises(NotRecords):
            records(text)
