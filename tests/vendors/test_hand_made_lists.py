"""What the synthetic telegrams do not show of the vendors' tables (vendors/): a list made for each fact."""

from collections.abc import Callable, Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.quantity import ENERGIES
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.vendors.decoder import Decoder
from han2x.wire.axdr import Array, Data, Structure
from han2x.wire.crc import check_sequence
from han2x.wire.result import Apdu, Discarded, Framing, Kind
from han2x.wire.stream import Stream

Encode = Callable[[Data], bytes]

NOON = bytes.fromhex("07E90C0E070C0000FF800000")
FIVE_PAST = bytes.fromhex("07E90C0E070C0500FF800000")
WH, W, A, V = 30, 27, 33, 35


def obis(code: str, a: int = 1, b: int = 0) -> bytes:
    """The six octets of A-B:C.D.E.255."""
    return bytes((a, b, *map(int, code.split(".")), 255))


def register(code: str, value: Data, scaler: int | None = None, unit: int = 0) -> Structure:
    """An element of an array of registers."""
    rest = () if scaler is None else (Structure((scaler, unit)),)
    return Structure((obis(code), value, *rest))


def aidon(*elements: Structure) -> Array:
    return Array((register("0.2.129", "AIDON_V0001"), *elements))


def embriq(meter_type: str) -> Array:
    return Array(
        (
            register("0.2.129", "EMBRIQ_V1_1"),
            register("96.1.0", "00000017" + 8 * "\0"),
            register("96.1.7", meter_type),
            register("1.7.0", 500, 0, W),
            register("32.7.0", 2310, -1, V),
        )
    )


def kamstrup(*pairs: Data) -> Structure:
    return Structure(("Kamstrup_V0001", *pairs))


def kaifa(*values: Data) -> Structure:
    return Structure((b"KFM_001", b"6970631400000017", b"MA304H4", *values))


class Meter:
    """A stream whose messages are made of bodies."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._decoder = Decoder()

    def sends(self, body: Data, sent_at: bytes = b"") -> Reading | Discarded:
        """What comes of a body."""
        head = b"\x0f\x40\x00\x00\x00" + bytes((len(sent_at),)) + sent_at
        data = head + self._encode(body)
        return self._decoder.decode(Apdu(data, Framing.HDLC, 100, len(data) + 15))


@pytest.fixture
def meter(encode: Encode) -> Meter:
    """A meter that has sent nothing yet."""
    return Meter(encode)


def values_of(outcome: Reading | Discarded) -> Mapping[Q, int]:
    assert isinstance(outcome, Reading), outcome
    return outcome.values


def rejected(outcome: Reading | Discarded) -> str:
    """The reason of a message whose checksums are right but which no table explains."""
    assert isinstance(outcome, Discarded)
    assert outcome.kind is Kind.UNKNOWN
    assert outcome.offset == 100
    return outcome.reason


@pytest.mark.parametrize(
    ("code", "raw", "scaler", "unit", "quantity", "value"),
    [
        ("1.8.0", 1_234_567, 1, WH, Q.ACT_ENERGY_POS, 12_345_670),
        ("1.8.0", 1_234_567, 0, WH, Q.ACT_ENERGY_POS, 1_234_567),
        ("1.8.0", 1_234_567, -2, WH, Q.ACT_ENERGY_POS, 12_345),  # 12345.67 Wh: a 6560
        ("1.8.0", 1234, 3, WH, Q.ACT_ENERGY_POS, 1_234_000),
        ("31.7.0", -13, -1, A, Q.CURR_L1, -1300),
        ("31.7.0", -13, -2, A, Q.CURR_L1, -130),
        ("31.7.0", 7, -3, A, Q.CURR_L1, 7),
        ("32.7.0", 2312, -1, V, Q.VOLT_L1, 231_200),
        ("32.7.0", 231, 0, V, Q.VOLT_L1, 231_000),
        ("1.7.0", 12, 2, W, Q.ACT_POW_POS, 1200),
        ("1.7.0", 12_345, -1, W, Q.ACT_POW_POS, 1234),
    ],
)
def test_a_register_scales_itself(
    meter: Meter, code: str, raw: int, scaler: int, unit: int, quantity: Q, value: int
) -> None:
    """A register's own scaler counts, whatever is usual."""
    assert values_of(meter.sends(aidon(register(code, raw, scaler, unit)))) == {quantity: value}


@pytest.mark.parametrize(
    "scaler_unit",
    [
        Structure((0, WH)),  # another unit
        Structure((0, 0)),
        Structure((0,)),
        Structure((0, W, 0)),
        Structure(("0", W)),
        Structure((None, W)),
        Structure(),
        Structure((10**9, W)),  # no power of ten that any meter means
        Structure((-(10**9), W)),
        5,
        True,
        "ab",
        b"\x00\x1b",
        1.5,
    ],
    ids=repr,
)
def test_a_wrong_scaler_or_unit(meter: Meter, scaler_unit: Data) -> None:
    """A power that is not in watts by a plausible power of ten is refused, and its name is told."""
    body = aidon(Structure((obis("1.7.0"), 1234, scaler_unit)))
    assert "act_pow_pos" in rejected(meter.sends(body))


@pytest.mark.parametrize("value", ["1234", b"\x04\xd2", 1.5, True, Structure(), Array((1,))], ids=repr)
def test_a_value_that_is_no_integer(meter: Meter, value: Data) -> None:
    """A power that is no whole number is refused."""
    assert "act_pow_pos" in rejected(meter.sends(aidon(register("1.7.0", value, 0, W))))


def test_what_no_table_knows_is_named(meter: Meter) -> None:
    """Registers without a meaning here do not spoil the others; their codes are kept."""
    outcome = meter.sends(aidon(register("1.7.0", 5, 0, W), register("9.7.0", 5000, -2, 28)))
    assert isinstance(outcome, Reading)
    assert (outcome.values, outcome.unknown) == ({Q.ACT_POW_POS: 5}, ("1-0:9.7.0",))


def test_null_values_are_not_sent(meter: Meter) -> None:
    """A register whose value is null counts as absent."""
    body = aidon(register("1.7.0", 5, 0, W), register("31.7.0", None, -1, A))
    assert values_of(meter.sends(body)) == {Q.ACT_POW_POS: 5}


@pytest.mark.parametrize(
    "body",
    [
        Structure(),
        Array(),
        None,
        5,
        "Kamstrup_V0001",
        Structure((1, 2)),
        Structure(("Somebody_V1", 1)),
        Structure((b"KFM", 1)),
        kaifa(1, 2, 3),
        kaifa(*[1] * 9, b"text"),
        aidon(),
        aidon(register("96.1.0", "735999")),
        aidon(Structure((obis("1.7.0"),))),
        aidon(Structure((obis("1.7.0"), 1, Structure((0, W)), 1))),
        aidon(Structure((b"\x01\x00", 1))),
        Array((*aidon(), 5)),
        kamstrup(),
        kamstrup(5),
        kamstrup(obis("1.7.0")),
        kamstrup(None, None),
        Array((Structure(), *[register("1.7.0", 5)] * 14)),  # as many as a Swedish Aidon has
        Array((5, *[register("1.7.0", 5)] * 14)),
        Array((Structure((1, 2)), *[register("1.7.0", 5)] * 26)),
        Structure((Array((Structure((1, obis("42.0.0", 0), 2, 0)),)), "ISK1234", 5)),
        Structure((Array(), 5)),
    ],
    ids=lambda body: repr(body)[:70],
)
def test_lists_of_nobody(meter: Meter, body: Data) -> None:
    """A list that is not as its vendor's table says, or that no table has, is refused with a reason."""
    assert rejected(meter.sends(body))


def test_kaifa_by_place(meter: Meter) -> None:
    """A Kaifa's 64-bit energies are read like its 32-bit ones; its own clock gives their age as nothing."""
    body = kaifa(1, 0, 0, 2, 1000, 2000, 3000, 2301, 2302, 2303, NOON, 2**33, 1, 2, 3)
    outcome = meter.sends(body, NOON)
    assert isinstance(outcome, Reading)
    assert outcome.values[Q.ACT_ENERGY_POS] == 8_589_934_592
    assert outcome.values[Q.VOLT_L3] == 230_300
    assert outcome.clock == MeterClock(datetime(2025, 12, 14, 12), True, TimeBase.CIVIL)
    assert outcome.mark_age_ms == 0


CURRENTS = ("31.7.0", "51.7.0", "71.7.0")


def kamstrup_currents(meter_type: str | None, raws: tuple[int, ...]) -> Structure:
    pairs: list[Data] = [] if meter_type is None else [obis("96.1.1", 1, 1), meter_type]
    for code, raw in zip(CURRENTS, raws, strict=True):
        pairs += [obis(code), raw]
    return kamstrup(*pairs)


@pytest.mark.parametrize(
    ("meter_type", "raws", "milliamperes"),
    [
        ("6841131BN243101040", (521, 133, 1044), (5210, 1330, 10_440)),
        ("6841131BN243101040", (12_001, 0, 0), (120_010, 0, 0)),  # typed as direct: believed
        ("6851131BN243101040", (521, 133, 1044), (521, 133, 1044)),
        (None, (521, 12_000, 1044), (5210, 120_000, 10_440)),
        (None, (521, 12_001, 1044), (521, 12_001, 1044)),  # 120.01 A cannot be direct
        ("", (521, 12_001, 1044), (521, 12_001, 1044)),
        ("", (521, 133, 1044), (5210, 1330, 10_440)),
    ],
)
def test_kamstrup_currents(
    meter: Meter, meter_type: str | None, raws: tuple[int, ...], milliamperes: tuple[int, ...]
) -> None:
    """Current transformer meters send mA, others 10 mA; without a type, more than 120 A tells."""
    values = values_of(meter.sends(kamstrup_currents(meter_type, raws)))
    assert tuple(values.values()) == milliamperes


def test_a_current_transformer_meter(vectors: Mapping[str, bytes]) -> None:
    """A whole telegram of type 685: only the currents differ from those of a 684."""
    direct = vectors["KAM-L1-3"]
    octets = direct[:-3].replace(b"6841131", b"6851131")
    octets += check_sequence(octets[1:]) + b"\x7e"
    one, other = (Decoder().decode(apdu(each)) for each in (direct, octets))
    changed = {q: v for q, v in values_of(other).items() if values_of(one)[q] != v}
    assert changed == {Q.CURR_L1: 521, Q.CURR_L2: 133, Q.CURR_L3: 1044}


def apdu(telegram: bytes) -> Apdu:
    """The message in a telegram."""
    (found,) = Stream().feed(telegram)
    assert isinstance(found, Apdu)
    return found


@pytest.mark.parametrize(("raw", "millivolts"), [(231, 231_000), (1000, 1_000_000), (23_010, 230_100)])
def test_kamstrup_voltages(meter: Meter, raw: int, millivolts: int) -> None:
    """Volts, or hundredths of a volt where they would be more than a thousand (firmware of 2025)."""
    assert values_of(meter.sends(kamstrup(obis("32.7.0"), raw))) == {Q.VOLT_L1: millivolts}


@pytest.mark.parametrize(
    "pairs",
    [
        (obis("1.7.0"), 5, None, None, obis("32.7.0"), 231),
        (None, None, obis("1.7.0"), 5, None, None, obis("32.7.0"), 231, None, None),
        (obis("1.7.0"), 5, obis("32.7.0"), 231),  # left out altogether: revision 3.1
        (obis("1.7.0"), 5, obis("31.7.0"), None, obis("32.7.0"), 231),
    ],
)
def test_kamstrup_null_pairs(meter: Meter, pairs: tuple[Data, ...]) -> None:
    """What a Kamstrup lacks may be null pairs, null values or nothing at all."""
    assert values_of(meter.sends(kamstrup(*pairs))) == {Q.ACT_POW_POS: 5, Q.VOLT_L1: 231_000}


@pytest.mark.parametrize(
    ("body", "sent_at", "age_ms"),
    [
        (aidon(register("1.8.0", 1, 1, WH), register("1.0.0", NOON)), b"", 10_000),
        (aidon(register("1.8.0", 1, 1, WH)), b"", 10_000),
        (kaifa(*[1] * 10, NOON, 1, 1, 1, 1), NOON, 0),
        (kaifa(*[1] * 10, NOON, 1, 1, 1, 1), b"", 0),
        (kamstrup(obis("1.0.0", 0, 1), NOON, obis("1.8.0"), 1), NOON, 0),
        (kamstrup(obis("1.0.0", 0, 1), NOON, obis("1.8.0"), 1), FIVE_PAST, 300_000),
        (kamstrup(obis("1.0.0", 0, 1), FIVE_PAST, obis("1.8.0"), 1), NOON, 0),  # sent before it was true?
        (kamstrup(obis("1.8.0"), 1), NOON, 0),
    ],
    ids=[
        "Aidon",
        "Aidon without a clock",
        "Kaifa",
        "Kaifa without a date-time",
        "Kamstrup at once",
        "Kamstrup five minutes late",
        "a clock ahead of the date-time",
        "Kamstrup without a clock",
    ],
)
def test_the_age_of_the_energies(meter: Meter, body: Data, sent_at: bytes, age_ms: int) -> None:
    """Aidon's energies are ten seconds old when sent; others tell it by their own two times."""
    outcome = meter.sends(body, sent_at)
    assert isinstance(outcome, Reading)
    assert outcome.mark_age_ms == age_ms
    assert outcome.list_type is ListType.HOURLY


def test_a_clock_that_is_not_set(meter: Meter) -> None:
    """A clock whose status says invalid is told, and told to be so."""
    at_start = bytes.fromhex("07D00101060000 00FF800001")
    outcome = meter.sends(kamstrup(obis("1.7.0"), 5), at_start)
    assert isinstance(outcome, Reading)
    assert outcome.clock == MeterClock(datetime(2000, 1, 1), False, TimeBase.STANDARD)


def test_a_fast_list_takes_the_vendor_that_spoke_before(meter: Meter) -> None:
    """A lone power in a register is an Aidon's, but after an E350's list it is the E350's."""
    alone = Array((register("1.7.0", 5, 0, W),))
    bodies = (alone, embriq("ZFF1"), alone, aidon(register("1.7.0", 6, 0, W)), alone)
    outcomes = [meter.sends(body) for body in bodies]
    vendors = [outcome.vendor for outcome in outcomes if isinstance(outcome, Reading)]
    assert vendors == ["aidon", "landisgyr", "landisgyr", "aidon", "aidon"]


@pytest.mark.parametrize(("sent", "meter_type"), [("ZFF1", "ZFF1"), ("\0\0\0\0", ""), ("ZFF1\0\0", "ZFF1")])
def test_texts_padded_with_nuls(meter: Meter, sent: str, meter_type: str) -> None:
    """NULs around a text are no part of it; a type of NULs alone is one sent empty."""
    outcome = meter.sends(embriq(sent))
    assert isinstance(outcome, Reading)
    assert outcome.identity == Identity("EMBRIQ_V1_1", "00000017", meter_type)


def test_the_hourly_list_of_an_e350(meter: Meter) -> None:
    """Energies in whole Wh, whose codes are abstract ones (made after a ZMF100)."""
    energies = {"1.8.0": (34_479, WH), "2.8.0": (95_334, WH), "3.8.0": (10_724, 32), "4.8.0": (1499, 32)}
    rows = (
        Structure((obis(code, 0), value, Structure((0, unit)))) for code, (value, unit) in energies.items()
    )
    clock = Structure((obis("1.0.0", 0), bytes.fromhex("07E30401000D0006FF000000")))
    outcome = meter.sends(Array((*embriq("ZMF1"), clock, *rows)))
    assert isinstance(outcome, Reading)
    assert outcome.list_type is ListType.HOURLY
    assert {q.value: outcome.values[q] for q in ENERGIES} == {
        "act_energy_pos": 34_479, "act_energy_neg": 95_334, "react_energy_pos": 10_724,
        "react_energy_neg": 1499,
    }  # fmt: skip
    assert outcome.clock == MeterClock(datetime(2019, 4, 1, 13, 0, 6), True, TimeBase.CIVIL)


def test_a_refused_list_is_not_who_spoke(meter: Meter) -> None:
    """Only a list that was read tells whose the next anonymous one is."""
    rejected(meter.sends(Array((register("0.2.129", "EMBRIQ_V1_1"), register("1.7.0", "x", 0, W)))))
    outcome = meter.sends(Array((register("1.7.0", 5, 0, W),)))
    assert isinstance(outcome, Reading)
    assert outcome.vendor == "aidon"


_CODES = [
    *(obis(code) for code in ("1.7.0", "2.7.0", "31.7.0", "32.7.0", "1.8.0", "1.0.0", "0.2.129")),
    *(obis(code, 0) for code in ("96.1.0", "96.1.7", "42.0.0", "1.0.0")),
    obis("96.1.1", 1, 1),
    b"\x01\x00",
    b"",
]
_TEXTS = ["AIDON_V0001", "KFM_001", "EMBRIQ_V1_1", "Kamstrup_V0001", "ISK5", "LGZ1", "685", "\0\0"]
_LEAVES: st.SearchStrategy[Data] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-10, 40),
    st.floats(),
    st.sampled_from(_CODES),
    st.sampled_from(_TEXTS),
    st.sampled_from(_TEXTS).map(str.encode),
    st.sampled_from([NOON, FIVE_PAST, b"\xff" * 12]),
    st.binary(max_size=14),
)


def _sequences(inner: st.SearchStrategy[Data]) -> st.SearchStrategy[Data]:
    lists = st.lists(inner, max_size=6)
    registers = st.builds(
        lambda code, *rest: Structure((code, *rest)),
        st.sampled_from(_CODES),
        inner,
        st.just(Structure((0, W))),
    )
    descriptors = st.builds(lambda code: Structure((1, code, 2, 0)), st.sampled_from(_CODES))
    return st.one_of(
        lists.map(Array),
        lists.map(Structure),
        st.lists(inner | registers, min_size=15, max_size=15).map(Array),
        st.lists(registers | inner, max_size=5).map(lambda rest: aidon(*rest)),  # type: ignore[arg-type]
        lists.map(lambda rest: kamstrup(*rest)),
        lists.map(lambda rest: kaifa(*rest)),
        registers,
        st.lists(descriptors, max_size=5).map(Array),
        st.builds(lambda a, rest: Structure((Array(a), *rest)), st.lists(descriptors, max_size=4), lists),
    )


@given(
    st.lists(st.recursive(_LEAVES, _sequences, max_leaves=25), min_size=1, max_size=3), st.binary(max_size=12)
)
def test_any_body(encode: Encode, bodies: list[Data], sent_at: bytes) -> None:
    """Whatever a message with right checksums holds, it gives whole numbers or a reason, never an error."""
    meter = Meter(encode)
    for body in bodies:
        outcome = meter.sends(body, sent_at)
        if isinstance(outcome, Reading):
            assert outcome.values
            assert all(type(value) is int and abs(value) < 2**128 for value in outcome.values.values())
        else:
            assert outcome.reason
