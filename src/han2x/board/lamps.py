"""What the lamps show (manual rows M3, M4). Pure."""

from collections.abc import Iterable

from ..model.box import Lamp

HAN_MS = 60_000
BLINK_MS = 250
"""Half a period of blinking."""


def han_lamp(ages_ms: Iterable[int | None], *, blinking: bool) -> Lamp:
    """On for 60 s after the last correct telegram; of several meters, after that of the most silent.

    `ages_ms`: of each meter's last correct telegram, None before the first. `blinking`: the button's answer.
    """
    if blinking:
        return Lamp.BLINK
    ages = list(ages_ms)
    lit = bool(ages) and all(age is not None and age <= HAN_MS for age in ages)
    return Lamp.ON if lit else Lamp.OFF


def is_lit(lamp: Lamp, now_ms: int) -> bool:
    """Whether current flows at a moment; blinking begins with light."""
    return lamp is Lamp.ON or (lamp is Lamp.BLINK and now_ms // BLINK_MS % 2 == 0)


def next_change_ms(lamp: Lamp, ages_ms: Iterable[int | None], now_ms: int) -> int | None:
    """When the lamp changes by itself, on the same clock as `now_ms`."""
    if lamp is Lamp.BLINK:
        return (now_ms // BLINK_MS + 1) * BLINK_MS
    if lamp is Lamp.ON:
        return now_ms + max(0, HAN_MS - max(age or 0 for age in ages_ms)) + 1
    return None
