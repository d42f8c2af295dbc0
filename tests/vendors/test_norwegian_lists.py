"""The lists of Aidon, Kaifa, Kamstrup and L+G (vendors/): each synthetic telegram against values by hand.

The values are those that the sheet's appendix A states for each vector, turned into mA, mV and Wh.
"""

from collections.abc import Mapping
from datetime import datetime, time

import pytest

from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Fitting, Identity, ListType, MeterClock, Net, Reading, TimeBase
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

Values = Mapping[Q, int]

POWERS = {Q.ACT_POW_POS: 1234, Q.ACT_POW_NEG: 0, Q.REACT_POW_POS: 0, Q.REACT_POW_NEG: 321}


def currents(*milliamperes: int | None) -> Values:
    phases = zip((Q.CURR_L1, Q.CURR_L2, Q.CURR_L3), milliamperes, strict=False)
    return {phase: value for phase, value in phases if value is not None}


def voltages(*millivolts: int) -> Values:
    return dict(zip((Q.VOLT_L1, Q.VOLT_L2, Q.VOLT_L3), millivolts, strict=False))


def energies(import_wh: int) -> Values:
    return {
        Q.ACT_ENERGY_POS: import_wh,
        Q.ACT_ENERGY_NEG: 890,
        Q.REACT_ENERGY_POS: 43_210,
        Q.REACT_ENERGY_NEG: 987_650,
    }


def aidon(meter_type: str) -> Identity:
    return Identity("AIDON_V0001", "7359990000000017", meter_type)


def kaifa(meter_type: str) -> Identity:
    return Identity("KFM_001", "6970631400000017", meter_type)


def kamstrup(meter_type: str) -> Identity:
    return Identity("Kamstrup_V0001", "5706567200000017", meter_type)


AIDON_ONE = {**POWERS, **currents(5200), **voltages(231_200)}
AIDON_THREE_WIRE = {**POWERS, **currents(5200, None, 10_400), **voltages(231_200, 230_500, 229_800)}
AIDON_FOUR_WIRE = {**AIDON_THREE_WIRE, **currents(5200, -1300, 10_400)}
KAIFA_ONE = {**POWERS, **currents(5210), **voltages(231_200)}
KAIFA_IT = {**POWERS, **currents(5210, 1330, 10_440), **voltages(231_200, 0, 229_800)}
KAIFA_TN = {**KAIFA_IT, **voltages(231_200, 230_500, 229_800)}
KAIFA_TRANSFORMER = {**POWERS, **currents(884, 0, 20), **voltages(237_000, 0, 239_500)}
KAMSTRUP_ONE = {**POWERS, **currents(5210), **voltages(231_000)}
KAMSTRUP_THREE = {**POWERS, **currents(5210, 1330, 10_440), **voltages(231_000, 230_000, 229_000)}
EMBRIQ_IT = {**POWERS, **currents(31_800, 0, 34_320), **voltages(235_000, 0, 232_000)}
ALONE, NOBODY = {Q.ACT_POW_POS: 1234}, Identity()
FAST, TEN, HOURLY = ListType.FAST, ListType.TEN_SECONDS, ListType.HOURLY

TABLE: dict[str, tuple[str, ListType, Values, Identity, time | None]] = {
    "AID-L1": ("aidon", FAST, ALONE, NOBODY, None),
    "AID-7E": ("aidon", FAST, {Q.ACT_POW_POS: 32_382}, NOBODY, None),
    "AID-L2-1": ("aidon", TEN, AIDON_ONE, aidon("6515"), None),
    "AID-L2-3w": ("aidon", TEN, AIDON_THREE_WIRE, aidon("6525"), None),
    "AID-L2-4w": ("aidon", TEN, AIDON_FOUR_WIRE, aidon("6534"), None),
    "AID-L3-1": ("aidon", HOURLY, {**AIDON_ONE, **energies(12_345_670)}, aidon("6515"), time(16)),
    "AID-L3-3w": ("aidon", HOURLY, {**AIDON_THREE_WIRE, **energies(12_345_670)}, aidon("6525"), time(16)),
    "AID-L3-4w": ("aidon", HOURLY, {**AIDON_FOUR_WIRE, **energies(12_345_670)}, aidon("6534"), time(16)),
    "EMB-L2": ("landisgyr", TEN, EMBRIQ_IT, Identity("EMBRIQ_V1_1", "00000017", "ZFF1"), None),
    "KFM-L1": ("kaifa", FAST, ALONE, NOBODY, time(16, 0, 2)),
    "KFM-L2-1": ("kaifa", TEN, KAIFA_ONE, kaifa("MA105H2E"), time(16, 0, 20)),
    "KFM-L2-H3E": ("kaifa", TEN, KAIFA_IT, kaifa("MA304H3E"), time(16, 0, 20)),
    "KFM-L2-H4": ("kaifa", TEN, KAIFA_TN, kaifa("MA304H4"), time(16, 0, 20)),
    "KFM-L2-T3": ("kaifa", TEN, KAIFA_TRANSFORMER, kaifa("MA304T3"), time(16, 0, 20)),
    "KFM-L3-1": ("kaifa", HOURLY, {**KAIFA_ONE, **energies(12_345_678)}, kaifa("MA105H2E"), time(16, 0, 10)),
    "KFM-L3-H3E": ("kaifa", HOURLY, {**KAIFA_IT, **energies(12_345_678)}, kaifa("MA304H3E"), time(16, 0, 10)),
    "KFM-L3-H4": ("kaifa", HOURLY, {**KAIFA_TN, **energies(12_345_678)}, kaifa("MA304H4"), time(16, 0, 10)),
    "KAM-L1-3": ("kamstrup", TEN, KAMSTRUP_THREE, kamstrup("6841131BN243101040"), time(16, 0, 10)),
    "KAM-L1-3-OLD": ("kamstrup", TEN, KAMSTRUP_THREE, kamstrup("6841131BN243101040"), time(16, 0, 10)),
    "SEG": ("kamstrup", TEN, KAMSTRUP_THREE, kamstrup("6841131BN243101040"), time(16, 0, 10)),
    "GBT": ("kamstrup", TEN, KAMSTRUP_THREE, kamstrup("6841131BN243101040"), time(16, 0, 10)),
    "KAM-L1-1": ("kamstrup", TEN, KAMSTRUP_ONE, kamstrup("6861111BN242101040"), time(16, 0, 10)),
    "KAM-L1-1Q": (
        "kamstrup",
        TEN,
        {**ALONE, **currents(5210), **voltages(231_000)},
        kamstrup("6861111BN242101040"),
        time(16, 0, 10),
    ),
    "KAM-L2-3": (
        "kamstrup",
        HOURLY,
        {**KAMSTRUP_THREE, **energies(12_345_670)},
        kamstrup("6841131BN243101040"),
        time(16, 0, 5),
    ),
    "KAM-L2-1": (
        "kamstrup",
        HOURLY,
        {**KAMSTRUP_ONE, **energies(12_345_670)},
        kamstrup("6861111BN242101040"),
        time(16, 0, 5),
    ),
}
"""Of each vector: vendor, list, values, identity and the meter's time on 2025-12-14."""

FITTINGS: dict[str | None, Fitting] = {
    None: Fitting(),
    "6515": Fitting(Net.ONE_PHASE),
    "6525": Fitting(Net.IT),
    "6534": Fitting(Net.TN),
    "ZFF1": Fitting(Net.IT, (Q.CURR_L2, Q.VOLT_L2)),
    "MA105H2E": Fitting(Net.ONE_PHASE),
    "MA304H3E": Fitting(Net.IT, (Q.VOLT_L2,)),
    "MA304H4": Fitting(Net.TN),
    "MA304T3": Fitting(Net.IT, (Q.CURR_L2, Q.VOLT_L2)),
    "6841131BN243101040": Fitting(Net.TN),
    "6861111BN242101040": Fitting(Net.ONE_PHASE),
}
"""What each type tells: its net, and what it sends as 0 without measuring it."""

BASES = {"aidon": TimeBase.STANDARD, "kaifa": TimeBase.CIVIL, "kamstrup": TimeBase.STANDARD}


def outcome_of(octets: bytes) -> Reading | Discarded:
    """The one outcome of a telegram."""
    stream = Stream()
    (found,) = [*stream.feed(octets), *stream.flush()]
    return Decoder().decode(found) if isinstance(found, Apdu) else found


@pytest.mark.parametrize("name", TABLE)
def test_all_that_a_telegram_says(vectors: Mapping[str, bytes], name: str) -> None:
    """Vendor, list, every value, identity, clock and the age of the energies are those that were sent."""
    vendor, list_type, values, identity, local = TABLE[name]
    clock = (
        MeterClock(datetime.combine(datetime(2025, 12, 14), local), True, BASES[vendor]) if local else None
    )
    assert outcome_of(vectors[name]) == Reading(
        vendor=vendor,
        list_type=list_type,
        values=values,
        identity=identity,
        clock=clock,
        mark_age_ms=10_000 if vendor == "aidon" and list_type is not FAST else 0,
        fitting=FITTINGS[identity.meter_type],
    )


@pytest.mark.parametrize("name", ["KAM-L1-3-GLO", "KAM-L1-3-GLO20", "KFM-L1-ECB"])
def test_encrypted_telegrams(vectors: Mapping[str, bytes], name: str) -> None:
    """An encrypted telegram gives no reading; what it is and which octets it took are told."""
    outcome = outcome_of(vectors[name])
    assert isinstance(outcome, Discarded)
    assert (outcome.kind, outcome.offset, outcome.length) == (Kind.ENCRYPTED, 0, len(vectors[name]))
    assert "key" in outcome.reason


def test_every_vector_is_looked_at(vectors: Mapping[str, bytes]) -> None:
    """No synthetic telegram in HDLC is left out of these tables."""
    elsewhere = {"TRUNC", "MBUS", "KAM-L1-3-GLO", "KAM-L1-3-GLO20", "KFM-L1-ECB"}
    assert set(TABLE) | elsewhere == set(vectors)
