"""The pipeline from octets to readings: its counts, and that they are the same however the octets are cut."""

from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.intake.pipeline import Pipeline
from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.settings.source import SimulatedSource
from han2x.simulator.meter import telegrams
from han2x.wire.result import Discarded, Kind

VECTORS = {
    name: bytes.fromhex(octets)
    for line in (Path(__file__).parents[1] / "simulator" / "vectors.txt").read_text().splitlines()
    if not line.startswith("#") and line
    for name, octets in [line.split()]
}
SHORT, LONG = VECTORS["AID-L1"], VECTORS["AID-L2-3w"]
BAD = LONG[:150] + b"\xff" + LONG[151:]


def test_a_telegram_is_counted_and_handed_on() -> None:
    """A whole telegram is a reading, at once."""
    pipeline = Pipeline()
    outcomes = pipeline.feed(SHORT, 1000)
    assert [type(outcome) for outcome in outcomes] == [Reading]
    tally = pipeline.tally
    assert (tally.octets, tally.good, tally.octet_at, tally.good_at) == (44, 1, 1000, 1000)
    assert (tally.short_good, tally.long_good, tally.long_bad) == (1, 0, 0)
    assert not tally.discarded
    assert not pipeline.waiting


def test_good_and_bad_are_counted_apart() -> None:
    """Octets, telegrams by length, damage by kind, each with its last moment and the last reason."""
    pipeline = Pipeline()
    for at_ms, octets in enumerate((SHORT, b"noise!", LONG, BAD, SHORT)):
        pipeline.feed(octets, at_ms)
    pipeline.flush(9)
    tally = pipeline.tally
    assert tally.octets == 2 * len(SHORT) + 6 + 2 * len(LONG)
    assert (tally.good, tally.short_good, tally.long_good, tally.long_bad) == (3, 2, 1, 1)
    assert tally.discarded == {Kind.NOISE: 1, Kind.CHECKSUM: 1}
    assert (tally.good_at, tally.discarded_at) == (4, {Kind.NOISE: 2, Kind.CHECKSUM: 3})
    assert "FCS" in tally.reason


def test_a_long_telegram_without_its_end_counts_as_a_bad_one() -> None:
    """A weak adapter's telegrams end early; silence tells, and it is the adapter's fault."""
    pipeline = Pipeline()
    assert pipeline.feed(LONG[:250], 0) == []
    assert pipeline.waiting
    assert [item.kind for item in pipeline.flush(500) if isinstance(item, Discarded)] == [Kind.TRUNCATED]
    assert pipeline.tally.long_bad == 1


def test_opening_the_source_anew_forgets_the_half_telegram() -> None:
    """The end of a telegram from before does not damage the first one after."""
    pipeline = Pipeline()
    pipeline.feed(LONG[:100], 0)
    pipeline.restart()
    assert [type(outcome) for outcome in pipeline.feed(LONG, 1)] == [Reading]
    assert not pipeline.tally.discarded


OCTETS = b"".join(
    telegram.data
    for vendor in ("aidon",)
    for telegram in islice(
        telegrams(
            SimulatedSource(vendor, faults=("flip-bit", "truncate")),
            datetime(2025, 12, 14, 14, 59, 50, tzinfo=UTC),
        ),
        30,
    )
)


@given(cuts=st.lists(st.integers(0, len(OCTETS)), max_size=30))
def test_the_cut_changes_nothing(cuts: list[int]) -> None:
    """The same octets in any pieces are the same outcomes and counts."""
    whole, pieces = Pipeline(), Pipeline()
    expected = whole.feed(OCTETS, 0) + whole.flush(0)
    ends = sorted({0, *cuts, len(OCTETS)})
    found = [outcome for a, b in pairwise(ends) for outcome in pieces.feed(OCTETS[a:b], 0)]
    assert found + pieces.flush(0) == expected
    assert pieces.tally == whole.tally


@given(octets=st.binary(max_size=2000))
def test_nothing_raises(octets: bytes) -> None:
    """Any octets are counted, and what they are does not matter."""
    pipeline = Pipeline()
    pipeline.feed(octets, 0)
    pipeline.flush(0)
    assert pipeline.tally.octets == len(octets)


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_every_vector_has_an_outcome(name: str) -> None:
    """Each synthetic telegram is a reading with 1234 W, or discarded for a reason."""
    pipeline = Pipeline()
    outcomes = pipeline.feed(VECTORS[name], 0) + pipeline.flush(0)
    assert outcomes
    for outcome in outcomes:
        if isinstance(outcome, Discarded):
            assert outcome.reason
        else:
            assert outcome.values
            assert Quantity.ACT_POW_POS in outcome.values or outcome.list_type == "other"
