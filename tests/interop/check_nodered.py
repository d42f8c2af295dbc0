"""Node-RED loads the generated flows of every map and reads, by its own Modbus node, what pymodbus reads.

`HAN2X_NODE_RED` names a folder in which `npm` has installed Node-RED and its Modbus nodes.
"""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from han2x.modbus.catalogue import MAPS
from han2x.modbus.exports import Target, render
from han2x.settings.modbus import ModbusMaps

from .conftest import MOVING, UNITS, Gateway, Values, close

FOLDER = os.environ.get("HAN2X_NODE_RED", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="HAN2X_NODE_RED does not name a folder with Node-RED")
REPORT = 'node.warn("VALUES " + JSON.stringify([msg.topic, msg.payload]));'
SETTINGS = """module.exports = {{
  flowFile: "flows.json", uiPort: 0, httpAdminRoot: false, httpNodeRoot: false,
  nodesDir: {modbus}, logging: {{ console: {{ level: "info" }} }},
}};
"""


def flows(gateway: Gateway) -> list[dict[str, Any]]:
    """All maps' flows as they are generated, and behind each splitting node one that reports."""
    found = []
    for name, load in MAPS.items():
        target = Target(name, "127.0.0.1", gateway.port, UNITS[name])
        for node in json.loads(render("nodered", load(ModbusMaps()), target)):
            if node["type"] == "function":
                report = f"{node['id']}_report"
                node["wires"][0].append(report)
                found.append(
                    {"id": report, "type": "function", "z": node["z"], "func": REPORT, "wires": [[]]}
                )
            found.append(node)
    return found


def run(folder: Path, seconds: float) -> str:
    """What Node-RED says in so many seconds."""
    modbus = json.dumps(str(Path(FOLDER, "node_modules", "node-red-contrib-modbus")))
    (folder / "settings.js").write_text(SETTINGS.format(modbus=modbus))
    red = Path(FOLDER, "node_modules", "node-red", "red.js")
    command = ["node", str(red), "-u", str(folder), "-s", str(folder / "settings.js")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    time.sleep(seconds)
    process.terminate()
    process.wait(20)
    return (folder / "log").read_text()


def test_node_red_reads_what_pymodbus_reads(gateway: Gateway, tmp_path: Path) -> None:
    """Each message of Node-RED is what pymodbus read of that map in some tenth of a second."""
    (tmp_path / "flows.json").write_text(json.dumps(flows(gateway)))
    said = run(tmp_path, 25)
    messages = [json.loads(line) for line in re.findall(r"VALUES (\[.*\])", said)]
    by_map: dict[str, list[Values]] = {name: [] for name in MAPS}
    for topic, values in messages:
        by_map[topic.removeprefix("han2x_") if topic != "han2x" else topic].append(values)
    for name, found in by_map.items():
        assert len(found) > 2, f"{name}: {said}"
        for values in found:
            assert agrees(values, gateway.seen[name], 7 if name == "float" else 12), f"{name}: {values}"
        assert name == "em24" or max(len(values.keys() - MOVING) for values in found) >= 10
        print(name, len(found), "messages, such as", max(found, key=len))


def agrees(values: Values, seen: list[Values], digits: int) -> bool:
    """Whether a reading of pymodbus has all these values, to so many digits."""
    return any(
        all(close(value, reading[key], digits) for key, value in values.items() if key not in MOVING)
        for reading in seen
    )
