"""What of a meter is stored as JSON, and that nothing else is ever taken for it."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.estimate import Estimate
from han2x.model.instant import Instant
from han2x.model.quantity import ENERGIES, PHASE_ENERGIES, Quantity
from han2x.model.reading import Identity, ListType, MeterClock, TimeBase
from han2x.model.state import EMPTY, Snapshot
from han2x.runtime.stored_state import Stored, from_json, to_json

WH = st.integers(0, 2**40)
TEXT = st.text(max_size=20)
ESTIMATES = st.builds(Estimate, st.integers(-(2**60), 2**60), st.integers(0, 2**60), st.just(True))
SNAPSHOTS = st.builds(
    Snapshot,
    vendor=TEXT,
    identity=st.builds(Identity, *[st.none() | TEXT] * 3),
    values=st.dictionaries(st.sampled_from(ENERGIES), WH),
    energies_clock=st.none() | st.datetimes(),
    suspect=st.dictionaries(st.sampled_from(ENERGIES), st.integers(-(2**63), 2**64), min_size=1),
    suspect_clock=st.none() | st.datetimes(),
    estimates=st.dictionaries(st.sampled_from(ENERGIES), ESTIMATES),
)
FACTORS = st.integers(10, 999_999_999)
STORED = st.builds(Stored, SNAPSHOTS, FACTORS, FACTORS, FACTORS)
EXAMPLE = Stored(
    Snapshot(
        vendor="kaifa",
        identity=Identity("KFM_001", "6970631412345678", "MA304H3E"),
        values={Quantity.ACT_ENERGY_POS: 123_456},
        energies_clock=datetime(2025, 12, 14, 16),
        estimates={Quantity.ACT_ENERGY_POS: Estimate(444_441_600_000, 444_441_700_000, True)},
    ),
    2000,
    1000,
    1500,
)


@given(stored=STORED)
def test_what_was_stored_is_read_back(stored: Stored) -> None:
    """Identity, energies, their clock, estimates and factors come back as they were."""
    assert from_json(to_json(stored)) == stored


def test_live_values_are_not_stored() -> None:
    """Power, current, voltage, the clock and the counts of this run would look live after a restart."""
    live = Snapshot(
        vendor="kaifa",
        values=dict.fromkeys(Quantity, 1),
        clock=MeterClock(datetime(2025, 12, 14), True, TimeBase.CIVIL),
        list_at={ListType.FAST: Instant(1, 1)},
        last=Instant(1, 1),
        received=7,
    )
    stored = from_json(to_json(Stored(live, 1000, 1000, 1000)))
    assert stored
    assert stored.snapshot == Snapshot(vendor="kaifa", values=dict.fromkeys((*ENERGIES, *PHASE_ENERGIES), 1))


def test_an_estimate_is_stored_as_if_the_run_had_ended() -> None:
    """Samples are settled: the next run shows what this one showed and goes on from there."""
    estimate = Estimate().registered(100, mark_ms=0).powered(3600, 1000).powered(3600, 2000)
    snapshot = Snapshot(estimates={Quantity.ACT_ENERGY_POS: estimate})
    stored = from_json(to_json(Stored(snapshot, 1000, 1000, 1000)))
    assert stored
    again = stored.snapshot.estimates[Quantity.ACT_ENERGY_POS]
    assert (
        (again.wh, again.samples, again.step) == (estimate.wh, (), estimate.step) == (101, (), (100, 100, 1))
    )
    assert again.powered(0, 5).wh == 101


def test_an_estimate_before_its_first_register_is_not_stored() -> None:
    """Nothing is known of it."""
    snapshot = Snapshot(estimates={Quantity.ACT_ENERGY_POS: Estimate().powered(100, 0)})
    stored = from_json(to_json(Stored(snapshot, 1000, 1000, 1000)))
    assert stored
    assert stored.snapshot == EMPTY


def test_the_largest_state_fits_a_slot() -> None:
    """Numbers and texts as large as a telegram can make them leave room in the state file."""
    whole = Snapshot(
        vendor="iskraemeco",
        identity=Identity("x" * 127, "x" * 127, "x" * 127),
        values=dict.fromkeys(ENERGIES, 2**64),
        energies_clock=datetime(2025, 12, 14, 16, 0, 0, 999_999),
        suspect=dict.fromkeys(ENERGIES, -(2**64)),
        suspect_clock=datetime(2025, 12, 14, 16, 0, 0, 999_999),
        estimates=dict.fromkeys(ENERGIES, Estimate(2**90, 2**90, True)),
    )
    assert len(to_json(Stored(whole, 999_999_999, 999_999_999, 999_999_999))) < 2000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"\xff\xfe",
        b"null",
        b"7",
        b"[]",
        b"{}",
        b'"format"',
        b"[" * 4000,
        b'{"format": 1}',
        to_json(EXAMPLE).replace(b'"format": 1', b'"format": 2'),
        to_json(EXAMPLE).replace(b'"format": 1', b'"format": "1"'),
        to_json(EXAMPLE).replace(b'"scale": 2000', b'"scale": null'),
        to_json(EXAMPLE).replace(b'"scale": 2000', b'"scale": Infinity'),
        to_json(EXAMPLE).replace(b'"scale": 2000', b'"scale": "x"'),
        to_json(EXAMPLE).replace(b"123456", b"[]"),
        to_json(EXAMPLE).replace(b'"act_energy_pos": 123456', b'"act_pow_pos": 123456'),
        to_json(EXAMPLE).replace(b"2025-12-14T", b"2025-13-14T"),
        to_json(EXAMPLE).replace(b'"identity": ["KFM_001", ', b'"identity": [1, 2, 3, '),
        to_json(EXAMPLE).replace(b'"energies": {', b'"energies": [{').replace(b"456}", b"456}]"),
    ],
)
def test_what_no_version_has_written_is_nothing(payload: bytes) -> None:
    """Damage, another format and other shapes load as nothing, and do not fail."""
    assert from_json(payload) is None


@given(at=st.integers(0, len(to_json(EXAMPLE)) - 1), octets=st.binary(max_size=3), cut=st.booleans())
def test_damaged_json_never_fails(at: int, octets: bytes, cut: bool) -> None:
    """Octets replaced, added or cut off anywhere give a state or nothing."""
    payload = to_json(EXAMPLE)
    damaged = payload[:at] + octets + (b"" if cut else payload[at + 1 :])
    assert from_json(damaged) is None or isinstance(from_json(damaged), Stored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(
    key=st.sampled_from(list(json.loads(to_json(EXAMPLE)))),
    value=JSON | st.dictionaries(st.sampled_from(ENERGIES), JSON),
)
def test_json_of_another_shape_never_fails(key: str, value: object) -> None:
    """Any JSON value in the place of any part gives a state or nothing."""
    table = {**json.loads(to_json(EXAMPLE)), key: value}
    found = from_json(json.dumps(table).encode())
    assert found is None or isinstance(found, Stored)
