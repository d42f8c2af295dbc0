"""A meter's tty on the event loop: raw, exclusive, gone when it is unplugged."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from ..runtime.gateway import Trouble
from ..runtime.tty import Framing, gone, hold_up, open_tty, set_framing
from .link import Inflow, Take

BY_ID = Path("/dev/serial/by-id")
READ_MAX = 4096
FRAMINGS = {
    "8E1": Framing(2400, "E", 1),
    "8N1": Framing(2400, "N", 1),
    "115200-8N1": Framing(115_200, "N", 1),
    "9600-7E1": Framing(9600, "E", 1, 7),
    "9600-8N1": Framing(9600, "N", 1),
    "9600-8E1": Framing(9600, "E", 1),
    "9600-7N1": Framing(9600, "N", 1, 7),
}


class SerialLink:
    """An open tty."""

    idle_s = 0.5

    def __init__(self, path: str, line: str, request: str = "both") -> None:
        self._path = path
        self._fd = open_tty(path)
        self.set_line(line)
        hold_up(self._fd, rts=request in ("both", "rts"), dtr=request in ("both", "dtr"))

    async def read(self, take: Take) -> None:
        """Hand on octets until the adapter is gone; raises `Trouble` then."""
        loop, fd, inflow = asyncio.get_running_loop(), self._fd, Inflow(take)
        loop.add_reader(fd, self._readable, inflow)
        try:
            await inflow.ended()
        finally:
            loop.remove_reader(fd)

    def set_line(self, line: str) -> None:
        """Raw mode with the speed, data bits and parity of `line`."""
        set_framing(self._fd, FRAMINGS[line])

    def close(self) -> None:
        """Let go of the tty."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _readable(self, inflow: Inflow) -> None:
        try:
            octets = os.read(self._fd, READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if octets:
            inflow.put(octets)
        else:
            inflow.fail(gone(self._path))


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
