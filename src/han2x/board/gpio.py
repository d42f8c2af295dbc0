"""Lines through libgpiod: by name, by number, or by chip and line, such as `FACTRESET`, `17`, `gpiochip4:17`.

A number alone is a line of the first chip. Lamps may also be the kernel's LEDs: `led:NAME`.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runtime.gateway import Trouble
from ..settings.device import Board
from .port import Input, Output

if TYPE_CHECKING:
    import gpiod

LEDS = Path("/sys/class/leds")
LED = "led:"
DEVICES = Path("/dev")


class GpioPort:
    """The lines that a section of the settings names. Making it raises `Trouble`."""

    def __init__(self, section: Board, *, devices: Path = DEVICES, leds: Path = LEDS) -> None:
        self._inputs = {
            role: line
            for role, line in ((Input.BUTTON, section.button), (Input.DIGITAL, section.digital_input))
            if line
        }
        self._inverted = {Input.BUTTON: section.button_inverted, Input.DIGITAL: section.digital_inverted}
        self._outputs = {
            role: line
            for role, line in ((Output.POWER, section.power_lamp), (Output.HAN, section.han_lamp))
            if line
        }
        self._leds = leds
        self._requests: dict[Input | Output, tuple[gpiod.LineRequest, int]] = {}
        self._moved = asyncio.Event()
        try:
            self._request(devices)
        except BaseException:
            self.close()
            raise

    def read(self) -> Mapping[Input, bool]:
        """The level of each input, as the kernel has it now."""
        self._moved.clear()
        with _translated():
            return {role: _is_active(*self._requests[role]) for role in self._inputs}

    async def edges(self) -> None:
        """Wait for the kernel to tell of an edge."""
        await self._moved.wait()

    def set_led(self, lamp: Output, on: bool) -> None:
        """Light a lamp or put it out."""
        line = self._outputs.get(lamp, "")
        if line.startswith(LED):
            _write_led(self._leds / line.removeprefix(LED), on)
        elif line:
            request, offset = self._requests[lamp]
            with _translated():
                request.set_value(offset, _value(on))

    def close(self) -> None:
        """Let go of the lines; lamps go out."""
        for lamp in self._outputs:
            with contextlib.suppress(Trouble, KeyError):
                self.set_led(lamp, False)
        for role, (request, _) in self._requests.items():
            if isinstance(role, Input):
                asyncio.get_running_loop().remove_reader(request.fd)
            request.release()
        self._requests = {}

    def _request(self, devices: Path) -> None:
        lines: list[tuple[Input | Output, str]] = [*self._inputs.items(), *self._outputs.items()]
        for role, line in lines:
            if not line.startswith(LED):
                self._requests[role] = _request(devices, line, self._settings(role), role)
            if isinstance(role, Input):
                request = self._requests[role][0]
                asyncio.get_running_loop().add_reader(request.fd, self._edge, request)

    def _settings(self, role: Input | Output) -> Any:
        from gpiod import LineSettings
        from gpiod.line import Bias, Direction, Edge

        if isinstance(role, Output):
            return LineSettings(direction=Direction.OUTPUT)
        inverted = self._inverted[role]
        return LineSettings(
            direction=Direction.INPUT,
            edge_detection=Edge.BOTH,
            active_low=inverted,
            bias=Bias.PULL_UP if inverted else Bias.PULL_DOWN,
        )

    def _edge(self, request: "gpiod.LineRequest") -> None:
        request.read_edge_events()
        self._moved.set()


def _request(devices: Path, line: str, settings: Any, role: str) -> "tuple[gpiod.LineRequest, int]":
    try:
        import gpiod
    except ImportError:
        raise Trouble("lines need libgpiod: install han2x[gpio]") from None
    chip, offset = _find(devices, line, role)
    with _translated():
        return gpiod.request_lines(str(chip), consumer=f"han2x {role}", config={offset: settings}), offset


def _find(devices: Path, line: str, role: str) -> tuple[Path, int]:
    """The chip and the number of a line."""
    import gpiod

    chips = sorted(devices.glob("gpiochip*"))
    if not chips:
        raise Trouble(f"this machine has no GPIO chip; the {role} cannot be line {line}")
    name, _, number = line.rpartition(":")
    if number.isdecimal():
        return devices / (name or chips[0].name), int(number)
    for chip in [devices / name] if name else chips:
        with _translated(), gpiod.Chip(str(chip)) as opened, contextlib.suppress(OSError):
            return chip, opened.line_offset_from_id(number)
    raise Trouble(f"no GPIO line is named {number}; gpioinfo lists them")


def _is_active(request: "gpiod.LineRequest", offset: int) -> bool:
    return bool(request.get_value(offset) == _value(True))


def _value(on: bool) -> Any:
    from gpiod.line import Value

    return Value.ACTIVE if on else Value.INACTIVE


def _write_led(led: Path, on: bool) -> None:
    try:
        top = (led / "max_brightness").read_text("ascii").strip()
        (led / "brightness").write_text(f"{top if on else 0}\n", "ascii")
    except OSError as error:
        raise Trouble(f"the lamp {led.name} cannot be set: {error.strerror or error}") from None


class _translated(contextlib.AbstractContextManager[None]):
    """libgpiod's errors, as one sentence."""

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if isinstance(error, OSError | ValueError):
            raise Trouble(f"the GPIO lines cannot be used: {error}") from None
