"""Who changed which settings: a line for each change, by names, within bounds, whatever its files are."""

import asyncio
import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from han2x.model.instant import Instant
from han2x.runtime import audit, recovery
from han2x.runtime.audit import PROGRAM, Audit, Kind, Who
from han2x.runtime.gateway import Gateway
from han2x.runtime.settings_file import sample
from han2x.settings.amend import added, amend
from han2x.settings.schema import Settings

OWNER = Who(Kind.OWNER, "192.168.1.5")
BOUND = 262_144


def at(seconds: float) -> Instant:
    return Instant(1_700_000_000_000 + int(seconds * 1000), int(seconds * 1000))


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]


def test_a_change_is_a_line_with_names_and_without_values(tmp_path: Path) -> None:
    """Through the gateway's door: both names, neither value, nor what is refused or changes nothing."""
    gateway = Gateway(Settings(), clock=lambda: at(0), state_dir=tmp_path)
    gateway.amend({"web.name": "a secret place", "mqtt.0.password": "hunter2-hunter2"}, OWNER)
    gateway.amend({"web.name": "a secret place"}, OWNER)
    gateway.amend({"web.name": 7}, OWNER)
    gateway.audit.close()
    assert lines(tmp_path) == [
        {
            "at_ms": 1_700_000_000_000,
            "who": "owner",
            "name": "192.168.1.5",
            "settings": ["mqtt.0.password", "web.name"],
            "more": 0,
            "times": 1,
        }
    ]
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600
    text = (tmp_path / "audit.jsonl").read_text()
    assert "secret" not in text
    assert "hunter2" not in text


def test_doors_without_a_page(tmp_path: Path) -> None:
    """The button, a file edited by hand, and what the program takes back."""
    gateway = Gateway(Settings(), clock=lambda: at(0), state_dir=tmp_path)
    assert gateway.amend({"network.trial_s": 77}) is None
    gateway.start_dhcp(audit.BUTTON)
    edited = amend(gateway.settings.value, {"web.name": "by hand"})
    assert isinstance(edited, Settings)
    gateway.mended(edited)
    found = [(one.who, one.names) for one in gateway.audit.changes(9)]
    gateway.audit.close()
    assert found == [
        (PROGRAM, ("network.trial_s",)),
        (audit.BUTTON, ("network.method",)),
        (audit.FILE, ("web.name",)),
    ]


def test_a_file_edited_while_nothing_ran_is_noted_at_the_start(tmp_path: Path) -> None:
    """Against the settings that were last good; a start without an edit notes nothing."""
    asyncio.run(_edited_while_nothing_ran(tmp_path))


async def _edited_while_nothing_ran(tmp_path: Path) -> None:
    path, before = tmp_path / "han2x.toml", Settings()
    (tmp_path / recovery.NAME).write_text(sample(before, secrets=True))
    edited = amend(before, {"mqtt.0.password": "hunter2-hunter2"})
    assert isinstance(edited, Settings)
    for settings, names in ((before, []), (edited, [("mqtt.0.password",)])):
        path.write_text(sample(settings, secrets=True))
        gateway = Gateway(settings, clock=lambda: at(0), state_dir=tmp_path, settings_file=path)
        section = recovery.SettingsFile(path, lambda found: found)
        running = asyncio.create_task(recovery.run(section, gateway, "settings file"))
        async with asyncio.timeout(10):
            while "settings file" not in gateway.health.value:
                await gateway.health.changed(gateway.health.value)
        running.cancel()
        await asyncio.wait([running])
        gateway.audit.close()
        assert [one.names for one in gateway.audit.changes(9) if one.who == audit.FILE] == names


def test_rows_that_come_or_go_are_their_section(tmp_path: Path) -> None:
    """A second meter is `meters`; its scale alone is `meters.1.scale`."""
    gateway = Gateway(Settings(), clock=lambda: at(0), state_dir=tmp_path)
    gateway.take(added(gateway.settings.value, "meters", {"name": "cabin", "unit_id": 2}), OWNER)
    gateway.amend({"meters.1.scale": 2000}, OWNER)
    found = [one.names for one in gateway.audit.changes(9)]
    gateway.audit.close()
    assert found == [("meters",), ("meters.1.scale",)]


def test_twenty_thousand_changes_stay_within_the_bound(tmp_path: Path) -> None:
    """Two files, neither over 256 kB, and the newest change is the last line."""
    trail = Audit(tmp_path)
    for number in range(20_000):
        trail.note(Who(Kind.TOKEN, f"t{number % 7}"), [f"lists.{number}.name"], at(number))
        if number % 500 == 0:
            trail.close()
    trail.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"audit.jsonl", "audit.1.jsonl"}
    assert max(sizes.values()) <= BOUND
    newest = trail.changes(500)
    assert newest[-1].names == ("lists.19999.name",)
    assert len(newest) == 500


def test_one_change_names_so_many_settings_at_most(tmp_path: Path) -> None:
    """A restored file with a thousand changes is one short line that counts the rest."""
    trail = Audit(tmp_path)
    trail.note(OWNER, [f"lists.{number}.name" for number in range(1000)], at(0))
    trail.close()
    (line,) = lines(tmp_path)
    assert line["more"] == 960
    assert len(json.dumps(line)) < 2000


def test_a_master_that_writes_every_second_has_one_line_a_minute_at_most(tmp_path: Path) -> None:
    """Over an hour: all its writes are counted, in seven lines at most."""
    trail = Audit(tmp_path)
    for second in range(3600):
        trail.note(audit.modbus(f"10.0.0.7:{40_000 + second}"), ["meters.0.scale"], at(second))
    trail.note(OWNER, ["web.name"], at(3600))
    trail.close()
    written = lines(tmp_path)
    by_master = [line for line in written if line["who"] == "modbus"]
    assert {line["name"] for line in by_master} == {"10.0.0.7"}
    assert sum(int(str(line["times"])) for line in by_master) == 3600
    assert len(by_master) <= 7
    times = sorted(int(str(line["at_ms"])) for line in by_master)[:-1]
    assert min(b - a for a, b in pairwise(times)) >= 59_000


def test_a_thousand_masters_share_lines(tmp_path: Path) -> None:
    """Many addresses push nothing out: thirty-two have lines of their own, the others one."""
    trail = Audit(tmp_path)
    for number in range(1000):
        trail.note(audit.modbus(f"[fd00::{number:x}]:502"), ["meters.0.scale"], at(1))
    trail.close()
    assert len(lines(tmp_path)) <= 34


@pytest.mark.parametrize(
    "damage",
    [
        b'{"at_ms":1,"who":"owner","name":"x","sett',
        b"\x00" * 4096,
        b'[1,2]\n"x"\nnull\n{"who":"god"}\n' + b"[" * 100_000,
        b'{"at_ms":-1,"who":"owner","name":"x","settings":["a"],"more":0,"times":1}\n',
        b'{"at_ms":1,"who":"owner","name":"x","settings":[1],"more":0,"times":1}\n',
        b'{"at_ms":1,"who":"owner","name":"x","settings":7,"more":0,"times":1}\n',
        os.urandom(1000),
        b"x" * (3 * BOUND),
    ],
    ids=["torn", "zeros", "shapes", "negative", "number", "no list", "noise", "large"],
)
def test_a_damaged_line_is_skipped_and_the_next_is_whole(tmp_path: Path, damage: bytes) -> None:
    """What was there before and what comes after is shown."""
    (tmp_path / "audit.jsonl").write_bytes(damage)
    trail = Audit(tmp_path)
    assert trail.changes(500) == []
    trail.note(OWNER, ["web.name"], at(0))
    trail.close()
    assert [one.names for one in Audit(tmp_path).changes(500)] == [("web.name",)]


def test_what_is_no_file_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A pipe in its place: the change is in memory, the log says so once; without it all is written."""
    os.mkfifo(tmp_path / "audit.jsonl")
    trail = Audit(tmp_path)
    for name in ("web.name", "web.port"):
        trail.note(OWNER, [name], at(0))
        trail.close()
    assert [one.names for one in trail.changes(500)] == [("web.name",), ("web.port",)]
    assert len([one for one in caplog.records if "cannot be noted" in one.getMessage()]) == 1
    (tmp_path / "audit.jsonl").unlink()
    trail.note(OWNER, ["web.tls"], at(1))
    trail.close()
    assert [line["settings"] for line in lines(tmp_path)] == [["web.name"], ["web.port"], ["web.tls"]]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nothing is appended to another file by way of a symbolic link."""
    other = tmp_path / "other"
    other.write_text("untouched")
    state = tmp_path / "state"
    state.mkdir()
    (state / "audit.jsonl").symlink_to(other)
    trail = Audit(state)
    trail.note(OWNER, ["web.name"], at(0))
    trail.close()
    assert other.read_text() == "untouched"


def test_without_a_state_directory_it_is_in_memory() -> None:
    """A demo shows the newest thousand."""
    trail = Audit(None)
    for number in range(3000):
        trail.note(OWNER, [f"lists.{number}.name"], at(number))
    assert len(trail.changes(5000)) == 1000
    assert trail.changes(1)[0].names == ("lists.2999.name",)
