"""NetworkManager on D-Bus, for one interface: profiles, checkpoints, and what there really is."""

import contextlib
from dataclasses import replace
from typing import Any

from ..model.network import NetworkState, Stage
from ..runtime.gateway import Trouble
from ..settings.device import Network
from .bus import Bus, BusError
from .profile import MARK, Profile, fallback_profile, main_profile, mark_of, uuid_of

NM = "org.freedesktop.NetworkManager"
ROOT = "/org/freedesktop/NetworkManager"
SETTINGS = f"{NM}.Settings"
CONNECTION = f"{NM}.Settings.Connection"
ACTIVE = f"{NM}.Connection.Active"
DEVICE = f"{NM}.Device"
IP4 = f"{NM}.IP4Config"

TO_DISK, IN_MEMORY = 0x1, 0x2
DELETE_NEW_CONNECTIONS = 0x2
ETHERNET = 1
NOTHING = "/"
NO_CONNECTION = f"{NM}.Settings.InvalidConnection"
METHODS = {"auto": "dhcp", "manual": "static"}
UNAVAILABLE, DISCONNECTED, ACTIVATED = 20, 30, 100
"""NMDeviceState: without a carrier, without a connection, with one; between the last two it is on its way."""


def stage_of(state: int) -> Stage:
    """What an NMDeviceState means."""
    if state <= UNAVAILABLE:
        return Stage.UNPLUGGED
    return {DISCONNECTED: Stage.DOWN, ACTIVATED: Stage.UP}.get(state, Stage.COMING_UP)


class Manager:
    """One interface of this machine; methods raise `Trouble`. Call `close` when done."""

    def __init__(self) -> None:
        self._bus = Bus(NM)
        self.interface = ""
        self._device = ""

    async def open(self, interface: str) -> None:
        """Find the interface: the one named, else the first wired one."""
        await self._bus.open()
        self._device = await (self._named(interface) if interface else self._wired())
        self.interface = await self._bus.get(self._device, DEVICE, "Interface")

    def close(self) -> None:
        """Let go of the bus."""
        self._bus.close()

    async def _named(self, interface: str) -> str:
        try:
            return str((await self._bus.call(ROOT, NM, "GetDeviceByIpIface", "s", (interface,)))[0])
        except BusError as error:
            if error.name == f"{NM}.UnknownDevice":
                raise Trouble(
                    f"there is no network interface {interface} that NetworkManager knows"
                ) from None
            raise

    async def _wired(self) -> str:
        for device in await self._bus.get(ROOT, NM, "Devices"):
            if await self._bus.get(device, DEVICE, "DeviceType") == ETHERNET:
                return str(device)
        raise Trouble("this machine has no wired network interface: name one in network.interface")

    async def is_applied(self, network: Network) -> bool:
        """Whether the interface already runs by this setting."""
        connection = await self._connection(fallback=False)
        if not connection:
            return False
        made_from = (await self._profile(connection)).get("user", {}).get("data", {}).get(MARK)
        active = await self._active_uuid()
        ours = {uuid_of(self.interface, fallback=fallback) for fallback in (False, True)}
        return made_from == mark_of(network) and active in ours

    async def apply(self, network: Network, *, in_memory: bool) -> None:
        """Have the interface run by this setting; `in_memory`: only until the machine starts again."""
        flag = IN_MEMORY if in_memory else TO_DISK
        await self._put(fallback_profile(network, self.interface), flag, fallback=True)
        connection = await self._put(main_profile(network, self.interface), flag, fallback=False)
        await self._bus.call(ROOT, NM, "ActivateConnection", "ooo", (connection, self._device, NOTHING))

    async def activate(self) -> None:
        """Try the setting's own profile again."""
        connection = await self._connection(fallback=False)
        await self._bus.call(ROOT, NM, "ActivateConnection", "ooo", (connection, self._device, NOTHING))

    async def save(self) -> None:
        """Keep on disk what was applied in memory."""
        for fallback in (False, True):
            if connection := await self._connection(fallback=fallback):
                await self._bus.call(connection, CONNECTION, "Save")

    async def checkpoint(self, seconds: int) -> str:
        """Have NetworkManager itself take everything back after so long, whatever becomes of us."""
        body = ([self._device], seconds, DELETE_NEW_CONNECTIONS)
        return str((await self._bus.call(ROOT, NM, "CheckpointCreate", "aouu", body))[0])

    async def confirm(self, checkpoint: str) -> None:
        """Keep what was applied since a checkpoint, over restarts of the machine too."""
        await self._bus.call(ROOT, NM, "CheckpointDestroy", "o", (checkpoint,))
        await self.save()

    async def take_back(self) -> None:
        """Go back to whatever checkpoints of this interface there are: nobody has confirmed them."""
        for checkpoint in await self._bus.get(ROOT, NM, "Checkpoints"):
            devices = await self._bus.get(checkpoint, f"{NM}.Checkpoint", "Devices")
            if devices == [self._device]:
                with contextlib.suppress(BusError):  # its time is up just now
                    await self._bus.call(ROOT, NM, "CheckpointRollback", "o", (checkpoint,))

    async def set_host_name(self, name: str) -> None:
        """Name the machine, if it has another name."""
        if name and name != await self._bus.get(f"{ROOT}/Settings", SETTINGS, "Hostname"):
            await self._bus.call(f"{ROOT}/Settings", SETTINGS, "SaveHostname", "s", (name,))

    async def state(self) -> NetworkState:
        """The interface as it is at one moment: what is said of addresses is all of one connection."""
        device = await self._bus.get_all(self._device, DEVICE)
        found = NetworkState(
            managed=True,
            interface=self.interface,
            stage=stage_of(device["State"]),
            host_name=await self._bus.get(f"{ROOT}/Settings", SETTINGS, "Hostname"),
        )
        if found.stage is not Stage.UP:
            return found
        try:
            return await self._up(found, device["ActiveConnection"])
        except BusError:  # it ends just now, and another one comes
            return replace(found, stage=Stage.COMING_UP)

    async def _up(self, found: NetworkState, connection: str) -> NetworkState:
        """With what the connection that is up has given; raises `BusError` if it is gone."""
        active = await self._bus.get_all(connection, ACTIVE)
        profile = await self._profile(active["Connection"])
        config = await self._bus.get_all(active["Ip4Config"], IP4) if active["Ip4Config"] != NOTHING else {}
        addresses = tuple(f"{one['address']}/{one['prefix']}" for one in config.get("AddressData", ()))
        ours = active["Uuid"] == uuid_of(self.interface, fallback=True)
        return replace(
            found,
            method=METHODS.get(profile.get("ipv4", {}).get("method", ""), ""),
            addresses=addresses,
            gateway=config.get("Gateway", ""),
            dns=tuple(one["address"] for one in config.get("NameserverData", ())),
            fallback=ours and bool(addresses),
        )

    async def _active_uuid(self) -> str:
        active = await self._bus.get(self._device, DEVICE, "ActiveConnection")
        if active == NOTHING:
            return ""
        try:
            return str(await self._bus.get(active, ACTIVE, "Uuid"))
        except BusError:  # it ends just now
            return ""

    async def _profile(self, connection: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self._bus.call(connection, CONNECTION, "GetSettings"))[0]
        return found

    async def _connection(self, *, fallback: bool) -> str:
        uuid = uuid_of(self.interface, fallback=fallback)
        try:
            found = await self._bus.call(f"{ROOT}/Settings", SETTINGS, "GetConnectionByUuid", "s", (uuid,))
        except BusError as error:
            if error.name == NO_CONNECTION:
                return ""
            raise
        return str(found[0])

    async def _put(self, profile: Profile, flag: int, *, fallback: bool) -> str:
        """Make or change one of our profiles; its path."""
        body = _variants(profile)
        connection = await self._connection(fallback=fallback)
        if connection:
            await self._bus.call(connection, CONNECTION, "Update2", "a{sa{sv}}ua{sv}", (body, flag, {}))
            return connection
        made = await self._bus.call(
            f"{ROOT}/Settings", SETTINGS, "AddConnection2", "a{sa{sv}}ua{sv}", (body, flag, {})
        )
        return str(made[0])


def _variants(profile: Profile) -> dict[str, dict[str, Any]]:
    return {
        group: {key: _variant(*value) for key, value in values.items()} for group, values in profile.items()
    }


def _variant(signature: str, value: Any) -> Any:
    from dbus_fast import Variant

    if signature == "aa{sv}":
        return Variant(signature, [{key: _variant(*inner) for key, inner in one.items()} for one in value])
    return Variant(signature, value)
