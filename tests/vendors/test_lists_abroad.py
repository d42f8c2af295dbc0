"""Lists of other countries, made by hand with invented numbers: Iskraemeco, Landis+Gyr, Kamstrup, Kaifa."""

from collections.abc import Callable
from datetime import datetime

import pytest

from han2x.model.quantity import BESIDES
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.axdr import Array, Data, Structure
from han2x.wire.result import Apdu, Framing

Encode = Callable[[Data], bytes]
NOON = bytes.fromhex("07E90C0E070C0000FF800000")


def obis(code: str, a: int = 1, b: int = 0) -> bytes:
    return bytes((a, b, *map(int, code.split(".")), 255))


@pytest.fixture
def read(encode: Encode) -> Callable[..., Reading]:
    """What the decoder makes of a body, whose numbers are 32 bits wide like a meter's."""

    def read(body: Data, manner: Manner = Manner()) -> Reading:  # noqa: B008
        message = b"\x0f\0\0\0\0\x0c" + NOON + encode(body)
        reading = Decoder(None, manner).decode(Apdu(message, Framing.HDLC, 0, len(message)))
        assert isinstance(reading, Reading), reading
        return reading

    return read


def test_iskraemeco_in_austria(read: Callable[..., Reading]) -> None:
    """The push object, the number, time and date, four energies, two powers, two empty texts."""
    body = Structure(
        (
            obis("25.9.0", 0, 6),
            b"1100000000017",
            bytes((12, 0, 0, 0)),
            bytes.fromhex("07E90C0E07"),
            14_370_048,
            420_837,
            1_455_864,
            2_293_936,
            9,
            47,
            b"",
            b"",
        )
    )
    reading = read(body)
    assert reading.vendor == "iskraemeco"
    assert reading.identity.meter_id == "1100000000017"
    assert reading.clock
    assert reading.clock.local == datetime(2025, 12, 14, 12)
    assert reading.values == {
        Q.ACT_ENERGY_POS: 14_370_048,
        Q.ACT_ENERGY_NEG: 420_837,
        Q.REACT_ENERGY_POS: 1_455_864,
        Q.REACT_ENERGY_NEG: 2_293_936,
        Q.ACT_POW_POS: 9,
        Q.ACT_POW_NEG: 47,
    }


def test_landisgyr_in_burgenland(read: Callable[..., Reading]) -> None:
    """Volts, hundredths of an ampere, watts, watt-hours, three angles and the number."""
    body = Structure((236, 237, 235, 1, 4, 26, 29, 0, 31_358_606, 7619, 400, 53, 295, b"30000017"))
    reading = read(body)
    assert reading.vendor == "landisgyr"
    assert reading.identity.meter_id == "30000017"
    assert reading.values == {
        Q.VOLT_L1: 236_000,
        Q.VOLT_L2: 237_000,
        Q.VOLT_L3: 235_000,
        Q.CURR_L1: 10,
        Q.CURR_L2: 40,
        Q.CURR_L3: 260,
        Q.ACT_POW_POS: 29,
        Q.ACT_POW_NEG: 0,
        Q.ACT_ENERGY_POS: 31_358_606,
        Q.ACT_ENERGY_NEG: 7619,
    }


def test_landisgyr_without_angles(read: Callable[..., Reading]) -> None:
    """The same list with ten numbers and the meter's own (made after a report of an E450)."""
    reading = read(Structure((228, 226, 230, 781, 1482, 643, 5432, 0, 40_091_000, 0, b"30000018")))
    assert (reading.vendor, reading.identity.meter_id) == ("landisgyr", "30000018")
    assert reading.values == {
        Q.VOLT_L1: 228_000,
        Q.VOLT_L2: 226_000,
        Q.VOLT_L3: 230_000,
        Q.CURR_L1: 7810,
        Q.CURR_L2: 14_820,
        Q.CURR_L3: 6430,
        Q.ACT_POW_POS: 5432,
        Q.ACT_POW_NEG: 0,
        Q.ACT_ENERGY_POS: 40_091_000,
        Q.ACT_ENERGY_NEG: 0,
    }


KAMSTRUP = Structure(
    (
        "Kamstrup_V0001",
        *(obis("1.8.0", 1, 1), 123_456, obis("2.8.0", 1, 1), 789, obis("1.7.0", 1, 1), 1234),
        *(obis("21.7.0", 1, 1), 400, obis("33.7.0", 1, 1), 97, obis("13.7.0", 1, 1), 98),
        *(obis("41.8.0", 1, 1), 4000, obis("22.7.0", 1, 1), None),
    )
)


@pytest.mark.parametrize(("step", "energy"), [(10, 1_234_560), (1, 123_456)])
def test_kamstrups_step(read: Callable[..., Reading], step: int, energy: int) -> None:
    """Energies are in 10 Wh, or in 1 Wh where the owner says so; powers are what they are."""
    reading = read(KAMSTRUP, Manner(kamstrup_energy_wh=step))
    assert reading.values[Q.ACT_ENERGY_POS] == energy
    assert reading.values[Q.ACT_ENERGY_NEG] == 789 * step
    assert reading.values[Q.ACT_POW_POS] == 1234
    assert {q.value: value for q, value in reading.values.items() if q in BESIDES} == {
        "act_pow_pos_l1": 400,
        "power_factor_l1": 970,
        "power_factor": 980,
        "act_energy_pos_l2": 4000 * step,
    }


def test_a_power_factor_with_its_scaler(read: Callable[..., Reading]) -> None:
    """Austrian lists send thousandths, and say so."""
    scaled = Structure((-3, 255))
    body = Structure((NOON, obis("1.7.0"), 5, Structure((0, 27)), obis("13.7.0"), 950, scaled, b"17"))
    assert Q.POWER_FACTOR.key == "power_factor"
    assert Q.POWER_FACTOR.displayed(read(body).values[Q.POWER_FACTOR]) == 0.95


def test_a_strange_detail_costs_nothing(read: Callable[..., Reading]) -> None:
    """A value by phase in a unit that it cannot have is left out, and the telegram is read."""
    body = Array(
        (
            Structure((obis("0.2.129", 1, 1), "AIDON_V0001")),
            Structure((obis("1.7.0"), 5, Structure((0, 27)))),
            Structure((obis("21.7.0"), 5, Structure((0, 35)))),
            Structure((obis("41.7.0"), "x", Structure((0, 27)))),
        )
    )
    reading = read(body)
    assert reading.values == {Q.ACT_POW_POS: 5}
