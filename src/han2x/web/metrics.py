"""Prometheus text (exposition format 0.0.4): base units, one row a metric. Pure but for the gateway it reads.

What is stale has no series: a graph has a gap there, not a line. Meter numbers are in no label.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

from .. import __version__
from ..model.quantity import PHASE_QUANTITIES
from ..model.quantity import Quantity as Q
from ..model.view import View
from ..settings.schema import Meter
from .api_system import memory_mb
from .endpoint import Call

JOULES = 3600
Samples = Iterator[tuple[Mapping[str, str], float]]


class Metric(NamedTuple):
    """A row: `samples` yields labels and values of one meter."""

    name: str
    kind: str
    help: str
    samples: Callable[[View], Samples]


def _power(positive: Q) -> Callable[[View], Samples]:
    return lambda view: (({}, float(view.values[q])) for q in (positive,) if view.is_fresh(q))


def _phases(*quantities: Q) -> Callable[[View], Samples]:
    def samples(view: View) -> Samples:
        for number, quantity in enumerate(quantities, 1):
            if view.is_fresh(quantity):
                yield {"phase": f"L{number}"}, view.values[quantity] / 1000

    return samples


def _by_phase(total: Q) -> Callable[[View], Samples]:
    return lambda view: (
        ({"phase": f"L{number}"}, float(view.values[quantity]))
        for number, quantity in enumerate(PHASE_QUANTITIES[total], 1)
        if view.is_fresh(quantity)
    )


def _displayed(quantity: Q) -> Callable[[View], Samples]:
    return lambda view: (({}, float(q.displayed(view.values[q]))) for q in (quantity,) if view.is_fresh(q))


def _energy(energy: Q) -> Callable[[View], Samples]:
    return lambda view: (({}, float(view.values[q] * JOULES)) for q in (energy,) if view.is_fresh(q))


def _estimate(energy: Q) -> Callable[[View], Samples]:
    return lambda view: (
        ({}, float(view.estimates[q] * JOULES)) for q in (energy,) if q in view.estimates and view.is_live
    )


def _one(value: Callable[[View], float | None]) -> Callable[[View], Samples]:
    def samples(view: View) -> Samples:
        found = value(view)
        if found is not None:
            yield {}, found

    return samples


def _info(view: View) -> Samples:
    if view.vendor:
        identity = view.identity
        yield (
            {
                "manufacturer": view.vendor,
                "model": identity.meter_type or "",
                "list": identity.list_version or "",
            },
            1,
        )


METRICS = (
    Metric("active_power_import_watts", "gauge", "Active power import.", _power(Q.ACT_POW_POS)),
    Metric("active_power_export_watts", "gauge", "Active power export.", _power(Q.ACT_POW_NEG)),
    Metric("reactive_power_import_vars", "gauge", "Reactive power import.", _power(Q.REACT_POW_POS)),
    Metric("reactive_power_export_vars", "gauge", "Reactive power export.", _power(Q.REACT_POW_NEG)),
    Metric("current_amperes", "gauge", "Currents.", _phases(Q.CURR_L1, Q.CURR_L2, Q.CURR_L3)),
    Metric("voltage_volts", "gauge", "Voltages.", _phases(Q.VOLT_L1, Q.VOLT_L2, Q.VOLT_L3)),
    Metric("phase_power_import_watts", "gauge", "Active power import by phase.", _by_phase(Q.ACT_POW_POS)),
    Metric("phase_power_export_watts", "gauge", "Active power export by phase.", _by_phase(Q.ACT_POW_NEG)),
    Metric("power_factor", "gauge", "Power factor.", _displayed(Q.POWER_FACTOR)),
    Metric("frequency_hertz", "gauge", "Frequency.", _displayed(Q.FREQUENCY)),
    Metric("energy_import_joules_total", "counter", "Energy import by register.", _energy(Q.ACT_ENERGY_POS)),
    Metric("energy_export_joules_total", "counter", "Energy export by register.", _energy(Q.ACT_ENERGY_NEG)),
    Metric(
        "energy_import_estimated_joules_total",
        "counter",
        "Energy import between the hourly registers, estimated.",
        _estimate(Q.ACT_ENERGY_POS),
    ),
    Metric(
        "energy_export_estimated_joules_total",
        "counter",
        "Energy export between the hourly registers, estimated.",
        _estimate(Q.ACT_ENERGY_NEG),
    ),
    Metric("telegrams_total", "counter", "Good telegrams.", _one(lambda view: float(view.received))),
    Metric(
        "checksum_errors_total",
        "counter",
        "Frames with a wrong checksum.",
        _one(lambda view: float(view.line.checksum_errors)),
    ),
    Metric(
        "discarded_total",
        "counter",
        "Stretches of octets that gave no reading.",
        _one(lambda view: float(view.line.discarded)),
    ),
    Metric(
        "last_telegram_timestamp_seconds",
        "gauge",
        "When the last good telegram came.",
        _one(lambda view: None if view.last_unix_ms is None else view.last_unix_ms / 1000),
    ),
    Metric("meter_info", "gauge", "What the meter says it is.", _info),
)


async def metrics(call: Call) -> Response:
    """All meters, and the process."""
    gateway = call.gateway
    meters = gateway.settings.value.meters
    views = {one.id: gateway.view(one, call.now) for one in meters}
    uptime_s = (call.now.mono_ms - gateway.started.mono_ms) / 1000
    lines = [line for metric in METRICS for line in _written(metric, views)]
    lines += _names(meters)
    lines += _process("build_info", "Version of han2x.", {"version": __version__}, 1)
    lines += _process("uptime_seconds", "Since the process started.", {}, uptime_s)
    lines += _process("resident_memory_bytes", "Resident memory.", {}, memory_mb() * 1e6)
    text = "\n".join(lines) + "\n"
    return Response(text, media_type="text/plain; version=0.0.4")


def _names(meters: Sequence[Meter]) -> Iterator[str]:
    """What each meter is called, in a series of its own: no other ends when a meter is renamed."""
    yield "# HELP han2x_meter_name What the meter is called."
    yield "# TYPE han2x_meter_name gauge"
    for meter in meters:
        yield _sample("han2x_meter_name", {"meter": meter.id, "name": meter.name}, 1)


def _written(metric: Metric, views: Mapping[str, View]) -> Iterator[str]:
    name = f"han2x_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for meter, view in views.items():
        for labels, value in metric.samples(view):
            yield _sample(name, {"meter": meter, **labels}, value)


def _process(name: str, text: str, labels: Mapping[str, str], value: float) -> list[str]:
    name = f"han2x_{name}"
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge", _sample(name, labels, value)]


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    number = str(int(value)) if value == int(value) else repr(value)
    return f"{name}{{{written}}} {number}" if written else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
