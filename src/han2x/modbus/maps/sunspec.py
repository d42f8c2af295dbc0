"""SunSpec: the common model (1) and a three-phase meter as integers with scale factors (203) or floats (213).

Power is positive for import. What a HAN port does not tell has its type's "not implemented" marker. On
an IT net the measured voltages are those between phases; those to neutral do not exist there, unless
`fill` copies them for readers that look nowhere else. Scale factors grow only where a value would not
fit its 16 bits; accumulators are whole Wh and roll over as SunSpec's do. Energies are the estimates,
which are the meter's registers at the hour and finer in between.
"""

from collections.abc import Callable, Iterator
from functools import cache
from math import ceil, log10

from ... import __version__
from ...model import derived
from ...model.derived import Origin, Three
from ...model.quantity import CURRENTS, ENERGIES, VOLTAGES, Quantity
from ...model.reading import Net
from ...model.view import View
from ..table import Map, Register, Value
from ..types import FLOAT32, INT16, UINT16, UINT32, Known, Type, text

BASE = 40000
INT16_MAX = 0x7FFF
EXPONENT_MAX = 10
"""The greatest scale factor that SunSpec has; more than that stops at the end of its 16 bits."""

PHASES = "ABC"
Q = Quantity
A_POS, A_NEG, R_POS, R_NEG = ENERGIES
PAIRS = ("AB", "BC", "CA")

ACC32 = Type("acc32", 2, lambda value: UINT32.encode(int(value) & 0xFFFF_FFFF), UINT32.decode, bytes(4))
"""An accumulator: rolls over; 0 is "not implemented"."""

Measure = Callable[[View], float | None]


def _measure(quantity: Quantity) -> Measure:
    per = quantity.unit.per_display
    return lambda view: None if quantity not in view.values else view.values[quantity] / per


def _total_current(view: View) -> float | None:
    known = [view.values[current] for current in CURRENTS if current in view.values]
    return sum(known) / 1000 if known else None


def _one(three: Callable[[View], Three], index: int, per: int) -> Measure:
    """One of three values where it is measured: a reader cannot see here what is derived."""

    def measure(view: View) -> float | None:
        value, origin, _ = three(view)[index]
        return value / per if value is not None and origin is Origin.MEASURED else None

    return measure


def _phase_voltage(index: int, fill: bool) -> Measure:
    measure = _one(derived.phase_voltages, index, 1000)
    filled = _measure(VOLTAGES[index])
    return lambda view: filled(view) if fill and view.net is Net.IT else measure(view)


def _mean(measures: list[Measure]) -> Measure:
    def mean(view: View) -> float | None:
        known = [value for measure in measures if (value := measure(view)) is not None]
        return sum(known) / len(known) if known else None

    return mean


def _nothing(_: View) -> None:
    return None


def _energy(energy: Quantity) -> Callable[[View], int | None]:
    return lambda view: view.estimates.get(energy, view.values.get(energy))


def _groups(fill: bool) -> list[tuple[str, str, int, list[tuple[str, Measure]]]]:
    """The instant values: scale factor's name, unit, its least exponent, and the points it applies to."""
    phase = [(f"PhVph{p}", _phase_voltage(index, fill)) for index, p in enumerate(PHASES)]
    line = [(f"PhVph{pair}", _one(derived.line_voltages, index, 1000)) for index, pair in enumerate(PAIRS)]
    amperes = [(f"Aph{p}", _measure(current)) for p, current in zip(PHASES, CURRENTS, strict=True)]
    return [
        ("A_SF", "A", -2, [("A", _total_current), *amperes]),
        (
            "V_SF",
            "V",
            -1,
            [
                ("PhV", _mean([measure for _, measure in phase])),
                *phase,
                ("PPV", _mean([measure for _, measure in line])),
                *line,
            ],
        ),
        ("Hz_SF", "Hz", -2, [("Hz", _measure(Q.FREQUENCY))]),
        ("W_SF", "W", 0, _with_phases("W", lambda view: view.net_power, derived.phase_powers)),
        ("VA_SF", "VA", 0, [("VA", _nothing), *((f"VAph{p}", _nothing) for p in PHASES)]),
        (
            "VAR_SF",
            "var",
            0,
            _with_phases("VAR", lambda view: view.net_reactive_power, derived.phase_reactive_powers),
        ),
        ("PF_SF", "%", -1, _with_phases("PF", _percent, derived.power_factors, PERCENT)),
    ]


PERCENT = 10
"""Of thousandths."""


def _percent(view: View) -> float | None:
    return None if Q.POWER_FACTOR not in view.values else view.values[Q.POWER_FACTOR] / PERCENT


def _with_phases(
    name: str, total: Measure, three: Callable[[View], Three], per: int = 1
) -> list[tuple[str, Measure]]:
    """A total and its phases, which few meters send."""
    return [(name, total), *((f"{name}ph{p}", _one(three, index, per)) for index, p in enumerate(PHASES))]


def _accumulators() -> list[tuple[str, str, list[tuple[str, Callable[[View], int | None]]]]]:
    """Scale factor's name, unit and totals; each is followed by its three phases."""
    return [
        ("TotWh_SF", "Wh", [("TotWhExp", _energy(A_NEG)), ("TotWhImp", _energy(A_POS))]),
        ("TotVAh_SF", "VAh", [("TotVAhExp", _nothing), ("TotVAhImp", _nothing)]),
        (
            "TotVArh_SF",
            "varh",
            [
                ("TotVArhImpQ1", _energy(R_POS)),
                ("TotVArhImpQ2", _nothing),
                ("TotVArhExpQ3", _nothing),
                ("TotVArhExpQ4", _energy(R_NEG)),
            ],
        ),
    ]


def _phase_energy(total: str, index: int) -> Callable[[View], int | None]:
    energy = {"TotWhExp": A_NEG, "TotWhImp": A_POS}.get(total)
    return (lambda view: derived.phase_energies(view, energy)[index].value) if energy else _nothing


def _exponent(view: View, least: int, measures: tuple[Measure, ...]) -> int:
    """The scale factor for points that share it: the least with which all fit 16 bits."""
    greatest = max((abs(value) for measure in measures if (value := measure(view)) is not None), default=0)
    if greatest <= INT16_MAX * 10**least:
        return least
    return min(ceil(log10(greatest / INT16_MAX)), EXPONENT_MAX)


def _scaled(measure: Measure, least: int, group: tuple[Measure, ...]) -> Value:
    def value(view: View) -> int | None:
        known = measure(view)
        return None if known is None else round(known / 10.0 ** _exponent(view, least, group))

    return value


Point = tuple[str, Type, str, Value]


def _points_203(fill: bool) -> Iterator[Point]:
    for factor, unit, least, points in _groups(fill):
        group = tuple(measure for _, measure in points)
        for name, measure in points:
            yield name, INT16, unit, _scaled(measure, least, group)
        yield factor, INT16, "", _factor(least, group)
    for factor, unit, totals in _accumulators():
        for name, total in totals:
            yield name, ACC32, unit, total
            for index, phase in enumerate(PHASES):
                yield f"{name}Ph{phase}", ACC32, unit, _phase_energy(name, index)
        known = any(total is not _nothing for _, total in totals)
        yield factor, INT16, "", (lambda _: 0) if known else _nothing
    yield "Evt", UINT32, "bits", lambda _: 0


def _factor(least: int, group: tuple[Measure, ...]) -> Value:
    if all(measure is _nothing for measure in group):
        return _nothing
    return lambda view: _exponent(view, least, group)


RENAMED_213 = {f"PhVph{pair}": f"PPVph{pair}" for pair in PAIRS}
"""SunSpec's models do not agree on the names of all points; nor on a capital P in those of varh."""


def _points_213(fill: bool) -> Iterator[Point]:
    for _, unit, _, points in _groups(fill):
        for name, measure in points:
            yield RENAMED_213.get(name, name), FLOAT32, unit, measure
    for _, unit, totals in _accumulators():
        for name, total in totals:
            yield name, FLOAT32, unit, total
            for index, phase in enumerate(PHASES):
                point = f"{name}{'ph' if unit == 'varh' else 'Ph'}{phase}"
                yield point, FLOAT32, unit, _phase_energy(name, index)
    yield "Evt", UINT32, "bits", lambda _: 0


def _common() -> Iterator[Point]:
    texts: list[tuple[str, int, Callable[[View], Known | None]]] = [
        ("Mn", 16, lambda _: "han2x"),
        ("Md", 16, lambda view: view.identity.meter_type or "HAN meter"),
        ("Opt", 8, lambda view: view.vendor or None),
        ("Vr", 8, lambda _: __version__),
        ("SN", 16, lambda view: view.identity.meter_id or None),
    ]
    for name, words, value in texts:
        yield name, text(words), "", value
    yield "DA", UINT16, "", lambda _: 1
    yield "Pad", INT16, "", _nothing


MODELS: dict[int, Callable[[bool], Iterator[Point]]] = {203: _points_203, 213: _points_213}


@cache
def sunspec(models: tuple[int, ...] = (203,), *, fill: bool = False) -> Map:
    """The map with these meter models, in this order; `fill` as in the module's docstring."""
    rows: list[Register] = [
        Register(BASE, UINT32, "SunS", "", "marks a SunSpec map", lambda _: 0x53756E53, "never")
    ]
    for number, points in [(1, list(_common())), *((m, list(MODELS[m](fill))) for m in models)]:
        length = sum(type.words for _, type, _, _ in points)
        rows += _rows(rows[-1].addresses.stop, _header(number, length) + points, number)
    end = rows[-1].addresses.stop
    rows += _rows(end, _header(0xFFFF, 0), 0xFFFF)
    return Map(name="sunspec", title=f"SunSpec {', '.join(map(str, (1, *models)))}", rows=tuple(rows))


def _header(number: int, length: int) -> list[Point]:
    return [("ID", UINT16, "", lambda _: number), ("L", UINT16, "", lambda _: length)]


def _rows(address: int, points: list[Point], model: int) -> list[Register]:
    rows = []
    for name, type, unit, value in points:
        rows.append(Register(address, type, f"m{model}_{name}", unit, f"model {model}: {name}", value))
        address += type.words
    return rows
