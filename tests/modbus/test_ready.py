"""Many sockets, told of as they can be read."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from han2x.modbus.ready import AT_ONCE, Ready

Scene = Callable[[Ready], Coroutine[Any, Any, None]]


@pytest.fixture(params=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Runs a coroutine function with a Ready, on each event loop."""
    factory = None
    if request.param == "uvloop":
        factory = pytest.importorskip("uvloop", reason="uvloop is not installed").new_event_loop

    async def within(scene: Scene) -> None:
        ready = Ready()
        try:
            await asyncio.wait_for(scene(ready), 60)
        finally:
            ready.close()

    def make(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(within(scene))

    return make


class Reader:
    """Reads what comes, and keeps it; `then` is called with it."""

    def __init__(self, ready: Ready, then: Callable[["Reader"], None] = lambda one: None) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ready, self.then = ready, then
        self.heard: list[bytes] = []
        self.dropped = False
        self.fd = self.ours.fileno()
        ready.add(self.fd, self)

    def readable(self) -> None:
        self.heard.append(self.ours.recv(4))
        self.then(self)

    def drop(self) -> None:
        self.ready.remove(self.fd)
        self.dropped = True

    def close(self) -> None:
        self.ready.remove(self.fd)
        self.ours.close()
        self.theirs.close()


@contextmanager
def readers(
    ready: Ready, count: int, then: Callable[[Reader], None] = lambda one: None
) -> Iterator[list[Reader]]:
    """So many, closed afterwards."""
    with ExitStack() as stack:
        made = [Reader(ready, then) for _ in range(count)]
        for one in made:
            stack.callback(one.close)
        yield made


async def turns(count: int = 5) -> None:
    """Let the loop look at its files so often."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_each_is_told_until_it_has_read_everything(play: Callable[[Scene], None]) -> None:
    """Three octets more than one reading takes, for two of three."""

    async def scene(ready: Ready) -> None:
        with readers(ready, 3) as (one, two, three):
            one.theirs.send(b"abcdefg")
            two.theirs.send(b"x")
            await turns()
            assert (one.heard, two.heard, three.heard) == ([b"abcd", b"efg"], [b"x"], [])

    play(scene)


def test_who_is_taken_out_is_told_no_more_and_may_come_back(play: Callable[[Scene], None]) -> None:
    """What came meanwhile is there then."""

    async def scene(ready: Ready) -> None:
        with readers(ready, 1) as (one,):
            ready.remove(one.fd)
            ready.remove(one.fd)
            one.theirs.send(b"late")
            await turns()
            assert one.heard == []
            ready.add(one.fd, one)
            ready.add(one.fd, one)
            await turns()
            assert one.heard == [b"late"]

    play(scene)


def test_one_may_end_another_in_the_same_turn(play: Callable[[Scene], None]) -> None:
    """Whoever reads first takes all others out, even those that had something to read."""

    def end_others(one: Reader) -> None:
        for other in made:
            if other is not one:
                other.ready.remove(other.fd)

    made: list[Reader] = []

    async def scene(ready: Ready) -> None:
        with readers(ready, 5, end_others) as some:
            made.extend(some)
            for one in made:
                one.theirs.send(b"x")
            await turns()
            assert sorted(len(one.heard) for one in made) == [0, 0, 0, 0, 1]

    play(scene)


def test_one_that_fails_is_dropped_and_the_others_are_served(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours with one client costs that client, and is said."""

    def fail(one: Reader) -> None:
        if one is made[0]:
            raise ZeroDivisionError

    made: list[Reader] = []

    async def scene(ready: Ready) -> None:
        with readers(ready, 3, fail) as some:
            made.extend(some)
            for one in made:
                one.theirs.send(b"x")
            await turns()
            assert [one.heard for one in made] == [[b"x"]] * 3
            assert [one.dropped for one in made] == [True, False, False]

    play(scene)
    assert caplog.messages == ["a client is dropped: internal error: ZeroDivisionError(); please report it"]


def test_all_have_their_turn_when_all_have_much_to_say(play: Callable[[Scene], None]) -> None:
    """More than have a turn at once, each with more than it may say in one: nobody is left behind."""

    async def scene(ready: Ready) -> None:
        with readers(ready, 2 * AT_ONCE) as made:
            for one in made:
                one.theirs.send(b"x" * 40)
            await turns(1)
            while min(len(one.heard) for one in made) == 0:
                await turns(1)
            assert max(len(one.heard) for one in made) <= 3

    play(scene)
