"""Two gateways and `han2x find` on three hosts of one network, in namespaces: see `mdnslab`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ("ip", "unshare")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def why_not() -> str:
    """What is missing here for the laboratory."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    options = ["--net", "--mount", "--pid", "--fork", *([] if os.getuid() == 0 else ["-r"])]
    tried = subprocess.run(["unshare", *options, "true"], capture_output=True, text=True)
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


def test_in_the_laboratory(tmp_path: Path) -> None:
    """Two gateways find each other, and a third machine finds both, by name."""
    if why := why_not():
        pytest.skip(why)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", f"--basetemp={tmp_path / 'in'}"]
    ran = subprocess.run(
        [HERE / "mdnslab", *words, HERE / "inside_finding.py"], capture_output=True, text=True, timeout=600
    )
    print(ran.stdout[-4000:], ran.stderr[-2000:])
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
