"""Aidon: arrays of registers that carry their own scaler and unit (AIDON_V0001; han-port sheet 4.1, 6.1).

List 1 carries no identity and is like that of the L+G E350. The clock runs on standard time all year.
The energies of list 3 are those of HH:00:00 and are sent at HH:00:10.
"""

from ..model.reading import Fitting, Net, TimeBase
from ..wire.axdr import Array, Data
from .layouts import CLOCK, registers
from .register_lists import list_version, text_of
from .vendor import Vendor

NETS = {"651": Net.ONE_PHASE, "652": Net.IT, "653": Net.TN, "654": Net.IT, "655": Net.TN, "656": Net.TN}
"""By the first three digits of the type (AID16 p8; han-port sheet 4.1)."""


def _fitting(meter_type: str, _: object) -> Fitting:
    return Fitting(NETS.get(meter_type[:3]))


def _is_norwegian(body: Data) -> bool:
    return list_version(body).startswith("AIDON_V")


def _is_swedish(body: Data) -> bool:
    """The Swedish list begins with the clock and carries no identity at all."""
    if not isinstance(body, Array) or len(body) not in (15, 27):
        return False
    return _begins_with_clock(body) and not text_of(body, "96.1.0") and not text_of(body, "42.0.0")


def _begins_with_clock(body: Array) -> bool:
    first = body[0]
    code = first[0] if isinstance(first, tuple) and first else None
    return isinstance(code, bytes) and code[2:5] == CLOCK[2:5]


def _is_power_alone(body: Data) -> bool:
    return isinstance(body, Array) and len(body) == 1


NORWAY = Vendor(
    name="aidon",
    recognise=_is_norwegian,
    items=registers,
    time_base=TimeBase.STANDARD,
    send_delay_ms=10_000,
    fitting=_fitting,
    norwegian=True,
)
FAST = Vendor(
    name="aidon",
    recognise=_is_power_alone,
    items=registers,
    time_base=TimeBase.STANDARD,
    norwegian=True,
    anonymous=True,
)
SWEDEN = Vendor(name="aidon", recognise=_is_swedish, items=registers, time_base=TimeBase.STANDARD)
