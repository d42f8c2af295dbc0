"""Lists that tell date and time apart, and numbers that say more than our units."""

import struct

import pytest

from han2x.cli.telegram_text import details, values
from han2x.model.quantity import Quantity as Q
from han2x.model.reading import Reading
from han2x.settings.lists import TaughtList
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.axdr import Data, Structure
from han2x.wire.result import Apdu, Framing


def encoded(value: Data) -> bytes:
    """A value as A-XDR; texts are visible strings, floats of 32 bits."""
    match value:
        case None:
            return b"\0"
        case bytes():
            return bytes((0x09, len(value))) + value
        case str():
            return bytes((0x0A, len(value))) + value.encode()
        case int():
            return b"\x05" + value.to_bytes(4, "big", signed=True)
        case float():
            return b"\x17" + struct.pack(">f", value)
        case tuple():
            return bytes((0x02, len(value))) + b"".join(map(encoded, value))
    raise AssertionError(value)


def code(text: str, a: int = 1) -> bytes:
    return bytes((a, 0, *map(int, text.split(".")), 255))


def register(text: str, value: Data, scaler: int, unit: int) -> bytes:
    scaler_unit = b"\x02\x02\x0f" + scaler.to_bytes(1, "big", signed=True) + b"\x16" + bytes((unit,))
    return b"\x02\x03" + encoded(code(text)) + encoded(value) + scaler_unit


def read(
    *entries: bytes, sent_at: bytes = b"", lists: tuple[TaughtList, ...] = (), times: int = 1
) -> Reading:
    """What a message with these entries says to a decoder that has seen it `times` times."""
    body = b"\x01" + bytes((len(entries),)) + b"".join(entries) if len(entries) > 1 else entries[0]
    message = b"\x0f\0\0\0\0" + (b"\x0c" + sent_at if sent_at else b"\0") + body
    decoder = Decoder(None, Manner(lists=lists))
    for _ in range(times):
        reading = decoder.decode(Apdu(message, Framing.HDLC, 0, len(message)))
    assert isinstance(reading, Reading), reading
    return reading


def told(text: str, value: Data, a: int = 1) -> bytes:
    return b"\x02\x02" + encoded(code(text, a)) + encoded(value)


POWER = register("1.7.0", 42, 0, 27)
SENT_AT = bytes.fromhex("07E6011E07092200FF800000")


@pytest.mark.parametrize(
    ("time", "date"),
    [
        (bytes((9, 41, 27, 0)), bytes((0x07, 0xE6, 1, 30, 7))),
        (bytes((9, 41, 27, 255)), bytes((0x07, 0xE6, 1, 30, 255))),
        ("094127", "220130"),
        (b"09:41:27", b"2022-01-30"),
        (94127, 220130),
        (94127, 20220130),
        (bytes.fromhex("FFFFFFFFFF091B1BFF800000")[:5] + bytes((9, 41, 27, 0, 0x80, 0, 0)),
         bytes.fromhex("07E6011E07FFFFFFFF800000")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channel", [0, 1])
def test_the_clock_of_date_and_time_apart(time: Data, date: Data, channel: int) -> None:
    clock = (told("0.9.1", time, channel), told("0.9.2", date, channel))
    for entries in ((*clock, POWER), (POWER, *reversed(clock))):
        for times in (1, 3):
            reading = read(*entries, sent_at=SENT_AT, times=times)
            assert reading.clock
            assert reading.clock.local.isoformat() == "2022-01-30T09:41:27"
            assert not reading.unknown


@pytest.mark.parametrize(
    "entries",
    [
        [told("0.9.1", "094127")],
        [told("0.9.2", "220130")],
        [told("0.9.1", "soon"), told("0.9.2", "220130")],
        [told("0.9.1", None), told("0.9.2", None)],
        [told("0.9.1", b""), told("0.9.2", b"")],
    ],
)
def test_half_a_clock_is_none(entries: list[bytes]) -> None:
    """The message's own date-time stands in, as without it."""
    clock = read(*entries, POWER, sent_at=SENT_AT).clock
    assert clock
    assert clock.local.isoformat() == "2022-01-30T09:34:00"
    assert read(*entries, POWER).clock is None


def test_a_clock_that_is_sent_whole_goes_before() -> None:
    noon = told("1.0.0", bytes.fromhex("07E90C0E070C0000FF800000"), 0)
    clock = read(told("0.9.1", "094127"), noon, told("0.9.2", "220130"), POWER).clock
    assert clock
    assert clock.local.isoformat() == "2025-12-14T12:00:00"


@pytest.mark.parametrize(
    ("text", "raw", "scaler", "unit", "key", "shown", "quantity", "whole"),
    [
        ("1.7.0", 355, -1, 27, "act_pow_pos_w", 35.5, Q.ACT_POW_POS, 35),
        ("1.7.0", 350, -1, 27, "act_pow_pos_w", 35, Q.ACT_POW_POS, 35),
        ("3.7.0", 1, -3, 29, "react_pow_pos_var", 0.001, Q.REACT_POW_POS, 0),
        ("31.7.0", 12_345, -4, 33, "curr_l1_a", 1.2345, Q.CURR_L1, 1234),
        ("32.7.0", 2_301_234, -4, 35, "volt_l1_v", 230.1234, Q.VOLT_L1, 230_123),
        ("1.8.0", 1_234_567, -2, 30, "act_energy_pos_wh", 12345.67, Q.ACT_ENERGY_POS, 12_345),
        ("1.7.0", 35.5, 0, 27, "act_pow_pos_w", 35.5, Q.ACT_POW_POS, 35),
        ("1.7.0", 1234.567, 0, 27, "act_pow_pos_w", 1234.567, Q.ACT_POW_POS, 1234),
        ("32.7.0", 230.1, 0, 35, "volt_l1_v", 230.1, Q.VOLT_L1, 230_100),
        ("1.8.0", 12345.678, 3, 30, "act_energy_pos_wh", 12_345_678, Q.ACT_ENERGY_POS, 12_345_678),
    ],
)
def test_a_fraction_is_shown_as_sent(
    text: str, raw: float, scaler: int, unit: int, key: str, shown: float, quantity: Q, whole: int
) -> None:
    """The registers have whole units; `decode` shows what was sent."""
    reading = read(
        POWER if text != "1.7.0" else register("2.7.0", 0, 0, 27), register(text, raw, scaler, unit)
    )
    assert (values(reading)[key], reading.values[quantity]) == (shown, whole)


def test_fractions_of_phases_and_of_tariffs() -> None:
    """Tariffs are added up before anything is cut off: 0.6 and 0.7 Wh are 1.3 Wh."""
    reading = read(
        POWER,
        register("21.7.0", 1005, -1, 27),
        register("1.8.1", 6, -1, 30),
        register("1.8.2", 7, -1, 30),
    )
    assert details(reading) == {"act_pow_pos_l1_w": 100.5}
    assert values(reading)["act_energy_pos_wh"] == 1.3
    assert (reading.values[Q.ACT_POW_POS_L1], reading.values[Q.ACT_ENERGY_POS]) == (100, 1)


def test_fractions_of_a_taught_list() -> None:
    taught = TaughtList(name="x", pattern="nnn", codes="1.7.0 2.7.0 32.7.0", factors="0.1 1 0.01")
    reading = read(encoded(Structure((355, 7, 23_012))), lists=(taught,), times=3)
    assert values(reading) == {"act_pow_pos_w": 35.5, "act_pow_neg_w": 7, "volt_l1_v": 230.12}
