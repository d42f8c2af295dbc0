"""How the line to a meter fares, as outputs tell it to machines."""

from enum import IntEnum
from typing import NamedTuple


class Fault(IntEnum):
    """The last thing that went wrong on a line, as one number; the numbers never change meaning."""

    NONE = 0
    NOISE = 1
    TRUNCATED = 2
    CHECKSUM = 3
    ENCRYPTED = 4
    FOREIGN = 5
    UNKNOWN = 6
    SOURCE = 10  # the adapter or bridge is not there


class LineStatus(NamedTuple):
    """`open`: the source can be read. `checksum_errors`, `discarded`: counts since the process started.

    `serial`: the settings of a serial line, such as 8E1, "" where there is none.
    """

    open: bool = False
    checksum_errors: int = 0
    discarded: int = 0
    last_fault: Fault = Fault.NONE
    serial: str = ""


UNHEARD = LineStatus()
