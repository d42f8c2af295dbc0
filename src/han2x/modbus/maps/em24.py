"""A Carlo Gavazzi EM24 Ethernet, as far as energy systems (Victron GX) recognise and read it.

Numbers of two words have the low word first. Readers fetch neighbouring registers in one go, so the
measurements have no gaps; what the meter does not send (frequency, energies of each phase) reads 0.
Powers of each phase are the meter's own, else the total shared out by `model.derived`, which sums up right.
Register 0x000B is the model, by which the meter is found on unit id 1.
"""

from collections.abc import Callable

from ...model import derived
from ...model.derived import Three
from ...model.quantity import ENERGIES, Quantity
from ...model.reading import Net
from ...model.view import View
from ..table import Map, Register, Value, reserved
from ..types import INT32, UINT16, text

MODEL = 1651  # EM24DINAV53XE1X
APPLICATION_H = 7
SWITCH_LOCKED = 3
PHASE_CONFIGS = {None: 0, Net.TN: 0, Net.ONE_PHASE: 3, Net.IT: 4}
UNAVAILABLE = 0x7FFF_FFFF
"""What the meter itself shows for a value that it cannot show (EEE)."""

Q = Quantity
A_POS, A_NEG, R_POS, R_NEG = ENERGIES


def _tenths(three: Callable[[View], Three], index: int, per: int) -> Value:
    """One of three values in units of `per`; 0 where it is not known."""
    return lambda view: (three(view)[index].value or 0) // per


def _voltage(index: int) -> Value:
    """V x 10 to neutral; 0 on an IT net, which has none."""
    return _tenths(derived.phase_voltages, index, 100)


def _line_voltage(index: int) -> Value:
    """V x 10 between phases."""
    return _tenths(derived.line_voltages, index, 100)


def _current(index: int) -> Value:
    """mA."""
    return _tenths(derived.currents, index, 1)


def _power(view: View) -> int:
    total = derived.total_power(view).value
    return UNAVAILABLE if total is None else total * 10


def _phase_power(index: int) -> Value:
    def value(view: View) -> int:
        tenths = derived.filled_phase_tenths(view)
        return UNAVAILABLE if tenths is None else tenths[index]

    return value


def _phase_energy(index: int) -> Value:
    """kWh x 10."""
    return lambda view: (derived.phase_energies(view, A_POS)[index].value or 0) // 100


def _reactive(view: View) -> int:
    return (view.net_reactive_power or 0) * 10


def _phase_reactive(index: int) -> Value:
    return lambda view: (derived.phase_reactive_powers(view)[index].value or 0) * 10


def _frequency(view: View) -> int:
    """Hz x 10."""
    return ((derived.measured(view, Q.FREQUENCY).value or 0) + 50) // 100


def _energy(energy: Quantity) -> Value:
    """kWh x 10, by the estimate, which is the register at the hour and finer in between."""
    return lambda view: (view.estimates.get(energy) or view.value(energy)) // 100


def _phase_config(view: View) -> int:
    return PHASE_CONFIGS[view.net]


def _serial(view: View) -> str:
    return (view.identity.meter_id or "")[-14:]


EM24 = Map(
    name="em24",
    title="Carlo Gavazzi EM24 Ethernet",
    low_word_first=True,
    rows=(
        Register(0x00, INT32, "volt_l1_n", "V x 10", "voltage L1-N", _voltage(0)),
        Register(0x02, INT32, "volt_l2_n", "V x 10", "voltage L2-N", _voltage(1)),
        Register(0x04, INT32, "volt_l3_n", "V x 10", "voltage L3-N", _voltage(2)),
        Register(0x06, INT32, "volt_l1_l2", "V x 10", "voltage L1-L2", _line_voltage(0)),
        Register(0x08, INT32, "volt_l2_l3", "V x 10", "voltage L2-L3", _line_voltage(1)),
        Register(0x0A, UINT16, "volt_l3_l1", "V x 10", "voltage L3-L1", _line_voltage(2)),
        Register(0x0B, UINT16, "model", "", "model: EM24DINAV53XE1X", lambda _: MODEL, "never"),
        Register(0x0C, INT32, "curr_l1", "mA", "current L1", _current(0)),
        Register(0x0E, INT32, "curr_l2", "mA", "current L2", _current(1)),
        Register(0x10, INT32, "curr_l3", "mA", "current L3", _current(2)),
        Register(0x12, INT32, "power_l1", "W x 10", "active power L1", _phase_power(0)),
        Register(0x14, INT32, "power_l2", "W x 10", "active power L2", _phase_power(1)),
        Register(0x16, INT32, "power_l3", "W x 10", "active power L3", _phase_power(2)),
        *reserved(0x18, 6),
        Register(0x1E, INT32, "reactive_l1", "var x 10", "reactive power L1, net", _phase_reactive(0)),
        Register(0x20, INT32, "reactive_l2", "var x 10", "reactive power L2, net", _phase_reactive(1)),
        Register(0x22, INT32, "reactive_l3", "var x 10", "reactive power L3, net", _phase_reactive(2)),
        *reserved(0x24, 4),
        Register(0x28, INT32, "power", "W x 10", "active power, import less export", _power, "2 s"),
        *reserved(0x2A, 2),
        Register(0x2C, INT32, "reactive_power", "var x 10", "reactive power, net", _reactive),
        *reserved(0x2E, 4),
        Register(0x32, UINT16, "sequence", "", "phase sequence: 0 is L1-L2-L3", lambda _: 0, "never"),
        Register(0x33, UINT16, "frequency", "Hz x 10", "frequency; 0 where it is not sent", _frequency),
        Register(0x34, INT32, "energy_import", "kWh x 10", "active energy, import", _energy(A_POS)),
        Register(0x36, INT32, "reactive_import", "kvarh x 10", "reactive energy, import", _energy(R_POS)),
        *reserved(0x38, 8),
        Register(0x40, INT32, "import_l1", "kWh x 10", "active energy L1, import", _phase_energy(0), "1 h"),
        Register(0x42, INT32, "import_l2", "kWh x 10", "active energy L2, import", _phase_energy(1), "1 h"),
        Register(0x44, INT32, "import_l3", "kWh x 10", "active energy L3, import", _phase_energy(2), "1 h"),
        *reserved(0x46, 8),
        Register(0x4E, INT32, "energy_export", "kWh x 10", "active energy, export", _energy(A_NEG)),
        Register(0x50, INT32, "reactive_export", "kvarh x 10", "reactive energy, export", _energy(R_NEG)),
        Register(0x302, UINT16, "hardware", "", "hardware version 1.0.0", lambda _: 0x1000, "never"),
        *reserved(0x303, 1),
        Register(0x304, UINT16, "firmware", "", "firmware version 1.0.0", lambda _: 0x1000, "never"),
        Register(0x1002, UINT16, "phases", "", "0 3P.n, 3 1P, 4 3P", _phase_config, "never"),
        Register(0x5000, text(7), "serial", "", "the meter id's last 14 characters", _serial, "never"),
        Register(0xA000, UINT16, "application", "", "application H", lambda _: APPLICATION_H, "never"),
        Register(0xA100, UINT16, "switch", "", "front switch: locked", lambda _: SWITCH_LOCKED, "never"),
    ),
)
