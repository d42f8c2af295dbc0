"""Telegraf loads the generated TOML of every map and gathers what pymodbus reads.

`HAN2X_TELEGRAF` names the program.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from han2x.modbus.catalogue import MAPS
from han2x.modbus.exports import Target, render
from han2x.settings.modbus import ModbusMaps

from .conftest import MOVING, UNITS, Gateway, Values, close

TELEGRAF = os.environ.get("HAN2X_TELEGRAF", "")
pytestmark = pytest.mark.skipif(not TELEGRAF, reason="HAN2X_TELEGRAF does not name the program")
OUTPUT = '[[outputs.file]]\n  files = ["stdout"]\n  data_format = "json"\n'


@pytest.mark.parametrize("name", MAPS)
def test_telegraf_gathers_what_pymodbus_reads(gateway: Gateway, tmp_path: Path, name: str) -> None:
    """One gathering of Telegraf has the values that pymodbus read in some tenth of a second."""
    target = Target(name, "127.0.0.1", gateway.port, UNITS[name])
    config = tmp_path / "telegraf.conf"
    config.write_text(OUTPUT + render("telegraf", MAPS[name](ModbusMaps()), target))
    command = [TELEGRAF, "--config", str(config), "--once"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    metrics = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    fields: Values = {key: value for metric in metrics for key, value in metric["fields"].items()}
    print(name, fields)
    assert fields
    assert any(
        all(
            close(value, reading[key], 9)
            for key, value in fields.items()
            if key not in MOVING and reading[key] is not None  # it knows no marker
        )
        for reading in gateway.seen[name]
    )
