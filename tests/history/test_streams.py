"""Recorded streams of real meters through history: hours against the counters that other decoders read.

The recordings are other people's: they are looked for in the folder that HAN2X_TELEGRAMS names, else in
../shared/telegrams beside the checkout, and are skipped where they are not.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from han2x.history import periods
from han2x.history.file import open_reading
from han2x.model.hour import Basis
from han2x.model.quantity import Quantity
from han2x.runtime.gateway import Gateway

CHECKOUT = Path(__file__).parents[2]
TELEGRAMS = Path(os.environ.get("HAN2X_TELEGRAMS", CHECKOUT.parent / "shared" / "telegrams"))
STREAMS = TELEGRAMS / "streams"
HERE = (STREAMS / "index.json").is_file()
HOUR = 3600
ZONES = {
    "kaifa": ZoneInfo("Europe/Oslo"),
    "aidon": timezone(timedelta(hours=1)),
    "kamstrup": timezone(timedelta(hours=1)),
}
ENERGIES = {
    "act_energy_pos_wh": Quantity.ACT_ENERGY_POS,
    "act_energy_neg_wh": Quantity.ACT_ENERGY_NEG,
    "react_energy_pos_varh": Quantity.REACT_ENERGY_POS,
    "react_energy_neg_varh": Quantity.REACT_ENERGY_NEG,
}

Row = dict[str, Any]


def hourly_streams() -> list[Row]:
    """The streams with two hourly lists or more."""
    index: list[Row] = json.loads((STREAMS / "index.json").read_text("utf-8")) if HERE else []
    return [entry for entry in index if entry["by_list"].get("3", 0) > 1]


def told(entry: Row) -> list[Row]:
    with gzip.open(STREAMS / entry["expect_file"], "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def utc(entry: Row, row: Row) -> int | None:
    """A list's own clock as Unix seconds, by what the vendor's clock runs on."""
    text = row["expect"].get("meter_clock")
    return (
        int(datetime.fromisoformat(text).replace(tzinfo=ZONES[entry["vendor"]]).timestamp()) if text else None
    )


def heard(entry: Row, rows: list[Row]) -> Iterator[tuple[int, bytes]]:
    """All octets, damage too, each stretch heard when the list at its end says that it was sent."""
    data = (STREAMS / entry["file"]).read_bytes()
    clocks = [utc(entry, row) for row in rows]
    first = next(clock for clock in clocks if clock is not None)
    now, begin = float(first - 2.5 * clocks.index(first)), 0
    for row, clock in zip(rows, clocks, strict=True):
        delay = 10 if entry["vendor"] == "aidon" and clock else 0
        now = clock + delay if clock else now + 2.5
        end = row["offset"] + row["length"]
        yield int(now), data[begin:end]
        begin = end


@pytest.mark.skipif(not HERE, reason="no telegrams of real meters: set HAN2X_TELEGRAMS to their folder")
def test_there_are_streams_with_hourly_lists() -> None:
    """The folder has recordings of several hours."""
    assert len(hourly_streams()) >= 5


@pytest.mark.parametrize("entry", hourly_streams(), ids=lambda entry: str(entry["file"]))
def test_hours_are_the_differences_of_the_recorded_counters(
    tmp_path: Path, play: Callable[..., Gateway], entry: Row
) -> None:
    """Each hour between two hourly lists is their counters' difference; a gap sums up to it."""
    rows = told(entry)
    play(tmp_path / "h.sqlite", heard(entry, rows))
    marks = [((utc(entry, row) or 0) // HOUR * HOUR, row["expect"]) for row in rows if row["list"] == "3"]
    with closing(open_reading(tmp_path / "h.sqlite")) as file:
        found = {hour.start: hour for hour in periods.hours(file, "main", 0, periods.EVER)}
    for (before, one), (after, other) in pairwise(marks):
        inside = [found[start] for start in range(before, after, HOUR)]
        for key, energy in ENERGIES.items():
            assert sum(hour.energies[energy] for hour in inside) == other[key] - one[key], key
        assert {hour.basis for hour in inside} == {Basis.METERED if len(inside) == 1 else Basis.SPREAD}
