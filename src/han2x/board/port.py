"""The seam to the machine's lines, and the in-memory one, beside which the real ones are held."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Input(StrEnum):
    """What can be read."""

    BUTTON = "button"
    DIGITAL = "digital input"


class Output(StrEnum):
    """What can be lit."""

    POWER = "power lamp"
    HAN = "HAN lamp"


class Port(Protocol):
    """Lines as they are wired; polarity is the port's affair."""

    def read(self) -> Mapping[Input, bool]:
        """The level of each input there is, active is True; raises `Trouble`."""
        ...

    async def edges(self) -> None:
        """Return when an input may have changed since the last `read`."""
        ...

    def set_led(self, lamp: Output, on: bool) -> None:
        """Light a lamp or put it out; nothing happens where there is none; raises `Trouble`."""
        ...

    def close(self) -> None:
        """Let go of the lines; lamps go out."""
        ...


class MemoryPort:
    """A port whose inputs are set by hand."""

    def __init__(self, inputs: Mapping[Input, bool] | None = None) -> None:
        self.inputs = dict(inputs or {})
        self.lamps: dict[Output, bool] = {}
        self._moved = asyncio.Event()

    def read(self) -> Mapping[Input, bool]:
        """What was set."""
        self._moved.clear()
        return dict(self.inputs)

    async def edges(self) -> None:
        """Wait for `set`."""
        await self._moved.wait()

    def set_led(self, lamp: Output, on: bool) -> None:
        """Remember it."""
        self.lamps[lamp] = on

    def close(self) -> None:
        """Put all lamps out."""
        self.lamps = dict.fromkeys(self.lamps, False)

    def set(self, line: Input, level: bool) -> None:
        """Move an input."""
        self.inputs[line] = level
        self._moved.set()
