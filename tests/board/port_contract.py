"""What every port does. No test file, so that it also runs where there is no pytest: see `check_gpio.py`."""

import asyncio
from collections.abc import Callable

from han2x.board.port import Input, Output, Port


async def contract(port: Port, move: Callable[[Input, bool], None], lit: Callable[[Output], bool]) -> None:
    """What every port does; `move` turns an input, `lit` looks at a lamp from outside."""
    assert port.read() == {Input.BUTTON: False, Input.DIGITAL: False}
    edge = asyncio.ensure_future(port.edges())
    await asyncio.sleep(0)
    assert not edge.done()
    move(Input.BUTTON, True)
    await asyncio.wait_for(edge, 60)
    assert port.read() == {Input.BUTTON: True, Input.DIGITAL: False}
    again = asyncio.ensure_future(port.edges())
    move(Input.BUTTON, False)
    move(Input.DIGITAL, True)
    await asyncio.wait_for(again, 60)
    assert port.read() == {Input.BUTTON: False, Input.DIGITAL: True}
    for lamp in Output:
        port.set_led(lamp, True)
        assert lit(lamp)
        port.set_led(lamp, False)
        assert not lit(lamp)
    port.set_led(Output.POWER, True)
    port.close()
    assert not lit(Output.POWER)
