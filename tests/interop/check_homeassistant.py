"""Home Assistant's modbus integration takes the generated YAML of every map, and shows what pymodbus reads.

`HAN2X_HOMEASSISTANT` names a Python that has Home Assistant.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from han2x.modbus.catalogue import MAPS
from han2x.modbus.exports import Target, render
from han2x.modbus.exports.choice import measured
from han2x.modbus.exports.homeassistant import KINDS
from han2x.settings.modbus import ModbusMaps

from .conftest import MOVING, UNITS, Gateway, close

PYTHON = os.environ.get("HAN2X_HOMEASSISTANT", "")
SCRIPT = Path(__file__).with_name("homeassistant_reads.py")
pytestmark = pytest.mark.skipif(not PYTHON, reason="HAN2X_HOMEASSISTANT does not name a Python that has it")


def states(gateway: Gateway, folder: Path) -> dict[str, str]:
    """What Home Assistant shows in the end, having taken every hub and every sensor without complaint."""
    files = []
    for name, load in MAPS.items():
        target = Target(name, "127.0.0.1", gateway.port, UNITS[name])
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(render("homeassistant", load(ModbusMaps()), target))
    command = [PYTHON, str(SCRIPT), str(folder), *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert "ISSUES []" in result.stdout
    assert "rror" not in result.stderr, result.stderr
    found: dict[str, str] = json.loads(result.stdout.split("STATES ")[-1].partition("\n")[0])
    return found


def test_home_assistant_shows_what_pymodbus_reads(gateway: Gateway, tmp_path: Path) -> None:
    """Every sensor is there, and its state is what pymodbus read at some moment."""
    found = states(gateway, tmp_path)
    found_all = dict(found)
    for name, load in MAPS.items():
        target = Target(name, "127.0.0.1", gateway.port, UNITS[name])
        table = gateway.tables[name]
        assert load(ModbusMaps()).rows[0].name == table[0].name
        for row in measured(table, KINDS):
            state = found.pop(f"{target.name} {row.meaning}")
            seen = {_shown(reading[row.name], state) for reading in gateway.seen[name]}
            if row.type == "acc32" and "unavailable" in seen:
                seen.add("0.000")  # its "unknown" is 0, and nan_value cannot be
            assert row.name in MOVING or state.rstrip("\0") in seen, f"{name} {row.name}: {state} {seen}"
        print(
            name, {row.name: found_all[f"{target.name} {row.meaning}"] for row in measured(table, KINDS)[:12]}
        )
    assert not found


def _shown(value: object, state: str) -> str:
    """A value as Home Assistant shows it, with as many decimals as the state has."""
    if isinstance(value, (int, float)):
        shown = f"{value:.{len(state.partition('.')[2])}f}"
        return state if close(_number(state), float(shown), 9) else shown
    return "unavailable" if value is None else str(value)


def _number(state: str) -> float | None:
    try:
        return float(state)
    except ValueError:
        return None
