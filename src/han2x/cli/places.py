"""Where settings and state are kept when nobody says."""

import os
from pathlib import Path


def settings_file() -> Path:
    """`/etc/han2x/han2x.toml` for the system's service and root, else below the user's configuration."""
    if os.geteuid() == 0:
        return Path("/etc/han2x/han2x.toml")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "han2x" / "han2x.toml"


def state_directory() -> Path:
    """What systemd gives the service, `/var/lib/han2x` for root, else below the user's state."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/han2x")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "han2x"
