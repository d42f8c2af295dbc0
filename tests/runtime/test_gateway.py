"""The gateway and what it keeps: readings, health, and scale factors over restarts and on disks that refuse.

A restart is a second `Gateway` on the same folder: nothing else of the first is used.
"""

import asyncio
import os
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from han2x.model.instant import Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import Identity, ListType, MeterClock, Reading, TimeBase
from han2x.model.state import EMPTY
from han2x.runtime import settings_file
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition, Health
from han2x.runtime.keeper import SYNC_MS
from han2x.settings.amend import Refused
from han2x.settings.schema import Meter, Settings

START = Instant(1_765_724_400_000, 50_000)
A_POS = Quantity.ACT_ENERGY_POS


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> Instant:
        return self.now

    def passes(self, ms: int) -> None:
        self.now = self.now.plus_ms(ms)


def gateway(folder: Path | None, settings: Settings | None = None, clock: Clock | None = None) -> Gateway:
    return Gateway(settings or Settings(), clock=clock or Clock(), state_dir=folder)


def scaled(scale: int) -> Settings:
    return Settings(meters=(Meter(scale=scale),))


def power(watts: int) -> Reading:
    return Reading(vendor="kaifa", list_type=ListType.FAST, values={Quantity.ACT_POW_POS: watts})


def energy(wh: int, hour: int, meter_id: str = "1", *, second: int = 0) -> Reading:
    return Reading(
        vendor="kaifa",
        list_type=ListType.HOURLY,
        values={A_POS: wh, Quantity.ACT_POW_POS: 3600},
        identity=Identity("KFM_001", meter_id, "MA304"),
        clock=MeterClock(datetime(2025, 12, 14, hour, 0, second), True, TimeBase.CIVIL),
    )


def run(scene: Callable[[], None]) -> None:
    async def main() -> None:
        scene()

    asyncio.run(main())


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_reading_is_in_the_cell_at_once() -> None:
    """What was received is what the next view shows, and who waits is told."""
    gate = gateway(None)
    seen: list[int] = []
    gate.snapshot("main").watch(lambda snapshot: seen.append(snapshot.received))
    gate.received("main", power(1234))
    view = gate.view(gate.settings.value.meters[0], gate.now())
    assert (view.value(Quantity.ACT_POW_POS), view.received, seen) == (1234, 1, [1])


def test_meters_do_not_mix() -> None:
    """Each meter has its own cell."""
    gate = gateway(None)
    gate.received("house", power(1))
    gate.received("cabin", power(2))
    assert gate.snapshot("house").value.values == {Quantity.ACT_POW_POS: 1}
    assert gate.snapshot("cabin").value.values == {Quantity.ACT_POW_POS: 2}
    assert gate.snapshot("barn").value is EMPTY


def test_uptime_is_counted_from_the_start() -> None:
    """The view's uptime is the gateway's, in whole seconds."""
    clock = Clock()
    gate = gateway(None, clock=clock)
    clock.passes(3_600_999)
    assert gate.view(gate.settings.value.meters[0], clock()).uptime_s == 3600


def test_health_changes_only_when_it_differs() -> None:
    """The same report twice tells nobody anything; another service's report stays."""
    gate = gateway(None)
    told: list[int] = []
    gate.health.watch(lambda health: told.append(len(health)))
    gate.report("a", Condition.OK)
    gate.report("a", Condition.OK)
    gate.report("b", Condition.FAILING, "taken")
    gate.forget("a")
    assert told == [1, 2, 1]
    assert gate.health.value == {"b": Health(Condition.FAILING, "taken")}


def test_energies_and_estimates_come_back(tmp_path: Path) -> None:
    """After a restart there are the last energies and the estimate as it was shown, and no live value."""

    def scene() -> None:
        clock = Clock()
        first = gateway(tmp_path, clock=clock)
        first.received("main", energy(1000, 15))
        for _ in range(10):
            clock.passes(2000)
            first.received("main", power(36_000))
        shown = first.view(Meter(), clock()).estimate(A_POS)
        assert shown > 1100
        again = gateway(tmp_path).view(Meter(), START)
        assert again.values == {A_POS: 1000}
        assert (again.estimate(A_POS), again.age_ms, again.received) == (shown, None, 0)
        assert (again.vendor, again.identity.meter_id) == ("kaifa", "1")

    run(scene)


def test_a_kill_costs_nothing_that_was_read(tmp_path: Path) -> None:
    """Before a watcher can show a snapshot it is stored."""

    def scene() -> None:
        clock = Clock()
        gate = gateway(tmp_path, clock=clock)
        gate.received("main", energy(1000, 15))
        gate.snapshot("main").watch(lambda new: stored_equals(new.estimates[A_POS].wh))
        for _ in range(5):
            clock.passes(2000)
            gate.received("main", power(50_000))

    def stored_equals(wh: int) -> None:
        assert gateway(tmp_path).snapshot("main").value.estimates[A_POS].wh == wh

    run(scene)


def test_another_meter_starts_from_nothing(tmp_path: Path) -> None:
    """The stored state of one meter is not continued by another that is plugged in."""

    def scene() -> None:
        gateway(tmp_path).received("main", energy(1000, 15))
        gate = gateway(tmp_path)
        gate.received("main", energy(5, 16, meter_id="2"))
        assert gate.snapshot("main").value.values[A_POS] == 5
        assert gateway(tmp_path).snapshot("main").value.values[A_POS] == 5

    run(scene)


def test_a_damaged_state_is_a_first_start(tmp_path: Path) -> None:
    """A state file that is damaged through and through is ignored, and written anew."""

    def scene() -> None:
        (tmp_path / "main.state").write_bytes(os.urandom(9000))
        gate = gateway(tmp_path)
        gate.recall()
        assert gate.snapshot("main").value is EMPTY
        gate.received("main", energy(1000, 15))
        assert gateway(tmp_path).snapshot("main").value.values == {A_POS: 1000}

    run(scene)


def test_a_refused_change_changes_nothing(tmp_path: Path) -> None:
    """The reasons come back; settings, watchers and state are left alone."""

    def scene() -> None:
        gate = gateway(tmp_path)
        gate.settings.watch(lambda _: pytest.fail("nothing has changed"))
        assert isinstance(gate.amend({"meters.0.scale": 9}), Refused)
        assert gate.amend({"meters.0.scale": 1000}) is None
        assert not list(tmp_path.iterdir())

    run(scene)


def test_a_factor_not_yet_in_the_settings_file_is_recalled(tmp_path: Path) -> None:
    """A factor that was written right before a kill is in force after the restart."""

    def scene() -> None:
        assert gateway(tmp_path).amend({"meters.0.scale": 2000}) is None
        again = gateway(tmp_path)
        assert again.settings.value == scaled(1000)
        again.recall()
        assert again.settings.value == scaled(2000)
        third = gateway(tmp_path)  # killed again before the file was written
        third.recall()
        assert third.settings.value == scaled(2000)

    run(scene)


def test_a_factor_edited_by_hand_wins(tmp_path: Path) -> None:
    """A settings file that was changed since the factor was stored says what holds."""

    def scene() -> None:
        gateway(tmp_path).amend({"meters.0.scale": 2000})
        again = gateway(tmp_path, scaled(3000))
        again.recall()
        assert again.settings.value == scaled(3000)

    run(scene)


def test_a_factor_taken_back_by_hand_stays_taken_back(tmp_path: Path) -> None:
    """The old factor, put back by hand after the file held the new one, is not overruled."""

    def scene() -> None:
        gate = gateway(tmp_path)
        gate.amend({"meters.0.scale": 2000})
        gate.written(gate.settings.value)
        again = gateway(tmp_path, scaled(1000))
        again.recall()
        assert again.settings.value == scaled(1000)

    run(scene)


def test_a_factor_that_reached_the_file_is_not_recalled(tmp_path: Path) -> None:
    """Killed after the file was written, before that was noted: the file is right already."""

    def scene() -> None:
        gateway(tmp_path).amend({"meters.0.scale": 2000})
        again = gateway(tmp_path, scaled(2000))
        again.settings.watch(lambda _: pytest.fail("there was nothing to recall"))
        again.recall()

    run(scene)


def test_a_factor_written_while_another_is_on_its_way_to_the_file(tmp_path: Path) -> None:
    """Killed between: the file holds the one before, but the last that was acknowledged is in force."""

    def scene() -> None:
        for in_file in (1000, 2000):  # whether the file was replaced or not
            gate = gateway(tmp_path)
            gate.amend({"meters.0.scale": 2000})
            gate.writing(gate.settings.value)
            gate.amend({"meters.0.scale": 3000})
            again = gateway(tmp_path, scaled(in_file))
            again.recall()
            assert again.settings.value == scaled(3000)

    run(scene)


def test_factors_of_several_meters_are_recalled_each_by_itself(tmp_path: Path) -> None:
    """Each meter's factor comes from its own state, whatever its place in the file is now."""
    house, cabin = Meter(name="house"), Meter(name="cabin", unit_id=2)

    def scene() -> None:
        gateway(tmp_path, Settings(meters=(house, cabin))).amend({"meters.1.scale": 2000})
        again = gateway(tmp_path, Settings(meters=(cabin, house)))
        again.recall()
        assert [(m.name, m.scale) for m in again.settings.value.meters] == [("cabin", 2000), ("house", 1000)]

    run(scene)


def test_a_stored_factor_outside_its_rule_changes_nothing(tmp_path: Path) -> None:
    """A state that was tampered with cannot bring in what the settings refuse."""

    def scene() -> None:
        gateway(tmp_path).amend({"meters.0.scale": 2000})
        from han2x.runtime.state_file import StateFile

        file = StateFile(tmp_path / "main.state")
        file.save((file.payload or b"").replace(b'"scale": 2000', b'"scale": 1'))
        again = gateway(tmp_path)
        again.recall()
        assert again.settings.value == scaled(1000)

    run(scene)


def test_a_disk_that_refuses_is_reported_and_serving_goes_on(tmp_path: Path) -> None:
    """On a full disk readings and factors are served as ever; health says what is wrong until it is right."""

    def scene() -> None:
        gate = gateway(tmp_path)
        gate.received("main", energy(1000, 15))
        with full_disk():
            gate.received("main", power(1234))
            assert gate.amend({"meters.0.scale": 2000}) is None
            view = gate.view(gate.settings.value.meters[0], gate.now())
            assert (view.value(Quantity.ACT_POW_POS), view.scale) == (2468, 2000)
            health = gate.health.value["state"]
            assert health.condition is Condition.FAILING
            assert health.text.startswith(f"state cannot be stored in {tmp_path}: ")
        assert gateway(tmp_path).snapshot("main").value.values == {A_POS: 1000}
        gate.received("main", power(1))
        assert "state" not in gate.health.value
        again = gateway(tmp_path)
        again.recall()
        assert again.settings.value == scaled(2000)

    run(scene)


def test_a_state_folder_that_is_none_is_reported(tmp_path: Path) -> None:
    """A file in the folder's place costs the stored state and nothing else."""
    (tmp_path / "state").write_text("no folder")

    def scene() -> None:
        gate = gateway(tmp_path / "state")
        gate.recall()
        gate.received("main", power(1234))
        assert gate.snapshot("main").value.values == {Quantity.ACT_POW_POS: 1234}
        assert gate.health.value["state"].text.startswith("state cannot be read from ")

    run(scene)


@pytest.mark.usefixtures("permissions_hold")
def test_a_state_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """A file of another user's is reported, not overwritten, and read when it may be."""
    run(lambda: gateway(tmp_path).received("main", energy(1000, 15)))
    (tmp_path / "main.state").chmod(0)

    def scene() -> None:
        gate = gateway(tmp_path)
        gate.received("main", power(1))
        assert "Permission denied" in gate.health.value["state"].text

    run(scene)


def test_what_costs_most_to_lose_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is waited for at the first telegram, a new hour, a new factor and every five minutes."""
    synced: list[str] = []
    reasons = ["first telegram"]
    monkeypatch.setattr("han2x.runtime.keeper._sync", lambda _: synced.append(reasons[-1]))
    clock = Clock()

    async def scene() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # one after the other
        gate = gateway(tmp_path, clock=clock)
        acts: list[tuple[str, Callable[[], object]]] = [
            ("first telegram", lambda: gate.received("main", power(1))),
            ("power", lambda: gate.received("main", power(2))),
            ("hour", lambda: gate.received("main", energy(1000, 15))),
            ("the same hour", lambda: gate.received("main", energy(1000, 15))),
            ("a second later", lambda: gate.received("main", energy(1001, 15, second=1))),
            ("factor", lambda: gate.amend({"meters.0.scale": 2000})),
            ("nothing", lambda: clock.passes(SYNC_MS - 1)),
            ("too early", lambda: gate.received("main", power(3))),
            ("nothing", lambda: clock.passes(1)),
            ("five minutes", lambda: gate.received("main", power(4))),
        ]
        for reason, act in acts:
            reasons.append(reason)
            act()
            await asyncio.get_running_loop().run_in_executor(None, int)

    asyncio.run(scene())
    assert synced == ["first telegram", "hour", "factor", "five minutes"]


def test_settings_and_state_agree_after_any_kill(tmp_path: Path) -> None:
    """Wherever between two writes the process ends, the next start has the newest factor."""
    file = tmp_path / "han2x.toml"
    file.write_text(settings_file.sample(Settings()))

    def scene() -> None:
        for number, ends in enumerate(("before the file", "before it is noted", "after all") * 3, 1):
            settings = settings_file.load(file)
            assert isinstance(settings, Settings)
            gate = gateway(tmp_path, settings)
            gate.recall()
            assert gate.settings.value.meters[0].scale == (1000 if number == 1 else 999 + number)
            gate.amend({"meters.0.scale": 1000 + number})
            if ends == "before the file":
                continue
            settings_file.write(file, gate.settings.value, gate.on_disk)
            if ends == "after all":
                gate.written(gate.settings.value)

    run(scene)
