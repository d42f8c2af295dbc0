"""The command line as a process: help, exit statuses, pipes that break, and the small commands.

`decode` and `listen` have tests of their own, serving is in `test_serving.py`.
"""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from han2x import __version__
from han2x.cli import COMMANDS
from han2x.runtime.settings_file import load, sample
from han2x.settings.schema import Settings

HAN2X = [sys.executable, "-m", "han2x"]


def han2x(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HAN2X, *words], capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    """--help says what the command does and exits with 0, without importing any other command."""
    done = han2x(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: han2x {command}")
    assert COMMANDS[command][1:].split(",")[0] in " ".join(done.stdout.split())


def test_the_overview_names_every_command() -> None:
    """`han2x --help` lists all commands with their one line."""
    done = han2x("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command in done.stdout.split()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["version", "--fly"], "unrecognized arguments: --fly"),
        (["registers", "--format", "xml"], "invalid choice: 'xml'"),
        (["demo", "--port", "http"], "invalid int value: 'http'"),
        (["demo", "--port", "0"], "modbus_tcp.port: must be a whole number from 1 to 65535, not 0"),
        (
            ["demo", "--source", "simulate:elster"],
            "meters.0.source: simulate: knows aidon, kaifa, kamstrup, not 'elster'",
        ),
        (["listen"], "the following arguments are required: source"),
        (["listen", "udp:x"], "'udp:x' is no source: write serial:, tcp:, mqtt:, replay: or simulate: first"),
        (["listen", "serial:/no/tty", "--seconds", "1"], "/no/tty is not there: is the adapter plugged in?"),
        (["listen", "replay:/no/file"], "/no/file cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_call_is_status_2_and_a_sentence(words: list[str], text: str) -> None:
    """What cannot be carried out is said in a sentence, never as a traceback."""
    done = han2x(*words)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version() -> None:
    """`version` prints name and version."""
    done = han2x("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"han2x {__version__}\n", "")


def test_the_script_is_the_module() -> None:
    """The installed command does what `python -m han2x` does."""
    script = Path(sys.executable).with_name("han2x")
    if not script.exists():
        pytest.skip("the script is not installed beside this interpreter")
    done = subprocess.run([script, "version"], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, f"han2x {__version__}\n")


def test_the_register_table_in_each_format() -> None:
    """Markdown, CSV and JSON list the same registers."""
    markdown, table, objects = (han2x("registers", "--format", form) for form in ("md", "csv", "json"))
    assert [done.returncode for done in (markdown, table, objects)] == [0, 0, 0]
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    parsed = json.loads(objects.stdout)
    parsed = parsed if isinstance(parsed, list) else next(v for v in parsed.values() if isinstance(v, list))
    names = [row["name"] for row in rows]
    assert names == [row["name"] for row in parsed]
    assert {"act_pow_pos", "scale", "uptime", "act_energy_pos_est"} <= set(names)
    for name in names:
        assert f"| {name} |" in markdown.stdout
    assert han2x("registers").stdout == markdown.stdout


def test_the_sample_settings_are_settings(tmp_path: Path) -> None:
    """`settings --sample` prints a file that means the defaults."""
    done = han2x("settings", "--sample")
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "han2x.toml"
    path.write_text(done.stdout)
    assert load(path) == Settings()
    assert done.stdout == sample(Settings())


def test_settings_in_force_are_printed_whole(tmp_path: Path) -> None:
    """`settings FILE` fills in what the file leaves out."""
    path = tmp_path / "han2x.toml"
    path.write_text("[modbus_tcp]\nport = 1600\n")
    done = han2x("settings", str(path))
    assert done.returncode == 0
    assert "\nport = 1600\n" in done.stdout
    assert '\nsource = "serial:auto"\n' in done.stdout


BROKEN = '[[meters]]\nscale = 1.0\nsorce = ""\n[modbus_tcp]\nport = "1502"\n'
COMPLAINTS = [
    "meters.0.scale: must be a whole number from 10 to 999999999, not 1.0",
    "meters.0.sorce: is no setting; did you mean source?",
    "modbus_tcp.port: must be a whole number from 1 to 65535, not '1502'",
]


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        (BROKEN, COMPLAINTS),
        ("[modbus_tcp]\nport = 8080\n", ["line 2: modbus_tcp.port: TCP port 8080 is also web.port"]),
        ("[[meters", ["is not TOML: "]),
        ("\udcff", ["cannot be read: "]),
    ],
)
def test_broken_settings_are_complained_about(tmp_path: Path, text: str, complaints: list[str]) -> None:
    """All that is wrong with a settings file is printed, and the status is 2; `run` serves on regardless."""
    path = tmp_path / "han2x.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    done = han2x("settings", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    for complaint in [f"the settings in {path} are refused:", *complaints]:
        assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "version",
        "registers",
        "settings --sample",
        "decode -",
        "decode --json -",
        "listen replay:/dev/stdin?speed=max",
    ],
)
@pytest.mark.parametrize("reader", ["true", "head -1", "head -c 1"])
def test_a_pipe_that_breaks_is_no_failure(tmp_path: Path, command: str, reader: str) -> None:
    """A reader that has had enough ends the command without a word."""
    recording = tmp_path / "dump"
    vector = next(
        line.split()[1]
        for line in (Path(__file__).parents[1] / "simulator" / "vectors.txt").read_text().splitlines()
        if line.startswith("AID-L1 ")
    )
    recording.write_bytes(bytes.fromhex(vector) * 3000)
    script = f'"$0" -m han2x {command} < "$1" | {reader} > /dev/null; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, str(recording)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
