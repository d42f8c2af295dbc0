"""The systemd unit, by systemd's own judgement; and what the package says of itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from han2x import __version__
from han2x.cli import BUSY, WRONG
from han2x.runtime.factory_reset import defaults
from han2x.settings.amend import Refused, from_table

DEBIAN = Path(__file__).parents[2] / "packaging" / "debian"
UNIT = DEBIAN / "han2x.service"
WORST_SCORE = 20
"""`systemd-analyze security` in tenths: 2.0."""

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here, which is all that systemd may not find."""
    text = re.sub(
        r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", UNIT.read_text(), flags=re.MULTILINE
    )
    (tmp_path / "han2x.service").write_text(text)
    return tmp_path / "han2x.service"


@needs_systemd
def test_systemd_has_no_complaint(unit: Path) -> None:
    """Every key and value is known to systemd."""
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit],
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_what_a_restart_cannot_mend_restarts_nothing() -> None:
    """A wrong call and a lock that another process holds: systemd would try each second for ever."""
    (line,) = re.findall(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert {int(status) for status in line.split()} == {WRONG, BUSY}


@needs_systemd
def test_it_is_hardened(unit: Path) -> None:
    """The exposure is 2.0 or less."""
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={WORST_SCORE}", str(unit)]
    ran = subprocess.run(words, capture_output=True, text=True)
    score = re.search(r"Overall exposure level.*: (\d+\.\d)", ran.stdout)
    assert score, ran.stderr
    assert float(score.group(1)) <= WORST_SCORE / 10
    assert ran.returncode == 0


def test_the_factory_settings_are_valid(tmp_path: Path) -> None:
    """What the package ships holds, also with its examples uncommented."""
    shipped = tmp_path / "factory.toml"
    shutil.copy(DEBIAN / "factory.toml", shipped)
    assert defaults(tmp_path / "han2x.toml")["modbus_tcp"] == {"port": 502}
    examples = re.sub(r"^# (?=\[|\w+ = )", "", shipped.read_text(), flags=re.MULTILINE)
    shipped.write_text(examples)
    table = defaults(tmp_path / "han2x.toml")
    assert table["network"] == {"manage": True}
    assert set(table["board"]) == {"button", "power_lamp", "han_lamp", "digital_input"}
    assert not isinstance(from_table(table), Refused)


def test_the_version_stands_in_one_place() -> None:
    """No other file of the package, container or app writes the version down."""
    root = DEBIAN.parents[1]
    files = [root / "pyproject.toml", *(p for p in (root / "packaging").rglob("*") if p.is_file())]
    holding = [p for p in files if f'"{__version__}"' in p.read_text("utf-8", "replace")]
    assert holding == []
