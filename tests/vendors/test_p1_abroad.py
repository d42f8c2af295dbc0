"""P1 text as grid companies of each country have it, made up by us after their documents and public reports.

Numbers and values are ours. `docs/meters.md` says which were seen on real bytes.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from han2x.intake.pipeline import Pipeline
from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.simulator.cipher import AUTHENTICATION_KEY, ENCRYPTION_KEY, ciphered
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.cipher import Keys
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

from ..conftest import crc16


class Text(NamedTuple):
    """A country's text and what it says."""

    header: str
    lines: str
    vendor: str
    meter: str | None
    clock: str | None
    values: Mapping[str, int]
    unknown: tuple[str, ...] = ()


TEXTS = {
    "Luxembourg, Smarty (Sagemcom T210-D)": Text(
        "/Lux5\\253700001_D",
        """1-3:0.2.8(42)
        0-0:1.0.0(241031142239W)
        0-0:42.0.0(53414731303330373030303030303031)
        1-0:1.8.0(005675.956*kWh)
        1-0:2.8.0(000000.002*kWh)
        1-0:3.8.0(000120.721*kvarh)
        1-0:4.8.0(000697.336*kvarh)
        1-0:1.7.0(03.074*kW)
        1-0:2.7.0(00.000*kW)
        1-0:3.7.0(00.000*kvar)
        1-0:4.7.0(00.125*kvar)
        0-0:17.0.0(27.600*kVA)
        1-0:9.7.0(03.077*kVA)
        1-0:10.7.0(00.000*kVA)
        1-1:31.4.0(200*A)(-200*A)
        0-0:96.3.10(1)
        0-1:96.3.10(0)
        0-0:96.7.21(00005)
        1-0:32.32.0(00001)
        0-0:96.13.0()
        0-0:96.13.2()
        1-0:32.7.0(230.0*V)
        1-0:52.7.0(230.0*V)
        1-0:72.7.0(229.0*V)
        1-0:31.7.0(005*A)
        1-0:51.7.0(004*A)
        1-0:71.7.0(006*A)
        1-0:21.7.0(01.100*kW)
        1-0:41.7.0(00.874*kW)
        1-0:61.7.0(01.100*kW)
        1-0:22.7.0(00.000*kW)
        1-0:42.7.0(00.000*kW)
        1-0:62.7.0(00.000*kW)""",
        "lux", "53414731303330373030303030303031", "2024-10-31T14:22:39",
        {
            "act_energy_pos": 5_675_956, "act_energy_neg": 2, "react_energy_pos": 120_721,
            "react_energy_neg": 697_336, "act_pow_pos": 3074, "act_pow_neg": 0, "react_pow_pos": 0,
            "react_pow_neg": 125, "volt_l1": 230_000, "volt_l2": 230_000, "volt_l3": 229_000,
            "curr_l1": 5000, "curr_l2": 4000, "curr_l3": 6000, "act_pow_pos_l1": 1100,
            "act_pow_pos_l2": 874, "act_pow_pos_l3": 1100, "act_pow_neg_l1": 0, "act_pow_neg_l2": 0,
            "act_pow_neg_l3": 0,
        },
        ("1-0:9.7.0", "1-0:10.7.0", "1-0:32.32.0"),
    ),
    "Lithuania, ESO": Text(
        "/ESO5\\2000000001",
        """0-0:1.0.0(230808113811S)
        1-0:1.8.0(00009548.086*kWh)
        1-0:3.8.0(00000026.348*kvarh)
        1-0:4.8.0(00005851.642*kvarh)
        1-0:1.8.1(00009548.086*kWh)
        1-0:1.8.2(00000000.000*kWh)
        1-0:1.8.3(00000000.000*kWh)
        1-0:1.8.4(00000000.000*kWh)
        1-0:2.8.1(00007251.697*kWh)
        1-0:2.8.2(00000000.000*kWh)
        1-0:2.8.3(00000000.000*kWh)
        1-0:2.8.4(00000001.000*kWh)
        1-0:32.7.0(0000.242*kV)
        1-0:32.24.0(0000.237*kV)
        1-0:31.7.0(0000.005*kA)
        1-0:52.7.0(0000.228*kV)
        1-0:51.7.0(0000.004*kA)
        1-0:72.7.0(0000.239*kV)
        1-0:71.7.0(0000.004*kA)
        1-0:14.7.0(0000.049*kHz)
        1-0:15.7.0(00000003.262*kW)
        1-0:21.7.0(00000000.000*kW)
        1-0:41.7.0(00000000.000*kW)
        1-0:61.7.0(00000000.000*kW)
        1-0:22.7.0(00000001.186*kW)
        1-0:42.7.0(00000001.061*kW)
        1-0:62.7.0(00000001.014*kW)""",
        "eso", None, "2023-08-08T11:38:11",
        {
            "act_energy_pos": 9_548_086, "act_energy_neg": 7_252_697, "react_energy_pos": 26_348,
            "react_energy_neg": 5_851_642, "volt_l1": 242_000, "volt_l2": 228_000, "volt_l3": 239_000,
            "curr_l1": 5000, "curr_l2": 4000, "curr_l3": 4000, "frequency": 49_000,
            "act_pow_pos": 0, "act_pow_neg": 3261, "act_pow_pos_l1": 0, "act_pow_pos_l2": 0,
            "act_pow_pos_l3": 0, "act_pow_neg_l1": 1186, "act_pow_neg_l2": 1061, "act_pow_neg_l3": 1014,
        },
        ("1-0:32.24.0", "1-0:15.7.0"),
    ),
    "Hungary, Sanxing SX631 (E.ON, ELMU)": Text(
        "/AUX59900000001",
        """0-0:1.0.0(230817171430S)
        0-0:42.0.0(AUX1030300000001)
        0-0:96.1.0(9900000001)
        0-0:96.14.0(0001)
        0-0:96.50.68(ON)
        0-0:17.0.0(90.000*kW)
        1-0:1.8.0(000812.421*kWh)
        1-0:1.8.1(000470.111*kWh)
        1-0:1.8.2(000342.310*kWh)
        1-0:2.8.0(001714.369*kWh)
        1-0:2.8.1(001233.413*kWh)
        1-0:2.8.2(000480.956*kWh)
        1-0:3.8.0(000018.858*kvarh)
        1-0:4.8.0(000439.269*kvarh)
        1-0:5.8.0(000011.481*kvarh)
        1-0:15.8.0(002526.790*kWh)
        1-0:32.7.0(234.0*V)
        1-0:31.7.0(001*A)
        1-0:13.7.0(0.336)
        1-0:33.7.0(0.842)
        1-0:14.7.0(49.99*Hz)
        1-0:1.7.0(00.250*kW)
        1-0:2.7.0(00.000*kW)
        1-0:5.7.0(00.020*kvar)
        0-0:98.1.0(230801000000S)(000792.999*kWh)(001680.252*kWh)(03.000*kW)
        0-0:96.13.0()""",
        "sanxing", "9900000001", "2023-08-17T17:14:30",
        {
            "act_energy_pos": 812_421, "act_energy_neg": 1_714_369, "react_energy_pos": 18_858,
            "react_energy_neg": 439_269, "volt_l1": 234_000, "curr_l1": 1000, "power_factor": 336,
            "power_factor_l1": 842, "frequency": 49_990, "act_pow_pos": 250, "act_pow_neg": 0,
        },
        ("1-0:5.8.0", "1-0:15.8.0", "1-0:5.7.0"),
    ),
    "Hungary, Sagemcom MA309M (MVM)": Text(
        "/SAG5SAG-METER",
        """0-0:1.0.0(240811120000S)
        0-0:42.0.0(53414735303330303030303031)
        0-0:96.1.0(3132333435363738)
        1-0:1.7.0(00.250*kW)
        1-0:2.7.0(00.000*kW)
        1-0:1.8.0(011495.026*kWh)
        1-0:1.8.1(006180.893*kWh)
        1-0:1.8.2(005314.133*kWh)
        1-0:2.8.0(011814.522*kWh)
        1-0:31.4.0(32*A)
        1-0:15.8.0(023309.548*kWh)
        0-0:98.1.0(240801000000S)(009999.026*kWh)(006180.893*kWh)(05314.133*kvarh)(06.001*kW)""",
        "sagemcom", "3132333435363738", "2024-08-11T12:00:00",
        {
            "act_pow_pos": 250, "act_pow_neg": 0, "act_energy_pos": 11_495_026,
            "act_energy_neg": 11_814_522,
        },
        ("1-0:31.4.0", "1-0:15.8.0"),
    ),
    "Poland, Tauron (ZE.314)": Text(
        "/EGM5\\2ZE314",
        """0-0:96.1.0(00000001)
        1-0:0.9.1(142239)
        1-0:0.9.2(241031)
        1-0:1.8.0(000123.45*kWh)
        1-0:1.8.1(000100.00*kWh)
        1-0:1.8.2(000023.45*kWh)
        1-0:2.8.0(000000.00*kWh)
        1-0:5.8.0(000001.00*kvarh)
        1-0:8.8.0(000002.00*kvarh)
        1-0:1.7.0(0.512*kW)
        1-0:2.7.0(0.000*kW)""",
        "elgama", "00000001", "2024-10-31T14:22:39",
        {"act_energy_pos": 123_450, "act_energy_neg": 0, "act_pow_pos": 512, "act_pow_neg": 0},
        ("1-0:5.8.0", "1-0:8.8.0"),
    ),
    "Switzerland, Sagemcom XT211 (Groupe E)": Text(
        "/SAG5XT211",
        """0-0:1.0.0(240125101112W)
        0-0:96.1.1(30303030303031)
        1-0:1.8.1(000001.500*kWh)
        1-0:1.8.2(000002.250*kWh)
        1-0:2.8.1(000000.100*kWh)
        1-0:2.8.2(000000.200*kWh)
        1-0:16.7.0(-00.750*kW)""",
        "sagemcom", "30303030303031", "2024-01-25T10:11:12",
        {"act_energy_pos": 3750, "act_energy_neg": 300, "act_pow_pos": 0, "act_pow_neg": 750},
    ),
    "Iceland, Veitur (with heat and water meters)": Text(
        "/KAM5OMNIA",
        """0-0:1.0.0(240630220000W)
        0-0:96.1.0(00000002)
        1-0:1.8.0(00012345.678*kWh)
        1-0:2.8.0(00000000.000*kWh)
        1-0:1.7.0(0001.500*kW)
        1-0:2.7.0(0000.000*kW)
        1-0:32.7.0(231.0*V)
        1-0:31.7.0(006.5*A)
        0-1:24.1.0(012)
        0-1:96.1.0(3030303030303033)
        0-1:24.2.1(240630220000W)(00099.999*GJ)
        0-2:24.1.0(007)
        0-2:24.2.1(240630220000W)(00123.456*m3)""",
        "kamstrup", "00000002", "2024-06-30T22:00:00",
        {
            "act_energy_pos": 12_345_678, "act_energy_neg": 0, "act_pow_pos": 1500, "act_pow_neg": 0,
            "volt_l1": 231_000, "curr_l1": 6500,
        },
    ),
    "Austria, Sagemcom T210-D (Energienetze Steiermark)": Text(
        "/EST5\\253710000_A",
        """1-3:0.2.8(50)
        0-0:1.0.0(221006155014S)
        1-0:1.8.0(002630182*Wh)
        1-0:1.8.1(000000000*Wh)
        1-0:1.8.2(002630182*Wh)
        1-0:1.7.0(000472*W)
        1-0:2.8.0(000000005*Wh)
        1-0:2.7.0(000000*W)
        1-0:3.8.0(000020105*varh)
        1-0:3.7.0(000000*var)
        1-0:4.8.0(000692813*varh)
        1-0:4.7.0(000199*var)""",
        "est", None, "2022-10-06T15:50:14",
        {
            "act_energy_pos": 2_630_182, "act_energy_neg": 5, "act_pow_pos": 472, "act_pow_neg": 0,
            "react_energy_pos": 20_105, "react_energy_neg": 692_813, "react_pow_pos": 0,
            "react_pow_neg": 199,
        },
    ),
}  # fmt: skip


def octets(text: Text, *, checked: bool = True) -> bytes:
    lines = "\r\n".join(line.strip() for line in text.lines.splitlines())
    sent = f"{text.header}\r\n\r\n{lines}\r\n!".encode("ascii")
    return sent + (b"%04X" % crc16(sent) if checked else b"") + b"\r\n"


def read(sent: bytes, manner: Manner = Manner()) -> Reading:  # noqa: B008
    keyring = manner.keyring()
    stream, decoder = Stream(keyring), Decoder(keyring, manner)
    (item,) = [*stream.feed(sent), *stream.flush()]
    assert isinstance(item, Apdu)
    outcome = decoder.decode(item)
    assert isinstance(outcome, Reading), outcome
    return outcome


@pytest.mark.parametrize("country", TEXTS)
@pytest.mark.parametrize("checked", [True, False])
def test_a_countrys_text(country: str, checked: bool) -> None:
    """Exactly what was sent: values, number, time and what no table explains."""
    text = TEXTS[country]
    reading = read(octets(text, checked=checked), Manner(unchecked=not checked))
    assert {quantity.value: value for quantity, value in reading.values.items()} == text.values
    assert (reading.vendor, reading.identity.meter_id) == (text.vendor, text.meter)
    assert (reading.clock.local.isoformat() if reading.clock else None) == text.clock
    assert reading.unknown == text.unknown
    assert not reading.refused


@pytest.mark.parametrize("country", TEXTS)
@pytest.mark.parametrize("keys", [Keys(ENCRYPTION_KEY, AUTHENTICATION_KEY), Keys(ENCRYPTION_KEY)])
def test_the_same_encrypted(country: str, keys: Keys) -> None:
    """As Luxembourg and Austria send it, with the authentication key or without."""
    text = TEXTS[country]
    reading = read(ciphered(octets(text), title=b"SAGgp\0\0\1", counter=7), Manner(keys))
    assert {quantity.value: value for quantity, value in reading.values.items()} == text.values


def test_the_reactive_quadrants_are_no_sum() -> None:
    """Where a meter sends two quadrants of four, nothing is made of them."""
    reading = read(octets(TEXTS["Poland, Tauron (ZE.314)"]))
    assert Quantity.REACT_ENERGY_POS not in reading.values
    assert Quantity.REACT_ENERGY_NEG not in reading.values


def untitled(content: bytes, counter: int, end: bytes = b"") -> bytes:
    """As an Elgama GAMA 350 in Poland sends it: no tag, no title, and a check sum over all of it."""
    message = ciphered(content, title=bytes(8), counter=counter)[10:]
    sent = b"/EGM5G35\r\n\r\n\x00" + message + end + b"!"
    return sent + b"%04X\r\n" % crc16(sent)


@pytest.mark.parametrize("end", [b"", b"\r\n"])
@pytest.mark.parametrize("size", [1, 100, 4096])
def test_encrypted_without_tag_and_title(size: int, end: bytes) -> None:
    """With the keys it is read, the title taken for zeros. Without them, or with others, it is encrypted."""
    text = TEXTS["Poland, Tauron (ZE.314)"]
    sent = untitled(octets(text), 1, end) + untitled(octets(text), 2, end)
    manner = Manner(Keys(ENCRYPTION_KEY, AUTHENTICATION_KEY))
    for keys, good in ((manner, 2), (Manner(Keys(bytes(16))), 0), (Manner(), 0)):
        pipeline = Pipeline(manner=keys)
        found = [one for at in range(0, len(sent), size) for one in pipeline.feed(sent[at : at + size], at)]
        found += pipeline.flush(10_000)
        readings = [one for one in found if isinstance(one, Reading)]
        assert len(readings) == good
        assert all(reading.values == readings[0].values for reading in readings)
        assert {one.kind for one in found if isinstance(one, Discarded)} <= {Kind.ENCRYPTED}
        assert len(found) == 2


def test_damage_in_what_is_encrypted() -> None:
    """The check sum over all of it tells."""
    sent = untitled(octets(TEXTS["Poland, Tauron (ZE.314)"]), 1)
    manner = Manner(Keys(ENCRYPTION_KEY))
    for at in range(20, len(sent) - 8, 7):
        pipeline = Pipeline(manner=manner)
        damaged = sent[:at] + bytes((sent[at] ^ 1,)) + sent[at + 1 :]
        assert not any(isinstance(one, Reading) for one in [*pipeline.feed(damaged, 0), *pipeline.flush(1)])
