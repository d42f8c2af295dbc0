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


class Place(NamedTuple):
    """A value of a list in its place: the letter of its kind (see `settings.lists`), and as it was sent."""

    kind: str
    value: str


class UnknownList(NamedTuple):
    """A list that no table explains: its pattern, "" where it cannot be taught, and its values."""

    pattern: str
    size: int
    places: tuple[Place, ...]


class Meaning(NamedTuple):
    """What a place may mean: its code C.D.E, a name for programs and one for people.

    `unit`: of what a factor makes of the value. `kinds`: letters of the places at which it can be.
    """

    code: str
    name: str
    label: str
    unit: str
    kinds: str


class Named(NamedTuple):
    """What a value means: its place from 1, its name for people; `value`: "" for one that is not used."""

    place: int
    label: str
    value: int | float | str
    unit: str
