"""Run by Home Assistant's own Python: loads YAML files by its loader, and says what its sensors show.

Arguments: a folder for its configuration, then the files. Every second a line of JSON with all states.
"""

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any

SECONDS = 20


async def main(folder: str, files: list[str]) -> None:
    """Set up the core, the issues that it would raise, and the integration with all hubs."""
    names = ("core", "loader", "setup", "bootstrap", "config_entries", "util.yaml", "helpers.issue_registry")
    core, loader, setup, bootstrap, entries, yaml, issues = (
        importlib.import_module(f"homeassistant.{name}") for name in names
    )
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    hass.config.config_dir = folder
    hass.config_entries = entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    await bootstrap.async_load_base_functionality(hass)
    hub, *others = (yaml.load_yaml(file)["modbus"][0] for file in files)
    for other in others:  # a second hub with the same host and port is refused as a duplicate
        hub["sensors"] += other["sensors"]
    config: dict[str, Any] = {"modbus": [hub], "homeassistant": {}, "sensor": []}
    assert await setup.async_setup_component(hass, "homeassistant", config)
    assert await setup.async_setup_component(hass, "modbus", config), "the integration refuses the lists"
    await hass.async_start()
    for _ in range(SECONDS):
        await asyncio.sleep(1)
        states = {state.attributes.get("friendly_name"): state.state for state in hass.states.async_all()}
        print("STATES", json.dumps(states), flush=True)
    print("ISSUES", json.dumps([issue for _, issue in issues.async_get(hass).issues]), flush=True)
    await hass.async_stop(force=True)


asyncio.run(main(str(Path(sys.argv[1])), sys.argv[2:]))
