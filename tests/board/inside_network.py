"""What happens in the laboratory of `test_network.py`: the network service runs here, in this process."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from han2x.app import SERVICES, clock
from han2x.model.network import NetworkState
from han2x.runtime.audit import PROGRAM
from han2x.runtime.gateway import Gateway
from han2x.runtime.health import Condition, Health
from han2x.runtime.latest import Latest
from han2x.runtime.service import keep
from han2x.settings.device import Network
from han2x.settings.schema import Settings

LAB = Path(os.environ.get("HAN2X_LAB", "/nowhere"))
SERVICE = next(service for service in SERVICES if service.entry.startswith("han2x.board.network"))
STATIC = Network(manage=True, interface="lan0", trial_s=2)  # shorter than a person may set it
KEYFILES = Path("/etc/NetworkManager/system-connections")
STARTING = Health(Condition.STARTING)
T = TypeVar("T")
IN_USE_S = 10
"""The manual's: a setting is in use within ten seconds (M42)."""


def sh(command: str) -> str:
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def addresses() -> list[str]:
    return sh("ip -br -4 addr show lan0").split()[2:]


def has_lease() -> bool:
    return any(address.startswith("10.77.0.") for address in addresses())


async def until(condition: Callable[[], bool], seconds: float = IN_USE_S) -> float:
    """Seconds until something is so."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s; lan0 has {addresses()}"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def bare() -> Iterator[None]:
    """An interface without any profile, and a DHCP server at the other end."""
    sh("nmcli -t -f UUID con show | while read u; do nmcli con del $u >/dev/null || true; done")
    sh("nmcli general hostname lab")
    server = dhcp_server()
    yield
    server.kill()
    server.wait()


def dhcp_server() -> subprocess.Popen[bytes]:
    words = f"""ip netns exec peer dnsmasq --no-daemon --conf-file=/dev/null --port=0 --no-ping
        --interface=up0 --bind-interfaces --dhcp-range=10.77.0.50,10.77.0.60,2m --dhcp-option=3,10.77.0.1
        --dhcp-option=6,10.77.0.53 --dhcp-leasefile={LAB}/leases --pid-file=""".split()
    return subprocess.Popen(words, stderr=subprocess.DEVNULL)


def loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


@asynccontextmanager
async def running(network: Network, state_dir: Path | None = None) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(network=network), clock=clock, state_dir=state_dir)
    gateway.recall()
    keeping = asyncio.create_task(keep(SERVICE, gateway))
    try:
        yield gateway
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])


def shown(gateway: Gateway) -> NetworkState:
    return gateway.network.value


def change(gateway: Gateway, /, **values: object) -> None:
    assert gateway.amend({f"network.{key}": value for key, value in values.items()}) is None


def keyfile() -> str:
    """What NetworkManager has on disk of our connection; "" while there is nothing."""
    path = Path(KEYFILES, "han2x lan0.nmconnection")
    return path.read_text("utf-8") if path.exists() else ""


def test_the_default_is_the_manuals_address() -> None:
    """192.168.1.232 is there at once, kept on disk, and shown as it is (M50)."""

    async def main() -> None:
        async with running(Network(manage=True, interface="lan0", dns="1.1.1.1, 9.9.9.9")) as gateway:
            print("static in use after", await until(lambda: addresses() == ["192.168.1.232/24"]))
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
            state = shown(gateway)
            assert (state.method, state.interface, state.fallback) == ("static", "lan0", False)
            await until(lambda: shown(gateway).dns == ("1.1.1.1", "9.9.9.9"))
            assert state.trial_ends is None
            assert gateway.health.value["network"].condition is Condition.OK
        assert "192.168.1.232/24" in keyfile()

    loop(main)


def test_a_start_with_the_same_setting_touches_nothing() -> None:
    """The connection that is up stays up when the program starts again."""

    async def main() -> None:
        async with running(STATIC) as gateway:
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
        since = sh("nmcli -t -f connection.timestamp con show 'han2x lan0'")
        active = sh("nmcli -t -f DBUS-PATH con show --active")
        async with running(STATIC) as gateway:
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
        assert sh("nmcli -t -f DBUS-PATH con show --active") == active
        assert sh("nmcli -t -f connection.timestamp con show 'han2x lan0'") == since

    loop(main)


def test_to_dhcp_and_back_confirmed() -> None:
    """Static to DHCP and back, each in use within 10 s, and kept when confirmed from the new address."""

    async def main() -> None:
        async with running(STATIC) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            change(gateway, method="dhcp")
            print("DHCP in use after", await until(has_lease))
            await until(lambda: bool(shown(gateway).addresses) and shown(gateway).gateway == "10.77.0.1")
            await until(lambda: bool(shown(gateway).dns))
            assert shown(gateway).trial_ends
            assert (shown(gateway).method, shown(gateway).dns) == ("dhcp", ("10.77.0.53",))
            assert not gateway.confirm_network("192.168.1.232"), "not from the old address"
            assert gateway.confirm_network(shown(gateway).addresses[0].partition("/")[0])
            await until(lambda: shown(gateway).trial_ends is None)
            await until(lambda: "method=auto" in keyfile())
            change(gateway, method="static", gateway="192.168.1.1", host_name="attic")
            print("static in use after", await until(lambda: addresses() == ["192.168.1.232/24"]))
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
            await until(lambda: shown(gateway).gateway == "192.168.1.1")
            assert gateway.confirm_network("192.168.1.232")
            await until(lambda: shown(gateway).trial_ends is None)
            await until(lambda: "method=manual" in keyfile())
            await until(lambda: shown(gateway).host_name == "attic")

    loop(main)


def test_a_setting_that_cuts_off_undoes_itself(tmp_path: Path) -> None:
    """A wrong network is gone after its trial: the machine, the settings, and what is shown are as before."""

    async def main() -> None:
        async with running(STATIC, tmp_path) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            await until(lambda: "192.168.1.232/24" in keyfile())
            change(gateway, address="172.31.9.9/24", gateway="172.31.9.1")
            await until(lambda: addresses() == ["172.31.9.9/24"])
            assert (tmp_path / "network.json").exists()
            assert "192.168.1.232/24" in keyfile(), "only in memory"
            print("undone after", await until(lambda: addresses() == ["192.168.1.232/24"]))
            await until(lambda: gateway.settings.value.network == STATIC)
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
            assert not (tmp_path / "network.json").exists()

    loop(main)


def test_a_trial_can_be_undone_at_once() -> None:
    """Taking a setting back by hand does not wait for the trial to end."""

    async def main() -> None:
        async with running(STATIC) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            change(gateway, address="192.168.1.77/24")
            await until(lambda: addresses() == ["192.168.1.77/24"])
            gateway.undo_network(PROGRAM)
            print("undone after", await until(lambda: addresses() == ["192.168.1.232/24"]))
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
            assert gateway.settings.value.network == STATIC

    loop(main)


def test_a_program_that_dies_in_a_trial_takes_it_back(tmp_path: Path) -> None:
    """The next start finds the setting unconfirmed, and goes back to the one before."""

    async def main() -> None:
        async with running(STATIC, tmp_path) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            change(gateway, address="192.168.1.77/24")
            await until(lambda: addresses() == ["192.168.1.77/24"])
            tried = gateway.settings.value.network
        async with running(tried, tmp_path) as gateway:
            assert gateway.settings.value.network == STATIC
            await until(lambda: addresses() == ["192.168.1.232/24"])

    loop(main)


def power_cut() -> None:
    """NetworkManager dies, the interface forgets, all that was in memory is gone; then it starts again."""
    os.kill(int((LAB / "nm.pid").read_text()), signal.SIGKILL)
    while "running" in sh("nmcli -t -f RUNNING general 2>&1 || true").split():
        time.sleep(0.05)
    sh("ip addr flush dev lan0; ip link set lan0 down; rm -rf /run/NetworkManager/*")
    with (LAB / "nm.log").open("a") as log:
        started = subprocess.Popen(["NetworkManager", "--debug", "--log-level=INFO"], stdout=log, stderr=log)
    (LAB / "nm.pid").write_text(str(started.pid))


def test_a_power_cut_in_a_trial_undoes_it(tmp_path: Path) -> None:
    """After a power cut the machine has the old address, though nobody undid anything."""

    async def main() -> None:
        async with running(STATIC, tmp_path) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            change(gateway, address="172.31.9.9/24")
            await until(lambda: addresses() == ["172.31.9.9/24"])
            tried = gateway.settings.value.network
        power_cut()
        await until(lambda: addresses() == ["192.168.1.232/24"])
        async with running(tried, tmp_path) as gateway:
            await until(lambda: shown(gateway).addresses == ("192.168.1.232/24",))
            assert gateway.settings.value.network == STATIC

    loop(main)


def test_a_power_cut_after_confirmation_keeps_it(tmp_path: Path) -> None:
    """What was confirmed is on disk."""

    async def main() -> None:
        async with running(STATIC, tmp_path) as gateway:
            await until(lambda: addresses() == ["192.168.1.232/24"])
            change(gateway, address="192.168.1.77/24")
            await until(lambda: shown(gateway).addresses == ("192.168.1.77/24",))
            assert gateway.confirm_network("192.168.1.77")
            await until(lambda: shown(gateway).trial_ends is None)
        power_cut()
        await until(lambda: addresses() == ["192.168.1.77/24"])

    loop(main)


async def follow(cell: Latest[T], note: Callable[[T], object]) -> None:
    """Take note of each value from the next on."""
    value = cell.value
    while True:
        value = await cell.changed(value)
        note(value)


def test_without_a_dhcp_server_the_fallback_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """DHCP gives nothing: 192.168.1.232 is in use soon after the 8 s of waiting, and it is said.

    The state is looked at all the time, and is at no moment between two: no fallback without its address.
    """
    monkeypatch.setattr("han2x.board.network.LOOK_S", 0.002)

    async def main() -> None:
        sh("ip -n peer addr del 10.77.0.1/24 dev up0")
        try:
            async with running(Network(manage=True, interface="lan0", method="dhcp")) as gateway:
                texts, states = set[str](), set[NetworkState]()
                seen = [
                    asyncio.create_task(follow(gateway.health, lambda all_: texts.add(all_["network"].text))),
                    asyncio.create_task(follow(gateway.network, states.add)),
                ]
                print("fallback after", await until(lambda: addresses() == ["192.168.1.232/24"], 40))
                await until(lambda: shown(gateway).fallback)
                said = "DHCP has given no address; 192.168.1.232/24 is used, and DHCP asked again"
                await until(lambda: gateway.health.value["network"].text == said)
                for task in seen:
                    task.cancel()
                assert not {text for text in texts if "DHCP has given" in text} - {said}
                assert all(state.addresses == ("192.168.1.232/24",) for state in states if state.fallback)
                assert "lan0 is getting its address" in texts
        finally:
            sh("ip -n peer addr add 10.77.0.1/24 dev up0")

    loop(main)


def test_the_dhcp_button_needs_no_confirmation() -> None:
    """DHCP asked for at the start is applied for good."""

    async def main() -> None:
        async with running(STATIC) as gateway:
            gateway.start_dhcp(PROGRAM)
            await until(has_lease)
            await until(lambda: shown(gateway).method == "dhcp")
            assert shown(gateway).trial_ends is None
        await until(lambda: "method=auto" in keyfile())

    loop(main)


def test_an_interface_that_is_not_there_is_named() -> None:
    """The health names the interface."""

    async def main() -> None:
        async with running(Network(manage=True, interface="nolan")) as gateway:
            health = gateway.health
            await until(lambda: health.value.get("network", STARTING).condition is Condition.FAILING)
            text = gateway.health.value["network"].text
            assert text == "there is no network interface nolan that NetworkManager knows"

    loop(main)
