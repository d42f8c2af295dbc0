"""Calls on the system's D-Bus, with errors as a sentence; one object is one connection."""

from collections.abc import Sequence
from typing import Any

from ..runtime.gateway import Trouble

PROPERTIES = "org.freedesktop.DBus.Properties"
_NOT_RUNNING = "NetworkManager does not run: start it, or do not have the network managed"
_SENTENCES = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NOT_RUNNING,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NOT_RUNNING,
    "org.freedesktop.DBus.Error.AccessDenied": "the system's D-Bus turns us away",
    "org.freedesktop.NetworkManager.PermissionDenied": "NetworkManager does not let us: the polkit rule "
    "of the package is missing, or the program runs as another user",
}


class BusError(Trouble):
    """A call was refused; `name` is D-Bus's name for why."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(_SENTENCES.get(name, text))
        self.name = name


class Bus:
    """The system's bus, for calls on one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._bus: Any = None

    async def open(self) -> None:
        """Connect; raises `Trouble`."""
        try:
            from dbus_fast import BusType
            from dbus_fast.aio import MessageBus
        except ImportError:
            raise Trouble("the network needs D-Bus: install han2x[network]") from None
        try:
            self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        except Exception as error:  # the library has no class of its own for all that can go wrong
            raise Trouble(f"the system's D-Bus cannot be reached: {error}") from None

    def close(self) -> None:
        """Disconnect."""
        if self._bus is not None:
            self._bus.disconnect()

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", body: Sequence[Any] = ()
    ) -> list[Any]:
        """The values that a method returns, variants unwrapped; raises `BusError`."""
        from dbus_fast import Message, MessageType
        from dbus_fast.unpack import unpack_variants

        message = Message(
            destination=self._service,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        try:
            reply = await self._bus.call(message)
        except (EOFError, OSError) as error:
            raise Trouble(f"the system's D-Bus is gone: {error}") from None
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else reply.error_name
            raise BusError(reply.error_name, text)
        return list(unpack_variants(reply.body))

    async def get(self, path: str, interface: str, name: str) -> Any:
        """A property's value."""
        return (await self.call(path, PROPERTIES, "Get", "ss", (interface, name)))[0]

    async def get_all(self, path: str, interface: str) -> dict[str, Any]:
        """All properties of an interface, as they are at one moment."""
        found: dict[str, Any] = (await self.call(path, PROPERTIES, "GetAll", "s", (interface,)))[0]
        return found
