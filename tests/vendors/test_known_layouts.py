"""A telegram reads the same whether its layout is known from earlier ones or not."""

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.settings.source import VENDORS, SimulatedSource
from han2x.simulator.meter import telegrams
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded, Framing
from han2x.wire.stream import Stream


def sent_by(vendor: str, count: int) -> list[Apdu]:
    """Messages of a simulated meter, around a full hour."""
    source = SimulatedSource(vendor)
    sent = islice(telegrams(source, datetime(2026, 1, 5, 11, 55, tzinfo=UTC)), count)
    octets = b"".join(telegram.data for telegram in sent)
    stream = Stream()
    return [item for item in (*stream.feed(octets), *stream.flush()) if isinstance(item, Apdu)]


EXAMPLES = {vendor: sent_by(vendor, 400) for vendor in VENDORS}


def longest_of(vendor: str) -> Apdu:
    """The hourly list, which tells who sent it."""
    return max(EXAMPLES[vendor], key=lambda apdu: len(apdu.data))


def decoded_alone(apdu: Apdu, vendor: str) -> Reading | Discarded:
    """What a decoder makes of a message that has never seen one of its length, but knows who speaks."""
    decoder, longest = Decoder(), longest_of(vendor)
    if len(apdu.data) != len(longest.data):
        decoder.decode(longest)
    return decoder.decode(apdu)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_last_telegram_of_many_reads_as_it_would_alone(vendor: str) -> None:
    decoder = Decoder()
    decoder.decode(longest_of(vendor))
    outcomes = [(decoder.decode(apdu), apdu) for apdu in EXAMPLES[vendor]]
    assert {type(outcome) for outcome, _ in outcomes} == {Reading}
    assert [outcome for outcome, _ in outcomes] == [decoded_alone(apdu, vendor) for _, apdu in outcomes]


@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(VENDORS))
def test_a_telegram_with_any_octet_changed_reads_as_it_would_alone(data: st.DataObject, vendor: str) -> None:
    apdu = data.draw(st.sampled_from((longest_of(vendor), *EXAMPLES[vendor][:20])))
    octets = bytearray(apdu.data)
    places = st.integers(0, len(octets) - 1)
    for place, octet in data.draw(st.dictionaries(places, st.integers(0, 255), max_size=4)).items():
        octets[place] = octet
    decoder = Decoder()
    for seen in (longest_of(vendor), apdu, apdu):
        decoder.decode(seen)
    changed = apdu._replace(data=bytes(octets))
    assert decoder.decode(changed) == decoded_alone(changed, vendor)


def test_a_list_that_changes_its_layout_is_read_by_the_new_one() -> None:
    """Two numbers of one octet become one of four; the length is the same."""
    head = b"\x0f\x00\x00\x00\x00\x00\x02"
    power, reactive = b"\x09\x06\x01\x00\x01\x07\x00\xff", b"\x09\x06\x01\x00\x03\x07\x00\xff"
    mark = b"\x09\x06\x01\x01\x00\x02\x81\xff\x09\x07KFM_001"
    one = head + b"\x06" + mark + power + b"\x06\x00\x00\x01\x00" + reactive + b"\x11\x07"
    two = head + b"\x06" + mark + power + b"\x11\x09" + reactive + b"\x06\x00\x00\x02\x00"
    decoder = Decoder()
    found = [decoder.decode(Apdu(sent, Framing.HDLC, 0, 60)) for sent in (one, one, two, two, one)]
    powers = [reading.values[Quantity.ACT_POW_POS] for reading in found if isinstance(reading, Reading)]
    assert powers == [256, 256, 9, 9, 256]
