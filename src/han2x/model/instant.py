"""A moment, as handed in from outside: the core never asks what time it is."""

from typing import NamedTuple


class Instant(NamedTuple):
    """`unix_ms`: UTC by the machine's clock, which may jump. `mono_ms`: never jumps; differences only."""

    unix_ms: int
    mono_ms: int

    def plus_ms(self, ms: int) -> "Instant":
        """The moment `ms` later on both clocks."""
        return Instant(self.unix_ms + ms, self.mono_ms + ms)


ZERO = Instant(0, 0)
