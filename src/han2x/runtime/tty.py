"""A serial device by termios: opened for one program alone, raw, with the line's settings.

Rules: nothing here reads, writes or waits; no serial package is needed for what the kernel does. What is
wrong becomes `Trouble` with a sentence for people. A pty has no parity and refuses to be given one; that
is tolerated, so that a simulated line can stand in for a real one.
"""

import contextlib
import fcntl
import os
import struct
import termios
from typing import NamedTuple

from .gateway import Trouble

BAUD_RATES = {
    baud: getattr(termios, f"B{baud}") for baud in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
"""The standard rates, and the kernel's names for them."""

_PARITY = {"N": 0, "E": termios.PARENB, "O": termios.PARENB | termios.PARODD}
_DATA_BITS = {7: termios.CS7, 8: termios.CS8}
_STOP_BITS = {1: 0, 2: termios.CSTOPB}

# linux/serial.h and asm-generic/ioctls.h; the termios module knows no names for them.
_TIOCGRS485, _TIOCSRS485 = 0x542E, 0x542F
_RS485 = struct.Struct("8I")
_RS485_ENABLED, _RS485_RTS_ON_SEND = 1, 2
_SERIAL_SIZE = 128
_FLAGS = struct.Struct("16xi")
_ASYNC_LOW_LATENCY = 1 << 13


class Framing(NamedTuple):
    """How a line speaks: bits a second, parity "N", "E" or "O", stop bits, data bits."""

    baud_rate: int
    parity: str
    stop_bits: int
    data_bits: int = 8

    def __str__(self) -> str:
        return f"{self.baud_rate} Bd {self.data_bits}{self.parity}{self.stop_bits}"

    @property
    def character_s(self) -> float:
        """How long one octet takes, with its start, parity and stop bits."""
        return (1 + self.data_bits + (self.parity != "N") + self.stop_bits) / self.baud_rate


def open_tty(path: str) -> int:
    """The file descriptor of a serial device that nobody else uses; raises `Trouble`."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Trouble(f"{path} is not there: is the adapter plugged in? It is looked for again") from None
    except PermissionError:
        raise Trouble(f"{path} may not be opened: add the user to the group dialout") from None
    except OSError as error:
        raise Trouble(f"{path} cannot be opened: {error.strerror}") from None
    try:
        _claim(fd, path)
    except Trouble:
        os.close(fd)
        raise
    return fd


def _claim(fd: int, path: str) -> None:
    if not os.isatty(fd):
        raise Trouble(f"{path} is no serial device")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble(f"{path} is in use by another program") from None


def gone(path: str) -> Trouble:
    """What to say of a device that was open and is not there any more."""
    return Trouble(f"{path} is gone: was the adapter unplugged? It is looked for again")


def set_framing(fd: int, framing: Framing) -> None:
    """Raw mode with the line's settings; nothing is said of a tty that has gone, as the next read tells."""
    with contextlib.suppress(termios.error):
        attributes = termios.tcgetattr(fd)
        attributes[0] = attributes[1] = attributes[3] = 0
        control = _DATA_BITS[framing.data_bits] | _PARITY[framing.parity] | _STOP_BITS[framing.stop_bits]
        attributes[2] = termios.CREAD | termios.CLOCAL | control
        attributes[4] = attributes[5] = BAUD_RATES[framing.baud_rate]
        attributes[6][termios.VMIN], attributes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSANOW, attributes)


def hold_up(fd: int, *, rts: bool, dtr: bool) -> None:
    """Raise or lower the two modem lines; a tty without them, such as a pty, is left as it is."""
    for line, up in ((termios.TIOCM_RTS, rts), (termios.TIOCM_DTR, dtr)):
        with contextlib.suppress(OSError):
            fcntl.ioctl(fd, termios.TIOCMBIS if up else termios.TIOCMBIC, struct.pack("i", line))


def flush(fd: int) -> None:
    """Throw away what was received before anyone listened, and what could not be sent."""
    with contextlib.suppress(termios.error):
        termios.tcflush(fd, termios.TCIOFLUSH)


def set_low_latency(fd: int) -> bool:
    """Ask the driver to hand octets on at once, not every 16 ms as FTDI's does; whether it will."""
    serial = bytearray(_SERIAL_SIZE)
    try:
        fcntl.ioctl(fd, termios.TIOCGSERIAL, serial)
        (flags,) = _FLAGS.unpack_from(serial)
        struct.pack_into("i", serial, _FLAGS.size - struct.calcsize("i"), flags | _ASYNC_LOW_LATENCY)
        fcntl.ioctl(fd, termios.TIOCSSERIAL, serial)
        fcntl.ioctl(fd, termios.TIOCGSERIAL, serial)
    except OSError:
        return False
    return bool(_FLAGS.unpack_from(serial)[0] & _ASYNC_LOW_LATENCY)


def set_rs485(fd: int, *, enabled: bool) -> bool:
    """Let the driver switch the direction, RTS on while it sends, or not; whether it does so now.

    Drivers adjust silently what they cannot do, so the answer is what is read back. One that switches
    already, as a device tree may have it, knows its polarity and delays and is left alone.
    """
    if _rs485(fd) == enabled:
        return enabled
    wanted = _RS485.pack(_RS485_ENABLED | _RS485_RTS_ON_SEND if enabled else 0, *[0] * 7)
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, _TIOCSRS485, wanted)
    return _rs485(fd)


def _rs485(fd: int) -> bool:
    try:
        state = fcntl.ioctl(fd, _TIOCGRS485, bytes(_RS485.size))
    except OSError:
        return False
    return bool(_RS485.unpack(state)[0] & _RS485_ENABLED)
