"""The machine's network as set, through NetworkManager (manual rows M41, M42, M50).

The setting the program begins with is applied. Any other is on trial: NetworkManager's own checkpoint takes
it back unless it is confirmed, even if this program or the power is gone by then, as until then it is in
memory only. What is shown is read back, never what was asked for.
"""

import asyncio
import logging
from dataclasses import replace

from ..model.instant import Instant
from ..model.network import NetworkState, Stage
from ..runtime import network_trial
from ..runtime.audit import PROGRAM
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..settings.device import Network
from .manager import Manager

log = logging.getLogger("han2x")

LOOK_S = 1.0
RETRY_MS = 300_000
"""How often DHCP is asked again while the fallback address is in use: a router may start after us."""
GRACE_S = 2
"""How long after its end a trial may still be going on in NetworkManager."""


async def run(section: Network, gateway: Gateway, name: str) -> None:
    """Keep the network as set until cancelled; raises `Trouble`."""
    manager = Manager()
    try:
        await manager.open(section.interface)
        await manager.take_back()
        await manager.set_host_name(section.host_name)
        if section != gateway.trusted.value:
            await _try(section, gateway, manager, name)
        elif not await manager.is_applied(section):
            await manager.apply(section, in_memory=False)
        await _watch(manager, gateway, name)
    finally:
        manager.close()


async def _try(section: Network, gateway: Gateway, manager: Manager, name: str) -> None:
    """Apply a setting on trial, and wait until it is confirmed; if it is not, the settings go back too."""
    _remember(gateway, section, gateway.trusted.value)
    ends = gateway.now().plus_ms(section.trial_s * 1000)
    log.info("the network setting is on trial for %d s", section.trial_s)
    try:
        checkpoint = await manager.checkpoint(section.trial_s)
        await manager.apply(section, in_memory=True)
        if await _confirmed(section, gateway, manager, ends, name):
            await manager.confirm(checkpoint)
            log.info("the network setting is confirmed")
            _forget(gateway)
            return
        log.warning("nobody has confirmed the network setting: it is taken back")
        await asyncio.sleep(GRACE_S)
    except Trouble as trouble:
        log.warning("the network setting is taken back: %s", trouble)
        await manager.take_back()
    except asyncio.CancelledError:
        if gateway.settings.value.network != section:  # another setting, or this one was undone
            await manager.take_back()
            _forget(gateway)
        raise
    _forget(gateway)
    gateway.undo_network(PROGRAM)


async def _confirmed(section: Network, gateway: Gateway, manager: Manager, ends: Instant, name: str) -> bool:
    """Whether somebody confirms the setting in time."""
    while gateway.now().mono_ms < ends.mono_ms:
        if gateway.trusted.value == section:
            return True
        gateway.network.set(replace(await manager.state(), trial_ends=ends))
        gateway.report(name, Condition.OK, "on trial until it is confirmed")
        try:
            await asyncio.wait_for(gateway.trusted.changed(gateway.trusted.value), LOOK_S / 2)
        except TimeoutError:
            continue
    return gateway.trusted.value == section


async def _watch(manager: Manager, gateway: Gateway, name: str) -> None:
    """Show what there is, and try DHCP again now and then where it gave nothing."""
    tried_ms = gateway.now().mono_ms
    while True:
        state = await manager.state()
        if state != gateway.network.value:
            gateway.network.set(state)
        dhcp = gateway.trusted.value.method == "dhcp"
        gateway.report(name, *health(state, dhcp=dhcp))
        if state.fallback and dhcp and gateway.now().mono_ms - tried_ms >= RETRY_MS:
            tried_ms = gateway.now().mono_ms
            await manager.activate()
        await asyncio.sleep(LOOK_S)


def health(state: NetworkState, *, dhcp: bool) -> tuple[Condition, str]:
    """How the network fares, in a sentence; `dhcp`: an address was to come from there."""
    addresses = ", ".join(state.addresses)
    if state.stage is Stage.COMING_UP:
        return Condition.STARTING, f"{state.interface} is getting its address"
    if state.stage is Stage.UNPLUGGED:
        return Condition.FAILING, f"{state.interface} has no address: is its cable in?"
    if not addresses:
        return Condition.FAILING, f"{state.interface} has no address: NetworkManager has given it none"
    if state.fallback and dhcp:
        return Condition.FAILING, f"DHCP has given no address; {addresses} is used, and DHCP asked again"
    return Condition.OK, f"{state.interface}: {addresses}"


def _remember(gateway: Gateway, section: Network, before: Network) -> None:
    try:
        network_trial.begin(gateway.state_dir, section, before)
    except OSError as error:
        raise Trouble(f"the trial of a network setting cannot be noted: {error.strerror or error}") from None


def _forget(gateway: Gateway) -> None:
    try:
        network_trial.end(gateway.state_dir)
    except OSError as error:
        log.warning("the trial of a network setting is still noted: %s", error.strerror or error)
