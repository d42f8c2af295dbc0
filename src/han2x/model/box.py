"""The box that the program runs in: what its input, sensor, lamps and button are like now."""

from dataclasses import dataclass
from enum import StrEnum


class Lamp(StrEnum):
    """What a lamp shows."""

    OFF = "off"
    ON = "on"
    BLINK = "blink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """None for what the machine has not. `digital_input`: closed. `temperature`: in hundredths of °C.

    `button`: pressed.
    """

    digital_input: bool | None = None
    temperature: int | None = None
    power_lamp: Lamp | None = None
    han_lamp: Lamp | None = None
    button: bool | None = None


NO_BOX = Box()
