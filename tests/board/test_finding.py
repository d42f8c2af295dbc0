"""Two gateways and `han2x find` on three hosts of one network: namespaces, see `mdnslab`."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ("ip", "unshare")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
DEADLINE_S = 20.0

INSIDE = "HAN2X_LAB" in os.environ


def why_not() -> str:
    """What is missing here for the laboratory."""
    missing = [program for program in PROGRAMS if not shutil.which(program, path=PATH)]
    if missing:
        return f"not installed: {', '.join(missing)}"
    options = ["--net", "--mount", "--pid", "--fork", *([] if os.getuid() == 0 else ["-r"])]
    tried = subprocess.run(["unshare", *options, "true"], capture_output=True, text=True)
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


@pytest.mark.skipif(INSIDE, reason="this is the laboratory")
def test_in_the_laboratory(tmp_path: Path) -> None:
    """Two gateways find each other, and a third machine finds both, by name."""
    if why := why_not():
        pytest.skip(why)
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", f"--basetemp={tmp_path / 'in'}"]
    ran = subprocess.run([HERE / "mdnslab", *words, __file__], capture_output=True, text=True, timeout=120)
    print(ran.stdout[-4000:], ran.stderr[-2000:])
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]


def gateway(folder: Path, host: str, name: str = "") -> subprocess.Popen[bytes]:
    """A gateway in one of the namespaces."""
    folder.mkdir()
    (folder / "han2x.toml").write_text(
        f'[[meters]]\nsource = "simulate:kaifa"\n[modbus_tcp]\nport = 1502\n'
        f'[announce]\nenabled = true\nname = "{name}"\n'
    )
    file = str(folder / "han2x.toml")
    words = [sys.executable, "-m", "han2x", "run", "--settings", file, "--state", str(folder)]
    return subprocess.Popen(["ip", "netns", "exec", host, *words], stderr=(folder / "log").open("wb"))


def found(host: str = "") -> dict[str, dict[str, object]]:
    """What `han2x find` finds, in one of the namespaces or outside of them."""
    into = ["ip", "netns", "exec", host] if host else []
    words = [*into, sys.executable, "-m", "han2x", "find", "--json", "--seconds", "1"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S)
    assert ran.returncode in (0, 1), ran.stderr
    return {one["host"]: one for one in map(json.loads, ran.stdout.splitlines())}


def until_found(count: int, host: str = "") -> dict[str, dict[str, object]]:
    deadline = time.monotonic() + DEADLINE_S
    while len(gateways := found(host)) != count or not all(one["modbus_port"] for one in gateways.values()):
        assert time.monotonic() < deadline, f"found {gateways}"
    return gateways


@pytest.mark.skipif(not INSIDE, reason="runs in the laboratory of the test above")
def test_two_gateways_are_found(tmp_path: Path) -> None:
    """Each by its own name, with address, version and port; one that is stopped is gone at once."""
    one = gateway(tmp_path / "one", "one")
    two = gateway(tmp_path / "two", "two", "attic")
    try:
        both = until_found(2)
        attic = both.pop("attic.local")
        assert (attic["addresses"], attic["modbus_port"]) == (["192.168.1.233"], 1502)
        ((name, other),) = both.items()
        assert name.startswith("han2x-")
        assert name.removeprefix("han2x-").removesuffix(".local").isdecimal()
        assert other["addresses"] == ["192.168.1.232"]
        assert set(until_found(2, "one")) == set(until_found(2, "two")) == {name, "attic.local"}
        two.terminate()
        assert two.wait(20) == 0
        assert set(until_found(1)) == {name}
    finally:
        for process in (one, two):
            process.kill()
            process.wait()
