"""The network service against a real NetworkManager, in namespaces of its own: see `nmlab`.

This file starts itself again inside; where programs or namespaces are missing, it says so and is skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ("NetworkManager", "nmcli", "dnsmasq", "dbus-daemon", "ip", "unshare")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str:
    """What is missing here for the laboratory."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    options = [
        "--net",
        "--mount",
        "--pid",
        "--fork",
        *([] if os.getuid() == 0 else ["--user", "--map-root-user"]),
    ]
    tried = subprocess.run(["unshare", *options, "true"], capture_output=True, text=True)
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


def test_in_the_laboratory() -> None:
    """Static, DHCP, fallback, trials that are confirmed, undone and forgotten: inside_network.py."""
    if why := why_not():
        pytest.skip(why)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", "--durations=20"]
    ran = subprocess.run(
        [HERE / "nmlab", *words, HERE / "inside_network.py"], capture_output=True, text=True, timeout=600
    )
    print(ran.stdout[-6000:], ran.stderr[-2000:])
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
