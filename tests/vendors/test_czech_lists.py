"""The customer interface of Czech meters: attribute descriptors as they stand in services, then a value.

Made up after a Sagemcom XT211 of CEZ Distribuce and the example in EG.D's specification; numbers are ours.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.quantity import Quantity
from han2x.model.reading import Reading
from han2x.simulator.encode import hdlc
from han2x.vendors.decoder import Decoder
from han2x.wire.result import Apdu, Discarded, Kind
from han2x.wire.stream import Stream

ADDRESS = b"\xce\xff\x03\x13"


def text(value: bytes) -> bytes:
    return bytes((0x09, len(value))) + value


def number(value: int) -> bytes:
    return b"\x06" + value.to_bytes(4, "big")


def state(value: int) -> bytes:
    return bytes((0x16, value))


def entry(kind: int, code: str, attribute: int, value: bytes) -> bytes:
    channel, _, group = code.partition(":")
    octets = bytes(map(int, f"{channel.replace('-', '.')}.{group}.255".split(".")))
    return b"\x02\x02" + kind.to_bytes(2, "big") + octets + bytes((attribute,)) + value


def message(*entries: bytes) -> bytes:
    count = bytes((len(entries),)) if len(entries) < 128 else bytes((0x81, len(entries)))
    return b"\x0f\x80\x00\x00\x01\x00\x02\x02\x16\x01\x01" + count + b"".join(entries)


POWERS = {"1.7.0": 1956, "21.7.0": 198, "41.7.0": 1703, "61.7.0": 55, "2.7.0": 0, "22.7.0": 0, "42.7.0": 0}
ENERGIES = {"1.8.0": 4_913_794, "1.8.1": 948_933, "1.8.2": 3_964_861, "1.8.3": 0, "1.8.4": 0, "2.8.0": 52}
XT211 = message(
    entry(1, "0-0:96.1.1", 2, text(b"5100000001")),
    entry(70, "0-0:96.3.10", 3, state(1)),
    entry(71, "0-0:17.0.0", 3, number(0)),
    *(entry(70, f"0-{relay}:96.3.10", 3, state(relay & 1)) for relay in range(1, 5)),
    entry(1, "0-0:96.14.0", 2, text(b"T2")),
    *(entry(3, f"1-0:{code}", 2, number(value)) for code, value in (POWERS | ENERGIES).items()),
)
EGD = message(
    entry(1, "0-0:42.0.0", 2, text(b"EGD012345")),
    entry(40, "0-2:25.9.0", 1, text(b"\x00\x02\x19\x09\x00\xff")),
    entry(1, "0-0:96.1.0", 2, text(b"0123456789")),
    *(entry(3, f"1-0:{code}", 2, number(value)) for code, value in (POWERS | ENERGIES).items()),
    entry(1, "0-0:96.13.0", 2, text(b"")),
)
VALUES = {
    "act_pow_pos": 1956, "act_pow_neg": 0, "act_energy_pos": 4_913_794, "act_energy_neg": 52,
    "act_pow_pos_l1": 198, "act_pow_pos_l2": 1703, "act_pow_pos_l3": 55, "act_pow_neg_l1": 0,
    "act_pow_neg_l2": 0,
}  # fmt: skip


def outcomes(octets: bytes) -> list[Reading | Discarded]:
    stream, decoder = Stream(), Decoder()
    items = [*stream.feed(octets), *stream.flush()]
    return [decoder.decode(item) if isinstance(item, Apdu) else item for item in items]


def framed(apdu: bytes) -> bytes:
    return hdlc(ADDRESS, b"\xe6\xe7\x00" + apdu)


@pytest.mark.parametrize(("apdu", "meter"), [(XT211, "5100000001"), (EGD, "0123456789")])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_czech_list(apdu: bytes, meter: str, wrapped: bool) -> None:
    """In frames or as it is; powers in W, energies in Wh, without a scaler."""
    (reading,) = outcomes(framed(apdu) if wrapped else apdu)
    assert isinstance(reading, Reading)
    assert {quantity.value: value for quantity, value in reading.values.items()} == VALUES
    assert reading.identity.meter_id == meter
    assert not reading.refused


def test_one_behind_the_other() -> None:
    """Without frames each ends where the next begins."""
    found = outcomes(XT211 + EGD + XT211)
    assert len(found) == 3
    assert all(isinstance(one, Reading) for one in found)


def test_what_the_specification_gives_no_unit() -> None:
    """A voltage is not taken for volts or millivolts."""
    (reading,) = outcomes(
        framed(message(entry(3, "1-0:32.7.0", 2, number(230)), entry(3, "1-0:1.7.0", 2, number(5))))
    )
    assert isinstance(reading, Reading)
    assert reading.values == {Quantity.ACT_POW_POS: 5}
    assert len(reading.refused) == 1


@given(st.integers(1, len(XT211) - 1))
def test_every_cut(size: int) -> None:
    """What is cut off gives nothing, and no error."""
    for octets in (framed(XT211[:size]), XT211[:size]):
        for one in outcomes(octets):
            assert isinstance(one, Discarded)
            assert one.kind is not Kind.CHECKSUM


@given(st.integers(0, len(XT211) - 1), st.integers(1, 255))
def test_damage_in_a_frame(at: int, change: int) -> None:
    damaged = framed(XT211)
    begin = damaged.index(XT211)
    damaged = damaged[: begin + at] + bytes((damaged[begin + at] ^ change,)) + damaged[begin + at + 1 :]
    assert not any(isinstance(one, Reading) for one in outcomes(damaged))


@given(st.lists(st.tuples(st.sampled_from(sorted(POWERS | ENERGIES)), st.integers(0, 2**32 - 1)), min_size=1))
def test_any_such_list(sent: list[tuple[str, int]]) -> None:
    """In any order and number; what is sent twice with two values is no value."""
    (outcome,) = outcomes(
        framed(message(*(entry(3, f"1-0:{code}", 2, number(value)) for code, value in sent)))
    )
    twice = {code for (code, one), (other, two) in pairwise(sorted(sent)) if code == other and one != two}
    if isinstance(outcome, Reading) and "1.7.0" in dict(sent) and "1.7.0" not in twice:
        assert outcome.values[Quantity.ACT_POW_POS] == dict(sent)["1.7.0"]
    if isinstance(outcome, Reading):
        assert not {"1.7.0"} & twice or Quantity.ACT_POW_POS not in outcome.values
