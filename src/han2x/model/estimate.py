"""A cumulative energy between its hourly readings (manual row M19).

The estimate is power integrated since the moment the last register was true for, on top of what it was
then. Four rules keep it honest:

* a register is cut off, not rounded: one of 1230 Wh that counts in steps of 10 stands for anything from 1230
  to below 1240. An estimate that lies in there is left alone, any other moves to the nearer end; the
  first begins in the middle;
* it never falls: when a register arrives below what was already shown, the estimate waits for it;
  less than a step it makes up for at half the pace, so that it does not stand still for minutes at low power;
* no power is invented: a power value counts for at most `HOLD_MS` after it was received;
* the register is true for the meter's own hour mark, so what was used between that mark and the
  telegram's arrival is added from the recent samples.

Energy is held in watt milliseconds (Wh x 3 600 000), so that integers stay exact.
"""

from dataclasses import dataclass
from typing import NamedTuple

from .register_step import UNKNOWN, RegisterStep

HOLD_MS = 30_000
"""The longest interval over which one power value is held: three periods of the slowest list (10 s)."""

HISTORY_MS = 30_000
"""How far back samples are kept, for a mark that lies before the telegram's arrival (Aidon: 10 s)."""

SAMPLES_MAX = 32
"""More than any meter sends in that time: a source that sends faster (a replay) must not make it grow."""

WMS_PER_WH = 3_600_000


class Sample(NamedTuple):
    """`power` W (var) from `at_ms` (monotonic) on; `energy`: what all earlier samples made, in W ms."""

    at_ms: int
    power: int
    energy: int

    def energy_at(self, mono_ms: int) -> int:
        """Energy made up to `mono_ms`, in W ms; the power counts for at most `HOLD_MS`."""
        return self.energy + self.power * max(0, min(mono_ms - self.at_ms, HOLD_MS))


@dataclass(frozen=True, slots=True)
class Estimate:
    """One energy's estimate; `truth` and `shown` in W ms.

    `truth` is the register less the integral at its mark, so that `truth + integral(now)` is the estimate
    before the rule that it never falls; `shown` is what outputs show. It moves with the telegrams and not
    between them, so that what was stored with the last telegram is what anyone has seen. Until a register
    has been seen (`known`) the estimate is 0. `step_wh`: how finely the register counts, as `step` has it.
    """

    truth: int = 0
    shown: int = 0
    known: bool = False
    samples: tuple[Sample, ...] = ()
    step: RegisterStep = UNKNOWN
    step_wh: int = 1

    @property
    def wh(self) -> int:
        """What outputs show, in whole Wh (varh), truncated."""
        return self.shown // WMS_PER_WH

    @property
    def made(self) -> int:
        """The estimate in W ms before the rule that it never falls."""
        return self.truth + (self.samples[-1].energy if self.samples else 0)

    def at(self, mono_ms: int) -> int | None:
        """The estimate in W ms at a moment (monotonic), by that rule's side; None before its samples."""
        if not self.samples or mono_ms < self.samples[0].at_ms:
            return None
        return self.nearest(mono_ms)

    def nearest(self, mono_ms: int) -> int:
        """The same, and before its samples what it was at the first of them."""
        return self.truth + self._integral(mono_ms)

    def powered(self, power: int, mono_ms: int) -> "Estimate":
        """With a power value (W, var) received at `mono_ms`."""
        sample = Sample(mono_ms, power, self._integral(mono_ms))
        samples = self.samples
        oldest = max(0, len(samples) - SAMPLES_MAX)
        while oldest < len(samples) and mono_ms - samples[oldest].at_ms > HISTORY_MS:
            oldest += 1
        made = self.truth + sample.energy
        shown = max(self._caught_up(made), made) if self.known else 0
        return Estimate(self.truth, shown, self.known, (*samples[oldest:], sample), self.step, self.step_wh)

    def registered(self, wh: int, *, mark_ms: int, vendor: str = "") -> "Estimate":
        """With a register of `wh` Wh (varh) that was true at `mark_ms` (monotonic); `vendor`: the meter's."""
        step = self.step.after(wh)
        step_wh = step.wh(vendor)
        integral = self._integral(mark_ms)
        least = wh * WMS_PER_WH
        most = least + step_wh * WMS_PER_WH - 1
        middle = least + (step_wh - 1) * WMS_PER_WH // 2
        truth = (max(least, min(self.truth + integral, most)) if self.known else middle) - integral
        made = truth + (self.samples[-1].energy if self.samples else 0)
        return Estimate(truth, max(self.shown, made), True, self.samples, step, step_wh)

    def settled(self) -> "Estimate":
        """The same estimate without samples, as it is stored: what a restart goes on from."""
        return Estimate(self.made, self.shown, self.known, (), self.step, self.step_wh)

    def _caught_up(self, made: int) -> int:
        """What is shown while that is ahead of what is made: it waits, or if it is little, goes on slowly."""
        ahead = self.shown - self.made
        if 0 < ahead < self.step_wh * WMS_PER_WH:
            return self.shown + max(0, made - self.made) // 2
        return self.shown

    def _integral(self, mono_ms: int) -> int:
        """Energy made up to a moment, in W ms, counted from the first sample of this run."""
        for sample in reversed(self.samples):
            if sample.at_ms <= mono_ms:
                return sample.energy_at(mono_ms)
        return self.samples[0].energy if self.samples else 0
