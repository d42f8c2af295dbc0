"""The Debian package in a fresh Debian: installed, booted, upgraded, purged. Needs root and five minutes.

    .venv/bin/pytest tests/packaging/check_debian.py -s

Two versions of the package are built, unless HAN2X_DEBS names a folder that has them. Roots are made with
mmdebstrap in HAN2X_ROOTS, and used again if they are there.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROGRAMS = ("mmdebstrap", "systemd-nspawn", "unshare", "nsenter", "ip", "dpkg-deb", "setpriv")
NEXT = "99.0.0"
NEXT_DEB = f"han2x_{NEXT}_*.deb"
SYSTEM = "systemd-sysv,dbus,network-manager,polkitd,python3,iproute2,udev,procps"
ADDRESS, PORT = "192.168.1.232", 502
READ_SCALE = bytes.fromhex("000100000006010300300002")
INSIDE = "HAN2X_NSPAWN" in os.environ

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="needs root"),
    pytest.mark.skipif(
        not all(shutil.which(one, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for one in PROGRAMS),
        reason=f"needs {', '.join(PROGRAMS)}",
    ),
]
outside = pytest.mark.skipif(INSIDE, reason="runs outside of the booted system")
inside = pytest.mark.skipif(not INSIDE, reason="runs beside the booted system")


def run(*words: str | Path, **more: object) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def roots() -> Iterator[Path]:
    if kept := os.environ.get("HAN2X_ROOTS"):
        yield Path(kept)
    else:
        with tempfile.TemporaryDirectory(prefix="han2x-roots-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


@pytest.fixture(scope="module")
def packages(roots: Path) -> dict[str, Path]:
    """This version's package, and one of a version after it."""
    folder = Path(os.environ.get("HAN2X_DEBS", roots / "debs"))
    found = {}
    for name, version, pattern in (
        ("now", {}, "han2x_[!9]*.deb"),
        ("next", {"HAN2X_VERSION": NEXT}, NEXT_DEB),
    ):
        if not list(folder.glob(pattern)):
            build = ROOT / "packaging" / "debian" / "build"
            run(build, "--root", roots / "build", folder, env={**os.environ, **version})
        found[name] = next(folder.glob(pattern))
    return found


def debian(folder: Path, include: str) -> Path:
    if not (folder / "usr" / "bin" / "dpkg").exists():
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}", "bookworm", folder)
    return folder


@outside
def test_installed_into_a_bare_debian(roots: Path, packages: dict[str, Path]) -> None:
    """Without systemd too: installed, started on port 502, answered, upgraded, removed, purged."""
    root = debian(roots / "bare", "python3,ca-certificates")
    shutil.copy(packages["now"], root / "now.deb")
    shutil.copy(packages["next"], root / "next.deb")
    chroot: Callable[..., str] = lambda *words: run("chroot", root, *words)  # noqa: E731
    chroot("dpkg", "--install", "/now.deb")
    assert chroot("/usr/bin/han2x", "version").strip()
    assert chroot("getent", "passwd", "han2x").split(":")[6].strip() == "/usr/sbin/nologin"
    assert chroot("stat", "-c", "%U %a", "/etc/han2x").split() == ["han2x", "750"]
    assert _answers_in(root) == 1000
    chroot("dpkg", "--install", "/next.deb")
    assert (root / "var/lib/han2x/format").exists(), "an update keeps the state"
    assert _answers_in(root) == 1000
    chroot("dpkg", "--remove", "han2x")
    assert not (root / "opt/han2x").exists()
    assert (root / "var/lib/han2x/format").exists(), "removing keeps the state"
    chroot("dpkg", "--purge", "han2x")
    for path in ("etc/han2x", "var/lib/han2x", "opt/han2x", "lib/systemd/system/han2x.service"):
        assert not (root / path).exists(), path


def _answers_in(root: Path) -> int:
    """The scale factor served on port 502, with no privilege but that, in a network of its own."""
    script = f"""
        ip link set lo up; mkdir -p {root}/var/lib/han2x; chroot {root} chown han2x /var/lib/han2x
        chroot {root} /usr/bin/setpriv --reuid han2x --regid han2x --init-groups \\
            --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service \\
            /usr/bin/han2x run --settings /etc/han2x/han2x.toml --state /var/lib/han2x >&2 & pid=$!
        {sys.executable} {__file__} 127.0.0.1; status=$?
        kill $pid; wait $pid; exit $status
    """
    return int(run("unshare", "--net", "--mount", "bash", "-c", script).strip())


def answer(host: str, seconds: float = 30.0) -> int:
    """The scale factor, as soon as Modbus answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((host, PORT), timeout=1) as client:
                client.sendall(READ_SCALE)
                octets = client.recv(100)
                if len(octets) == 13:
                    return int.from_bytes(octets[-4:])
        except OSError:
            pass
        assert time.monotonic() < deadline, f"{host} does not answer"
        time.sleep(0.02)


@outside
def test_booted(roots: Path, packages: dict[str, Path]) -> None:
    """A machine with systemd: see the tests inside."""
    root = debian(roots / "boot", SYSTEM)
    for name, package in packages.items():
        shutil.copy(package, root / f"{name}.deb")
    run("chroot", root, "dpkg", "--install", "/now.deb")
    factory = root / "etc/han2x/factory.toml"
    factory.write_text(factory.read_text() + '[network]\nmanage = true\ninterface = "lan0"\n')
    drop_in = root / "etc/systemd/system/han2x.service.d/soon.conf"
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text("[Service]\nWatchdogSec=6\n")
    words = [sys.executable, "-m", "pytest", "-x", "-s", "-p", "no:cacheprovider", __file__]
    try:
        print(run(HERE / "nspawn", root, *words))
    finally:
        run("chroot", root, "sh", "-c", "dpkg --purge han2x || true")


def guest(*words: str) -> str:
    return run(*os.environ["GUEST"].split(), *words)


def main_pid() -> str:
    return guest("systemctl", "show", "--value", "--property=MainPID", "han2x").strip()


@inside
def test_power_on_to_the_first_answer() -> None:
    """The machine answers Modbus at the manual's address within five seconds of being switched on."""
    assert answer(ADDRESS) == 1000
    seconds = float(Path(os.environ["ANSWERED"]).read_text()) - float(os.environ["BOOTED"])
    print(f"power on to the first Modbus answer: {seconds:.1f} s")
    assert seconds < 5


@inside
def test_it_runs_as_its_own_user_and_is_ready() -> None:
    """The unit is active, which READY=1 has made it, as han2x, with one capability."""
    guest("sh", "-c", "for i in $(seq 100); do systemctl is-active han2x && break; sleep .1; done")
    assert guest("systemctl", "is-active", "han2x").strip() == "active"
    status = guest("cat", f"/proc/{main_pid()}/status")
    assert "CapEff:\t0000000000000400" in status
    assert guest("stat", "-c", "%U", f"/proc/{main_pid()}").strip() == "han2x"


@inside
def test_the_page_answers() -> None:
    """The page is on port 80, and lets the first user in."""
    with urllib.request.urlopen(f"http://{ADDRESS}/v1/openapi.json", timeout=10) as response:
        assert response.status == 200
    password = guest("cat", "/var/lib/han2x/initial-password").strip()
    words = json.dumps({"user": "bits", "password": password}).encode()
    asked = urllib.request.Request(
        f"http://{ADDRESS}/v1/session", words, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(asked, timeout=10) as response:
        assert response.status == 204


@inside
def test_killed_it_is_back() -> None:
    """A kill costs about a second."""
    guest("kill", "-9", main_pid())
    began = time.monotonic()
    time.sleep(0.2)
    answer(ADDRESS)
    print(f"killed, and answering again after {time.monotonic() - began:.1f} s")


@inside
def test_hung_it_is_started_again() -> None:
    """A process that is stopped is killed by the watchdog and started anew."""
    guest("sh", "-c", "for i in $(seq 100); do systemctl is-active han2x && break; sleep .1; done")
    pid = main_pid()
    guest("kill", "-STOP", pid)
    began = time.monotonic()
    while main_pid() in (pid, "0"):
        assert time.monotonic() - began < 60
        time.sleep(0.1)
    answer(ADDRESS)
    print(f"hung, and answering again after {time.monotonic() - began:.1f} s (watchdog of 6 s)")
    assert "Watchdog timeout" in guest("journalctl", "--unit=han2x", "--no-pager")


@inside
def test_upgraded_it_goes_on() -> None:
    """The new version answers with the settings of the old."""
    with socket.create_connection((ADDRESS, PORT), timeout=5) as client:
        client.sendall(bytes.fromhex("00010000000b01100030000204000007d0"))
        assert client.recv(100).hex() == "000100000006011000300002"
    guest("dpkg", "--install", "/next.deb")
    assert answer(ADDRESS) == 2000
    assert guest("dpkg-query", "--show", "--showformat=${Version}", "han2x") == NEXT


@inside
def test_reset_it_is_at_factory_settings() -> None:
    """The command puts the factor back, and the address stays."""
    guest("systemctl", "stop", "han2x")
    guest(
        "han2x", "factory-reset", "--yes", "--settings", "/etc/han2x/han2x.toml", "--state", "/var/lib/han2x"
    )
    guest("systemctl", "start", "han2x")
    assert answer(ADDRESS) == 1000


@inside
def test_purged_nothing_is_left() -> None:
    """No file, no running service."""
    guest("dpkg", "--purge", "han2x")
    assert guest("sh", "-c", "ls -d /opt/han2x /etc/han2x /var/lib/han2x 2>/dev/null || true") == ""
    assert guest("sh", "-c", "systemctl is-active han2x || true").strip() in ("inactive", "unknown", "failed")


if __name__ == "__main__":
    print(answer(sys.argv[1]))
