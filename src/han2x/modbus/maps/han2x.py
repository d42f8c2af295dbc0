"""The manual's register table (section 2), a row each, contiguous from address 0 (40001) on.

32-bit values have the high word at the lower address (M13). What is unknown reads 0, as in the device (M6).
"""

import re

from ... import __version__
from ...model.quantity import ENERGIES, Quantity
from ...model.view import View
from ..table import Map, Register, Value
from ..types import INT32, UINT16, UINT32
from .extension import EXTENSION


def version_number(version: str) -> int:
    """A version as one register holds it (M21): `1.2.3` is 1 x 1000 + 2 x 10 + 3."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    major, minor, patch = map(int, numbers.groups()) if numbers else (0, 0, 0)
    return major * 1000 + minor * 10 + patch


def _of(quantity: Quantity, divisor: int = 1) -> Value:
    return lambda view: view.value(quantity) // divisor


def _est(energy: Quantity) -> Value:
    return lambda view: view.estimate(energy) // 1000


def _clock(part: str) -> Value:
    return lambda view: getattr(view.clock, part) if view.clock else 0


def _always(value: int) -> Value:
    return lambda view: value


def _scale(view: View) -> int:
    return view.scale


def _temperature(view: View) -> int:
    """Unsigned in the manual: never negative (M21)."""
    return max(0, view.temperature or 0)


def _uptime_hours(view: View) -> int:
    return view.uptime_s // 3600


Q = Quantity
A_POS, A_NEG, R_POS, R_NEG = ENERGIES
VERSION = version_number(__version__)

TABLE: tuple[Register, ...] = (
    Register(0, UINT32, "act_pow_pos", "W", "active power, import", _of(Q.ACT_POW_POS)),
    Register(2, UINT32, "act_pow_neg", "W", "active power, export", _of(Q.ACT_POW_NEG)),
    Register(4, UINT32, "react_pow_pos", "var", "reactive power, import", _of(Q.REACT_POW_POS)),
    Register(6, UINT32, "react_pow_neg", "var", "reactive power, export", _of(Q.REACT_POW_NEG)),
    Register(8, INT32, "curr_l1", "mA", "current L1", _of(Q.CURR_L1)),
    Register(10, INT32, "curr_l2", "mA", "current L2", _of(Q.CURR_L2)),
    Register(12, INT32, "curr_l3", "mA", "current L3", _of(Q.CURR_L3)),
    Register(14, UINT32, "volt_l1", "V x 10", "voltage L1", _of(Q.VOLT_L1, 100)),
    Register(16, UINT32, "volt_l2", "V x 10", "voltage L2", _of(Q.VOLT_L2, 100)),
    Register(18, UINT32, "volt_l3", "V x 10", "voltage L3", _of(Q.VOLT_L3, 100)),
    Register(20, UINT32, "act_energy_pos", "kWh", "active energy, import", _of(A_POS, 1000), "1 h"),
    Register(22, UINT32, "act_energy_neg", "kWh", "active energy, export", _of(A_NEG, 1000), "1 h"),
    Register(24, UINT32, "react_energy_pos", "kvarh", "reactive energy, import", _of(R_POS, 1000), "1 h"),
    Register(26, UINT32, "react_energy_neg", "kvarh", "reactive energy, export", _of(R_NEG, 1000), "1 h"),
    Register(28, UINT32, "act_energy_pos_est", "kWh", "active energy, import, estimated", _est(A_POS)),
    Register(30, UINT32, "act_energy_neg_est", "kWh", "active energy, export, estimated", _est(A_NEG)),
    Register(32, UINT32, "react_energy_pos_est", "kvarh", "reactive energy, import, estimated", _est(R_POS)),
    Register(34, UINT32, "react_energy_neg_est", "kvarh", "reactive energy, export, estimated", _est(R_NEG)),
    Register(
        36, UINT16, "year", "year", "the meter's clock: year; 0 before the first", _clock("year"), "10 s"
    ),
    Register(37, UINT16, "month", "1-12", "the meter's clock: month", _clock("month"), "10 s"),
    Register(38, UINT16, "day", "1-31", "the meter's clock: day", _clock("day"), "10 s"),
    Register(39, UINT16, "hour", "h", "the meter's clock: hour", _clock("hour"), "10 s"),
    Register(40, UINT16, "minute", "min", "the meter's clock: minute", _clock("minute"), "10 s"),
    Register(41, UINT16, "second", "s", "the meter's clock: second", _clock("second"), "10 s"),
    Register(
        42, UINT16, "version", "", "firmware: major x 1000 + minor x 10 + patch", _always(VERSION), "never"
    ),
    Register(
        43,
        UINT16,
        "temperature",
        "°C x 100",
        "board temperature; 0 without a sensor and below 0 °C",
        _temperature,
        "10 s",
    ),
    Register(
        44, UINT32, "scale_alias", "1/1000", "the same as 40049-40050", _scale, "on change", setting="scale"
    ),
    Register(46, UINT16, "reserved", "", "reserved; 0", _always(0), "never"),
    Register(47, UINT16, "uptime", "h", "whole hours since the start", _uptime_hours, "1 h"),
    Register(
        48, UINT32, "scale", "1/1000", "scale factor, 10 to 999999999", _scale, "on change", setting="scale"
    ),
    Register(
        50,
        UINT16,
        "digital_input",
        "0-1",
        "digital input: 0 open, 1 closed",
        lambda v: v.digital_input,
        "on change",
    ),
)

HAN2X = Map(name="han2x", title="HAN2X Gen 2, and its extension from 40101", rows=(*TABLE, *EXTENSION))
