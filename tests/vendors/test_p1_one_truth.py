"""P1 text from meters nobody knows: each register is what its own line says, whatever stands around it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.cli import main
from han2x.model.instant import Instant
from han2x.model.partial import complete
from han2x.model.quantity import PRINCIPAL, Quantity
from han2x.model.reading import Parts, Reading
from han2x.model.state import EMPTY, Snapshot, fold
from han2x.runtime.stored_state import Stored, from_json, to_json
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.vendors.meter_number import chosen
from han2x.wire.result import Apdu, Discarded
from han2x.wire.stream import Stream

from ..conftest import crc16, p1_text

Q = Quantity

REGISTERS = {
    "1-0:1.8.0": ("001254.321*kWh", Q.ACT_ENERGY_POS, 1_254_321),
    "1-0:2.8.0": ("000012.000*kWh", Q.ACT_ENERGY_NEG, 12_000),
    "1-0:3.8.0": ("000003.5*kvarh", Q.REACT_ENERGY_POS, 3500),
    "1-0:1.7.0": ("01.193*kW", Q.ACT_POW_POS, 1193),
    "1-0:2.7.0": ("00.000*kW", Q.ACT_POW_NEG, 0),
    "1-0:32.7.0": ("230.1*V", Q.VOLT_L1, 230_100),
    "1-0:31.7.0": ("001.5*A", Q.CURR_L1, 1500),
}
LINES = [f"{code}({sent})" for code, (sent, *_) in REGISTERS.items()]
VALUES = {quantity: value for _, quantity, value in REGISTERS.values()}


def text(*lines: str, end: str = "\r\n", header: str = "/SIM5X", digits: str | None = "{:04X}") -> bytes:
    """A text of these lines; `digits`: how its check sum is written, None for none."""
    octets = (end.join((header, "", *lines)) + f"{end}!").encode("ascii")
    return octets + (digits.format(crc16(octets)) if digits else "").encode("ascii") + end.encode("ascii")


def outcome(octets: bytes, *, unchecked: bool = False, size: int = 1 << 20) -> Reading | Discarded:
    stream = Stream()
    pieces = [octets[first : first + size] for first in range(0, len(octets), size)]
    found = [item for piece in pieces for item in stream.feed(piece)]
    (item,) = [*found, *stream.flush()]
    return Decoder(None, Manner(unchecked=unchecked)).decode(item) if isinstance(item, Apdu) else item


def right(octets: bytes, size: int) -> list[Apdu]:
    """What has the right check sum."""
    stream = Stream()
    pieces = [octets[first : first + size] for first in range(0, len(octets), size)]
    found = [item for piece in pieces for item in stream.feed(piece)]
    return [item for item in [*found, *stream.flush()] if isinstance(item, Apdu)]


def read(*lines: str, unchecked: bool = False, **form: str) -> Reading:
    reading = outcome(text(*lines, **form), unchecked=unchecked)
    assert isinstance(reading, Reading), reading
    return reading


def sent(code: str, values: Mapping[str, str]) -> Reading:
    return read(*(f"{code}.{tariff}({value})" for tariff, value in values.items()))


OTHER_VALUES = st.decimals(0, 99_999, places=3).map("{:010.3f}".format)
STORAGE = st.integers(0, 254).flatmap(lambda f: st.sampled_from([f"*{f:02}", f"*{f}", f"&{f}"]))
AROUND = st.one_of(
    st.builds(
        lambda code, storage, value: f"{code}{storage}({value}*kWh)",
        st.sampled_from(list(REGISTERS)), STORAGE, OTHER_VALUES,
    ),
    st.builds(
        lambda a, b, code, value: f"{a}-{b}:{code[4:]}({value}*kWh)",
        st.integers(0, 9), st.integers(1, 9), st.sampled_from(list(REGISTERS)), OTHER_VALUES,
    ),
    st.builds(lambda b, value: f"0-{b}:24.2.1(230101000000W)({value}*m3)", st.integers(1, 4), OTHER_VALUES),
    st.builds(
        lambda value: f"1-0:98.1.0(1)(1-0:1.8.0)(1-0:1.8.0)(230101000000W)({value}*kWh)", OTHER_VALUES
    ),
    st.builds(lambda value: f"1-0:99.97.0(1)(0-0:96.7.19)(230101000000W)({value}*s)", OTHER_VALUES),
    st.builds(lambda value: f"({value})", OTHER_VALUES),
    st.sampled_from(["1-0:1.8.1(000001.000*kWh)", "1-0:16.7.0(-09.999*kW)", "1-0:0.2.0((ER11))", ""]),
    st.sampled_from(LINES),
)  # fmt: skip


@given(
    st.lists(AROUND, max_size=12), st.randoms(use_true_random=False), st.sampled_from(["\r\n", "\n", "\r"])
)
def test_registers_stay_what_they_are(around: list[str], shuffle: object, end: str) -> None:
    """Shuffled, repeated, past, of other channels, in profiles: registers are those of their own lines."""
    lines = [*LINES, *around]
    shuffle.shuffle(lines)  # type: ignore[attr-defined]
    for octets, unchecked in ((text(*lines, end=end), False), (text(*lines, end=end, digits=None), True)):
        reading = outcome(octets, unchecked=unchecked)
        assert isinstance(reading, Reading), reading
        assert reading.values == VALUES
        assert not reading.refused


@given(st.sampled_from(list(REGISTERS)), st.booleans())
def test_two_values_for_one_register(code: str, first: bool) -> None:
    """A register that is said to be two things is neither; it is listed."""
    other = f"{code}({'7' + REGISTERS[code][0][1:]})"
    reading = read(*((other, *LINES) if first else (*LINES, other)))
    quantity = REGISTERS[code][1]
    assert reading.values == {q: value for q, value in VALUES.items() if q is not quantity}
    assert reading.refused == (f"{code}: sent twice with different values",)


def test_what_decode_says_is_what_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A past value with more decimals than the register's is not shown in its place."""
    file = tmp_path / "text"
    file.write_bytes(
        text("1-0:1.8.0*01(6494.1234567*kWh)", "1-0:1.8.0(1254.000*kWh)", "1-0:1.7.0(0.0355*kW)")
    )
    main(["decode", "--json", str(file)])
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["values"] == {"act_energy_pos_wh": 1_254_000, "act_pow_pos_w": 35.5}
    assert row["not_decoded"] == ["1-0:1.8.0*01"]
    main(["decode", str(file)])
    shown = capsys.readouterr().out
    assert "35.5 W" in shown
    assert "1-0:1.8.0*01" in shown


@pytest.mark.parametrize(
    ("code", "sent", "quantity", "value"),
    [
        ("1.8.0", "0.012345*GWh", Q.ACT_ENERGY_POS, 12_345_000),
        ("1.8.0", "12.345*MWh", Q.ACT_ENERGY_POS, 12_345_000),
        ("1.8.0", "12345.678*KWH", Q.ACT_ENERGY_POS, 12_345_678),
        ("1.7.0", "0.001234*MW", Q.ACT_POW_POS, 1234),
        ("1.7.0", "1234000*mW", Q.ACT_POW_POS, 1234),
        ("1.7.0", "+0001,234*kW", Q.ACT_POW_POS, 1234),
        ("32.7.0", "0000.242*kV", Q.VOLT_L1, 242_000),
        ("32.7.0", "230100*mV", Q.VOLT_L1, 230_100),
        ("31.7.0", "0000.005*kA", Q.CURR_L1, 5000),
        ("31.7.0", "1500*mA", Q.CURR_L1, 1500),
        ("3.7.0", "1.5*KVAR", Q.REACT_POW_POS, 1500),
        ("4.8.0", "0.002*Mvarh", Q.REACT_ENERGY_NEG, 2000),
        ("1.8.0*255", "1.000*kWh", Q.ACT_ENERGY_POS, 1000),
        ("1.7.0", " 0001.234 * kW ", Q.ACT_POW_POS, 1234),
    ],
)
def test_units_with_prefixes(code: str, sent: str, quantity: Quantity, value: int) -> None:
    """The unit is the one that is sent."""
    reading = read(f"1-0:{code}({sent})")
    assert reading.values == {quantity: value}
    assert not reading.refused


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("1.8.0", "12.345*mwh"),  # milli or mega
        ("32.7.0", "230*MV"),
        ("31.7.0", "5*V"),
        ("1.8.0", "12345"),
        ("1.8.0", "1*kWh)(2*kWh"),
        ("1.8.0", "12345.678*xWh"),
    ],
)
def test_a_unit_that_is_not_certain(code: str, sent: str) -> None:
    """No factor is guessed: the value is listed, the others are used."""
    reading = read(f"1-0:{code}({sent})", "1-0:2.7.0(1*kW)")
    assert reading.values == {Q.ACT_POW_NEG: 1000}
    assert len(reading.refused) == 1


@pytest.mark.parametrize(
    "line",
    ["\t1-0:1.7.0(01.000*kW) ", "1-0:1.7.0 (01.000*kW)\t", "1-0:1.7.0(01.000*kW)xyz", "1.7.0(01.000*kW)"],
)
def test_blanks_and_what_stands_behind(line: str) -> None:
    """The value is used; what does not belong is listed, and costs a text without a check sum."""
    reading = read(line, "1-0:2.7.0(0*kW)")
    assert reading.values == {Q.ACT_POW_POS: 1000, Q.ACT_POW_NEG: 0}
    assert bool(reading.unknown) is ("xyz" in line)
    unchecked = outcome(text(line, "1-0:2.7.0(0*kW)", digits=None), unchecked=True)
    assert isinstance(unchecked, Discarded) is ("xyz" in line)


@pytest.mark.parametrize(
    "line", ["garbage", "1-0:1.7.0;01.000*kW)", "1-0:1.7.0(01.000*kW", "x(1*kW)", "\x07"]
)
def test_a_strange_line(line: str) -> None:
    """It is listed, and costs a text only if no check sum vouches for it."""
    reading = read(line, "1-0:2.7.0(1*kW)")
    assert reading.values == {Q.ACT_POW_NEG: 1000}
    assert len(reading.unknown) == 1
    assert reading.unknown[0].isprintable()
    assert isinstance(outcome(text(line, "1-0:2.7.0(1*kW)", digits=None), unchecked=True), Discarded)


def with_leading_zeros(lines: tuple[str, ...], below: int) -> bytes:
    """A text whose check sum has leading zeros."""
    texts = (text(*lines, f"0-0:96.13.0({number})", digits="{:X}") for number in range(100_000))
    return next(octets for octets in texts if int(octets.rpartition(b"!")[2], 16) < below)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_forms_of_the_check_sum(size: int) -> None:
    """In lower case, without leading zeros, with blanks and more behind it: it is still the check sum."""
    lines = ("1-0:1.7.0(01.000*kW)",)
    forms = [
        text(*lines, digits="{:04x}"),
        with_leading_zeros(lines, 0x1000),
        with_leading_zeros(lines, 0x100),
        text(*lines, digits=" {:04X} "),
        text(*lines, digits="{:04X} more"),
    ]
    for octets in forms:
        reading = outcome(octets, size=size)
        assert isinstance(reading, Reading), octets
        assert reading.values == {Q.ACT_POW_POS: 1000}
        assert not right(octets.replace(b"01.000", b"01.001"), size)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("header", ["/SIM5X\r1-0:2.7.0(0*kW)", "/SIM5X"])
def test_a_line_end_of_one_octet(header: str, size: int) -> None:
    """A header, or every line, that ends in CR alone."""
    lines = ("1-0:1.7.0(01.000*kW)", "1-0:32.7.0(230*V)")
    for end in ("\r\n", "\r"):
        reading = outcome(text(*lines, header=header, end=end), size=size)
        assert isinstance(reading, Reading), reading
        assert reading.values[Q.ACT_POW_POS] == 1000
        assert (Q.ACT_POW_NEG in reading.values) is ("2.7.0" in header)


@given(st.sets(st.integers(1, 63), min_size=1, max_size=20))
def test_any_number_of_tariffs(tariffs: set[int]) -> None:
    """All tariffs make the total; a total that is sent wins."""
    lines = [f"1-0:1.8.{tariff}({tariff}.001*kWh)" for tariff in tariffs]
    reading = read(*lines)
    assert reading.values == {Q.ACT_ENERGY_POS: sum(1000 * tariff + 1 for tariff in tariffs)}
    assert dict(reading.parts) == {Q.ACT_ENERGY_POS: frozenset(tariffs)}
    assert read(*lines, "1-0:1.8.0(9999.000*kWh)").values == {Q.ACT_ENERGY_POS: 9_999_000}


@pytest.mark.parametrize("spoilt", ["1-0:1.8.2(x*kWh)", "1-0:1.8.1(2*kWh)", "1-0:1.8.0(1*V)"])
def test_a_sum_with_a_part_that_cannot_be_used(spoilt: str) -> None:
    """It is not made of the rest."""
    reading = read("1-0:1.8.1(1*kWh)", spoilt, "1-0:1.7.0(1*kW)")
    assert reading.values == {Q.ACT_POW_POS: 1000}
    assert len(reading.refused) == 1


def test_exact_sums_of_tariffs() -> None:
    """Fractions of a Wh are added, not rounded one by one."""
    reading = sent("1-0:1.8", {"1": "0.0004*kWh", "2": "0.0004*kWh"})
    assert reading.values == {Q.ACT_ENERGY_POS: 1}
    assert reading.finer == ((Q.ACT_ENERGY_POS, 0.8),)


def test_a_tariff_that_is_missing() -> None:
    """The total is held, also after a restart, and goes on when the register is there again."""
    now = Instant(1_700_000_000_000, 0)
    full = {"1": "1.000*kWh", "2": "2.000*kWh", "5": "3.000*kWh"}
    snapshot = fold(EMPTY, sent("1-0:1.8", full), now)
    snapshot = fold(snapshot, sent("1-0:1.8", {**full, "1": "1.100*kWh"}), now)
    assert snapshot.values[Q.ACT_ENERGY_POS] == 6100
    assert not snapshot.partial
    for known in (snapshot, stored_and_loaded(snapshot)):
        held = fold(known, sent("1-0:1.8", {"1": "9.000*kWh", "2": "2.000*kWh"}), now)
        assert held.values[Q.ACT_ENERGY_POS] == 6100
        assert held.partial == {Q.ACT_ENERGY_POS}
        again = fold(held, sent("1-0:1.8", {**full, "1": "1.200*kWh"}), now)
        assert again.values[Q.ACT_ENERGY_POS] == 6200
        assert not again.partial


def test_a_tariff_that_is_dropped_for_good() -> None:
    """After a day the total goes on with the tariff's last value: 6000 Wh, of which 3000 are sent no more."""
    start, day = 1_700_000_000_000, 24 * 3600 * 1000
    full = {"1": "1.000*kWh", "2": "2.000*kWh", "3": "3.000*kWh"}
    snapshot = fold(EMPTY, sent("1-0:1.8", full), Instant(start, 0))
    shown = []
    for hour in range(1, 28):
        now = Instant(start + hour * 3_600_000, hour * 3_600_000)
        rest = {"1": f"{1 + hour / 10:.3f}*kWh", "2": "2.000*kWh"}
        snapshot = fold(stored_and_loaded(snapshot), sent("1-0:1.8", rest), now)
        shown.append((snapshot.values[Q.ACT_ENERGY_POS], bool(snapshot.partial)))
    # First missing in hour 1, when the others have made 100 Wh: the tariff's last value is taken for 2900 Wh.
    assert shown[:24] == [(6000, True)] * 24
    assert shown[24:] == [(8400, False), (8500, False), (8600, False)]
    later = Instant(start + 2 * day, 2 * day)
    again = fold(snapshot, sent("1-0:1.8", {"1": "3.700*kWh", "2": "2.100*kWh", "3": "3.000*kWh"}), later)
    assert (again.values[Q.ACT_ENERGY_POS], again.partial, again.dropped) == (8800, frozenset(), {})


def test_two_tariffs_dropped_one_after_the_other() -> None:
    """The total never falls, whichever comes back."""
    hour = 3_600_000
    sets = [
        *[{"1": 1000, "2": 2000, "3": 3000}] * 2, *[{"1": 1100, "2": 2000}] * 30, *[{"1": 1200}] * 30,
        *[{"1": 1300, "3": 3000}] * 30, {"1": 1400, "2": 2000, "3": 3000},
    ]  # fmt: skip
    snapshot, shown = EMPTY, []
    for number, parts in enumerate(sets):
        now = Instant(1_700_000_000_000 + number * hour, number * hour)
        snapshot = fold(
            snapshot, sent("1-0:1.8", {e: f"{wh / 1000:.3f}*kWh" for e, wh in parts.items()}), now
        )
        shown.append(snapshot.values[Q.ACT_ENERGY_POS])
    assert shown == sorted(shown)
    assert (shown[0], shown[-1]) == (6000, 6400)
    assert not snapshot.partial


def test_a_total_that_is_dropped_for_good() -> None:
    """Its tariffs go on from where it stood."""
    hour = 3_600_000
    snapshot = fold(
        EMPTY, read("1-0:1.8.0(5.000*kWh)", "1-0:1.8.1(2.000*kWh)"), Instant(1_700_000_000_000, 0)
    )
    for number in range(1, 30):
        now = Instant(1_700_000_000_000 + number * hour, number * hour)
        snapshot = fold(
            snapshot, read("1-0:1.8.1(2.500*kWh)" if number > 26 else "1-0:1.8.1(2.000*kWh)"), now
        )
    assert snapshot.values[Q.ACT_ENERGY_POS] == 5500


def stored_and_loaded(snapshot: Snapshot) -> Snapshot:
    loaded = from_json(to_json(Stored(snapshot, 1000, 1000)))
    assert loaded
    return loaded.snapshot


def test_a_sum_never_takes_a_totals_place() -> None:
    """Once a total was sent, the sum of some tariffs is another number."""
    known: Parts = {}
    known, _ = complete(known, read("1-0:1.8.0(5.000*kWh)", "1-0:1.8.1(2.000*kWh)"))
    known, reading = complete(known, read("1-0:1.8.1(2.000*kWh)", "1-0:1.7.0(1*kW)"))
    assert reading.values == {Q.ACT_POW_POS: 1000}
    assert reading.partial == {Q.ACT_ENERGY_POS}
    assert len(reading.notes) == 1


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (("21.7.0(1*kW)", "41.7.0(2*kW)", "61.7.0(0*kW)"), {Q.ACT_POW_POS: 3000}),
        (
            ("21.7.0(1*kW)", "22.7.0(0*kW)", "41.7.0(0*kW)", "42.7.0(2.5*kW)"),
            {Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 1500},
        ),
        (("21.7.0(1*kW)", "52.7.0(230*V)"), {Q.VOLT_L2: 230_000}),
        (("21.7.0(1*kW)", "22.7.0(0*kW)", "41.7.0(1*kW)"), {}),
        (("21.7.0(1*kW)", "1.7.0(9*kW)"), {Q.ACT_POW_POS: 9000}),
    ],
)
def test_power_by_phase_alone(lines: tuple[str, ...], values: dict[Quantity, int]) -> None:
    """It is added up if every phase that is there says its power."""
    reading = read("1-0:1.8.0(1*kWh)", *(f"1-0:{line}" for line in lines))
    found = {q: value for q, value in reading.values.items() if q in PRINCIPAL}
    assert found == {Q.ACT_ENERGY_POS: 1000, **values}


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (("0-0:96.1.0(ER23)", "0-0:42.0.0(ISK1030000000001)"), "ISK1030000000001"),
        (("0-0:96.1.1(45523233)", "0-0:96.1.0(70000001)"), "70000001"),
        (("0-0:96.1.1(00000000)", "0-0:42.0.0(70000001)"), "70000001"),
        (("0-0:96.1.1(00000000)",), "00000000"),
        (("0-0:96.1.0(V1.23)",), None),
        (("0-0:96.1.0(ER11)",), None),
        (("C.1.0(12345678)",), "12345678"),
        (("1-1:0.0.0(12345678)",), "12345678"),
        (("0-0:0.0.0(12345678)",), "12345678"),
        (("0-0:1.0.0(251214160000W)",), None),
        (("0-0:1.0.0(251314160000W)",), None),
        (("0-1:96.1.0(99999991)",), None),
        (("0-0:96.1.0()",), ""),
    ],
)
def test_who_the_meter_is(lines: tuple[str, ...], number: str | None) -> None:
    """The first that looks like a number of its kind, in order of trust."""
    assert read("1-0:1.7.0(1*kW)", *lines).identity.meter_id == number


@pytest.mark.parametrize("mark", ["ER11", "ER23", "er52", "V1.2.3", "1.20", "XYZ", "FW12", "45523131"])
def test_marks_are_no_numbers(mark: str) -> None:
    """What all meters of a kind send is none's number."""
    assert chosen((mark,)) is None
    assert chosen((mark, "70000001")) == "70000001"


@pytest.mark.parametrize(
    ("lines", "local"),
    [
        (("1-0:0.9.1(094127)", "1-0:0.9.2(220130)"), "2022-01-30T09:41:27"),
        (("0.9.1(09:41:27)", "0.9.2(22-01-30)"), "2022-01-30T09:41:27"),
        (("0-0:0.9.1(1094127)", "0-0:0.9.2(1220730)"), "2022-07-30T09:41:27"),
        (("0-0:1.0.0(230101000000W)", "1-0:0.9.1(094127)", "1-0:0.9.2(220130)"), "2023-01-01T00:00:00"),
        (("1-0:0.9.1(094127)",), None),
        (("1-0:0.9.1(094127)", "1-0:0.9.2(221330)"), None),
    ],
)
def test_the_time_in_two_lines(lines: tuple[str, ...], local: str | None) -> None:
    """Date and time make the clock where it is not sent as one."""
    clock = read("1-0:1.7.0(1*kW)", *lines).clock
    assert (clock.local.isoformat() if clock else None) == local


def test_a_text_without_a_usable_line() -> None:
    """It is refused with the reasons."""
    refused = outcome(p1_text({"1.7.0": "1*V", "2.8.0": "1"}))
    assert isinstance(refused, Discarded)
    assert "1-0:1.7.0" in refused.reason
    assert "1-0:2.8.0" in refused.reason
