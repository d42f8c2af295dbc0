"""Debounced contacts, lamps, and temperature: pure, so tables of moments."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.board.debounce import settled
from han2x.board.lamps import han_lamp, is_lit, next_change_ms
from han2x.board.temperature import find_sensor, read_temperature
from han2x.model.box import Lamp


def test_a_contact_that_bounces_counts_once() -> None:
    """The level changes 20 ms after the last bounce, and says when to look."""
    contact = settled(False, 0)
    assert contact.due_ms(20) is None
    for at_ms, raw in ((100, True), (105, False), (106, True)):
        contact = contact.step(raw, at_ms, 20)
        assert not contact.level
    assert contact.due_ms(20) == 126
    assert not contact.step(True, 125, 20).level
    assert contact.step(True, 126, 20).level
    assert contact.step(True, 126, 20).due_ms(20) is None


def test_without_debouncing_a_level_counts_at_once() -> None:
    """A hold of 0 ms takes every level."""
    assert settled(False, 0).step(True, 1, 0).level


@given(st.lists(st.integers(1, 19), max_size=50))
def test_chatter_is_never_a_level(gaps: list[int]) -> None:
    """However long a contact chatters faster than the hold, it stays what it was."""
    contact, now, raw = settled(False, 0), 0, False
    for gap in gaps:
        now, raw = now + gap, not raw
        contact = contact.step(raw, now, 20)
        assert contact.level is False


@pytest.mark.parametrize(
    ("ages", "lamp"),
    [
        ([None], Lamp.OFF),
        ([0], Lamp.ON),
        ([59_900], Lamp.ON),
        ([60_000], Lamp.ON),
        ([60_100], Lamp.OFF),
        ([100, 59_900], Lamp.ON),
        ([100, 60_100], Lamp.OFF),
        ([100, None], Lamp.OFF),
        ([], Lamp.OFF),
    ],
)
def test_the_han_lamp_is_on_for_a_minute(ages: list[int | None], lamp: Lamp) -> None:
    """Lit for 60 s after the last correct telegram (M3); of several meters, all must be heard."""
    assert han_lamp(ages, blinking=False) is lamp
    assert han_lamp(ages, blinking=True) is Lamp.BLINK


def test_the_lamp_says_when_it_changes() -> None:
    """After 59.9 s of silence it has 100 ms left, and is dark one after them."""
    due = next_change_ms(Lamp.ON, [59_900], 1_000_000)
    assert due == 1_000_101
    assert han_lamp([59_900 + due - 1_000_000], blinking=False) is Lamp.OFF
    assert next_change_ms(Lamp.OFF, [None], 7) is None


def test_blinking_has_two_periods_a_second() -> None:
    """Light and dark alternate every 250 ms."""
    moments = [0, 249, 250, 499, 500, 749, 750]
    assert [is_lit(Lamp.BLINK, at) for at in moments] == [True, True, False, False, True, True, False]
    assert [next_change_ms(Lamp.BLINK, [], at) for at in (0, 249, 250)] == [250, 250, 500]
    assert is_lit(Lamp.ON, 1)
    assert not is_lit(Lamp.OFF, 0)


@pytest.mark.parametrize(
    ("content", "hundredths"),
    [
        (b"48312\n", 4831),
        (b"-5400\n", -540),
        (b"0\n", 0),
        (b"", None),
        (b"hot\n", None),
        (b"999999\n", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_sensor_tells_thousandths(tmp_path: Path, content: bytes, hundredths: int | None) -> None:
    """48.312 °C is 4831 hundredths; what cannot be a temperature is none."""
    (tmp_path / "temp").write_bytes(content)
    assert read_temperature(tmp_path / "temp") == hundredths


def test_the_first_sensor_that_works_is_found(tmp_path: Path) -> None:
    """A zone that fails is passed over; a machine without sensors has none."""
    assert find_sensor(tmp_path) is None
    for place, content in (("class/thermal/thermal_zone0", ""), ("class/hwmon/hwmon1", "51000\n")):
        (tmp_path / place).mkdir(parents=True)
        name = "temp" if "thermal" in place else "temp1_input"
        (tmp_path / place / name).write_text(content)
    assert find_sensor(tmp_path) == tmp_path / "class/hwmon/hwmon1/temp1_input"
    assert read_temperature(tmp_path / "none") is None
