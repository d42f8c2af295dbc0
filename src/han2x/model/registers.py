"""Which energy registers can be true: by the meter's own power, and what a main fuse lets through. Pure.

A register whose check sum is right may still be nonsense: all bits set, a bit turned, another quantity's
value. It is compared with the one before it: power tells what was used while it was known, for the rest of
the time the fuse tells what may have been.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .hour import HOUR_S, ONE
from .quantity import Quantity

PHYSICAL_W = 250_000
"""More than any meter measures without transformers, three times over."""

FUSE_W_PER_A = 400 * 2 * 3 // 2
"""Three phases of 400 V (1.73), and half as much again, for a fuse stands that for long."""

FIRST_MAX_WH = 4_000_000_000
"""A first register above this (25 kW for 18 years) waits for a second to be compared with."""

NEVER_WH = 10**18
"""No meter counts so far, however often it says so, nor could it be stored."""

SLACK_WH = 2000
"""Steps of 10 Wh, and power that was sampled, are never believed to be better than that."""

SLACK_S = 120
"""Registers are up to a minute early or late."""


class Since(NamedTuple):
    """What is known of the time since a register, `passed_s` long.

    `made`: by energy, Wh, what power made while it was known, `known_s` long. `factor`: how many times as
    much the registers may say. `limit_w`: what can be drawn at most.
    """

    passed_s: int
    known_s: int
    made: Mapping[Quantity, int]
    factor: int
    limit_w: int


def limit_w(fuse_a: int, scale: int) -> int:
    """What a meter may show at most, in W before the scale factor (thousandths); `fuse_a` 0 is unknown."""
    return (fuse_a * FUSE_W_PER_A * ONE // scale) if fuse_a else PHYSICAL_W


def can_follow(before: Mapping[Quantity, int], after: Mapping[Quantity, int], since: Since) -> bool:
    """Whether registers, Wh (varh), can have risen from one to another in a time."""
    return all(after[energy] - wh <= most(energy, since) for energy, wh in before.items() if energy in after)


def most(energy: Quantity, since: Since) -> int:
    """By how much, Wh (varh), a register can have risen."""
    known_s = since.known_s if energy in since.made else 0
    unknown_s = max(0, since.passed_s - known_s) + SLACK_S
    return since.made.get(energy, 0) * since.factor + since.limit_w * unknown_s // HOUR_S + SLACK_WH


def can_be_first(registers: Mapping[Quantity, int]) -> bool:
    """Whether registers are believed that are the first of a meter."""
    return all(wh <= FIRST_MAX_WH for wh in registers.values())


def can_confirm(suspect: Mapping[Quantity, int], after: Mapping[Quantity, int]) -> bool:
    """Whether registers may confirm others that were suspect; the same nonsense may come again and again."""
    common = [energy for energy in after if energy in suspect]
    if any(after[energy] < suspect[energy] for energy in common) or max(after.values()) > NEVER_WH:
        return False
    return can_be_first(after) or any(after[energy] > suspect[energy] for energy in common)


def can_be_one_count(before: Mapping[Quantity, int], after: Mapping[Quantity, int], passed_s: int) -> bool:
    """Whether registers can have gone on from one to another, by what any meter can measure."""
    fell = any(after[energy] < wh for energy, wh in before.items() if energy in after)
    return not fell and can_follow(before, after, Since(passed_s, 0, {}, 1, PHYSICAL_W))
