"""The box's lamps, button, input and sensor: read, stepped, shown; a line that fails takes no other along."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from ..model.box import Box, Lamp
from ..runtime.audit import BUTTON
from ..runtime.gateway import Gateway
from ..runtime.health import Condition
from ..settings.device import Board
from .button import Press, Since, at_start
from .debounce import Debounced, settled
from .lamps import han_lamp, is_lit, next_change_ms
from .port import Input, MemoryPort, Output, Port
from .temperature import find_sensor, read_temperature

log = logging.getLogger("han2x")

SENSOR_MS = 10_000
IDLE_MS = 1_000
"""How soon a telegram lights the lamp that was dark."""
START_MS = 3_000
"""A service that begins so soon after the program begins with it."""


async def run(section: Board, gateway: Gateway, name: str) -> None:
    """Serve the box until cancelled; raises `Trouble` when a line cannot be had."""
    port = _open(section)
    try:
        await serve(section, gateway, port, lambda: gateway.report(name, Condition.OK))
    finally:
        port.close()
        gateway.box.set(Box())


async def serve(section: Board, gateway: Gateway, port: Port, ready: Callable[[], None]) -> None:
    """Step the box whenever a line moves or time makes a difference."""
    box = Stepper(section, gateway, port, _in_thread)
    ready()
    while True:
        due_ms = box.step()
        wait_s = max(0, due_ms - gateway.now().mono_ms) / 1000
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(port.edges(), wait_s)


def _open(section: Board) -> Port:
    if not (section.button or section.digital_input or section.power_lamp or section.han_lamp):
        return MemoryPort()
    from .gpio import GpioPort

    return GpioPort(section)


Tell = Callable[[int | None], None]


def _at_once(sensor: Path, tell: Tell) -> None:
    tell(read_temperature(sensor))


def _in_thread(sensor: Path, tell: Tell) -> None:
    """A sensor may take long, and its file may be anything: the loop does not wait for it."""
    reading = asyncio.get_running_loop().run_in_executor(None, read_temperature, sensor)
    reading.add_done_callback(lambda done: None if done.cancelled() else tell(done.result()))


class Stepper:
    """The box's state machines, side by side."""

    def __init__(
        self,
        section: Board,
        gateway: Gateway,
        port: Port,
        feel: Callable[[Path, Tell], None] = _at_once,
    ) -> None:
        self._section, self._gateway, self._port = section, gateway, port
        self._feels, self._feeling = feel, False
        now_ms = gateway.now().mono_ms
        levels = port.read()
        self._contacts = {line: settled(level, now_ms) for line, level in levels.items()}
        self._button = at_start(levels.get(Input.BUTTON, False), now_ms, self._since(now_ms))
        self._sensor = Path(section.temperature) if section.temperature else find_sensor()
        self._temperature: int | None = None
        self._sensor_ms = now_ms
        self._lit: dict[Output, bool] = {}
        self._light(Output.POWER, True)

    def _since(self, now_ms: int) -> Since:
        gateway = self._gateway
        begun = now_ms - gateway.started.mono_ms <= START_MS
        return Since.START if begun and not gateway.was_reset else Since.BEFORE

    def step(self) -> int:
        """Look at everything; when to look again at the latest, on the clock that never jumps."""
        now_ms = self._gateway.now().mono_ms
        self._read(now_ms)
        self._feel(now_ms)
        self._button, press = self._button.step(self._pressed, now_ms)
        ages = self._ages(now_ms)
        lamp = han_lamp(ages, blinking=self._button.blinking)
        self._light(Output.HAN, is_lit(lamp, now_ms))
        self._show(lamp)
        self._act(press)
        dues = [contact.due_ms(self._hold_ms) for contact in self._contacts.values()]
        dues += [self._button.due_ms, next_change_ms(lamp, ages, now_ms), self._sensor_ms, now_ms + IDLE_MS]
        return min(due for due in dues if due is not None)

    @property
    def _hold_ms(self) -> int:
        return self._section.debounce_ms

    @property
    def _pressed(self) -> bool:
        contact = self._contacts.get(Input.BUTTON)
        return contact is not None and contact.level

    def _read(self, now_ms: int) -> None:
        for line, level in self._port.read().items():
            self._contacts[line] = self._contacts[line].step(level, now_ms, self._hold_ms)

    def _feel(self, now_ms: int) -> None:
        if self._sensor and now_ms >= self._sensor_ms and not self._feeling:
            self._feeling = True
            self._feels(self._sensor, self._felt)
        if now_ms >= self._sensor_ms:
            self._sensor_ms = now_ms + SENSOR_MS

    def _felt(self, temperature: int | None) -> None:
        self._temperature, self._feeling = temperature, False

    def _ages(self, now_ms: int) -> list[int | None]:
        """Since each meter's last correct telegram."""
        cells = [self._gateway.snapshot(meter.id).value for meter in self._gateway.settings.value.meters]
        return [now_ms - cell.last.mono_ms if cell.last else None for cell in cells]

    def _light(self, lamp: Output, on: bool) -> None:
        if self._lit.get(lamp) is not on:
            self._lit[lamp] = on
            self._port.set_led(lamp, on)

    def _show(self, lamp: Lamp) -> None:
        contact: Debounced | None = self._contacts.get(Input.DIGITAL)
        box = Box(
            digital_input=contact.level if contact else None,
            temperature=self._temperature,
            power_lamp=Lamp.ON if self._section.power_lamp else None,
            han_lamp=lamp if self._section.han_lamp else None,
            button=self._pressed if Input.BUTTON in self._contacts else None,
        )
        if box != self._gateway.box.value:
            self._gateway.box.set(box)

    def _act(self, press: Press) -> None:
        if press is Press.RESET:
            log.warning("the button was held: everything goes back to factory settings, history is kept")
            self._gateway.factory_reset(history=False, who=BUTTON)
        elif press is Press.DHCP:
            log.warning("the button was held at the start: the address comes from DHCP from now on")
            self._gateway.start_dhcp(BUTTON)
