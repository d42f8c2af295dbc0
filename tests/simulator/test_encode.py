"""The encoder against appendix A of the han-port sheet, octet for octet, and the sizes of section 1.5.

The vectors lie in `vectors.txt`; what each must be made of is written out here.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest

from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Identity, ListType
from han2x.simulator import cipher
from han2x.simulator.encode import LLC, apdu, as_sent, body, frame, hdlc
from han2x.simulator.telegram import Message

VECTORS = {
    name: bytes.fromhex(octets)
    for name, octets in (
        line.split()
        for line in Path(__file__).with_name("vectors.txt").read_text("ascii").splitlines()
        if not line.startswith("#")
    )
}

POWERS = {Q.ACT_POW_POS: 1234, Q.ACT_POW_NEG: 0, Q.REACT_POW_POS: 0, Q.REACT_POW_NEG: 321}
ENERGIES = {
    Q.ACT_ENERGY_POS: 12_345_678,
    Q.ACT_ENERGY_NEG: 890,
    Q.REACT_ENERGY_POS: 43_210,
    Q.REACT_ENERGY_NEG: 987_650,
}
VOLTAGES = {Q.VOLT_L1: 231_200, Q.VOLT_L2: 230_500, Q.VOLT_L3: 229_800}
AIDON_CURRENTS = {Q.CURR_L1: 5_200, Q.CURR_L2: -1_300, Q.CURR_L3: 10_400}
KAIFA_CURRENTS = {Q.CURR_L1: 5_210, Q.CURR_L2: 1_330, Q.CURR_L3: 10_440}
CT_CURRENTS = {Q.CURR_L1: 884, Q.CURR_L2: 0, Q.CURR_L3: 20}
CT_VOLTAGES = {Q.VOLT_L1: 237_000, Q.VOLT_L2: 0, Q.VOLT_L3: 239_500}
NO_U2 = VOLTAGES | {Q.VOLT_L2: 0}
WHOLE_VOLTS = {Q.VOLT_L1: 231_200, Q.VOLT_L2: 229_800, Q.VOLT_L3: 229_200}
PHASE_1 = (Q.CURR_L2, Q.CURR_L3, Q.VOLT_L2, Q.VOLT_L3)
ONE_QUADRANT = (*PHASE_1, Q.ACT_POW_NEG, Q.REACT_POW_POS, Q.REACT_POW_NEG)

AIDON = POWERS | AIDON_CURRENTS | VOLTAGES
KAIFA = POWERS | KAIFA_CURRENTS | VOLTAGES
KAMSTRUP = POWERS | KAIFA_CURRENTS | WHOLE_VOLTS


def at(minute: int, second: int) -> datetime:
    return datetime(2025, 12, 14, 16, minute, second)


def without(values: dict[Q, int], quantities: Iterable[Q]) -> dict[Q, int]:
    return {quantity: value for quantity, value in values.items() if quantity not in quantities}


def aidon(list_type: str, meter_type: str, values: dict[Q, int]) -> Message:
    identity = Identity("AIDON_V0001", "7359990000000017", meter_type)
    clock = at(0, 0) if list_type == "3" else None
    return Message("aidon", ListType(list_type), identity, values, at(0, 10), clock)


def kaifa(list_type: str, meter_type: str, values: dict[Q, int], sent: datetime) -> Message:
    identity = Identity("KFM_001", "6970631400000017", meter_type)
    clock = sent if list_type == "3" else None
    return Message("kaifa", ListType(list_type), identity, values, sent, clock)


def kamstrup(list_type: str, meter_type: str, values: dict[Q, int]) -> Message:
    identity = Identity("Kamstrup_V0001", "5706567200000017", meter_type)
    sent, clock = (at(0, 5), at(0, 5)) if list_type == "3" else (at(0, 10), None)
    return Message("kamstrup", ListType(list_type), identity, values, sent, clock)


MESSAGES = {
    "AID-L1": aidon("1", "", POWERS),
    "AID-L2-1": aidon("2", "6515", without(AIDON, PHASE_1)),
    "AID-L2-3w": aidon("2", "6525", without(AIDON, (Q.CURR_L2,))),
    "AID-L2-4w": aidon("2", "6534", AIDON),
    "AID-L3-1": aidon("3", "6515", without(AIDON | ENERGIES, PHASE_1)),
    "AID-L3-3w": aidon("3", "6525", without(AIDON | ENERGIES, (Q.CURR_L2,))),
    "AID-L3-4w": aidon("3", "6534", AIDON | ENERGIES),
    "AID-7E": aidon("1", "", POWERS | {Q.ACT_POW_POS: 32_382}),
    "KFM-L1": kaifa("1", "", POWERS, at(0, 2)),
    "KFM-L2-1": kaifa("2", "MA105H2E", without(KAIFA, PHASE_1), at(0, 20)),
    "KFM-L2-H3E": kaifa("2", "MA304H3E", KAIFA | NO_U2, at(0, 20)),
    "KFM-L2-H4": kaifa("2", "MA304H4", KAIFA, at(0, 20)),
    "KFM-L2-T3": kaifa("2", "MA304T3", POWERS | CT_CURRENTS | CT_VOLTAGES, at(0, 20)),
    "KFM-L3-1": kaifa("3", "MA105H2E", without(KAIFA | ENERGIES, PHASE_1), at(0, 10)),
    "KFM-L3-H3E": kaifa("3", "MA304H3E", KAIFA | NO_U2 | ENERGIES, at(0, 10)),
    "KFM-L3-H4": kaifa("3", "MA304H4", KAIFA | ENERGIES, at(0, 10)),
    "KAM-L1-3": kamstrup("2", "6841131BN243101040", KAMSTRUP),
    "KAM-L2-3": kamstrup("3", "6841131BN243101040", KAMSTRUP | ENERGIES),
    "KAM-L1-1": kamstrup("2", "6861111BN242101040", without(KAMSTRUP, PHASE_1)),
    "KAM-L2-1": kamstrup("3", "6861111BN242101040", without(KAMSTRUP | ENERGIES, PHASE_1)),
    "KAM-L1-1Q": kamstrup("2", "6861111BN242101040", without(KAMSTRUP, ONE_QUADRANT)),
    "KAM-L1-3-OLD": kamstrup("2", "6841131BN243101040", KAMSTRUP)._replace(stray_09=True),
}

SIZES = {
    "AID-L1": 44,
    "AID-L2-1": 212,
    "AID-L2-3w": 269,
    "AID-L2-4w": 288,
    "AID-L3-1": 320,
    "AID-L3-3w": 377,
    "AID-L3-4w": 396,
    "KFM-L1": 41,
    "KFM-L2-1": 103,
    "KFM-L2-H4": 122,
    "KFM-L2-H3E": 123,
    "KFM-L3-1": 137,
    "KFM-L3-H4": 156,
    "KFM-L3-H3E": 157,
    "KAM-L1-1Q": 155,
    "KAM-L1-1": 188,
    "KAM-L1-3": 228,
    "KAM-L2-1": 262,
    "KAM-L2-3": 302,
    "KAM-L1-3-OLD": 229,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_becomes_its_vector(name: str) -> None:
    """Each synthetic telegram of appendix A comes out octet for octet."""
    assert frame(MESSAGES[name]).hex().upper() == VECTORS[name].hex().upper()


@pytest.mark.parametrize("name", SIZES)
def test_a_frame_has_the_size_of_the_real_one(name: str) -> None:
    """The frames are as long as section 1.5 says they are on the wire."""
    assert len(frame(MESSAGES[name])) == SIZES[name]


def test_ecb_of_the_bench_meters() -> None:
    """Kaifa's ECB form: header and LLC in the clear, the padded APDU encrypted."""
    pytest.importorskip("cryptography")
    secret = cipher.ecb(apdu(MESSAGES["KFM-L1"]))
    assert hdlc(b"\x01\x02\x01\x10", LLC + secret) == VECTORS["KFM-L1-ECB"]


@pytest.mark.parametrize(
    ("name", "control"),
    [("KAM-L1-3-GLO", cipher.AUTHENTICATED), ("KAM-L1-3-GLO20", cipher.ENCRYPTED_ONLY)],
)
def test_general_glo_ciphering(name: str, control: int) -> None:
    """Kamstrup's encrypted forms, with and without authentication, under the documented test keys."""
    pytest.importorskip("cryptography")
    title = bytes.fromhex("4B414D4501000011")
    secret = cipher.ciphered(apdu(MESSAGES["KAM-L1-3"]), title=title, counter=0x42, control=control)
    assert hdlc(b"\x41\x03\x13", LLC + secret) == VECTORS[name]


def test_a_truncated_frame_costs_no_other() -> None:
    """The TRUNC vector is 92 octets of a list 3 and two whole list 1."""
    fast = frame(MESSAGES["KFM-L1"])
    assert frame(MESSAGES["KFM-L3-H3E"])[:92] + fast + fast == VECTORS["TRUNC"]


def test_rounding_is_down_for_energies_and_to_the_nearest_for_all_else() -> None:
    """What a receiver reads back is what `as_sent` says."""
    odd = {Q.CURR_L1: -1_260, Q.VOLT_L1: 231_250, Q.ACT_ENERGY_POS: 12_349}
    message = aidon("3", "6534", AIDON | ENERGIES | odd)
    sent = as_sent(message)
    assert {quantity: sent[quantity] for quantity in odd} == {
        Q.CURR_L1: -1_300,
        Q.VOLT_L1: 231_300,
        Q.ACT_ENERGY_POS: 12_340,
    }
    assert body(message) == body(message._replace(values=sent))


def test_a_fast_list_says_only_the_power() -> None:
    """List 1 has one element, whatever else the meter knows."""
    assert as_sent(kaifa("1", "", KAIFA, at(0, 2))) == {Q.ACT_POW_POS: 1234}
