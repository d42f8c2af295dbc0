"""What SML lists of German meters say. Figures by hand, from what `tests/sml_telegrams.py` writes.

Made after reports of EMH eHZ and ED300L, Iskraemeco MT175, Holley DTZ541 and DZG DVS74; numbers are ours.
"""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.vendors.sml import NO_CLOCK
from han2x.vendors.sums import HELD_BACK
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

from .. import sml_telegrams as sml
from ..sml_telegrams import WH, A, V, W, entry, signed, text, unsigned


def decoded(octets: bytes) -> Reading | Discarded:
    stream = Stream()
    (apdu,) = [*stream.feed(octets), *stream.flush()]
    assert isinstance(apdu, Apdu)
    return Decoder().decode(apdu)


def reading(octets: bytes) -> Reading:
    outcome = decoded(octets)
    assert isinstance(outcome, Reading)
    return outcome


def values(octets: bytes) -> Mapping[str, int]:
    return {quantity.value: value for quantity, value in reading(octets).values.items()}


def listed(*entries: bytes, server: bytes = sml.ISK) -> bytes:
    return sml.telegram(entries, server)


def test_an_ehz_that_imports() -> None:
    said = reading(sml.ehz(5364))
    assert {q.value: value for q, value in said.values.items()} == {
        "act_energy_pos": 8_571_286, "act_energy_neg": 154,
        "act_pow_pos": 536, "act_pow_neg": 0,
        "act_pow_pos_l1": 386, "act_pow_neg_l1": 0,
        "act_pow_pos_l2": 150, "act_pow_neg_l2": 0,
        "act_pow_pos_l3": 0, "act_pow_neg_l3": 0,
    }  # fmt: skip
    assert (said.vendor, said.identity.meter_id) == ("emh", "1EMH0012345678")
    assert dict(said.finer)[Quantity.ACT_ENERGY_NEG] == 154.3
    assert said.unknown == ("129-129:199.130.5",)
    assert said.clock is None
    assert said.notes == (NO_CLOCK,)


def test_an_ehz_that_exports() -> None:
    said = values(sml.ehz(-12_609, 0x1A2))
    assert (said["act_pow_pos"], said["act_pow_neg"]) == (0, 1261)
    assert (said["act_pow_pos_l1"], said["act_pow_neg_l1"]) == (0, 1411)
    assert (said["act_pow_pos_l2"], said["act_pow_neg_l2"]) == (150, 0)


@pytest.mark.parametrize(
    ("status", "powers"),
    [
        (0x182, (127, 0)),
        (0x1A2, (0, 127)),
        (0x1B0, (0, 127)),
        (0x282, (127, 0)),
        (0x100104, (127, 0)),
        (0x1C1904, (0, 127)),
    ],
)
def test_power_whose_direction_is_in_the_status(status: int, powers: tuple[int, int]) -> None:
    said = values(sml.ed300l(1266, status & 0xFFFF))
    if status < 0x10000:
        assert (said["act_pow_pos"], said["act_pow_neg"]) == powers
    said = values(
        listed(
            entry("1-0:1.8.0", unsigned(5000), WH, status=unsigned(status)),
            entry("1-0:2.8.0", unsigned(5000), WH),
            entry("1-0:15.7.0", unsigned(127, 1), W),
        )
    )
    assert (said["act_pow_pos"], said["act_pow_neg"]) == powers


def test_power_without_direction() -> None:
    """Of a meter that counts both ways it is not used; of one that imports alone it is import."""
    energy = entry("1-0:1.8.0", unsigned(5001), WH, status=unsigned(0x141, 2))
    power = entry("1-0:15.7.0", unsigned(127, 1), W)
    said = reading(listed(energy, entry("1-0:2.8.0", unsigned(7), WH), power))
    assert set(said.values) == {Quantity.ACT_ENERGY_POS, Quantity.ACT_ENERGY_NEG}
    assert "without a direction" in said.refused[0]
    assert not said.reduced
    assert values(listed(energy, power))["act_pow_pos"] == 127


def test_a_holley_with_everything() -> None:
    """The same with either checksum; bare times and a list of more than fifteen entries."""
    for check in (sml.kermit, sml.x25):
        assert values(sml.dtz541(check=check)) == {
            "act_energy_pos": 10_796_140, "act_energy_neg": 13_614_362,
            "act_pow_pos": 0, "act_pow_neg": 1602,
            "volt_l1": 242_200, "volt_l2": 238_300, "volt_l3": 242_100,
            "curr_l1": 7250, "curr_l2": 120, "curr_l3": 460, "frequency": 49_900,
        }  # fmt: skip
    assert reading(sml.dtz541()).identity.meter_id == "1HLY0201234567"
    assert reading(sml.dtz541()).vendor == "holley"


def test_a_meter_before_its_pin_is_entered() -> None:
    assert reading(sml.mt175(None)).reduced
    assert HELD_BACK in reading(sml.mt175(None)).notes
    assert not reading(sml.mt175()).reduced
    assert values(sml.mt175(None)) == {"act_energy_pos": 79_000, "act_energy_neg": 0}
    fine = listed(entry("1-0:1.8.0", unsigned(790_001), WH, -1))
    assert not reading(fine).reduced
    assert not reading(listed(entry("1-0:1.8.0", unsigned(0), WH))).reduced


@pytest.mark.parametrize(
    ("serial", "sent", "watts"),
    [
        (42_100_000, signed(-29_912, 2), 356),
        (57_999_999, signed(-29_912, 2), 356),
        (60_000_001, signed(-29_912, 2), -299),
        (40_000_001, signed(-31_064, 2), -311),
        (40_000_001, signed(-78_851, 3), -789),
        (42_100_000, signed(-126_061, 4), -1261),
        (42_100_000, signed(12_345, 2), 123),
    ],
)
def test_a_dzg_that_leaves_out_the_sign(serial: int, sent: bytes, watts: int) -> None:
    """35624 in two octets is 356.24 W of some of them; negative ones always have four."""
    server = b"\x0a\x01DZG" + serial.to_bytes(5, "big")
    said = values(
        listed(
            entry("1-0:96.1.0", text(server)),
            entry("1-0:1.8.0", unsigned(77), WH),
            entry("1-0:16.7.0", sent, W, -2),
            server=server,
        )
    )
    assert said["act_pow_pos"] - said["act_pow_neg"] == watts


def test_tariffs_past_values_and_other_channels() -> None:
    """A total that is sent wins, else tariffs make it; past values are not this meter's registers."""
    first = entry("1-0:1.8.1", unsigned(12_345), WH, -1)
    second = entry("1-0:1.8.2", unsigned(6), WH, 3)
    past = entry("1-0:1.8.0*96", unsigned(99), WH)
    other = entry("1-2:1.8.0", unsigned(98), WH)
    said = reading(listed(first, second, past, other))
    assert said.values == {Quantity.ACT_ENERGY_POS: 7235}
    assert dict(said.finer) == {Quantity.ACT_ENERGY_POS: 7234.5}
    assert said.unknown == ("1-0:1.8.0", "1-2:1.8.0")
    assert values(listed(first, second, entry("1-0:1.8.0", unsigned(5), WH))) == {"act_energy_pos": 5}


def test_an_easymeter_q3c() -> None:
    """Energies in channels 1 and 2, import with a sign, and counters of the past days as tariffs."""
    server = bytes.fromhex("0645535901071b000001")
    said = reading(
        listed(
            entry("129-129:199.130.3", text(b"ESY")),
            entry("1-1:1.8.0", unsigned(401_094_123_456, 8), WH, -4, status=unsigned(0x4190, 2)),
            entry("1-2:2.8.0", unsigned(123_456_789, 8), WH, -4),
            entry("1-1:1.8.5", unsigned(111), WH, 1),
            entry("1-0:1.7.0", signed(-302_986), W, -2),
            entry("1-0:21.7.0", signed(-5800), W, -2),
            entry("1-0:41.7.0", signed(27_774), W, -2),
            entry("1-0:61.7.0", signed(-324_960), W, -2),
            server=server,
        )
    )
    assert {q.value: value for q, value in said.values.items()} == {
        "act_energy_pos": 40_109_412, "act_energy_neg": 12_346, "act_pow_pos": 0, "act_pow_neg": 3030,
        "act_pow_pos_l1": 0, "act_pow_neg_l1": 58, "act_pow_pos_l2": 278, "act_pow_pos_l3": 0,
        "act_pow_neg_l3": 3250,
    }  # fmt: skip
    assert (said.vendor, said.identity.meter_id) == ("easymeter", "0645535901071B000001")


def test_a_hager_ehz() -> None:
    """One export register, power 1.7.1 with a sign, a number as text, one octet of status."""
    said = reading(
        listed(
            entry("129-129:199.130.3", text(b"HAGER")),
            entry("1-0:0.0.0", text(b"1234567")),
            entry("1-0:2.8.1", signed(1_234_567, 8), WH, -1, status=unsigned(0x82, 1)),
            entry("1-0:1.7.1", signed(-7_654_321), W, -4),
            server=b"1234567",
        )
    )
    assert {q.value: value for q, value in said.values.items()} == {
        "act_energy_neg": 123_457, "act_pow_pos": 0, "act_pow_neg": 765,
    }  # fmt: skip
    assert said.identity.meter_id == "1234567"


def test_an_ebz_without_a_number() -> None:
    """An id of zeros is none."""
    said = reading(
        listed(
            entry("129-129:199.130.3", text(b"EBZ")),
            entry("1-0:0.0.9", text(bytes(10))),
            entry("1-0:1.8.0", unsigned(45_010_000_000, 8), WH, -5),
            server=bytes(10),
        )
    )
    assert (said.vendor, said.identity.meter_id) == ("ebz", None)
    assert said.values == {Quantity.ACT_ENERGY_POS: 450_100}


@pytest.mark.parametrize(
    "bad",
    [
        entry("1-0:16.7.0", unsigned(5), V),
        entry("1-0:16.7.0", unsigned(5)),
        entry("1-0:16.7.0", unsigned(5), W, 40),
        entry("1-0:16.7.0", text(b"5"), W),
        entry("1-0:16.7.0", b"\x42\x01", W),
        entry("1-0:32.7.0", unsigned(5), A),
    ],
)
def test_a_value_that_is_not_what_it_should_be(bad: bytes) -> None:
    """It is refused by itself, whatever else is good."""
    said = reading(listed(entry("1-0:1.8.0", unsigned(5), WH), bad))
    assert said.values == {Quantity.ACT_ENERGY_POS: 5}
    assert len(said.refused) == 1


def test_a_value_that_is_sent_twice() -> None:
    """The same: fine. Another: neither."""
    one, other = (entry("1-0:1.8.0", unsigned(number), WH) for number in (5, 6))
    power = entry("1-0:16.7.0", unsigned(7), W)
    assert values(listed(one, one, power))["act_energy_pos"] == 5
    assert "act_energy_pos" not in values(listed(one, other, power))


def test_nothing_that_is_a_reading() -> None:
    outcome = decoded(listed(entry("1-0:96.1.0", text(sml.ISK))))
    assert isinstance(outcome, Discarded)
    assert outcome.kind is Kind.UNKNOWN
    assert isinstance(decoded(sml.framed(sml.message(1, 0x0201, sml.listed(sml.NONE), sml.x25))), Discarded)


def test_a_meter_that_knows_the_time() -> None:
    """A time stamp is UTC: 2024-06-30 22:00:00 is 23:00:00 in standard time."""
    energy, seconds = entry("1-0:1.8.0", unsigned(5), WH), unsigned(1_719_784_800)
    for form, value in ((2, seconds), (3, sml.listed(seconds, signed(60, 2), signed(60, 2)))):
        said = reading(sml.telegram((energy,), sml.ISK, time=sml.listed(unsigned(form, 1), value)))
        assert said.clock is not None
        assert said.clock.local.isoformat() == "2024-06-30T23:00:00"
        assert said.notes == ()


@pytest.mark.parametrize(
    ("server", "number"),
    [
        (sml.server_id("ISK", 67_362_659, head=9), "1ISK0067362659"),
        (sml.server_id("EBZ", 1, block=1), "1EBZ0100000001"),
        (sml.server_id("LGZ", 5, block=0x1A), "1LGZ1A00000005"),
        (bytes.fromhex("06484147010203040506"), "06484147010203040506"),
        (b"1ITR0012345678", "1ITR0012345678"),
    ],
)
def test_numbers_of_meters(server: bytes, number: str) -> None:
    said = reading(listed(entry("1-0:1.8.0", unsigned(5), WH), server=server))
    assert said.identity.meter_id == number


@given(
    st.dictionaries(
        st.sampled_from(("1-0:1.8.0", "1-0:2.8.0")), st.integers(0, 2**40), min_size=1
    ),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-3, 3),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_any_list(energies: Mapping[str, int], power: int, scaler: int, random: object) -> None:
    """Whatever the order and the scaler, what is read is what was written, exactly."""
    entries = [entry(what, unsigned(number, 8), WH, scaler) for what, number in energies.items()]
    entries.append(entry("1-0:16.7.0", signed(power), W, scaler))
    random.shuffle(entries)  # type: ignore[attr-defined]
    said = reading(listed(*entries))
    exact = {q.value: float(value) for q, value in said.values.items()} | {
        q.value: value for q, value in said.finer
    }
    wanted = {"act_pow_pos": max(power, 0), "act_pow_neg": max(-power, 0)}
    wanted |= {f"act_energy_{'pos' if '1.8' in what else 'neg'}": number for what, number in energies.items()}
    assert exact == pytest.approx({key: number * 10.0**scaler for key, number in wanted.items()})
