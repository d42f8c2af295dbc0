"""`keep`: services are restarted when their own section changes and when they fail, and by nothing else.

Time is the event loop's, and here it is faked: when everybody sleeps, the clock jumps to the next alarm.
"""

import asyncio
import logging
import selectors
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from itertools import zip_longest
from types import ModuleType
from typing import Any

import pytest

from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition, Health
from han2x.runtime.service import Service, keep
from han2x.settings.schema import Settings

Body = Callable[[Any, Gateway, str], Awaitable[None]]


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: the time it would have waited has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is the selector's."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def play(scene: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(scene)


def gateway(settings: Settings | None = None) -> Gateway:
    return Gateway(settings or Settings(), clock=lambda: Instant(0, 0))


def port_of(settings: Settings) -> dict[str, object]:
    return {"port": settings.modbus_tcp.port} if settings.modbus_tcp.enabled else {}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Body, Any], Service]:
    """Makes a service of a coroutine function, to be found by its entry like a real one."""
    module = ModuleType("han2x_test_services")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def make(name: str, body: Body, sections: Any) -> Service:
        setattr(module, name, body)
        return Service(sections, f"{module.__name__}:{name}")

    return make


Make = Callable[[str, Body, Any], Service]


class Starts:
    """A service that notes when it was started with what, runs for some seconds, and ends as told."""

    def __init__(self, lasts_s: list[float] | float = 1e9, end: Callable[[], None] = lambda: None) -> None:
        self.at: list[float] = []
        self.sections: list[object] = []
        self.stopped = 0
        self._lasts_s, self._end = lasts_s, end

    async def __call__(self, section: Any, _: Gateway, __: str) -> None:
        self.at.append(asyncio.get_running_loop().time())
        self.sections.append(section)
        lasts_s = self._lasts_s if isinstance(self._lasts_s, float) else self._lasts_s[len(self.at) - 1]
        try:
            await asyncio.sleep(lasts_s)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        self._end()

    @property
    def pauses(self) -> list[float]:
        return [round(later - earlier, 3) for earlier, later in zip(self.at, self.at[1:], strict=False)]


def fail(error: Exception) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


def test_only_the_service_whose_section_differs_is_restarted(service: Make) -> None:
    """A changed port restarts what has the port; a changed scale restarts neither."""
    ports, names = Starts(), Starts()

    async def scene() -> None:
        gate = gateway()
        tasks = [
            asyncio.create_task(keep(service("ports", ports, port_of), gate)),
            asyncio.create_task(
                keep(service("names", names, lambda s: {"names": [m.name for m in s.meters]}), gate)
            ),
        ]
        await asyncio.sleep(1)
        assert gate.amend({"modbus_tcp.port": 1600}) is None
        await asyncio.sleep(1)
        assert gate.amend({"meters.0.scale": 2000}) is None
        await asyncio.sleep(1)
        assert (ports.sections, names.sections) == ([1502, 1600], [["main"]])
        assert (ports.stopped, names.stopped) == (1, 0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    play(scene())


def test_a_service_that_is_switched_off_is_stopped_and_forgotten(service: Make) -> None:
    """Off means stopped and out of the health; on again means started anew."""
    body = Starts()

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(service("ports", body, port_of), gate))
        await asyncio.sleep(1)
        assert gate.health.value == {"port": Health(Condition.STARTING)}
        gate.amend({"modbus_tcp.enabled": False})
        await asyncio.sleep(1)
        assert (body.stopped, gate.health.value) == (1, {})
        gate.amend({"modbus_tcp.enabled": True})
        await asyncio.sleep(1)
        assert len(body.at) == 2
        task.cancel()
        await asyncio.wait([task])

    play(scene())


def test_settings_that_change_while_a_service_stops_are_not_missed(service: Make) -> None:
    """A slow goodbye does not hide the change that came meanwhile."""
    seen: list[object] = []

    async def body(section: Any, _: Gateway, __: str) -> None:
        seen.append(section)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(5)

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(service("slow", body, port_of), gate))
        await asyncio.sleep(1)
        gate.amend({"modbus_tcp.port": 1600})
        await asyncio.sleep(1)
        gate.amend({"modbus_tcp.port": 1700})
        await asyncio.sleep(30)
        assert seen[0] == 1502
        assert seen[-1] == 1700
        task.cancel()
        await asyncio.wait([task])

    play(scene())


def test_the_pause_grows_to_a_minute(service: Make) -> None:
    """A service that fails at once is tried after 1, 2, 4 … 60 s, and for ever."""
    body = Starts(0.0, fail(Trouble("no luck")))

    async def scene() -> None:
        task = asyncio.create_task(keep(service("unlucky", body, port_of), gateway()))
        await asyncio.sleep(300)
        task.cancel()
        await asyncio.wait([task])

    play(scene())
    assert_pauses(body, [1, 2, 4, 8, 16, 32, 60, 60, 60])


def assert_pauses(body: Starts, longest: list[float], running: tuple[float, ...] = ()) -> None:
    """Each pause is at most so long and at least three quarters of it, after so many seconds of running."""
    for pause, most, ran in zip_longest(body.pauses[: len(longest)], longest, running, fillvalue=0):
        assert ran + 0.75 * most <= pause <= ran + most, body.pauses


def test_no_two_pauses_are_alike(service: Make) -> None:
    """Gateways that lose their broker together do not come back to it together."""
    bodies = [Starts(0.0, fail(Trouble("no luck"))) for _ in range(4)]
    for number, body in enumerate(bodies):

        async def scene(number: int = number, body: Starts = body) -> None:
            task = asyncio.create_task(keep(service(f"unlucky{number}", body, port_of), gateway()))
            await asyncio.sleep(10)
            task.cancel()
            await asyncio.wait([task])

        play(scene())
    assert len({tuple(body.pauses[:3]) for body in bodies}) == len(bodies)


def test_a_healthy_minute_forgets_the_pause(service: Make) -> None:
    """After a run of a minute the pause begins at one second again; after a shorter one it does not."""
    body = Starts([0.0, 0.0, 59.0, 60.0, 0.0, 1e9], fail(Trouble("no luck")))

    async def scene() -> None:
        task = asyncio.create_task(keep(service("unlucky", body, port_of), gateway()))
        await asyncio.sleep(300)
        task.cancel()
        await asyncio.wait([task])

    play(scene())
    assert_pauses(body, [1, 2, 4, 1, 2], running=(0, 0, 59, 60, 0))


def test_a_new_section_does_not_wait_for_the_pause(service: Make) -> None:
    """Someone who corrects a setting is served at once, however long the pause has grown."""
    body = Starts(0.0, fail(Trouble("no luck")))

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(service("unlucky", body, port_of), gate))
        await asyncio.sleep(200)
        gate.amend({"modbus_tcp.port": 1600})
        await asyncio.sleep(0.5)
        assert (body.at[-1], body.sections[-1]) == (200, 1600)
        task.cancel()
        await asyncio.wait([task])

    play(scene())


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (fail(Trouble("the port is taken: take another")), "the port is taken: take another"),
        (lambda: None, "stopped by itself"),
        (
            fail(KeyError("scale")),
            "internal error: KeyError('scale'); please report it",
        ),
    ],
)
def test_what_went_wrong_is_in_health_and_log(
    service: Make, caplog: pytest.LogCaptureFixture, end: Callable[[], None], text: str
) -> None:
    """A failure is one sentence, the same in health and log, and never a traceback."""
    body = Starts(0.0, end)
    caplog.set_level(logging.INFO)

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(service("unlucky", body, port_of), gate))
        await asyncio.sleep(0.5)
        assert gate.health.value == {"port": Health(Condition.FAILING, text)}
        task.cancel()
        await asyncio.wait([task])

    play(scene())
    assert [record.getMessage() for record in caplog.records] == [f"port: {text} (trying again)"]
    assert "Traceback" not in caplog.text


def test_a_service_that_cannot_be_imported_is_reported() -> None:
    """What is not installed is a failure of that service alone."""

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(Service(port_of, "han2x.nowhere:run"), gate))
        await asyncio.sleep(0.5)
        health = gate.health.value["port"]
        assert health.condition is Condition.FAILING
        assert "han2x.nowhere" in health.text
        task.cancel()
        await asyncio.wait([task])

    play(scene())


def test_one_failing_instance_disturbs_no_other(service: Make) -> None:
    """Of three instances of one service, the one that fails is the only one that is started again."""
    starts: dict[str, int] = {}

    async def body(section: Any, gate: Gateway, name: str) -> None:
        starts[name] = starts.get(name, 0) + 1
        if section == "bad":
            raise Trouble("no luck")
        gate.report(name, Condition.OK)
        await asyncio.Event().wait()

    async def scene() -> None:
        gate = gateway()
        wanted = {"a": "good", "b": "bad", "c": "good"}
        task = asyncio.create_task(keep(service("mixed", body, lambda _: wanted), gate))
        await asyncio.sleep(80)
        assert starts == {"a": 1, "b": 7, "c": 1}
        assert {name: health.condition for name, health in gate.health.value.items()} == {
            "a": Condition.OK,
            "b": Condition.FAILING,
            "c": Condition.OK,
        }
        task.cancel()
        await asyncio.wait([task])

    play(scene())


def test_cancelling_stops_everything(service: Make) -> None:
    """When the keeper is cancelled all instances have ended, whether they ran or paused."""
    body, failing = Starts(), Starts(0.0, fail(Trouble("no luck")))

    async def scene() -> None:
        gate = gateway()
        tasks = [
            asyncio.create_task(keep(service("good", body, lambda _: dict.fromkeys("abc")), gate)),
            asyncio.create_task(keep(service("bad", failing, port_of), gate)),
        ]
        await asyncio.sleep(5)
        before = len(failing.at)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        assert body.stopped == 3
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(100)
        assert len(failing.at) == before

    play(scene())


def test_a_cancellation_while_stopping_is_not_swallowed(service: Make) -> None:
    """A keeper that is cancelled while it waits for a slow service is cancelled all the same."""

    async def body(_: Any, __: Gateway, ___: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(5)

    async def scene() -> None:
        gate = gateway()
        task = asyncio.create_task(keep(service("slow", body, port_of), gate))
        await asyncio.sleep(1)
        gate.amend({"modbus_tcp.port": 1600})
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task], timeout=60)
        assert task.cancelled()

    play(scene())


def test_a_thousand_instances_are_no_burden(service: Make) -> None:
    """Of a thousand meters, a change of one restarts one."""
    body = Starts()
    many = replace(
        Settings(),
        meters=tuple(replace(Settings().meters[0], name=f"m{i}", unit_id=i % 247 + 1) for i in range(1000)),
    )

    async def scene() -> None:
        gate = gateway(many)
        task = asyncio.create_task(
            keep(service("meters", body, lambda s: {meter.name: meter.source for meter in s.meters}), gate)
        )
        await asyncio.sleep(1)
        assert len(body.at) == 1000
        changed = replace(many.meters[500], source="replay:x")
        gate.settings.set(replace(many, meters=(*many.meters[:500], changed, *many.meters[501:])))
        await asyncio.sleep(1)
        assert (len(body.at), body.stopped, body.sections[-1]) == (1001, 1, "replay:x")
        task.cancel()
        await asyncio.wait([task])

    play(scene())
