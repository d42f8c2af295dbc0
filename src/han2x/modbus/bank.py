"""From the gateway's live cells to register images: a bank for each meter, found by unit id.

An image is cut from one snapshot and one moment, so that no answer mixes two telegrams. It is kept until
the snapshot or the settings change, of which their cells tell at once (`watch`), or the server's clock
calls `forget`, every second, for what changes by itself: estimates and uptime. What is forgotten is made
anew only when someone asks. Finished answers to reads are kept for as long as the images are, because a
busy client asks the same again and again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from .. import __version__
from ..runtime.audit import modbus
from ..runtime.gateway import Gateway
from ..settings.schema import Meter, Settings
from . import pdu
from .catalogue import Unit, units
from .staleness import shown
from .table import Image

log = logging.getLogger("han2x.modbus")

MAX_ANSWERS = 2048
"""Finished answers kept at most; more than all ranges of the table (1326), a few hundred KiB."""

NAME_MAX = 128
"""Bytes of a meter's name that are told, whole characters, so that all objects fit into one answer."""

_IDENTIFICATION = (b"han2x", b"HAN2X", __version__.encode(), b"", b"han2x", b"Smart meter to Modbus gateway")
"""Vendor name, product code, revision, vendor URL (none), product name, model name (V1.1b3, 6.21)."""


class UnitBank:
    """The registers that one unit id shows, as `pdu.Bank` has them; `peer` is who asks, for the log."""

    __slots__ = ("_banks", "_image", "_peer", "_unit")

    def __init__(self, banks: "Banks", unit: Unit, image: Image, peer: str) -> None:
        self._banks, self._unit, self._image, self._peer = banks, unit, image, peer

    def read(self, address: int, quantity: int) -> bytes | None:
        """The octets of registers that all exist, the newest."""
        return self._image.read(address, quantity)

    @property
    def writable(self) -> Iterable[range]:
        """The scale factor at both its addresses (M22), or nothing when writes are off."""
        return self._unit.map.writable if self._banks.writable else ()

    @property
    def identification(self) -> Sequence[bytes]:
        """Objects 0 to 6; the last, the user's name for it, is the meter's name."""
        return *_IDENTIFICATION, self._meter.name.encode()[:NAME_MAX].decode(errors="ignore").encode()

    @property
    def _meter(self) -> Meter:
        return self._banks.gateway.settings.value.meters[self._unit.index]

    def write(self, block: range, octets: bytes) -> bool:
        """Change the setting behind a register; False when the settings refuse the value.

        Raises `pdu.Failed` when the disk does not take it: then the setting is as before. What it takes is
        there when `Banks.claim` says so.
        """
        map, index = self._unit.map, self._unit.index
        register = map.writable[block]
        meter, value = self._meter, register.type.value(map.in_order(register.type, octets))
        gateway, path = self._banks.gateway, f"meters.{index}.{register.setting}"
        if gateway.amend({path: value}, modbus(self._peer)):
            return False
        if gateway.settings.value.meters[index] != meter and gateway.state_trouble:
            gateway.amend({path: getattr(meter, register.setting)})
            raise pdu.Failed
        self._image = self._banks.image(self._unit) or self._image
        old = getattr(meter, register.setting)
        self._banks.store(meter.id, register.setting, old, value)
        log.info("%s set %s of meter %s from %s to %s", self._peer, register.setting, meter.name, old, value)
        return True


class Banks:
    """All unit ids, their images, and finished answers to reads.

    `answers`: what follows the transaction id of a read request, to what follows it in the response.
    `writable`: whether clients may write. Call `close` when done.
    """

    def __init__(self, gateway: Gateway, *, writable: bool) -> None:
        self.gateway = gateway
        self.writable = writable
        self.answers: dict[bytes, bytes] = {}
        self._images: dict[int, dict[Unit, Image | None]] = {}
        self._units: dict[int, Unit] = {}
        self._storing: asyncio.Future[bool] | None = None
        self._unwatch: list[Callable[[], None]] = []
        self._unwatch_always = (
            gateway.settings.watch(self._follow),
            gateway.box.watch(lambda _: self.forget()),
        )
        self._follow(gateway.settings.value)

    def close(self) -> None:
        """Stop following the gateway."""
        for stop in self._unwatch_always:
            stop()
        self._release()

    def forget(self) -> None:
        """Let everything be cut anew."""
        self._images.clear()
        self.answers.clear()

    def knows(self, unit_id: int) -> bool:
        """Whether a unit id answers."""
        return unit_id in self._units

    def image(self, unit: Unit) -> Image | None:
        """The newest image of a unit; None while its policy is to answer nothing of a silent meter."""
        images = self._images.setdefault(unit.index, {})
        if unit not in images:
            settings = self.gateway.settings.value
            view = self.gateway.view(settings.meters[unit.index], self.gateway.now())
            fresh = shown(view, unit.policy, settings.modbus_maps.stale_after_s)
            images[unit] = unit.map.image(fresh) if fresh else None
        return images[unit]

    def respond(self, unit_id: int, request: bytes, peer: str) -> bytes:
        """The response PDU of a unit id; exception 0B where there is none, or its meter is silent."""
        unit = self._units.get(unit_id)
        image = self.image(unit) if unit else None
        if unit is None or image is None:
            return pdu.exception(request, pdu.ExceptionCode.GATEWAY_TARGET)
        return pdu.respond(request, UnitBank(self, unit, image, peer))

    def claim(self) -> "asyncio.Future[bool] | None":
        """What the last response has to wait for, once; its result: whether the write is on the disk."""
        storing, self._storing = self._storing, None
        return storing

    def store(self, meter: str, setting: str, old: object, new: object) -> None:
        """A setting was written: wait for the disk, and take it back if that does not take it."""
        synced = self.gateway.meter_synced(meter)
        if synced is None:
            return
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def told(synced: "asyncio.Future[str]") -> None:
            if why := synced.result():
                log.warning("%s of meter %s is as before: %s", setting, meter, why)
                self._undo(meter, setting, old, new)
            if not stored.done():
                stored.set_result(not why)

        synced.add_done_callback(told)
        self._storing = stored

    def _undo(self, meter: str, setting: str, old: object, new: object) -> None:
        for index, known in enumerate(self.gateway.settings.value.meters):
            if known.id == meter and getattr(known, setting) == new:
                self.gateway.amend({f"meters.{index}.{setting}": old})

    def keep(self, request: bytes, response: bytes) -> None:
        """Remember the answer to a read until something changes."""
        if len(self.answers) < MAX_ANSWERS:
            self.answers[request] = response

    def _follow(self, settings: Settings) -> None:
        self._release()
        self._units = units(settings)
        self._unwatch = [
            self.gateway.snapshot(meter.id).watch(partial(self._forget_one, index))
            for index, meter in enumerate(settings.meters)
        ]
        self.forget()

    def _release(self) -> None:
        for stop in self._unwatch:
            stop()
        self._unwatch = []

    def _forget_one(self, index: int, _: object) -> None:
        self._images.pop(index, None)
        self.answers.clear()
