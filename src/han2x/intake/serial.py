"""A meter's tty on the event loop: raw, exclusive, gone when it is unplugged."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from ..runtime.gateway import Trouble
from ..runtime.tty import Framing, gone, hold_up, open_tty, set_framing

BY_ID = Path("/dev/serial/by-id")
READ_MAX = 4096
BUFFER_MAX = 65_536
FRAMINGS = {
    "8E1": Framing(2400, "E", 1),
    "8N1": Framing(2400, "N", 1),
    "115200-8N1": Framing(115_200, "N", 1),
    "9600-7E1": Framing(9600, "E", 1, 7),
    "9600-8N1": Framing(9600, "N", 1),
    "9600-8E1": Framing(9600, "E", 1),
}


class SerialLink:
    """An open tty."""

    idle_s = 0.5

    def __init__(self, path: str, line: str, request: str = "both") -> None:
        self._path = path
        self._buffer = bytearray()
        self._more = asyncio.Event()
        self._gone = False
        self._fd = open_tty(path)
        self.set_line(line)
        hold_up(self._fd, rts=request in ("both", "rts"), dtr=request in ("both", "dtr"))
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    async def read(self) -> bytes:
        """The next octets; raises `Trouble` when the adapter is gone."""
        await self._more.wait()
        if not self._buffer:
            raise gone(self._path)
        octets = bytes(self._buffer)
        self._buffer.clear()
        if not self._gone:
            self._more.clear()
        return octets

    def set_line(self, line: str) -> None:
        """Raw mode with the speed, data bits and parity of `line`."""
        set_framing(self._fd, FRAMINGS[line])

    def close(self) -> None:
        """Let go of the tty."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _readable(self) -> None:
        try:
            octets = os.read(self._fd, READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            self._gone = True
            asyncio.get_running_loop().remove_reader(self._fd)
        elif len(self._buffer) < BUFFER_MAX:
            self._buffer += octets
        self._more.set()


def find_adapter(folder: Path = BY_ID) -> str:
    """The one serial adapter of this machine; raises `Trouble` where there is none, or more than one."""
    try:
        found: Sequence[Path] = sorted(folder.iterdir())
    except OSError:
        found = ()
    if len(found) == 1:
        return str(found[0])
    if not found:
        raise Trouble("no serial adapter found: plug one in, or set the meter's source")
    names = ", ".join(f"serial:{path}" for path in found)
    raise Trouble(f"several serial adapters found: set the meter's source to one of {names}")
