"""What Home Assistant starts: its options and its broker become settings, and then the gateway runs.

The supervisor hands the broker over at a local address, to whoever holds the token in the environment. What a
person has set in the page stays: only the source, the broker named `homeassistant`, and the trust in Home
Assistant's proxies are set from here.
"""

import json
import os
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

from han2x.runtime import lock, settings_file
from han2x.settings.amend import Refused, as_table, from_table
from han2x.settings.schema import Settings

CONFIG = Path("/config/han2x.toml")
OPTIONS = Path("/data/options.json")
STATE = Path("/data/state")
SUPERVISOR = "http://supervisor/services/mqtt"
BROKER = "homeassistant"
INGRESS = ("172.30.32.1", "172.30.32.2")
"""Home Assistant and its supervisor, through which the page is opened; the supervisor connects."""


def broker(answer: dict) -> dict:
    """The section for the broker that the supervisor has told of."""
    data = answer["data"]
    return {
        "name": BROKER,
        "enabled": True,
        "host": data["host"],
        "port": int(data["port"]),
        "user": data.get("username") or "",
        "password": data.get("password") or "",
        "tls": bool(data.get("ssl")),
        "protocol": "5" if data.get("protocol") == "5" else "3.1.1",
    }


def asked() -> dict | None:
    """The supervisor's answer; None where there is no broker."""
    request = urllib.request.Request(
        SUPERVISOR, headers={"Authorization": f"Bearer {os.environ.get('SUPERVISOR_TOKEN', '')}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except (OSError, ValueError):
        return None


def wanted(settings: Settings, options: dict, answer: dict | None) -> Settings | Refused:
    """The settings with the app's options and the supervisor's broker in them."""
    table = as_table(settings)
    table["meters"][0]["source"] = options.get("source") or table["meters"][0]["source"]
    if answer:
        others = [one for one in table["mqtt"] if one["name"] != BROKER]
        named = next((one for one in table["mqtt"] if one["name"] == BROKER), {})
        used = [one for one in others if one["enabled"] or one["name"] != "main"]
        table["mqtt"] = [{**named, **broker(answer)}, *used]
    table["web"]["trusted_proxies"] = with_ingress(table["web"]["trusted_proxies"])
    return from_table(table)


def with_ingress(proxies: str) -> str:
    """The trusted proxies, with those of Home Assistant."""
    named = [one.strip() for one in proxies.split(",") if one.strip()]
    return ", ".join([*named, *(one for one in INGRESS if one not in named)])


def with_own_password(settings: Settings) -> Settings:
    """The settings of a first start: the page's password is drawn, and is in the app's log."""
    return replace(settings, web=replace(settings.web, manual_default=False))


def main() -> None:
    """Write the settings and become the gateway."""
    try:
        with lock.beside(CONFIG):
            prepare()
    except lock.Held as held:
        sys.exit(str(held))
    os.execvp("han2x", ["han2x", "run", "--settings", str(CONFIG), "--state", str(STATE)])


def prepare() -> None:
    """Bring the app's options into the settings file, which exists when this returns."""
    settings = settings_file.load(CONFIG)
    if isinstance(settings, Refused):
        sys.exit(f"{CONFIG} is refused:\n{settings}")
    options = json.loads(OPTIONS.read_text("utf-8")) if OPTIONS.exists() else {}
    made = settings if CONFIG.exists() else with_own_password(settings)
    changed = wanted(made, options, asked())
    if isinstance(changed, Refused):
        sys.exit(f"the options are refused:\n{changed}")
    if changed != settings or not CONFIG.exists():
        settings_file.write(CONFIG, changed, settings)


if __name__ == "__main__":
    main()
