"""What happens in the laboratory of `test_finding.py`: gateways and `han2x find` on three hosts."""

import json
import subprocess
import sys
import time
from pathlib import Path

DEADLINE_S = 60.0


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
    """What `han2x find` finds, in one of the namespaces or outside of them, as quickly as it can."""
    into = ["ip", "netns", "exec", host] if host else []
    words = [*into, sys.executable, "-m", "han2x", "find", "--json", "--seconds", "0"]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE_S)
    assert ran.returncode in (0, 1), ran.stderr
    return {one["host"]: one for one in map(json.loads, ran.stdout.splitlines())}


def until_found(count: int, host: str = "") -> dict[str, dict[str, object]]:
    deadline = time.monotonic() + DEADLINE_S
    while len(gateways := found(host)) != count or not all(one["modbus_port"] for one in gateways.values()):
        assert time.monotonic() < deadline, f"found {gateways}"
    return gateways


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
