"""A contact that bounces, seen as one that does not. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Debounced:
    """`level`: what counts. `raw`: what was seen last, since `since_ms`."""

    level: bool
    raw: bool
    since_ms: int

    def step(self, raw: bool, now_ms: int, hold_ms: int) -> "Debounced":
        """A level counts once it has stayed for `hold_ms`."""
        since_ms = self.since_ms if raw == self.raw else now_ms
        settled = now_ms - since_ms >= hold_ms
        return Debounced(raw if settled else self.level, raw, since_ms)

    def due_ms(self, hold_ms: int) -> int | None:
        """When it must be looked at again though nothing moves."""
        return self.since_ms + hold_ms if self.raw != self.level else None


def settled(raw: bool, now_ms: int) -> Debounced:
    """A contact at the start: what is seen first counts."""
    return Debounced(raw, raw, now_ms)
