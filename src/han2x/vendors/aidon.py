"""Aidon: arrays of registers that carry their own scaler and unit (AIDON_V0001; han-port sheet 4.1, 6.1).

List 1 carries no identity and is like that of the L+G E350. The clock runs on standard time all year.
The energies of list 3 are those of HH:00:00 and are sent at HH:00:10.
"""

from ..model.reading import Fitting, Net, TimeBase
from ..wire.axdr import Array, Data, Structure
from ..wire.obis import cde
from .layouts import registers
from .register_lists import code_of, list_version
from .vendor import Vendor

NETS = {"651": Net.ONE_PHASE, "652": Net.IT, "653": Net.TN, "654": Net.IT, "655": Net.TN, "656": Net.TN}
"""By the first three digits of the type (AID16 p8; han-port sheet 4.1)."""


def _fitting(meter_type: str, _: object) -> Fitting:
    return Fitting(NETS.get(meter_type[:3]))


def _is_norwegian(body: Data) -> bool:
    return list_version(body).startswith("AIDON_V")


_POWER = cde("1.7.0")
_SUMS = "1.7.0 2.7.0 3.7.0 4.7.0"
_ENERGIES = "1.8.0 2.8.0 3.8.0 4.8.0"
SWEDISH_LISTS = frozenset(
    tuple(map(cde, codes.split()))
    for codes in (
        f"1.0.0 {_SUMS} 31.7.0 32.7.0 21.7.0 22.7.0 23.7.0 24.7.0 {_ENERGIES}",
        f"1.0.0 {_SUMS} 31.7.0 51.7.0 71.7.0 32.7.0 52.7.0 72.7.0 21.7.0 22.7.0 23.7.0 24.7.0 "
        f"41.7.0 42.7.0 43.7.0 44.7.0 61.7.0 62.7.0 63.7.0 64.7.0 {_ENERGIES}",
    )
)
"""The Swedish lists carry no identity: they are told by their codes, of one phase and three (AID16 3.4)."""


def _is_swedish(body: Data) -> bool:
    return isinstance(body, Array) and len(body) in (15, 27) and tuple(map(code_of, body)) in SWEDISH_LISTS


def _is_power_alone(body: Data) -> bool:
    if not isinstance(body, Array) or len(body) != 1:
        return False
    register = body[0]
    if not isinstance(register, Structure) or len(register) != 3:
        return False
    code, value, _ = register
    return type(code) is bytes and code[2:5] == _POWER and type(value) is not Structure


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
