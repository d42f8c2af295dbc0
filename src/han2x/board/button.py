"""What the button FACTRESET means (manual rows M51, M52). Pure.

Pressed while the program runs and held for five seconds, it resets; the lamp blinks from then until it is
released. Held since the program started, it asks for DHCP, and never resets however long it is held: the
lamp blinks after a second, and the release decides. So a button that is stuck does nothing at all.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

RESET_MS = 5_000
START_MS = 1_000
"""How long it must have been held since the start: no glitch of a line that is just coming up."""


class Press(StrEnum):
    """What has been asked for."""

    NOTHING = "nothing"
    DHCP = "dhcp"
    RESET = "reset"


class Since(StrEnum):
    """When the present hold began. `BEFORE`: it was held when a reset ended, and means nothing."""

    NOW = "now"
    START = "start"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Button:
    """The button at a moment. `held_ms`: when the hold began, None when it is released."""

    held_ms: int | None = None
    since: Since = Since.NOW
    done: bool = False
    blinking: bool = False

    def step(self, pressed: bool, now_ms: int) -> "tuple[Button, Press]":
        """The button after it was looked at, and what has been asked for."""
        if not pressed:
            return Button(), Press.DHCP if self._asks_dhcp() else Press.NOTHING
        if self.held_ms is None:
            return Button(now_ms), Press.NOTHING
        if not self.done and self.since is not Since.BEFORE and now_ms >= self.held_ms + self._limit_ms():
            reset = self.since is Since.NOW
            return replace(self, done=True, blinking=True), Press.RESET if reset else Press.NOTHING
        return self, Press.NOTHING

    @property
    def due_ms(self) -> int | None:
        """When it must be looked at again though nothing moves."""
        waits = self.held_ms is not None and not self.done and self.since is not Since.BEFORE
        return (self.held_ms or 0) + self._limit_ms() if waits else None

    def _limit_ms(self) -> int:
        return RESET_MS if self.since is Since.NOW else START_MS

    def _asks_dhcp(self) -> bool:
        return self.since is Since.START and self.done


def at_start(pressed: bool, now_ms: int, since: Since) -> Button:
    """The button as it is found: `since` tells whether the program, or only this service, has just begun."""
    return Button(now_ms, since) if pressed else Button()
