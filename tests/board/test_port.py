"""The port's contract, on the in-memory port here; `check_gpio.py` holds a kernel's lines to the same."""

import asyncio
import runpy
from pathlib import Path

import pytest

from han2x.board.gpio import GpioPort
from han2x.board.port import Input, MemoryPort, Output
from han2x.runtime.gateway import Trouble
from han2x.settings.device import Board

contract = runpy.run_path(str(Path(__file__).parent / "port_contract.py"))["contract"]


def test_the_memory_port_keeps_the_contract() -> None:
    """Levels, edges and lamps."""

    async def main() -> None:
        port = MemoryPort({Input.BUTTON: False, Input.DIGITAL: False})
        await contract(port, port.set, lambda lamp: port.lamps[lamp])

    asyncio.run(main())


def test_kernel_lamps_are_files(tmp_path: Path) -> None:
    """A lamp led:NAME takes its full brightness, and none, and is dark when the port is closed."""
    (tmp_path / "ACT").mkdir()
    (tmp_path / "ACT" / "max_brightness").write_text("255\n")
    brightness = tmp_path / "ACT" / "brightness"
    port = GpioPort(Board(power_lamp="led:ACT"), leds=tmp_path)
    port.set_led(Output.POWER, True)
    assert brightness.read_text() == "255\n"
    port.set_led(Output.HAN, True)
    port.close()
    assert brightness.read_text() == "0\n"


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        (Board(button="FACTRESET"), "this machine has no GPIO chip; the button cannot be line FACTRESET"),
        (Board(digital_input="17"), "this machine has no GPIO chip; the digital input cannot be line 17"),
    ],
)
def test_a_machine_without_lines_says_so(tmp_path: Path, section: Board, sentence: str) -> None:
    """Lines that cannot be had are named in a sentence."""
    with pytest.raises(Trouble) as caught:
        GpioPort(section, devices=tmp_path)
    assert str(caught.value) == sentence


def test_a_file_that_is_no_chip_is_said_to_be_none(tmp_path: Path) -> None:
    """libgpiod's own error becomes a sentence."""
    (tmp_path / "gpiochip0").write_text("")
    with pytest.raises(Trouble, match="the GPIO lines cannot be used: "):
        GpioPort(Board(button="3"), devices=tmp_path)


def test_a_lamp_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    """A kernel's lamp that does not exist is named."""
    port = GpioPort(Board(han_lamp="led:HAN"), leds=tmp_path)
    with pytest.raises(Trouble, match="the lamp HAN cannot be set: No such file or directory"):
        port.set_led(Output.HAN, True)
    port.close()
