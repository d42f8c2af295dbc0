"""The extension of the HAN2X map, from 40101 (requirements, section 6): what a controller needs to trust it.

Quality first, then numbers, then text, then money: 40101-40200 in one read of 100 registers, who the meter
is and what it costs in a second. Everything is an integer; what is unknown has its type's marker, never a 0.
"""

from collections.abc import Iterator

from ...model import derived
from ...model.derived import Origin
from ...model.quantity import BESIDES, ENERGIES, PF, PRINCIPAL, WATT_HOUR, Quantity
from ...model.reading import ListType, Net
from ...model.view import FRESH_MS, SCALE_ONE, View
from ..table import Register, Value, reserved
from ..types import INT16, INT32, UINT16, UINT32, UINT64, Known, text

MAP_VERSION = 3
START = 100

PER_ORE = 1000
"""Milliøre to an øre."""

LAMP_MS = 60_000
"""The HAN lamp's minute (manual row M3)."""

STATUS_BITS: tuple[str, ...] = (
    "the source (adapter, bridge) is open",
    "a correct telegram came within 60 s",
    "a correct telegram came within 30 s",
    "energies are known",
    "energies were received since the start",
    "the meter's clock is plausible",
    "the scale factor is not 1",
    "estimated energies are known",
)
"""Meaning of each bit of the status word, from bit 0."""


def _status(view: View) -> int:
    age_ms = view.age_ms if view.age_ms is not None else LAMP_MS + 1
    bits = (
        view.line.open,
        age_ms <= LAMP_MS,
        age_ms <= FRESH_MS,
        any(energy in view.values for energy in ENERGIES),
        ListType.HOURLY in view.list_age_ms,
        view.clock_plausible,
        view.scale != SCALE_ONE,
        bool(view.estimates),
    )
    return sum(bit << position for position, bit in enumerate(bits))


def _validity(quantities: tuple[Quantity, ...]) -> Value:
    return lambda view: sum(view.is_fresh(quantity) << bit for bit, quantity in enumerate(quantities))


ORIGINS = {Origin.UNAVAILABLE: 0, Origin.MEASURED: 1, Origin.DERIVED: 2, Origin.BOUNDED: 3}


def _phase_origins(view: View) -> int:
    """Two bits a phase, from bit 0."""
    return sum(ORIGINS[power.origin] << 2 * phase for phase, power in enumerate(derived.phase_powers(view)))


def _phase_power(phase: int) -> Value:
    return lambda view: derived.phase_powers(view)[phase].value


def _seconds(age_ms: int | None) -> int | None:
    """An age in whole seconds that its register tells from "never"."""
    return None if age_ms is None else min(age_ms // 1000, 0xFFFE)


def _list_age(kind: ListType) -> Value:
    return lambda view: _seconds(view.list_age_ms.get(kind))


def _of(quantity: Quantity) -> Value:
    return lambda view: view.values.get(quantity)


def _est(energy: Quantity) -> Value:
    return lambda view: view.estimates.get(energy)


def _hour(energy: Quantity) -> Value:
    return lambda view: view.hour.get(energy)


def _identity(part: int) -> Value:
    return lambda view: view.identity[part] or None


def _unix_s(view: View) -> Known | None:
    return None if view.last_unix_ms is None else view.last_unix_ms // 1000


def _budget(part: str) -> Value:
    return lambda view: getattr(view.budget, part) if view.budget else None


def _capacity(part: str) -> Value:
    return lambda view: getattr(view.capacity, part) if view.capacity else None


def _price(view: View) -> Known | None:
    return view.costs.price.price if view.costs and view.costs.price else None


def _kwh(part: str) -> Value:
    return lambda view: getattr(view.costs.kwh, part) if view.costs and view.costs.kwh else None


def _cost(part: str) -> Value:
    """To the nearest øre, where every hour is known and has its price."""

    def value(view: View) -> Known | None:
        cost = getattr(view.costs, part, None)
        return (cost.total + PER_ORE // 2) // PER_ORE if cost and cost.complete else None

    return value


def _fee(part: str) -> Value:
    """Whole øre a month."""

    def value(view: View) -> Known | None:
        price = getattr(view.capacity, part, None)
        return None if price is None else price // PER_ORE

    return value


NETS = {None: 0, Net.ONE_PHASE: 1, Net.IT: 2, Net.TN: 3}
Q = Quantity
A_POS, A_NEG, R_POS, R_NEG = ENERGIES


def _besides(address: int) -> Iterator[Register]:
    """What only some meters send, one behind the other."""
    for quantity in BESIDES:
        type = _TYPES.get(quantity.unit, UINT32)
        unit = "1/1000" if quantity.unit is PF else quantity.unit.symbol
        yield Register(address, type, f"x_{quantity.value}", unit, quantity.label, _of(quantity))
        address += type.words


_TYPES = {PF: INT16, WATT_HOUR: UINT64}

EXTENSION: tuple[Register, ...] = (
    Register(100, UINT16, "map_version", "", "version of this extension", lambda _: MAP_VERSION, "never"),
    Register(101, UINT16, "heartbeat", "s", "counts seconds, wraps", lambda v: v.uptime_s & 0xFFFF, "1 s"),
    Register(102, UINT16, "status", "bits", "status; see the list of bits", _status, "1 s"),
    Register(
        103, UINT16, "last_fault", "", "last fault of the line", lambda v: v.line.last_fault, "on change"
    ),
    Register(104, UINT32, "validity", "bits", "a bit for each fresh quantity", _validity(PRINCIPAL), "1 s"),
    Register(106, UINT32, "telegrams", "", "correct telegrams since the start", lambda v: v.received, "2 s"),
    Register(108, UINT32, "errors", "", "wrong checksums since the start", lambda v: v.line.checksum_errors),
    Register(110, UINT16, "age", "s", "since the last telegram", lambda v: _seconds(v.age_ms), "1 s"),
    Register(111, UINT16, "age_list_1", "s", "since the last fast list", _list_age(ListType.FAST), "1 s"),
    Register(
        112, UINT16, "age_list_2", "s", "since the last 10 s list", _list_age(ListType.TEN_SECONDS), "1 s"
    ),
    Register(113, UINT16, "age_list_3", "s", "since the last hourly list", _list_age(ListType.HOURLY), "1 s"),
    Register(114, UINT32, "unix_time", "s", "Unix time of the last telegram", _unix_s, "2 s"),
    Register(116, UINT32, "uptime_s", "s", "since the start", lambda v: v.uptime_s, "1 s"),
    Register(118, INT32, "net_pow", "W", "active power, import less export", lambda v: v.net_power, "2 s"),
    Register(120, INT32, "net_react", "var", "reactive power, net", lambda v: v.net_reactive_power),
    Register(122, UINT32, "x_act_pow_pos", "W", "active power, import", _of(Q.ACT_POW_POS), "2 s"),
    Register(124, UINT32, "x_act_pow_neg", "W", "active power, export", _of(Q.ACT_POW_NEG)),
    Register(126, UINT32, "x_react_pow_pos", "var", "reactive power, import", _of(Q.REACT_POW_POS)),
    Register(128, UINT32, "x_react_pow_neg", "var", "reactive power, export", _of(Q.REACT_POW_NEG)),
    Register(130, INT32, "x_curr_l1", "mA", "current L1", _of(Q.CURR_L1)),
    Register(132, INT32, "x_curr_l2", "mA", "current L2", _of(Q.CURR_L2)),
    Register(134, INT32, "x_curr_l3", "mA", "current L3", _of(Q.CURR_L3)),
    Register(136, UINT32, "x_volt_l1", "mV", "voltage L1", _of(Q.VOLT_L1)),
    Register(138, UINT32, "x_volt_l2", "mV", "voltage L2", _of(Q.VOLT_L2)),
    Register(140, UINT32, "x_volt_l3", "mV", "voltage L3", _of(Q.VOLT_L3)),
    Register(142, UINT64, "x_act_energy_pos", "Wh", "active energy, import", _of(A_POS), "1 h"),
    Register(146, UINT64, "x_act_energy_neg", "Wh", "active energy, export", _of(A_NEG), "1 h"),
    Register(150, UINT64, "x_react_energy_pos", "varh", "reactive energy, import", _of(R_POS), "1 h"),
    Register(154, UINT64, "x_react_energy_neg", "varh", "reactive energy, export", _of(R_NEG), "1 h"),
    Register(
        158, UINT64, "x_act_energy_pos_est", "Wh", "active energy, import, estimated", _est(A_POS), "2 s"
    ),
    Register(162, UINT64, "x_act_energy_neg_est", "Wh", "active energy, export, estimated", _est(A_NEG)),
    Register(
        166, UINT64, "x_react_energy_pos_est", "varh", "reactive energy, import, estimated", _est(R_POS)
    ),
    Register(
        170, UINT64, "x_react_energy_neg_est", "varh", "reactive energy, export, estimated", _est(R_NEG)
    ),
    Register(
        174, UINT32, "hour_act_pos", "Wh", "active energy, import, this hour so far", _hour(A_POS), "2 s"
    ),
    Register(176, UINT32, "hour_act_neg", "Wh", "active energy, export, this hour so far", _hour(A_NEG)),
    Register(
        178, UINT32, "hour_react_pos", "varh", "reactive energy, import, this hour so far", _hour(R_POS)
    ),
    Register(
        180, UINT32, "hour_react_neg", "varh", "reactive energy, export, this hour so far", _hour(R_NEG)
    ),
    Register(182, UINT32, "x_scale", "1/1000", "scale factor", lambda v: v.scale, "on change"),
    Register(
        184, UINT16, "net", "", "net: 0 unknown, 1 one phase, 2 IT, 3 TN", lambda v: NETS[v.net], "never"
    ),
    Register(
        185, UINT16, "capacity_step", "", "capacity step of the month, from 1", _capacity("step"), "1 h"
    ),
    Register(186, UINT32, "hour_forecast", "Wh/h", "import, forecast for this hour", _budget("forecast")),
    Register(188, INT32, "power_left", "W", "import that this hour's limit still allows", _budget("left")),
    Register(
        190, UINT32, "month_peak", "W", "mean of the month's peaks that count", _capacity("mean"), "1 h"
    ),
    Register(192, UINT32, "step_limit", "W", "where this capacity step ends", _capacity("limit"), "1 h"),
    Register(194, UINT32, "next_limit", "W", "where the next one ends", _capacity("next_limit"), "1 h"),
    Register(
        196, UINT32, "step_left", "Wh/h", "import an hour may have in this step", _capacity("headroom"), "1 h"
    ),
    Register(198, UINT16, "hour_rest", "s", "what is left of this hour", _budget("rest_s")),
    *reserved(199, 1),
    Register(200, text(8), "vendor", "", "vendor", lambda v: v.vendor or None, "on change"),
    Register(208, text(8), "list_version", "", "list version id", _identity(0), "on change"),
    Register(216, text(10), "meter_id", "", "meter id", _identity(1), "on change"),
    Register(226, text(10), "meter_type", "", "meter type", _identity(2), "on change"),
    *reserved(236, 4),
    Register(240, INT32, "spot_price", "NOK/kWh x 100000", "spot price now, without taxes", _price, "15 min"),
    Register(242, INT32, "cost_today", "NOK x 100", "cost of energy today", _cost("today"), "1 h"),
    Register(244, INT32, "cost_month", "NOK x 100", "cost of energy this month", _cost("month"), "1 h"),
    Register(
        246,
        UINT32,
        "step_price",
        "NOK/month x 100",
        "this capacity step's price, with VAT",
        _fee("price"),
        "1 h",
    ),
    Register(
        248, UINT32, "next_price", "NOK/month x 100", "the next one's, with VAT", _fee("next_price"), "1 h"
    ),
    Register(300, UINT32, "validity_more", "bits", "a bit for each, as validity", _validity(BESIDES), "1 s"),
    Register(
        302,
        UINT16,
        "net_pow_origin",
        "bits",
        "2 bits a phase: 0 unknown, 1 measured, 2 derived from currents",
        _phase_origins,
    ),
    *reserved(303, 1),
    Register(304, INT32, "net_pow_l1", "W", "active power L1, import less export", _phase_power(0)),
    Register(306, INT32, "net_pow_l2", "W", "active power L2, import less export", _phase_power(1)),
    Register(308, INT32, "net_pow_l3", "W", "active power L3, import less export", _phase_power(2)),
    *_besides(310),
    Register(
        368,
        INT32,
        "price_total",
        "NOK/kWh x 100000",
        "what a kWh costs now, with all",
        _kwh("total"),
        "15 min",
    ),
    Register(
        370, INT32, "price_export", "NOK/kWh x 100000", "what a sold kWh earns now", _kwh("sold"), "15 min"
    ),
)
