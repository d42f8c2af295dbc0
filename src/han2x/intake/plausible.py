"""What a meter's owner should look at: values that its own power belies, and transformers without a factor.

Pure. A Kamstrup's lists do not say whether energies are in 10 Wh or in 1 Wh (han-port sheet 5, row 12), but
power does: what the register rose by is compared with the power in between, once that is enough to tell.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from ..model.quantity import Quantity
from ..model.reading import Reading
from ..model.state import Snapshot
from ..model.view import SCALE_ONE

GAP_MAX_S = 30
ENOUGH_WH = 100
"""Ten steps of a register in 10 Wh: a factor of ten cannot hide in them."""

S_PER_HOUR = 3600
TRANSFORMER_TYPES = {"kamstrup": ("685",), "aidon": ("654", "655", "656"), "kaifa": ("MA304T",)}
"""How the types of meters for current transformers begin (sheet 4.1 to 4.3)."""

TOO_FAST = "The energies rise ten times as fast as the power says: set kamstrup_energy_wh = 1"
TOO_SLOW = "The energies rise a tenth as fast as the power says: set kamstrup_energy_wh = 10"
TRANSFORMERS = (
    "A {} is fitted to current transformers and sends what they give: set scale to 1000 times their ratio"
)
VOLTS = "{} of {:.0f} V cannot be right: send us a recording"
VOLTS_MIN, VOLTS_MAX = 50_000, 600_000


SAME_NUMBER = (
    "{} and {} send the same meter number {} · one meter is read twice, or the number is a mark that all "
    "meters of its kind send · remove one of them if it is the same meter"
)
PARTIAL = (
    "{} stands still · the meter leaves out a tariff that it sent before, so the total would be too low · it "
    "goes on when the tariff is sent again, or after a day with the tariff's last value"
)


def same_number(meter: str, known: Mapping[str, tuple[str, Snapshot]]) -> str:
    """That another meter has the same number as this one; "" if none has. `known`: name and state by id."""
    if meter not in known:
        return ""
    name, snapshot = known[meter]
    number = snapshot.identity.meter_id
    others = (
        other
        for id, (other, its) in known.items()
        if id != meter and number and its.identity.meter_id == number
    )
    other = next(others, None)
    return SAME_NUMBER.format(name, other, number) if other is not None else ""


def partial(snapshot: Snapshot) -> str:
    """That sums are held since a part is missing; "" if none is."""
    labels = sorted(quantity.label for quantity in snapshot.partial)
    return PARTIAL.format(", ".join(labels).capitalize()) if labels else ""


class Plausibility:
    """One meter's readings in order; what to advise its owner."""

    def __init__(self, kamstrup_energy_wh: int) -> None:
        self._step = kamstrup_energy_wh
        self._energy: int | None = None
        self._summed = 0  # W s since that register
        self._power: tuple[int, datetime] | None = None  # W, and when by the meter's clock
        self._steps = ""
        self._type = self._vendor = ""
        self._volts = ""

    def read(self, reading: Reading) -> None:
        """One more reading."""
        self._vendor = reading.vendor
        self._type = reading.identity.meter_type or self._type
        self._look_at_voltages(reading)
        if reading.vendor == "kamstrup" and reading.clock:
            self._add(reading.values.get(Quantity.ACT_POW_POS), reading.clock.local)
            self._compare(reading.values.get(Quantity.ACT_ENERGY_POS))

    def advice(self, scale: Callable[[], int]) -> str:
        """What should be looked at, "" for nothing; `scale`: the meter's factor in thousandths, if needed."""
        if self._steps or self._volts:
            return self._steps or self._volts
        begins = TRANSFORMER_TYPES.get(self._vendor, ())
        on_transformers = bool(begins) and self._type.startswith(begins)
        return TRANSFORMERS.format(self._type) if on_transformers and scale() == SCALE_ONE else ""

    def _add(self, watts: int | None, at: datetime) -> None:
        if watts is None:
            return
        if self._power:
            before, since = self._power
            passed_s = int((at - since).total_seconds())
            if not 0 <= passed_s <= GAP_MAX_S:
                self._energy = None  # what was used meanwhile is not known
            self._summed += before * passed_s
        self._power = watts, at

    def _compare(self, energy: int | None) -> None:
        expected = self._summed // S_PER_HOUR
        if energy is None:
            return
        if self._energy is None or energy < self._energy:
            self._energy, self._summed = energy, 0
        elif expected >= ENOUGH_WH:
            self._steps = self._verdict(energy - self._energy, expected)
            self._energy, self._summed = energy, 0

    def _verdict(self, rise: int, expected: int) -> str:
        if self._step == 10:
            return TOO_FAST if rise > 5 * expected else ""
        return TOO_SLOW if 5 * rise < expected else ""

    def _look_at_voltages(self, reading: Reading) -> None:
        for quantity in (Quantity.VOLT_L1, Quantity.VOLT_L2, Quantity.VOLT_L3):
            millivolts = reading.values.get(quantity)
            if millivolts is not None:
                wrong = bool(millivolts) and not VOLTS_MIN <= millivolts <= VOLTS_MAX
                self._volts = VOLTS.format(quantity.label, millivolts / 1000) if wrong else ""
                if wrong:
                    return
