"""Steps that may wait: in order, few of them between two looks of the loop at all else."""

import asyncio
from functools import partial
from time import perf_counter

from han2x.runtime.turns import MOST_S, turns


def spin(seconds: float) -> None:
    end = perf_counter() + seconds
    while perf_counter() < end:
        pass


def test_others_have_their_turn_between_long_steps() -> None:
    """A hundred steps that each take all the time there is: something else runs after each."""

    async def scene() -> tuple[list[int], int]:
        done: list[int] = []
        looks = 0

        def step(number: int) -> None:
            spin(MOST_S)
            done.append(number)

        for number in range(100):
            turns().add(partial(step, number))
        while len(done) < 100:
            await asyncio.sleep(0)
            looks += 1
        return done, looks

    done, looks = asyncio.run(scene())
    assert done == list(range(100))
    assert looks >= 100


def test_what_a_step_costs_later_counts() -> None:
    """Steps that cost half of a turn afterwards come two a turn, or fewer on a busy machine."""

    async def scene() -> list[int]:
        done = 0
        counts: list[int] = []

        def step() -> None:
            nonlocal done
            done += 1

        for _ in range(10):
            turns().add(step, MOST_S / 2)
        while done < 10:
            before = done
            await asyncio.sleep(0)
            counts.append(done - before)
        return counts

    assert max(asyncio.run(scene())) <= 2


def test_a_step_that_fails_stops_no_other() -> None:
    """Steps that steps add come last; each loop has its own."""

    async def scene() -> list[str]:
        done: list[str] = []

        def bad() -> None:
            turns().add(lambda: done.append("added"))
            raise ValueError("bad")

        turns().add(bad)
        turns().add(lambda: done.append("next"))
        while len(done) < 2:
            await asyncio.sleep(0)
        return done

    for _ in range(2):
        assert asyncio.run(scene()) == ["next", "added"]
