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
from han2x.vendors.known_lists import KnownLists
from han2x.vendors.layout_memory import LayoutMemory
from han2x.wire.p1 import crc16
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
    """What a decoder makes of a message that remembers no layout, but knows who speaks."""
    decoder = Decoder()
    decoder.decode(longest_of(vendor))
    decoder._known = KnownLists()
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


def p1_text(lines: str) -> Apdu:
    """A text with its check sum."""
    octets = "\r\n".join(("/SIM5\\text", "", *lines.split(), "!")).encode("ascii")
    octets += b"%04X\r\n" % crc16(octets)
    return Apdu(octets, Framing.P1, 0, len(octets))


BELGIUM = """
0-0:96.1.4(50217) 0-0:96.1.1(3153414733313030373036333030)
0-0:1.0.0(260105115500W) 1-0:1.8.1(000050.069*kWh) 1-0:1.8.2(000032.112*kWh) 1-0:2.8.1(000000.000*kWh)
1-0:2.8.2(000000.004*kWh) 0-0:96.14.0(0001) 1-0:1.4.0(02.351*kW) 1-0:1.6.0(260101134558W)(02.589*kW)
0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(251201000000W)(251117223000W)(04.329*kW)
1-0:1.7.0(00.000*kW) 1-0:2.7.0(00.000*kW) 1-0:21.7.0(00.100*kW) 1-0:22.7.0(00.000*kW) 1-0:32.7.0(234.7*V)
1-0:31.7.0(002.00*A) 1-0:13.7.0(0.987) 1-0:14.7.0(50.01*Hz) 0-1:24.2.3(260105115000W)(00112.384*m3)
1-0:1.8.0*96(000012.345*kWh)
"""
PLACES = [place for place, octet in enumerate(BELGIUM) if octet in "0123456789"]


def test_a_number_behind_another_bracket_is_read_again() -> None:
    decoder = Decoder()
    texts = [BELGIUM, BELGIUM.replace("02.589", "03.695").replace("000050.069", "000051.070")]
    first, second = (decoder.decode(p1_text(text)) for text in texts)
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert (first.values[Quantity.DEMAND_MAX], second.values[Quantity.DEMAND_MAX]) == (2589, 3695)
    assert (first.values[Quantity.ACT_ENERGY_POS], second.values[Quantity.ACT_ENERGY_POS]) == (82181, 83182)


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(PLACES), st.sampled_from("0123456789"), max_size=30),
    st.dictionaries(st.integers(0, len(BELGIUM) - 1), st.sampled_from("0123456789AWS.-(*)k"), max_size=2),
)
def test_a_text_with_other_digits_or_signs_reads_as_it_would_alone(
    digits: dict[int, str], signs: dict[int, str]
) -> None:
    changed = list(BELGIUM)
    for place, sign in (digits | signs).items():
        changed[place] = sign
    decoder, text = Decoder(), p1_text("".join(changed))
    for _ in range(2):
        decoder.decode(p1_text(BELGIUM))
    assert decoder.decode(text) == Decoder().decode(text)


def test_a_meter_that_is_exchanged_tells_its_own_number() -> None:
    decoder = Decoder()
    texts = [
        BELGIUM,
        BELGIUM,
        BELGIUM.replace("3153414733313030373036333030", "3153414733313030373036333031"),
    ]
    found = [decoder.decode(p1_text(text)) for text in (*texts, *texts)]
    numbers = [reading.identity.meter_id for reading in found if isinstance(reading, Reading)]
    assert numbers == ["3153414733313030373036333030"] * 2 + ["3153414733313030373036333031"] + [
        "3153414733313030373036333030"
    ] * 2 + ["3153414733313030373036333031"]


def test_the_memory_of_layouts_is_bounded_and_the_newest_are_known() -> None:
    memory, worked_out = LayoutMemory[int](), []
    for key in range(1000):
        memory.miss(key, lambda key=key: worked_out.append(key) or key)  # type: ignore[misc, func-returns-value]
    assert [key for key in range(1000) if memory.get(key) is not None] == list(range(984, 1000))
    worked_out.clear()
    for _ in range(1000):
        memory.miss(999, lambda: worked_out.append(999) or 999)  # type: ignore[func-returns-value]
    assert len(worked_out) == 9  # the second time, the fourth, the eighth …
