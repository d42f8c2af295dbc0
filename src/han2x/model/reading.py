"""What one telegram says, once its vendor's table has been read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from .quantity import ENERGIES, VOLTAGES, Quantity


class ListType(StrEnum):
    """The three lists of the Norwegian HAN port (NVE 2016), and lists of other shapes."""

    FAST = "1"
    TEN_SECONDS = "2"
    HOURLY = "3"
    OTHER = "other"


class Net(StrEnum):
    """How a meter is connected; it decides what its voltages are."""

    ONE_PHASE = "1"
    IT = "it"  # three wires: voltages between phases, L1 = L1-L2, L2 = L1-L3, L3 = L2-L3
    TN = "tn"  # four wires: voltages to neutral


class Fitting(NamedTuple):
    """What a meter's type tells: its net if known, and what it sends as 0 because it does not measure it."""

    net: Net | None = None
    unmeasured: tuple[Quantity, ...] = ()


UNKNOWN_FITTING = Fitting()


class Identity(NamedTuple):
    """Who sent it. None where the list has no such element; empty where it was sent empty."""

    list_version: str | None = None
    meter_id: str | None = None
    meter_type: str | None = None


class TimeBase(StrEnum):
    """What a vendor's clock runs on (han-port sheet 3.4)."""

    STANDARD = "standard"  # UTC+1 all year
    CIVIL = "civil"  # Norwegian time, summer time included


class MeterClock(NamedTuple):
    """A meter's own clock: naive local time as sent, and whether the meter vouches for it."""

    local: datetime
    valid: bool
    base: TimeBase


NO_IDENTITY = Identity()


Parts = Mapping[Quantity, frozenset[int]]
"""What quantities are made of: the numbers of tariffs or phases; 0 alone where one is sent as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One decoded telegram: values in each quantity's integer unit, only those that were sent.

    `clock` is the clock object of the list, else the APDU's date-time. `mark_age_ms` is how long before
    sending the energies were true; it is meaningful only with energies. `unknown` names the OBIS codes
    that no table explains, or that stand for past values. `refused`: what was sent for a value and cannot be
    used, each with its reason.
    `finer`: numbers as sent, where they say more than the integer unit. `parts`: what sums are made of;
    `partial`: those that were not made, because a part is missing that came before. `notes`: what is to be
    said of how far the telegram can be trusted. `reduced`: the meter keeps back what it measures until its
    PIN is entered.
    """

    vendor: str
    list_type: ListType
    values: Mapping[Quantity, int]
    identity: Identity = NO_IDENTITY
    clock: MeterClock | None = None
    mark_age_ms: int = 0
    fitting: Fitting = UNKNOWN_FITTING
    unknown: tuple[str, ...] = ()
    finer: tuple[tuple[Quantity, float], ...] = ()
    refused: tuple[str, ...] = ()
    parts: tuple[tuple[Quantity, frozenset[int]], ...] = ()
    partial: frozenset[Quantity] = frozenset()
    notes: tuple[str, ...] = ()
    reduced: bool = False


def classify(values: Mapping[Quantity, int]) -> ListType:
    """The Norwegian list a set of values belongs to (han-port sheet 4.5, rule 8)."""
    if not values.keys().isdisjoint(ENERGIES):
        return ListType.HOURLY
    if not values.keys().isdisjoint(VOLTAGES):
        return ListType.TEN_SECONDS
    return ListType.FAST
