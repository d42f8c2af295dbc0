"""Changing settings by path: all or nothing. The rules themselves are in `test_rules.py`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.settings.amend import Refused, amend, as_table, from_table
from han2x.settings.modbus import ModbusTcp
from han2x.settings.schema import Meter, Settings

TWO = Settings(meters=(Meter(name="house"), Meter(name="cabin", unit_id=2)))


def test_a_value_is_changed_and_nothing_else() -> None:
    """A change reaches its setting; the old settings are what they were."""
    result = amend(TWO, {"meters.1.scale": 2000})
    assert result == Settings(meters=(Meter(name="house"), Meter(name="cabin", unit_id=2, scale=2000)))
    assert TWO.meters[1].scale == 1000


def test_changes_are_checked_together() -> None:
    """Two meters may swap their unit ids in one change, which one by one would clash."""
    result = amend(TWO, {"meters.0.unit_id": 2, "meters.1.unit_id": 1})
    assert isinstance(result, Settings)
    assert [meter.unit_id for meter in result.meters] == [2, 1]


def test_one_bad_value_and_nothing_changes() -> None:
    """A good value beside a bad one is not taken; every bad one is named."""
    result = amend(TWO, {"meters.0.scale": 2000, "modbus_tcp.port": 0, "meters.1.name": "house"})
    assert isinstance(result, Refused)
    assert [complaint.path for complaint in result.complaints] == ["modbus_tcp.port"]
    assert TWO.meters[0].scale == 1000


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "meters",
        "modbus_tcp",
        "meters.0",
        "meters.2.scale",
        "meters.-1.scale",
        "meters.x.scale",
        "meters..scale",
        "meters.0.scale.x",
        "meters.0.scales",
        "modbus_tcp.0",
        "modbus_tcp.port.",
        ".modbus_tcp.port",
        "mqtt.host",
        "port",
    ],
)
def test_a_path_that_names_no_setting_is_a_complaint(path: str) -> None:
    """An unknown path is refused by its name."""
    result = amend(TWO, {path: 1})
    assert isinstance(result, Refused)
    assert str(result) == f"{path}: is no setting"


@given(
    path=st.text(alphabet="meters.012modbus_tcp", max_size=20), value=st.integers() | st.text() | st.none()
)
def test_any_change_gives_valid_settings_or_complaints(path: str, value: object) -> None:
    """Whatever is asked for, what comes out is settings that their own rules accept, or reasons."""
    result = amend(TWO, {path: value})
    if isinstance(result, Settings):
        assert from_table(as_table(result)) == result
    else:
        assert result.complaints


def test_a_table_and_back() -> None:
    """The table of settings means the same settings."""
    settings = Settings(meters=TWO.meters, modbus_tcp=ModbusTcp(port=1600, host="::1", enabled=False))
    assert from_table(as_table(settings)) == settings
    assert amend(settings, {}) == settings
