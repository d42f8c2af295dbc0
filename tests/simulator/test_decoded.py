"""What a simulated meter sends, read back by the real decoder: every value is the one it was made from."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from han2x.model.reading import Identity, ListType, Reading
from han2x.settings.source import NETS, VENDORS, SimulatedSource
from han2x.simulator.encode import as_sent
from han2x.simulator.meter import SCHEDULES, identity, telegrams
from han2x.simulator.telegram import Message
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded
from han2x.wire.stream import Stream

START = datetime(2025, 6, 2, 9, 30, tzinfo=UTC)


def decoded(octets: bytes, cut: int) -> list[Reading | Discarded]:
    """All that comes out of octets handed over `cut` at a time."""
    stream, decoder = Stream(), Decoder()
    found: list[Apdu | Discarded] = []
    for first in range(0, len(octets), cut):
        found += stream.feed(octets[first : first + cut])
    found += stream.flush()
    return [decoder.decode(each) if isinstance(each, Apdu) else each for each in found]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("solar_w", [0, 12_000])
def test_every_value_comes_back(vendor: str, net: str, solar_w: int) -> None:
    """Forty minutes over a full hour, all lists, in pieces of 37 octets."""
    source = SimulatedSource(vendor, net, solar_w=solar_w)
    stream = list(islice(telegrams(source, START), 2_400_000 // SCHEDULES[vendor].grid_ms))
    readings = decoded(b"".join(telegram.data for telegram in stream), 37)
    for telegram, reading in zip(stream, readings, strict=True):
        assert isinstance(reading, Reading)
        _same(telegram.message, reading, identity(source))


def _same(message: Message, reading: Reading, who: Identity) -> None:
    assert (reading.vendor, reading.list_type) == (message.vendor, message.list_type)
    assert dict(reading.values) == as_sent(message)
    assert not reading.unknown
    if message.list_type is not ListType.FAST:
        assert reading.identity == who
    if message.clock:
        assert reading.clock is not None
        assert reading.clock.local == message.clock
        assert reading.mark_age_ms == (10_000 if message.vendor == "aidon" else 0)


@pytest.mark.parametrize("fault", ["flip-bit", "truncate", "zero-tail", "drop-tail", "crlf"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_damage_never_becomes_a_wrong_value(vendor: str, fault: str) -> None:
    """Out of a damaged stream come only readings that were sent, in their order; what is whole is found."""
    source = SimulatedSource(vendor, "tn", faults=(fault,))
    stream = list(islice(telegrams(source, START), 2_400_000 // SCHEDULES[vendor].grid_ms))
    readings = [each for each in decoded(b"".join(t.data for t in stream), 300) if isinstance(each, Reading)]
    sent = iter(as_sent(telegram.message) for telegram in stream)
    assert all(dict(reading.values) in sent for reading in readings)
