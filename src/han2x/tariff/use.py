"""One clock hour's use of a metering point, scaled: what peaks, steps and costs are made of."""

from typing import NamedTuple

HOUR_S = 3600


class Use(NamedTuple):
    """`start`: Unix seconds of the hour's beginning. `imported`, `exported`: Wh, so also the mean power in W.

    `estimated`: not yet the difference of two registers an hour apart.
    """

    start: int
    imported: int
    exported: int = 0
    estimated: bool = False
