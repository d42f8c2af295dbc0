"""Register lists for the tools that read them: a module each, a pure function of a map's rows.

`FORMATS` names them. What all share: `choice` says which rows a tool wants, `text` how to quote. Formats
were taken from each tool's own documentation; docs/integrations.md says how to import them.
"""

from collections.abc import Callable
from importlib import import_module

from ..listing import Row, rows
from ..table import Map
from .target import Target as Target

Render = Callable[[list[Row], Target], str]


def _module(name: str) -> Render:
    def render(table: list[Row], target: Target) -> str:
        found: Render = import_module(f"{__name__}.{name}").render
        return found(table, target)

    return render


FORMATS: dict[str, Render] = {
    name: _module(name)
    for name in (
        "homeassistant",
        "nodered",
        "openhab",
        "loxone",
        "iobroker",
        "telegraf",
        "evcc",
        "siemens",
        "schneider",
    )
}
"""Each tool by its name; its module is imported when it is asked for."""


def render(format: str, map: Map, target: Target) -> str:
    """A map as the tool imports it."""
    return FORMATS[format](rows(map), target)
