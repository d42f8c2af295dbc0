"""What a framing says of the octets where one of its telegrams may begin.

A framing is a function from a buffer and a place in it to what is there: a telegram, why there is none
(`Failed`), or the length that the buffer must have before that can be told. None of them keeps anything.
"""

from typing import NamedTuple

from .result import Kind


class Failed(NamedTuple):
    """A candidate that is no telegram. `extent` octets are blamed on it; 0: it never looked like one."""

    kind: Kind
    reason: str
    extent: int


NOTHING = Failed(Kind.NOISE, "no frame begins here", 0)
