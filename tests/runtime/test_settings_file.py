"""The settings file: loading, the sample, and the service that writes changes back and spoils nothing."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.instant import Instant
from han2x.runtime.gateway import Gateway, Trouble
from han2x.runtime.health import Condition, Health
from han2x.runtime.service import Service, keep
from han2x.runtime.settings_file import load, sample, write
from han2x.settings.amend import Refused, amend
from han2x.settings.modbus import ModbusTcp
from han2x.settings.schema import Meter, Settings

DEFAULTS = Settings()
EDITED = """\
# My gateway. Do not touch!
format = 2

[modbus_tcp]   # the server
port = 1600 # the heat pump reads it here
enabled=true

# the house
[[meters]]
source = 'replay:/no/such/file'  # single quotes
scale = 1_000 # factor
name = "house"
id = "house"

[[meters]]  # the cabin
unit_id = 0x02
name = "cabin"
id = "cabin"
"""
IN_USE = Settings(
    meters=(Meter(name="house", source="replay:/no/such/file"), Meter(name="cabin", unit_id=2)),
    modbus_tcp=ModbusTcp(port=1600),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "han2x.toml"
    path.write_text(EDITED)
    return path


def changed(settings: Settings, **changes: object) -> Settings:
    result = amend(settings, {path.replace("__", "."): value for path, value in changes.items()})
    assert isinstance(result, Settings)
    return result


def test_a_file_is_loaded() -> None:
    """The example of this test is what it says (all others build on it)."""
    assert load(Path("/nonexistent/han2x.toml")) == DEFAULTS


def test_the_example_means_what_is_in_use(file: Path) -> None:
    """What a person wrote in their own style is understood."""
    assert load(file) == IN_USE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[modbus_tcp\n", "is not TOML: "),
        (b"port = 1\nport = 2\n", "is not TOML: "),
        (b"\xff\xfe[\x00", "cannot be read: "),
        (b"a = " + b"1" * 5000, "is not TOML: "),
        (b"a = " + b"[" * 20000, "is not TOML: "),
        (b"[modbus_tcp]\nport = 0\n", "modbus_tcp.port: must be "),
        (b"port = 1502\n", "port: is no section"),
    ],
)
def test_an_invalid_file_is_refused_with_reasons(tmp_path: Path, content: bytes, said: str) -> None:
    """Whatever is in the file, the answer is complaints, not an exception."""
    path = tmp_path / "han2x.toml"
    path.write_bytes(content)
    result = load(path)
    assert isinstance(result, Refused)
    assert said in str(result)


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    """What cannot be read is a complaint that says why."""
    assert "cannot be read: " in str(load(tmp_path))


def test_only_what_changed_is_touched(file: Path) -> None:
    """Comments, order, style and all other values survive a write to the octet."""
    write(file, changed(IN_USE, meters__0__scale=2500, modbus_tcp__port=1700), IN_USE)
    expected = EDITED.replace("1_000", "2500").replace("1600", "1700")
    assert file.read_text() == expected


def test_a_value_that_was_left_out_is_added(file: Path) -> None:
    """A setting that the file did not name goes to its own table."""
    new = changed(IN_USE, meters__1__scale=2500, modbus_tcp__writable=False)
    write(file, new, IN_USE)
    assert load(file) == new
    for line in EDITED.splitlines():
        assert line in file.read_text().splitlines()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "[[meters]]\n",
        'meters = [{name = "main"}]\n',
        "modbus_tcp = {port = 1502}\n",
        "modbus_tcp.port = 1502\n",
        "[modbus_tcp]\n",
        "[modbus_tcp]\nport=1502 # no line feed at the end",
    ],
)
def test_any_way_of_writing_the_defaults_can_be_changed(tmp_path: Path, text: str) -> None:
    """Inline tables, dotted keys and files with next to nothing in them are written to as well."""
    path = tmp_path / "han2x.toml"
    path.write_text(text)
    assert load(path) == DEFAULTS
    new = changed(DEFAULTS, meters__0__scale=2500, modbus_tcp__port=1700, modbus_tcp__host="::1")
    write(path, new, DEFAULTS)
    assert load(path) == new
    assert all(line.split("#")[-1] in path.read_text() for line in text.splitlines() if "#" in line)


def test_a_value_edited_by_hand_meanwhile_survives(file: Path) -> None:
    """What a person changed in the file while the program ran stays, beside what the program changes."""
    file.write_text(EDITED.replace("1600", "1601").replace("'replay:/no/such/file'", "'serial:auto'"))
    new = changed(IN_USE, meters__0__scale=2500)
    write(file, new, IN_USE)
    assert load(file) == changed(new, modbus_tcp__port=1601, meters__0__source="serial:auto")


def test_a_meter_is_found_by_its_name(file: Path) -> None:
    """A meter that was put first by hand does not get the factor of the one that was first before."""
    head, house, cabin = EDITED.split("[[meters]]")
    garage = '\nname = "garage"\nunit_id = 3\n\n'
    file.write_text("[[meters]]".join((head, cabin + "\n", garage, house)))
    write(file, changed(IN_USE, meters__0__scale=2500), IN_USE)
    result = load(file)
    assert isinstance(result, Settings)
    assert {meter.name: meter.scale for meter in result.meters} == {
        "cabin": 1000,
        "garage": 1000,
        "house": 2500,
    }


def test_a_meter_that_was_taken_out_by_hand_is_not_brought_back(file: Path) -> None:
    """There is no place for the value then, which is said; the file stays."""
    text = EDITED.split("[[meters]]  # the cabin")[0]
    file.write_text(text)
    with pytest.raises(Trouble, match=r"it has no \[\[meters\]\] named cabin any more"):
        write(file, changed(IN_USE, meters__1__scale=2500), IN_USE)
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (EDITED + "[modbus_tcp\n", "not valid any more"),
        (EDITED.replace("1600", "70000"), "modbus_tcp.port: must be a whole number from 1 to 65535"),
        (EDITED.replace('"cabin"', '"house"'), 'name "house" is there twice'),
        (EDITED + "colour = 'red'\n", "meters.1.colour: is no setting"),
        ("modbus_tcp = 5\n", "has been edited"),
        ("meters = 5\n", "has been edited"),
        (b"\xff".decode("latin-1"), "has been edited"),
        (EDITED.replace("format = 2", "format = 99"), "a newer version wrote the file"),
    ],
)
def test_an_invalid_hand_edit_is_reported_and_left_alone(file: Path, text: str, said: str) -> None:
    """A file that a person has broken is theirs to mend: nothing in it is overwritten."""
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Trouble) as trouble:
        write(file, changed(IN_USE, meters__0__scale=2500), IN_USE)
    assert said in str(trouble.value)
    assert str(file) in str(trouble.value)
    assert file.read_bytes() == text.encode("latin-1")
    assert list(file.parent.iterdir()) == [file]


def test_the_replacement_is_whole_and_leaves_nothing_behind(file: Path) -> None:
    """The mode is kept, a new file takes the old one's place, and no temporary file is left."""
    file.chmod(0o640)
    before = file.stat().st_ino
    with file.open() as reader:
        write(file, changed(IN_USE, meters__0__scale=2500), IN_USE)
        assert reader.read() == EDITED  # who had it open reads the old file to its end
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.stat().st_ino != before
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """Where the settings are a link, what it leads to is replaced."""
    link = tmp_path / "link.toml"
    link.symlink_to(file.name)
    write(link, changed(IN_USE, meters__0__scale=2500), IN_USE)
    assert link.is_symlink()
    assert load(file) == changed(IN_USE, meters__0__scale=2500)


def test_a_missing_file_is_made_from_the_sample(tmp_path: Path) -> None:
    """The first change makes the file, and its folder, with every setting and its meaning."""
    path = tmp_path / "etc" / "han2x.toml"
    new = changed(IN_USE, meters__0__scale=2500)
    write(path, new, IN_USE)
    assert path.read_text() == sample(new)
    assert load(path) == new


def test_a_place_that_takes_no_file_is_trouble(tmp_path: Path) -> None:
    """Where nothing can be written the sentence names file and reason."""
    (tmp_path / "etc").write_text("a file")
    with pytest.raises(Trouble, match=r"cannot be written: (Not a directory|File exists)"):
        write(tmp_path / "etc" / "han2x.toml", changed(DEFAULTS, modbus_tcp__port=1700), DEFAULTS)


def test_a_full_disk_leaves_the_file_as_it_was(file: Path) -> None:
    """What does not fit is trouble; the old file is whole and nothing is left beside it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(Trouble, match="cannot be written: "):
            write(file, changed(IN_USE, meters__0__scale=2500), IN_USE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == EDITED
    assert list(file.parent.iterdir()) == [file]


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
PATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda path: "?" not in path)
METERS = st.builds(
    Meter,
    name=NAMES,
    source=st.sampled_from(["serial:auto", "tcp:[::1]:3001", "simulate:aidon?net=tn&speed=2"])
    | PATHS.map("replay:/{}".format),
    unit_id=st.integers(1, 247),
    scale=st.integers(10, 999_999_999),
)
SETTINGS = st.builds(
    Settings,
    meters=st.lists(METERS, min_size=1, max_size=4, unique_by=(lambda m: m.name, lambda m: m.unit_id)).map(
        tuple
    ),
    modbus_tcp=st.builds(
        ModbusTcp,
        enabled=st.booleans(),
        host=st.from_regex(r"[A-Za-z0-9.:%_-]{0,40}", fullmatch=True),
        port=st.integers(1, 65535),
        writable=st.booleans(),
        max_connections=st.integers(1, 4096),
        idle_timeout_s=st.integers(0, 86_400),
    ),
)


@given(settings=SETTINGS)
def test_the_sample_means_the_same_settings(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> None:
    """Any settings, written as a sample, are read back as they were."""
    path = tmp_path_factory.getbasetemp() / "sample.toml"
    path.write_bytes(sample(settings).encode())
    assert load(path) == settings


@given(before=SETTINGS, after=SETTINGS)
def test_any_change_reaches_the_file(
    tmp_path_factory: pytest.TempPathFactory, before: Settings, after: Settings
) -> None:
    """From any settings to any others with the same meters, the file follows."""
    path = tmp_path_factory.getbasetemp() / "changed.toml"
    count = min(len(before.meters), len(after.meters))
    before, after = (replace(settings, meters=settings.meters[:count]) for settings in (before, after))
    path.write_bytes(sample(before).encode())
    renamed = tuple(replace(new, name=old.name) for new, old in zip(after.meters, before.meters, strict=True))
    after = replace(after, meters=renamed)
    write(path, after, before)
    assert load(path) == after


Scene = Callable[[Gateway], Awaitable[None]]


def serve(file: Path, settings: Settings, scene: Scene) -> None:
    """Play a scene while the settings file is kept."""

    async def main() -> None:
        gate = Gateway(settings, clock=lambda: Instant(0, 0))
        service = Service(lambda _: {"settings file": file}, "han2x.runtime.settings_file:run")
        keeper = asyncio.create_task(keep(service, gate))
        try:
            async with asyncio.timeout(60):
                await scene(gate)
        finally:
            keeper.cancel()
            await asyncio.wait([keeper])

    asyncio.run(main())


async def until(gate: Gateway, condition: Condition) -> Health:
    """The health of the settings file, once it is so."""
    while True:
        seen = gate.health.value
        if (health := seen.get("settings file")) and health.condition is condition:
            return health
        await gate.health.changed(seen)


async def until_written(gate: Gateway) -> None:
    while gate.on_disk != gate.settings.value:
        await asyncio.sleep(0.005)


def test_a_change_is_written_by_the_service(file: Path) -> None:
    """A changed setting is in the file soon, and only then is it known to be there."""

    async def scene(gate: Gateway) -> None:
        await until(gate, Condition.OK)
        assert file.read_text() == EDITED
        gate.amend({"meters.0.scale": 2500})
        assert gate.on_disk == IN_USE
        await until_written(gate)
        assert load(file) == gate.settings.value
        gate.amend({"meters.1.scale": 3500})
        await until_written(gate)
        assert load(file) == gate.settings.value

    serve(file, IN_USE, scene)


def test_nothing_is_written_where_nothing_changed(tmp_path: Path) -> None:
    """A gateway without a settings file does not make one by itself."""
    path = tmp_path / "han2x.toml"

    async def scene(gate: Gateway) -> None:
        await until(gate, Condition.OK)

    serve(path, DEFAULTS, scene)
    assert not path.exists()


def test_a_broken_file_is_in_health_until_it_is_mended(file: Path) -> None:
    """While the file is broken health says so and the change waits; mended, the change is written."""

    async def scene(gate: Gateway) -> None:
        await until(gate, Condition.OK)
        file.write_text(EDITED + "[[[\n")
        gate.amend({"meters.0.scale": 2500})
        health = await until(gate, Condition.FAILING)
        assert "has been edited and is not valid any more" in health.text
        assert gate.settings.value.meters[0].scale == 2500
        file.write_text(EDITED.replace("1600", "1650"))
        await until_written(gate)
        assert file.read_text() == EDITED.replace("1600", "1650").replace("1_000", "2500")

    serve(file, IN_USE, scene)


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_that_may_not_be_written_is_in_health(file: Path) -> None:
    """A read-only folder is reported and costs nothing else."""
    file.parent.chmod(0o500)

    async def scene(gate: Gateway) -> None:
        gate.amend({"meters.0.scale": 2500})
        assert "cannot be written" in (await until(gate, Condition.FAILING)).text

    try:
        serve(file, IN_USE, scene)
    finally:
        file.parent.chmod(0o700)


def test_a_file_with_secrets_is_its_owners_alone(tmp_path: Path) -> None:
    """A key that is written closes the file to others; without secrets its mode stays as it was."""
    path = tmp_path / "han2x.toml"
    path.write_text('[[meters]]\nname = "main"\n')
    path.chmod(0o644)
    before = load(path)
    assert isinstance(before, Settings)
    renamed = replace(before, meters=(replace(before.meters[0], scale=2000),))
    write(path, renamed, before)
    assert path.stat().st_mode & 0o777 == 0o644
    write(path, replace(renamed, meters=(replace(renamed.meters[0], key="00" * 16),)), renamed)
    assert path.stat().st_mode & 0o777 == 0o600
    assert 'key = "00000000000000000000000000000000"' in path.read_text()
