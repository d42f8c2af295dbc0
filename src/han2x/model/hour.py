"""One hour's energy of one meter, and how it is known. Everything that is money is a sum of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from .quantity import Quantity

HOUR_S = 3600
ONE = 1000
"""The scale factor that changes nothing, in thousandths."""


class Basis(IntEnum):
    """How an hour's energy is known; the numbers are stored and never change meaning."""

    METERED = 0  # the difference of two registers, an hour apart
    SPREAD = 1  # a share of a difference over several hours, whose marks were missed
    ESTIMATED = 2  # power integrated: no register has come yet
    IMPORTED = 3  # from the grid company, by file
    UNCERTAIN = 4  # as metered, but it may be another hour's: no clock could be trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One clock hour, raw: as the meter counts, before the scale factor.

    `start`: Unix seconds (UTC) of its beginning, a multiple of 3600. `energies`: Wh (varh) used in it,
    by energy register. `drift`: what power integrated made less what the registers say, Wh; absent where
    not known. `scale`: the factor in force then, in thousandths; outputs multiply. In an hour in which it
    changed the energies are multiplied already, each part by its own, and `scale` is `ONE`.
    """

    start: int
    energies: Mapping[Quantity, int]
    basis: Basis
    drift: Mapping[Quantity, int]
    scale: int = ONE
