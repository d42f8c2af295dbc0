"""A telegram explained octet by octet, for people who look into it."""

from typing import NamedTuple


class Part(NamedTuple):
    """Octets `offset` to `offset + length` of a telegram, and what they are.

    `obis`: the code they stand for, as in `1-0:1.7.0`, "" for none. `value`: what they say, for people.
    """

    offset: int
    length: int
    text: str
    value: str = ""
    obis: str = ""
