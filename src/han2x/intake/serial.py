"""A tty by termios and the event loop: raw, exclusive, gone when it is unplugged.

A pty has no parity and refuses to be given one; that is tolerated, so that a simulated meter can be read
through it.
"""

import asyncio
import contextlib
import fcntl
import os
import termios
from collections.abc import Sequence
from pathlib import Path

from ..runtime.gateway import Trouble

BY_ID = Path("/dev/serial/by-id")
READ_MAX = 4096
BUFFER_MAX = 65_536
_CONTROL = {"8E1": termios.CS8 | termios.PARENB, "8N1": termios.CS8}


class SerialLink:
    """An open tty at 2400 Bd."""

    idle_s = 0.5

    def __init__(self, path: str, line: str) -> None:
        self._path = path
        self._buffer = bytearray()
        self._more = asyncio.Event()
        self._gone = False
        self._fd = _open(path)
        self.set_line(line)
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    async def read(self) -> bytes:
        """The next octets; raises `Trouble` when the adapter is gone."""
        await self._more.wait()
        if not self._buffer:
            raise Trouble(f"{self._path} is gone: was the adapter unplugged? It is looked for again")
        octets = bytes(self._buffer)
        self._buffer.clear()
        if not self._gone:
            self._more.clear()
        return octets

    def set_line(self, line: str) -> None:
        """Raw mode at 2400 Bd with the parity of `line`."""
        with contextlib.suppress(termios.error):  # also from a tty that has gone, as the next read will tell
            attributes = termios.tcgetattr(self._fd)
            attributes[0] = attributes[1] = attributes[3] = 0
            attributes[2] = termios.CREAD | termios.CLOCAL | _CONTROL[line]
            attributes[4] = attributes[5] = termios.B2400
            attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._fd, termios.TCSANOW, attributes)

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


def _open(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Trouble(f"{path} is not there: is the adapter plugged in? It is looked for again") from None
    except PermissionError:
        raise Trouble(f"{path} may not be opened: add the user to the group dialout") from None
    except OSError as error:
        raise Trouble(f"{path} cannot be opened: {error.strerror}") from None
    try:
        if not os.isatty(fd):
            raise Trouble(f"{path} is no serial device")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise Trouble(f"{path} is in use by another program") from None
    except Trouble:
        os.close(fd)
        raise
    return fd


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
