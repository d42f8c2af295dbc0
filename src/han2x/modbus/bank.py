"""From the gateway's live cells to register images: a bank for each meter, found by unit id.

An image is cut from one snapshot and one moment, so that no answer mixes two telegrams. It is kept until
the snapshot or the settings change, of which their cells tell at once (`watch`), or the server's clock
calls `forget`, every second, for what changes by itself: estimates and uptime. What is forgotten is made
anew only when someone asks. Finished answers to reads are kept for as long as the images are, because a
busy client asks the same again and again.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from .. import __version__
from ..runtime.gateway import Gateway
from ..settings.schema import Meter, Settings
from . import pdu
from .registers import WRITABLE, image

log = logging.getLogger("han2x.modbus")

FIRST_METER = (0, 255)
"""Unit ids that mean the device itself on Modbus TCP (Implementation Guide 4.4.1.2, M17)."""

MAX_ANSWERS = 2048
"""Finished answers kept at most; more than all ranges of the table (1326), a few hundred KiB."""

_IDENTIFICATION = (b"han2x", b"HAN2X", __version__.encode(), b"", b"han2x", b"Smart meter to Modbus gateway")
"""Vendor name, product code, revision, vendor URL (none), product name, model name (V1.1b3, 6.21)."""


class MeterBank:
    """The registers of one meter, as `pdu.Bank` has them; `peer` is who asks, for the log."""

    __slots__ = ("_banks", "_index", "_peer")

    def __init__(self, banks: "Banks", index: int, peer: str) -> None:
        self._banks = banks
        self._index = index
        self._peer = peer

    @property
    def image(self) -> bytes:
        """The newest image of the meter."""
        return self._banks.image(self._index)

    @property
    def writable(self) -> Sequence[range]:
        """The scale factor at both its addresses (M22), or nothing when writes are off."""
        return self._banks.writable

    @property
    def identification(self) -> Sequence[bytes]:
        """Objects 0 to 6; the last, the user's name for it, is the meter's name."""
        return *_IDENTIFICATION, self._meter.name.encode()

    @property
    def _meter(self) -> Meter:
        return self._banks.gateway.settings.value.meters[self._index]

    def write(self, block: range, octets: bytes) -> bool:
        """Change the setting behind a register; False when the settings refuse the value."""
        register = WRITABLE[block]
        meter, value = self._meter, register.type.value(octets)
        if self._banks.gateway.amend({f"meters.{self._index}.{register.setting}": value}):
            return False
        old = getattr(meter, register.setting)
        log.info("%s set %s of meter %s from %d to %d", self._peer, register.setting, meter.name, old, value)
        return True


class Banks:
    """All meters by unit id, their images, and finished answers to reads.

    `answers`: what follows the transaction id of a read request, to what follows it in the response.
    `writable`: blocks of addresses that take writes. Call `close` when done.
    """

    def __init__(self, gateway: Gateway, *, writable: bool) -> None:
        self.gateway = gateway
        self.writable = tuple(WRITABLE) if writable else ()
        self.answers: dict[bytes, bytes] = {}
        self._images: dict[int, bytes] = {}
        self._indexes: dict[int, int] = {}
        self._unwatch: list[Callable[[], None]] = []
        self._unwatch_settings = gateway.settings.watch(self._follow)
        self._follow(gateway.settings.value)

    def close(self) -> None:
        """Stop following the gateway."""
        self._unwatch_settings()
        self._release()

    def forget(self) -> None:
        """Let everything be cut anew."""
        self._images.clear()
        self.answers.clear()

    def image(self, index: int) -> bytes:
        """The image of a meter, by its place in the settings."""
        if index not in self._images:
            meter = self.gateway.settings.value.meters[index]
            self._images[index] = image(self.gateway.view(meter, self.gateway.now()))
        return self._images[index]

    def respond(self, unit: int, request: bytes, peer: str) -> bytes:
        """The response PDU of a unit; exception 0B where there is no such unit."""
        index = self._indexes.get(unit)
        if index is None:
            return pdu.exception(request, pdu.ExceptionCode.GATEWAY_TARGET)
        return pdu.respond(request, MeterBank(self, index, peer))

    def keep(self, request: bytes, response: bytes) -> None:
        """Remember the answer to a read until something changes."""
        if len(self.answers) < MAX_ANSWERS:
            self.answers[request] = response

    def _follow(self, settings: Settings) -> None:
        self._release()
        self._indexes = {
            **dict.fromkeys(FIRST_METER, 0),
            **{meter.unit_id: index for index, meter in enumerate(settings.meters)},
        }
        self._unwatch = [
            self.gateway.snapshot(meter.name).watch(partial(self._forget_one, index))
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
