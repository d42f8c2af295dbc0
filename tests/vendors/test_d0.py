"""IEC 62056-21 text of German meters (D0 interface, pushed without a checksum), as owners published it.

Made up after EasyMeter Q3D (V3.02, V3.04), eBZ DD3, Logarex LK13BE and Iskraemeco MT174; numbers are ours.
Nothing vouches for such a text but its form, so it is believed only where the owner says so.
"""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.intake.pipeline import Pipeline
from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.vendors.decoder import NO_CHECK_SUM
from han2x.vendors.decoding_options import Manner

UNCHECKED = Manner(unchecked=True)
ESY_302 = """/ESY5Q3DA1004 V3.02

1-0:0.0.0*255(0273000000001)
1-0:1.8.0*255(00024234.1010820*kWh)
1-0:21.7.255*255(000071.96*W)
1-0:41.7.255*255(000031.48*W)
1-0:61.7.255*255(000001.16*W)
1-0:1.7.255*255(000104.60*W)
1-0:96.5.5*255(82)
0-0:96.1.255*255(1ESY1000000001)
!
"""
ESY_304 = """/ESY5Q3DA1024 V3.04

1-0:0.0.0*255(0273000000002)
1-0:1.8.0*255(00014869.2594317*kWh)
1-0:2.8.0*255(00000321.0000001*kWh)
1-0:21.7.0*255(-000128.41*W)
1-0:41.7.0*255(000000.00*W)
1-0:61.7.0*255(000011.64*W)
1-0:1.7.0*255(-000116.77*W)
1-0:96.5.5*255(80)
0-0:96.1.255*255(1ESY1000000002)
!
"""
EBZ = """/EBZ5DD32R06ETA_107

1-0:0.0.0*255(1EBZ0100000001)
1-0:96.1.0*255(1EBZ0100000001)
1-0:1.8.0*255(003699.65305306*kWh)
1-0:1.8.1*255(000001.00000000*kWh)
1-0:1.8.2*255(003698.65305306*kWh)
1-0:2.8.0*255(004748.76702794*kWh)
1-0:16.7.0*255(-000458.90*W)
1-0:36.7.0*255(000510.99*W)
1-0:56.7.0*255(000108.64*W)
1-0:76.7.0*255(-001078.53*W)
1-0:32.7.0*255(230.4*V)
1-0:96.5.0*255(001C0104)
0-0:96.8.0*255(010183FE)
!
"""
LOGAREX = """/LOG5LK13BE803039

1-0:96.1.0*255(001LOG0065000001)
1-0:1.8.0*255(003785.7654*kWh)
1-0:1.8.0*96(00001.8*kWh)
1-0:1.8.0*97(00012.2*kWh)
1-0:1.8.0*98(00054.4*kWh)
1-0:1.8.0*99(01544.1*kWh)
1-0:1.8.0*100(03785.7*kWh)
1-0:16.7.0*255(000102*W)
!
"""
LOGAREX_WITHOUT_PIN = "/LOG5LK13BE803039\n\n1-0:96.1.0*255(001LOG0065000001)\n1-0:1.8.0*255(003785*kWh)\n!\n"
HAGER = """/HAG5eHZ010C_EHZ1vA02

1-0:0.0.0*255(1095100000001)
1-0:1.8.1*255(000003.4560)
1-0:96.5.5*255(82)
0-0:96.1.255*255(0000120120)
!
"""
MT174 = """/ISK5MT174-0001

0.0.0(00000003)
0.9.1(182637)
0.9.2(1241031)
1.8.0(0012345.678*kWh)
1.8.1(0012345.000*kWh)
1.8.2(0000000.678*kWh)
2.8.0(0000010.000*kWh)
1.7.0(01.234*kW)
2.7.0(00.000*kW)
!
"""


def readings(text: str, manner: Manner = UNCHECKED) -> list[Reading]:
    pipeline = Pipeline(manner=manner)
    octets = text.replace("\n", "\r\n").encode()
    found = [*pipeline.feed(octets, 0), *pipeline.flush(1000)]
    return [outcome for outcome in found if isinstance(outcome, Reading)]


def said(text: str) -> Mapping[str, int]:
    (reading,) = readings(text)
    return {quantity.value: value for quantity, value in reading.values.items()}


def test_an_easymeter_that_imports() -> None:
    """Codes whose tariff is 255."""
    (reading,) = readings(ESY_302)
    assert said(ESY_302) == {
        "act_energy_pos": 24_234_101, "act_pow_pos": 105, "act_pow_pos_l1": 72, "act_pow_pos_l2": 31,
        "act_pow_pos_l3": 1,
    }  # fmt: skip
    assert (reading.vendor, reading.identity.meter_id) == ("easymeter", None)


def test_an_easymeter_that_exports() -> None:
    """Import with a sign, of each phase too."""
    assert said(ESY_304) == {
        "act_energy_pos": 14_869_259, "act_energy_neg": 321_000, "act_pow_pos": 0, "act_pow_neg": 117,
        "act_pow_pos_l1": 0, "act_pow_neg_l1": 128, "act_pow_pos_l2": 0, "act_pow_pos_l3": 12,
    }  # fmt: skip


def test_an_ebz_with_every_phase() -> None:
    """Net power with a sign; the phases make up the sum."""
    found = said(EBZ)
    assert found == {
        "act_energy_pos": 3_699_653, "act_energy_neg": 4_748_767, "act_pow_pos": 0, "act_pow_neg": 459,
        "act_pow_pos_l1": 511, "act_pow_neg_l1": 0, "act_pow_pos_l2": 109, "act_pow_neg_l2": 0,
        "act_pow_pos_l3": 0, "act_pow_neg_l3": 1079, "volt_l1": 230_400,
    }  # fmt: skip
    assert readings(EBZ)[0].identity.meter_id == "1EBZ0100000001"


def test_a_logarex_with_past_values() -> None:
    """What was used today, this week and so on is not the register."""
    assert said(LOGAREX) == {"act_energy_pos": 3_785_765, "act_pow_pos": 102, "act_pow_neg": 0}
    assert readings(LOGAREX)[0].vendor == "logarex"
    assert not readings(LOGAREX)[0].reduced


def test_a_logarex_before_its_pin_is_entered() -> None:
    (reading,) = readings(LOGAREX_WITHOUT_PIN)
    assert reading.reduced
    assert reading.values == {Quantity.ACT_ENERGY_POS: 3_785_000}


def test_a_readout_with_short_codes() -> None:
    (reading,) = readings(MT174)
    assert said(MT174) == {
        "act_energy_pos": 12_345_678, "act_energy_neg": 10_000, "act_pow_pos": 1234, "act_pow_neg": 0,
    }  # fmt: skip
    assert reading.clock is not None
    assert reading.clock.local.isoformat() == "2024-10-31T18:26:37"


def test_energy_without_a_unit() -> None:
    """A number without its unit is not guessed to be kWh."""
    assert readings(HAGER) == []


@pytest.mark.parametrize("text", [ESY_302, EBZ, LOGAREX, MT174])
def test_without_a_checksum_it_is_not_believed(text: str) -> None:
    pipeline = Pipeline()
    pipeline.feed(text.replace("\n", "\r\n").encode(), 0)
    pipeline.flush(1000)
    assert pipeline.tally.good == 0
    assert pipeline.tally.reason == NO_CHECK_SUM


@given(st.sampled_from((ESY_302, ESY_304, EBZ, LOGAREX, MT174)), st.data())
def test_every_cut_and_every_joint(text: str, data: st.DataObject) -> None:
    """From the middle of one text on, each whole one behind it is read, however it is cut."""
    octets = (text[data.draw(st.integers(1, len(text) - 1)) :] + text * 2).replace("\n", "\r\n").encode()
    cut = data.draw(st.integers(1, len(octets) - 1))
    pipeline = Pipeline(manner=UNCHECKED)
    found = [*pipeline.feed(octets[:cut], 0), *pipeline.feed(octets[cut:], 1), *pipeline.flush(1000)]
    whole = [outcome for outcome in found if isinstance(outcome, Reading)]
    assert whole == readings(text) * 2


def test_signs_that_change_from_text_to_text() -> None:
    """Import and export in turn, each told for itself, whatever was sent before."""
    importing = ESY_304.replace("(-000116.77*W)", "(0000116.77*W)")
    shorter = ESY_304.replace("(-000116.77*W)", "(000116.77*W)")
    for text, powers in ((ESY_304, (0, 117)), (importing, (117, 0)), (shorter, (117, 0))) * 2:
        found = readings(ESY_304 + text)[-1].values
        assert (found[Quantity.ACT_POW_POS], found.get(Quantity.ACT_POW_NEG, 0)) == powers
    net = EBZ.replace("(-000458.90*W)", "(0000458.90*W)")
    for text, powers in ((EBZ, (0, 459)), (net, (459, 0))) * 3:
        found = readings(EBZ + net + text)[-1].values
        assert (found[Quantity.ACT_POW_POS], found[Quantity.ACT_POW_NEG]) == powers


ZMD = """/LGZ5\\2ZMD4054459.B40
\x02F.F(00000000)
0.9.1(23:16:43)
0.9.2(24-10-31)
0.0.0()
C.1.0(50000004)
0.2.2(B21)
0.1.0*12(24-10-01 00:00)
1.8.1(0302.8260*kWh)
1.8.1*12(0075.5341*kWh)
1.8.2(0000.1740*kWh)
1.8.0(0303.0000*kWh)
1.8.0*12(0075.5341*kWh)
1.8.0&12(0000.0000*kWh)
2.8.0(0001.0000*kWh)
5.8.0(0064.3714*kvarh)
32.7.0(231.2*V)
31.7.0(1.25*A)
1.7.0(0.512*kW)
2.7.0(0.000*kW)
!
\x03"""
ZMD_VALUES = {
    "act_energy_pos": 303_000, "act_energy_neg": 1000, "volt_l1": 231_200, "curr_l1": 1250,
    "act_pow_pos": 512, "act_pow_neg": 0,
}  # fmt: skip


def readout(text: str) -> bytes:
    """With its block check: what follows STX, ETX included, one over the other."""
    octets = text.replace("\n", "\r\n").encode()
    check = 0
    for octet in octets[octets.index(2) + 1 :]:
        check ^= octet
    return octets + bytes((check,))


def checked(octets: bytes) -> Pipeline:
    """A pipeline that believes nothing without a check."""
    pipeline = Pipeline()
    pipeline.feed(octets, 0)
    pipeline.flush(1000)
    return pipeline


def test_a_readout_vouches_for_itself() -> None:
    """Landis+Gyr E650, mode C: STX, ETX and a block check make a text that is believed."""
    octets = readout(ZMD)
    for size in (1, 7, 4096):
        pipeline, found = Pipeline(), []
        for at in range(0, len(octets), size):
            found += pipeline.feed(octets[at : at + size], at)
        (reading,) = found
        assert isinstance(reading, Reading)
        assert {q.value: value for q, value in reading.values.items()} == ZMD_VALUES
        assert reading.identity.meter_id == "50000004"
        assert reading.clock is not None
        assert reading.clock.local.isoformat() == "2024-10-31T23:16:43"


@given(st.integers(25, len(readout(ZMD)) - 1), st.integers(1, 127))
def test_damage_within_a_readout(at: int, change: int) -> None:
    """One wrong octet costs it, and not the one behind it."""
    octets = readout(ZMD)
    damaged = octets[:at] + bytes((octets[at] ^ change,)) + octets[at + 1 :]
    assert checked(damaged).tally.good == 0
    assert checked(damaged + b"\r\n" + octets).tally.good == 1


def test_a_readout_whose_check_was_cut_off() -> None:
    """A bridge that drops ETX and the check leaves text, which is believed only where that is set."""
    for octets in (readout(ZMD)[:-1], readout(ZMD)[:-2]):
        assert checked(octets).tally.reason == NO_CHECK_SUM
        pipeline = Pipeline(manner=UNCHECKED)
        found = [*pipeline.feed(octets, 0), *pipeline.flush(1000)]
        assert [type(one) for one in found] == [Reading]
