"""Run by Home Assistant's own Python: prints what the named integrations and its own start need of PyPI.

Home Assistant would install the same when it meets each of them, but then a start needs the internet.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def needs(wanted: list[str]) -> set[str]:
    """The requirements of integrations and of those they depend on, as their manifests have them."""
    folder = Path(str(importlib.import_module("homeassistant").__path__[0]), "components")
    found: set[str] = set()
    met: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in met:
            met.add(name)
            manifest: dict[str, Any] = json.loads((folder / name / "manifest.json").read_text())
            found.update(manifest.get("requirements", ()))
            wanted += manifest.get("dependencies", ())
    return found


if __name__ == "__main__":
    bootstrap = importlib.import_module("homeassistant.bootstrap")
    always = bootstrap.CORE_INTEGRATIONS | bootstrap.DEFAULT_INTEGRATIONS
    print("\n".join(sorted(needs([*always, *sys.argv[1:]]))))
