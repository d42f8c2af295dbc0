"""`Latest`: a cell with the newest value, for who waits and for who watches."""

import asyncio

import pytest

from han2x.runtime.latest import Latest


def waiting(cell: Latest[int]) -> int:
    """How many futures the cell holds for coroutines that wait."""
    return len(cell._waiting)


def test_all_who_wait_are_woken() -> None:
    """Every coroutine that waits gets the new value, and the cell holds on to none of them."""

    async def scene() -> list[int]:
        cell = Latest(1)
        tasks = [asyncio.create_task(cell.changed(1)) for _ in range(3)]
        await asyncio.sleep(0)
        assert waiting(cell) == 3
        cell.set(2)
        assert waiting(cell) == 0
        return await asyncio.gather(*tasks)

    assert asyncio.run(scene()) == [2, 2, 2]


def test_the_newest_value_wins() -> None:
    """Who is slow misses what was in between and gets the newest."""

    async def scene() -> int:
        cell = Latest(1)
        task = asyncio.create_task(cell.changed(1))
        await asyncio.sleep(0)
        for value in (2, 3, 4):
            cell.set(value)
        return await task

    assert asyncio.run(scene()) == 4


def test_a_value_already_there_is_not_waited_for() -> None:
    """If the value is another than the one seen, it is returned in the same turn."""

    async def scene() -> int:
        cell = Latest(1)
        cell.set(2)
        async with asyncio.timeout(0):
            return await cell.changed(1)

    assert asyncio.run(scene()) == 2


def test_setting_the_same_object_wakes_nobody_for_good() -> None:
    """A coroutine that is woken for the object it has seen goes on waiting for another."""

    async def scene() -> object:
        seen, new = object(), object()
        cell = Latest(seen)
        task = asyncio.create_task(cell.changed(seen))
        await asyncio.sleep(0)
        cell.set(seen)
        await asyncio.sleep(0)
        assert not task.done()
        cell.set(new)
        return await task is new

    assert asyncio.run(scene())


def test_an_equal_value_is_a_new_one() -> None:
    """What counts is the object: an equal one may have come from another moment."""

    async def scene() -> bool:
        first, second = [1], [1]
        cell = Latest(first)
        cell.set(second)
        return await cell.changed(first) is second

    assert asyncio.run(scene())


def test_cancelling_leaves_nothing_behind() -> None:
    """Whoever stops waiting is forgotten, and does not keep the others from being woken."""

    async def scene() -> int:
        cell = Latest(1)
        gone = [asyncio.create_task(cell.changed(1)) for _ in range(2)]
        stays = asyncio.create_task(cell.changed(1))
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError)
            for end in await asyncio.gather(*gone, return_exceptions=True)
        )
        assert waiting(cell) == 1
        cell.set(2)
        return await stays

    assert asyncio.run(scene()) == 2


def test_cancelling_in_the_turn_of_the_setter() -> None:
    """A coroutine cancelled right after it was woken is cancelled, and nothing is left of it."""

    async def scene() -> None:
        cell = Latest(1)
        task = asyncio.create_task(cell.changed(1))
        await asyncio.sleep(0)
        cell.set(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert waiting(cell) == 0

    asyncio.run(scene())


def test_watchers_are_called_at_once_until_they_stop() -> None:
    """A watcher sees every value in the setter's turn; stopping works from within."""
    cell = Latest(1)
    seen: list[int] = []
    once: list[int] = []

    def one(value: int) -> None:
        once.append(value)
        stop_one()

    stop_one = cell.watch(one)
    stop = cell.watch(seen.append)
    cell.set(2)
    cell.set(3)
    stop()
    cell.set(4)
    assert (once, seen, cell.value) == ([2], [2, 3], 4)
