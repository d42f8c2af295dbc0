"""Runs as init of a User-Mode Linux with a simulated GPIO chip: the port's contract, and the service."""

import asyncio
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

from han2x.board.gpio import GpioPort
from han2x.board.port import Input, Output
from han2x.board.service import run
from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Reset, Trouble
from han2x.settings.device import Board
from han2x.settings.schema import Settings

contract = runpy.run_path(str(Path(__file__).parent / "port_contract.py"))["contract"]
NAMES = {Input.BUTTON: "FACTRESET", Input.DIGITAL: "DI 1", Output.POWER: "LED_POWER", Output.HAN: "LED_HAN"}
NAMED = Board(button="FACTRESET", digital_input="DI 1", power_lamp="LED_POWER", han_lamp="LED_HAN")
NUMBERED = Board(button="0", digital_input="gpiochip0:1", power_lamp="2", han_lamp="gpiochip0:LED_HAN")


def make_chip() -> Path:
    """A chip of eight lines, four of them named; where its lines are seen from outside."""
    for kind, place in (
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("configfs", "/sys/kernel/config"),
        ("devtmpfs", "/dev"),
    ):
        subprocess.run(["mount", "-t", kind, kind, place], check=False)
    chip = Path("/sys/kernel/config/gpio-sim/box")
    bank = chip / "bank"
    bank.mkdir(parents=True)
    (bank / "num_lines").write_text("8")
    for number, name in enumerate(NAMES.values()):
        (bank / f"line{number}").mkdir()
        (bank / f"line{number}" / "name").write_text(name)
    (chip / "live").write_text("1")
    device, name = ((part).read_text().strip() for part in (chip / "dev_name", bank / "chip_name"))
    return Path("/sys/devices/platform") / device / name


def line(lines: Path, role: Input | Output) -> Path:
    return lines / f"sim_gpio{list(NAMES).index(role)}"


def move(lines: Path, role: Input, active: bool) -> None:
    """Contacts connect to ground: active is low."""
    (line(lines, role) / "pull").write_text("pull-down" if active else "pull-up")


def is_lit(lines: Path, lamp: Output) -> bool:
    return (line(lines, lamp) / "value").read_text().strip() == "1"


async def keeps_the_contract(lines: Path, board: Board) -> None:
    for role in Input:
        move(lines, role, False)
    await contract(
        GpioPort(board), lambda role, active: move(lines, role, active), lambda lamp: is_lit(lines, lamp)
    )


async def resets_by_the_button(lines: Path) -> None:
    """The whole service: held for five real seconds, the wish is there, and the lamp blinks."""
    clock = lambda: Instant(0, time.monotonic_ns() // 1_000_000)  # noqa: E731
    gateway = Gateway(Settings(board=NAMED), clock=clock)
    service = asyncio.create_task(run(NAMED, gateway, "board"))
    await asyncio.sleep(0.2)
    assert is_lit(lines, Output.POWER)
    move(lines, Input.DIGITAL, True)
    await asyncio.sleep(0.2)
    assert gateway.box.value.digital_input is True
    began = time.monotonic()
    move(lines, Input.BUTTON, True)
    await asyncio.wait_for(gateway.wish.changed(None), 8)
    print(f"reset after {time.monotonic() - began:.3f} s")
    assert gateway.wish.value == Reset(history=False)
    seen = set()
    for _ in range(20):
        seen.add(is_lit(lines, Output.HAN))
        await asyncio.sleep(0.05)
    assert seen == {True, False}
    service.cancel()
    await asyncio.wait([service])
    assert not is_lit(lines, Output.POWER)


def names_what_is_not_there() -> None:
    for board, text in (
        (Board(button="NOWHERE"), "no GPIO line is named NOWHERE; gpioinfo lists them"),
        (Board(button="gpiochip7:1"), "the GPIO lines cannot be used"),
    ):
        try:
            GpioPort(board)
            said = "nothing"
        except Trouble as trouble:
            said = str(trouble)
        assert text in said, said


async def main() -> None:
    lines = make_chip()
    for board in (NAMED, NUMBERED):
        await keeps_the_contract(lines, board)
    await resets_by_the_button(lines)
    names_what_is_not_there()
    print("GPIO: all is well")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.stdout)
    finally:
        sys.stdout.flush()
        os.sync()
        Path("/proc/sysrq-trigger").write_text("o")
        time.sleep(10)
