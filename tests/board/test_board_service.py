"""The box in the gateway: what lines, telegrams and time make of lamps, registers and wishes.

The gateway's clock is moved by hand; `step` is what the service does at each edge and alarm.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from han2x.board.port import Input, MemoryPort, Output
from han2x.board.service import Stepper, serve
from han2x.modbus.bank import Banks
from han2x.modbus.catalogue import units
from han2x.model.box import Box, Lamp
from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType, Reading
from han2x.runtime.gateway import Gateway, Reset
from han2x.settings.device import Board, Network
from han2x.settings.schema import Meter, Settings

WIRED = Board(button="1", digital_input="2", power_lamp="3", han_lamp="4")
POWER = Reading(vendor="kaifa", list_type=ListType.FAST, values={Quantity.ACT_POW_POS: 1})


class Bench:
    """A gateway and a port on the bench."""

    def __init__(self, *, pressed: bool = False, was_reset: bool = False, board: Board = WIRED) -> None:
        self.now = Instant(1_000_000, 0)
        settings = Settings(board=board, network=Network(manage=True))
        self.gateway = Gateway(settings, clock=lambda: self.now, was_reset=was_reset)
        self.port = MemoryPort({Input.BUTTON: pressed, Input.DIGITAL: False})
        self.box = Stepper(board, self.gateway, self.port)
        self.due_ms = self.box.step()

    def passes(self, ms: int) -> None:
        """Let time pass, and the service look whenever it said it would."""
        until = self.now.mono_ms + ms
        while self.due_ms <= until:
            self.now = self.now.plus_ms(max(0, self.due_ms - self.now.mono_ms))
            self.due_ms = self.box.step()
        self.now = self.now.plus_ms(until - self.now.mono_ms)
        self.due_ms = self.box.step()

    def set(self, line: Input, level: bool) -> None:
        self.port.set(line, level)
        self.due_ms = self.box.step()


def test_the_power_lamp_is_lit_while_the_program_runs() -> None:
    """POWER is lit at once; HAN is dark before the first telegram."""
    bench = Bench()
    assert bench.port.lamps == {Output.POWER: True, Output.HAN: False}


def test_the_han_lamp_follows_telegrams() -> None:
    """A telegram lights it within a second, and it goes out 60 s after the last."""
    bench = Bench()
    bench.passes(10_300)
    bench.gateway.received("main", POWER)
    bench.passes(1_000)
    assert bench.port.lamps[Output.HAN]
    assert bench.gateway.box.value.han_lamp is Lamp.ON
    bench.passes(58_900)
    assert bench.port.lamps[Output.HAN]
    bench.passes(200)
    assert not bench.port.lamps[Output.HAN]


def test_the_button_resets_after_five_seconds() -> None:
    """Held for 5 s and its 20 ms of debouncing it asks for a reset that keeps history; the lamp blinks."""
    bench = Bench()
    bench.passes(10_000)
    bench.set(Input.BUTTON, True)
    bench.passes(5_019)
    wishes: list[Reset | None] = [bench.gateway.wish.value]
    bench.passes(1)
    assert [*wishes, bench.gateway.wish.value] == [None, Reset(history=False)]
    assert bench.gateway.box.value.han_lamp is Lamp.BLINK
    shown = set()
    for _ in range(8):
        bench.passes(250)
        shown.add(bench.port.lamps[Output.HAN])
    assert shown == {True, False}


def test_the_button_held_at_the_start_asks_for_dhcp() -> None:
    """Held at the start and released, DHCP is set, needs no confirmation, and nothing is reset."""
    bench = Bench(pressed=True)
    bench.passes(60_000)
    assert bench.gateway.settings.value.network.method == "static"
    bench.set(Input.BUTTON, False)
    bench.passes(20)
    assert bench.gateway.settings.value.network == Network(manage=True, method="dhcp")
    assert bench.gateway.trusted.value == bench.gateway.settings.value.network
    assert bench.gateway.wish.value is None


def test_still_held_after_a_reset_means_nothing() -> None:
    """The hold that has reset does not ask for DHCP in the program that begins anew."""
    bench = Bench(pressed=True, was_reset=True)
    bench.passes(10_000)
    bench.set(Input.BUTTON, False)
    bench.passes(1_000)
    assert bench.gateway.settings.value.network.method == "static"
    assert bench.gateway.wish.value is None


def test_a_service_that_begins_later_takes_no_hold_for_one_at_the_start() -> None:
    """Settings of the box changed while the button is held: neither DHCP nor reset."""
    bench = Bench(pressed=True)
    bench.now = bench.now.plus_ms(60_000)
    bench.box = Stepper(replace(WIRED, debounce_ms=5), bench.gateway, bench.port)
    bench.due_ms = bench.box.step()
    bench.passes(10_000)
    bench.set(Input.BUTTON, False)
    bench.passes(100)
    assert bench.gateway.settings.value.network.method == "static"
    assert bench.gateway.wish.value is None


def test_a_box_without_lines_has_none() -> None:
    """Nothing wired: no lamps, no input, no button; the temperature remains."""
    bench = Bench(board=Board())
    bench.port.inputs = {}
    bench.box = Stepper(Board(), bench.gateway, bench.port)
    bench.box.step()
    assert replace(bench.gateway.box.value, temperature=None) == Box()


def words(gateway: Gateway) -> Callable[[int], int]:
    banks = Banks(gateway, writable=False)
    unit = units(gateway.settings.value)[1]

    def read(address: int) -> int:
        image = banks.image(unit)
        assert image
        octets = image.read(address, 1)
        assert octets
        return int.from_bytes(octets)

    return read


def test_input_and_temperature_are_registers(tmp_path: Path) -> None:
    """40051 is 1 while the contact is closed; 40044 is hundredths of a degree, 0 below freezing."""
    sensor = tmp_path / "temp"
    sensor.write_text("41250\n")
    bench = Bench(board=replace(WIRED, temperature=str(sensor)))
    read = words(bench.gateway)
    assert (read(50), read(43)) == (0, 4125)
    bench.set(Input.DIGITAL, True)
    bench.passes(20)
    assert read(50) == 1
    sensor.write_text("-3000\n")
    bench.passes(10_000)
    assert read(43) == 0
    view = bench.gateway.view(bench.gateway.settings.value.meters[0], bench.now)
    assert (view.digital_input, view.temperature) == (True, -300)


def test_several_meters_share_one_lamp() -> None:
    """The lamp is lit only while all meters are heard."""
    now = Instant(0, 100_000)
    meters = (Meter(), Meter(name="cabin", unit_id=2))
    gateway = Gateway(Settings(meters=meters), clock=lambda: now)
    port = MemoryPort()
    box = Stepper(WIRED, gateway, port)
    gateway.received("main", POWER)
    box.step()
    assert not port.lamps[Output.HAN]
    gateway.received("cabin", POWER)
    box.step()
    assert port.lamps[Output.HAN]


def test_an_edge_wakes_the_service() -> None:
    """A contact that closes is seen at once, not at the next alarm."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        gateway = Gateway(Settings(), clock=lambda: Instant(0, int(loop.time() * 1000)))
        port = MemoryPort({Input.DIGITAL: False})
        ready = asyncio.Event()
        service = asyncio.create_task(serve(replace(WIRED, debounce_ms=0), gateway, port, ready.set))
        await ready.wait()
        await asyncio.sleep(0)
        before = gateway.box.value
        port.set(Input.DIGITAL, True)
        async with asyncio.timeout(60):
            while not gateway.box.value.digital_input:
                before = await gateway.box.changed(before)
        service.cancel()

    asyncio.run(main())
