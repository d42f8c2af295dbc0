"""How finely a meter counts an energy: a register cut off to 10 Wh may stand for up to 9.99 Wh more. Pure.

Learned of the registers themselves, all of which a step divides; till enough have been seen, what meters of
that vendor usually have (han-port sheet 4.3).
"""

from math import gcd
from typing import NamedTuple

STEPS_WH = (1000, 100, 10, 1)

USUAL_WH = {"aidon": 10, "kamstrup": 10, "kaifa": 1}
"""By vendor; of others nothing is known before they have told."""

ENOUGH = 5
"""So many different registers that 10 divides are no chance any more (1 in 100 000)."""


class RegisterStep(NamedTuple):
    """`last`: the newest register, Wh (varh). `divisor`: what divides all that came, 0 before a register
    above 0. `seen`: how many different ones came, at most `ENOUGH`."""

    last: int = -1
    divisor: int = 0
    seen: int = 0

    def after(self, register: int) -> "RegisterStep":
        """With one register more; the same again tells nothing."""
        if register == self.last:
            return self
        return RegisterStep(register, gcd(self.divisor, register), min(ENOUGH, self.seen + 1))

    def wh(self, vendor: str) -> int:
        """The step in Wh (varh)."""
        most = STEPS_WH[0] if self.seen >= ENOUGH else USUAL_WH.get(vendor, 1)
        return next(step for step in STEPS_WH if step <= most and self.divisor % step == 0)


UNKNOWN = RegisterStep()
