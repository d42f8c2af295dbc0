"""P1 text of different makers (vendors/p1.py), each with values read off by eye."""

from datetime import datetime

import pytest

from han2x.model.quantity import Quantity
from han2x.model.reading import Reading, TimeBase
from han2x.vendors.decoder import NO_CHECK_SUM, Decoder
from han2x.vendors.decoding_options import Manner
from han2x.vendors.p1 import NOT_CHECKED
from han2x.wire.p1 import crc16
from han2x.wire.result import Apdu, Discarded
from han2x.wire.stream import Stream

from ..conftest import p1_text

Q = Quantity
UNCHECKED = Manner(unchecked=True)


def outcome(octets: bytes, manner: Manner = Manner()) -> Reading | Discarded:  # noqa: B008
    stream = Stream()
    (item,) = [*stream.feed(octets), *stream.flush()]
    return Decoder(None, manner).decode(item) if isinstance(item, Apdu) else item


def read(values: dict[str, str], **form: str) -> Reading:
    reading = outcome(p1_text(values, **form))  # type: ignore[arg-type]
    assert isinstance(reading, Reading), reading
    return reading


def test_the_check_sums_own_example() -> None:
    """CRC-16/ARC of the digits 1 to 9 is BB3D."""
    assert crc16(b"123456789") == 0xBB3D


def test_the_sheets_telegram() -> None:
    """The Swedish example of the han-port sheet, with its check sum 90EC."""
    lines = [
        "/SIM5\\HAN00000017", "", "0-0:1.0.0(251214160000W)", "1-0:1.8.0(00012345.678*kWh)",
        "1-0:2.8.0(00000000.890*kWh)", "1-0:3.8.0(00000043.210*kvarh)", "1-0:4.8.0(00000987.650*kvarh)",
        "1-0:1.7.0(0001.234*kW)", "1-0:2.7.0(0000.000*kW)", "1-0:3.7.0(0000.000*kvar)",
        "1-0:4.7.0(0000.321*kvar)", "1-0:21.7.0(0000.400*kW)", "1-0:22.7.0(0000.000*kW)",
        "1-0:41.7.0(0000.434*kW)", "1-0:42.7.0(0000.000*kW)", "1-0:61.7.0(0000.400*kW)",
        "1-0:62.7.0(0000.000*kW)", "1-0:32.7.0(231.2*V)", "1-0:52.7.0(230.5*V)", "1-0:72.7.0(229.8*V)",
        "1-0:31.7.0(005.2*A)", "1-0:51.7.0(001.3*A)", "1-0:71.7.0(010.4*A)", "!90EC", "",
    ]  # fmt: skip
    reading = outcome("\r\n".join(lines).encode())
    assert isinstance(reading, Reading)
    assert reading.values == {
        Q.ACT_ENERGY_POS: 12_345_678, Q.ACT_ENERGY_NEG: 890, Q.REACT_ENERGY_POS: 43_210,
        Q.REACT_ENERGY_NEG: 987_650, Q.ACT_POW_POS: 1234, Q.ACT_POW_NEG: 0, Q.REACT_POW_POS: 0,
        Q.REACT_POW_NEG: 321, Q.VOLT_L1: 231_200, Q.VOLT_L2: 230_500, Q.VOLT_L3: 229_800,
        Q.CURR_L1: 5200, Q.CURR_L2: 1300, Q.CURR_L3: 10_400,
        Q.ACT_POW_POS_L1: 400, Q.ACT_POW_NEG_L1: 0, Q.ACT_POW_POS_L2: 434, Q.ACT_POW_NEG_L2: 0,
        Q.ACT_POW_POS_L3: 400, Q.ACT_POW_NEG_L3: 0,
    }  # fmt: skip
    assert reading.clock == (datetime(2025, 12, 14, 16), True, TimeBase.STANDARD)
    assert not reading.notes


@pytest.mark.parametrize(
    ("code", "sent", "quantity", "value"),
    [
        ("1.7.0", "01.193*kW", Q.ACT_POW_POS, 1193),
        ("1.7.0", "0001.01*kW", Q.ACT_POW_POS, 1010),
        ("1.7.0", "000000286*W", Q.ACT_POW_POS, 286),
        ("1.7.0", "000286*w", Q.ACT_POW_POS, 286),
        ("1.7.0*255", "001688.21*W", Q.ACT_POW_POS, 1688),
        ("1.7.0.255", "0.5*W", Q.ACT_POW_POS, 1),
        ("3.7.0", "0000.022*kVAr", Q.REACT_POW_POS, 22),
        ("4.7.0", "0000.022*kVA", Q.REACT_POW_NEG, 22),
        ("1.8.0", "006545766*Wh", Q.ACT_ENERGY_POS, 6_545_766),
        ("1.8.0", "00032549.5061662*kWh", Q.ACT_ENERGY_POS, 32_549_506),
        ("4.8.0", "5686.916*kVArh", Q.REACT_ENERGY_NEG, 5_686_916),
        ("31.7.0", "001*A", Q.CURR_L1, 1000),
        ("31.7.0", "000.27*A", Q.CURR_L1, 270),
        ("51.7.0", "-001.5*A", Q.CURR_L2, -1500),
        ("72.7.0", "00233.5*V", Q.VOLT_L3, 233_500),
        ("1.7.0", "251214160000W)(01.193*kW", Q.ACT_POW_POS, 1193),
    ],
)
def test_units_widths_and_cases(code: str, sent: str, quantity: Quantity, value: int) -> None:
    """A value is a decimal with the unit it carries, however wide and in whatever case."""
    assert read({code: sent}).values == {quantity: value}


def test_tariffs_are_summed() -> None:
    """Registers by tariff make the total, unless the total is sent as well."""
    tariffs = {"1.8.1": "001581.123*kWh", "1.8.2": "001435.706*kWh", "2.8.1": "1.000*kWh", "2.8.2": "0.5*kWh"}
    assert read(tariffs).values == {Q.ACT_ENERGY_POS: 3_016_829, Q.ACT_ENERGY_NEG: 1500}
    assert read({**tariffs, "1.8.0": "3000.000*kWh"}).values[Q.ACT_ENERGY_POS] == 3_000_000


def test_other_channels_are_ignored() -> None:
    """Gas, water and their numbers are not this meter's, whatever their codes."""
    reading = read(
        {
            "0-1:24.2.1": "161129200000W)(00981.443*m3",
            "0-1:96.1.0": "4819243993373755377509728609491464",
            "0-2:1.7.0": "9.999*kW",
            "0-0:96.1.1": "1234",
            "1.7.0": "1.000*kW",
        }
    )
    assert reading.values == {Q.ACT_POW_POS: 1000}
    assert reading.identity.meter_id == "1234"


@pytest.mark.parametrize(
    ("sent", "local", "base"),
    [
        ("251214160000W", datetime(2025, 12, 14, 16), TimeBase.STANDARD),
        ("250714160000S", datetime(2025, 7, 14, 16), TimeBase.CIVIL),
        ("20240111 09:35:00", datetime(2024, 1, 11, 9, 35), TimeBase.CIVIL),
        ("2024-01-11 09:35:00", datetime(2024, 1, 11, 9, 35), TimeBase.CIVIL),
    ],
)
def test_clocks(sent: str, local: datetime, base: TimeBase) -> None:
    """The forms of the time."""
    assert read({"0-0:1.0.0": sent, "1.7.0": "1*kW"}).clock == (local, True, base)


@pytest.mark.parametrize("sent", ["", "251314160000W", "632525252525S", "yesterday"])
def test_a_clock_that_is_none(sent: str) -> None:
    """A time that cannot be leaves the values as they are."""
    reading = read({"0-0:1.0.0": sent, "1.7.0": "1*kW"})
    assert reading.clock is None
    assert reading.values == {Q.ACT_POW_POS: 1000}


def test_net_power_alone() -> None:
    """A meter that sends only the difference imports or exports it."""
    assert read({"16.7.0": "-0.250*kW"}).values == {Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 250}
    assert read({"1.7.0": "1*kW", "2.7.0": "0*kW", "16.7.0": "1*kW"}).values == {
        Q.ACT_POW_POS: 1000,
        Q.ACT_POW_NEG: 0,
    }


@pytest.mark.parametrize("sent", ["abc*kW", "1.2.3*kW", "1.000*V", "1.000", "1.000*", "9" * 30 + "*kW"])
def test_a_value_that_is_none_costs_itself(sent: str) -> None:
    """A value that cannot be is listed; the rest is used, if the check sum vouches for it."""
    octets = p1_text({"1.7.0": sent, "2.7.0": "1*kW"})
    reading = outcome(octets)
    assert isinstance(reading, Reading)
    assert reading.values == {Q.ACT_POW_NEG: 1000}
    assert reading.refused == ("1-0:1.7.0: no number with a unit of its own",)
    alone = outcome(p1_text({"1.7.0": sent}))
    assert isinstance(alone, Discarded)
    assert "1-0:1.7.0" in alone.reason
    assert isinstance(outcome(p1_text({"1.7.0": sent, "2.7.0": "1*kW"}, checked=False), UNCHECKED), Discarded)


def test_what_is_not_sent_or_not_known_costs_nothing() -> None:
    """Empty brackets, codes without a meaning, and a power factor without a unit beside a good value."""
    reading = read(
        {"1.7.0": "1*kW", "2.7.0": "", "99.97.0": "0)(0-0:96.7.19", "13.7.0": "0.98", "33.7.0": "1*X"}
    )
    assert reading.values == {Q.ACT_POW_POS: 1000, Q.POWER_FACTOR: 980}
    assert reading.unknown == ("1-0:99.97.0",)


def test_without_a_check_sum() -> None:
    """It is believed only when the owner says so, line by line, and it is noted."""
    octets = p1_text({"1.7.0": "1.000*kW", "0-1:24.3.0": "161107190000)(00", "2.7.0": "0*kW"}, checked=False)
    refused = outcome(octets)
    assert isinstance(refused, Discarded)
    assert refused.reason == NO_CHECK_SUM
    reading = outcome(octets, Manner(unchecked=True))
    assert isinstance(reading, Reading)
    assert reading.notes == (NOT_CHECKED,)
    damaged = outcome(octets.replace(b"1-0:1.7.0(", b"1-0:1.7.0;"), Manner(unchecked=True))
    assert isinstance(damaged, Discarded)


@pytest.mark.parametrize(
    ("header", "maker"),
    [("/KAM5", "kamstrup"), ("/ADN9 6534", "aidon"), ("/ISk5\\2MT382-1004", "iskraemeco"), ("/ZZZ5X", "zzz")],
)
def test_makers(header: str, maker: str) -> None:
    """The three letters tell who made the meter."""
    assert read({"1.7.0": "1*kW"}, header=header).vendor == maker


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_last_line_end_may_be_missing(end: bytes) -> None:
    """At the end of a recording the check sum alone is enough."""
    octets = p1_text({"1.7.0": "1*kW"})[:-2] + end
    assert isinstance(outcome(octets), Reading)


def test_a_bridge_that_takes_the_returns_away() -> None:
    """Text whose line ends were changed on the way is known by its check sum."""
    octets = p1_text({"1.7.0": "1.234*kW", "32.7.0": "230.1*V"})
    for lost, put in ((b"\r", b""), (b"\n", b""), (b"\n", b"\r\n")):
        assert outcome(octets.replace(lost, put)) == outcome(octets), (lost, put)
        wrong = octets.replace(b"1.234", b"1.235").replace(lost, put)
        assert isinstance(outcome(wrong), Discarded), (lost, put)
