"""Rows that may be of another time say so wherever they go: files, the API, and those who take them over."""

import csv
import json
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from han2x.history import export, journal, periods
from han2x.history.batch import Batch
from han2x.history.file import open_reading
from han2x.history.lending import Lent
from han2x.history.rows import MEASURED, MINUTE_S, RAW_S, Row
from han2x.history.store import Store
from han2x.model.record import Record, records, texts

T0 = 1_800_000_000
OSLO = ZoneInfo("Europe/Oslo")
SURE = {T0: 1, T0 + 60: 0}
"""By the beginning of a minute, and of the ten seconds at its beginning."""


def rows() -> list[tuple[str, Row]]:
    means = (500, *[None] * (len(MEASURED) - 1))
    return [
        ("main", Row(start, span_s, span_s, 1000, 500, 500, means, bool(sure)))
        for start, sure in SURE.items()
        for span_s in (MINUTE_S, RAW_S)
    ]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with a minute and ten seconds that are sure, and the same again that are not."""
    path = tmp_path / "h.sqlite"
    store = Store(path)
    store.write(Batch(rows()))
    store.close()
    return path


@pytest.mark.parametrize("resolution", ["minute", "10s"])
def test_files_say_it(kept: Path, resolution: str) -> None:
    """`sure` is 1 or 0 in each line of CSV and JSON."""
    with closing(open_reading(kept)) as file:
        found = list(periods.periods(file, "main", resolution, 0, periods.EVER, OSLO))
    lines = csv.DictReader(export.written(found, resolution, "csv", OSLO))
    assert {int(line["unix"]): int(line["sure"]) for line in lines} == SURE
    parsed = json.loads("".join(export.written(found, resolution, "json", OSLO)))
    assert {one["unix"]: one["sure"] for one in parsed} == SURE


@pytest.mark.parametrize("resolution", ["minute", "10s"])
def test_the_api_says_it(kept: Path, resolution: str) -> None:
    """As a column of its JSON, and in its CSV."""
    lent = Lent(kept, OSLO)
    answer = json.loads("".join(lent.columns("main", resolution, 0, T0 + 3600)))
    at = answer["columns"].index("sure")
    assert {row[0]: row[at] for row in answer["rows"]} == SURE
    lines = csv.DictReader(lent.csv("main", resolution, 0, T0 + 3600))
    assert {int(line["unix"]): int(line["sure"]) for line in lines} == SURE


def test_whoever_takes_over_is_told(tmp_path: Path) -> None:
    """It is in the records, over a broker too; a row that becomes sure is handed over once more."""
    store = Store(tmp_path / "h.sqlite", opened=lambda file: journal.enlist(file, {"one": "all"}, 1000))
    store.write(Batch(rows()))
    found = store.changes("one", 100)
    sent = [
        Record(11_111_111, one.meter, one.resolution, one.start, one.version, one.values)
        for one in found.changes
    ]
    arrived = [record for *_, text in texts(sent) for record in records(text.encode())]
    assert sorted((one.start, one.values[-1]) for one in arrived) == sorted([*SURE.items()] * 2)
    store.taken("one", found.upto)
    store.write(Batch([(name, row._replace(sure=True)) for name, row in rows() if not row.sure]))
    assert [(one.start, one.values[-1]) for one in store.changes("one", 100).changes] == [(T0 + 60, 1)] * 2
