"""The Modbus RTU server on a serial line: a tty, its silences, and `rtu.Line` for what is said (M11).

Rules: nothing blocks the loop, and there is one timer. Silence is reckoned from the moment octets are
read, which is never before their last one was on the line, so an answer comes no sooner than t3.5 after
it (SER figure 14). Before writing one looks once more: a master that has gone on talking gets no answer to
what it has given up. An adapter that is not there, or no longer, is looked for every two seconds.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from functools import partial

from ..runtime.clients import ClientInfo, Clients
from ..runtime.gateway import Gateway, Trouble
from ..runtime.health import Condition
from ..runtime.tty import Framing, flush, gone, open_tty, set_framing, set_low_latency, set_rs485
from ..settings.modbus import ModbusRtu
from . import pdu
from .bank import Banks
from .lending import Registers
from .rtu import BROADCAST, Line, Request, answer, frame

log = logging.getLogger("han2x.modbus")

SECOND = 1.0
RETRY_S = 2.0
READ_MAX = 4096

FAST_BAUD = 19200
FAST_T35_S = 0.00175
"""Above 19200 Bd t3.5 no longer shrinks (SER 2.5.1.1)."""

LATENT_GAP_S = 0.020
"""FTDI's driver hands octets on every 16 ms unless told otherwise: less would cut good frames in two."""

PROMPT_GAP_S = 0.005
"""With low latency, USB still hands on by frames of 1 ms, and this process is scheduled beside others."""

QUIET_S = 0.100
"""Longer than any hiccup of an adapter, shorter than the time-out of any master."""

SUSPECT = 256
"""Octets without one right checksum, after which the line's settings are doubted."""


async def run(section: ModbusRtu, gateway: Gateway, name: str) -> None:
    """Serve the registers on a serial line until cancelled; looks for a device that is missing (M11)."""
    banks = Banks(gateway, writable=section.writable)
    said = ""
    try:
        while True:
            try:
                await _serve(section, gateway, name, banks)
            except Trouble as trouble:
                gateway.report(name, Condition.FAILING, str(trouble))
                if said != (said := str(trouble)):
                    log.warning("%s: %s", name, trouble)
            await asyncio.sleep(RETRY_S)
    finally:
        banks.close()


async def _serve(section: ModbusRtu, gateway: Gateway, name: str, banks: Banks) -> None:
    """Serve for as long as the device is there; raises `Trouble`."""
    port = Port(section, Served(banks))
    gateway.clients[name] = port.clients
    gateway.providers.registers = Registers(gateway)
    try:
        while not port.gone.is_set():
            port.report(gateway, name)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await port.gone.wait()
            banks.forget()
    finally:
        gateway.clients.pop(name, None)
        port.close()
    raise gone(section.device)


class Served:
    """The units behind a line: which there are, and what they answer.

    `counts`: requests done, exceptions among them, and the code of the last of those (0 before the first).
    """

    def __init__(self, banks: Banks) -> None:
        self._banks = banks
        self.counts = 0, 0, 0

    def serves(self, unit: int) -> bool:
        """Whether a unit id is one of ours; on a serial line all others belong to other slaves."""
        return self._banks.knows(unit)

    def answer(self, request: Request, peer: str) -> bytes:
        """Do what is asked; the answer as a frame, none to a broadcast.

        That is for every meter, once: its other maps have other things at the same addresses.
        """
        if request.unit == BROADCAST:
            for meter in self._banks.gateway.settings.value.meters:
                self._banks.respond(meter.unit_id, request.pdu, peer)
            self._banks.claim()  # nobody is told
            self._count(0)
            return b""
        octets = answer(request, self._banks, peer)
        self._count(octets[2] if octets[1] & 0x80 else 0)
        return octets

    def claim(self) -> "asyncio.Future[bool] | None":
        """What the last answer has to wait for; its result: whether the write is on the disk."""
        return self._banks.claim()

    def failed(self, request: Request) -> bytes:
        """The answer to a write that the disk has not taken."""
        code = pdu.ExceptionCode.SERVER_FAILURE
        _, exceptions, _ = self.counts
        self.counts = self.counts[0], exceptions + 1, code
        return frame(request.unit, pdu.exception(request.pdu, code))

    def _count(self, exception: int) -> None:
        requests, exceptions, last = self.counts
        self.counts = requests + 1, exceptions + bool(exception), exception or last


class Silences:
    """How long, in seconds, the line must be silent: to be answered, to end a frame, to end everything."""

    def __init__(self, framing: Framing, *, gap_ms: int, prompt: bool) -> None:
        fast = framing.baud_rate > FAST_BAUD
        self.t35 = FAST_T35_S if fast else 3.5 * framing.character_s
        self.gap = max(self.t35, gap_ms / 1000 or (PROMPT_GAP_S if prompt else LATENT_GAP_S))
        self.quiet = max(QUIET_S, 4 * self.gap)


class Echo:
    """What was sent and may be heard again, where the driver leaves the receiver on; never a request.

    Whether a line echoes is learned from answers that differ from their request. Until it is known, what
    looks like an echo is taken for one: a lost request is asked again, but a server that answers its
    own echo never ends.
    """

    def __init__(self) -> None:
        self._expected = b""
        self._matched = 0
        self._proof = False
        self._unlike = False
        self._echoes: bool | None = None

    def sent(self, octets: bytes, request: bytes) -> None:
        """`octets` go out in answer to the PDU `request`."""
        self._expected = b"" if self._echoes is False else octets
        self._matched = 0
        self._unlike = False
        self._proof = octets[1:-2] != request

    def strip(self, octets: bytes) -> bytes:
        """What of the octets is no echo."""
        expected = self._expected[self._matched :]
        common = min(len(expected), len(octets))
        if octets[:common] != expected[:common]:
            octets = self._expected[: self._matched] + octets
            self._expected, self._unlike = b"", self._proof
            return octets
        self._matched += common
        if expected and common == len(expected):
            self._expected = b""
            self._echoes = True if self._proof else self._echoes
        return octets[common:]

    def heard(self) -> None:
        """A whole frame was heard, and no gap since what was no echo of an answer: there are no echoes."""
        if self._echoes is None and self._unlike:
            self._echoes = False

    def gap(self) -> None:
        """What was no echo may have been one with an octet wrong: it made no frame, and says nothing."""
        self._unlike = False

    def quiet(self) -> None:
        """Silence after an answer: its echo will not come."""
        if self._expected and not self._matched and self._echoes is None:
            self._echoes = False
        self._expected = b""


class Port:
    """An open serial device, answering. `gone` is set when it is not there any more; raises `Trouble`."""

    def __init__(self, section: ModbusRtu, units: Served) -> None:
        if not section.device:
            raise Trouble("no serial device is set: set modbus_rtu.device, such as /dev/ttyUSB0")
        self.gone = asyncio.Event()
        self._section, self._units = section, units
        self._framing = Framing(section.baud_rate, section.parity, section.stop_bits)
        self._loop = asyncio.get_running_loop()
        self._line, self._echo = Line(units.serves), Echo()
        self._answer, self._request = b"", b""
        self._owed: tuple[Request, bytes] | None = None
        self._unsent = b""
        self._since = self._silent_since = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._fd = open_tty(section.device)
        try:
            self._set_up()
        except Trouble:
            self.close()
            raise
        self._loop.add_reader(self._fd, self._readable)

    def _set_up(self) -> None:
        section = self._section
        set_framing(self._fd, self._framing)
        self._directed = section.rs485 != "off"
        self._directed = set_rs485(self._fd, enabled=self._directed)
        if section.rs485 == "on" and not self._directed:
            raise Trouble(f"the driver of {section.device} cannot switch RS485: set modbus_rtu.rs485 to auto")
        prompt = set_low_latency(self._fd)
        self._silences = Silences(self._framing, gap_ms=section.gap_ms, prompt=prompt)
        flush(self._fd)

    def report(self, gateway: Gateway, name: str) -> None:
        """Say how the line fares."""
        line = self._line
        if not line.frames and line.discarded >= SUSPECT:
            text = (
                f"{self._section.device}: octets come at {self._framing}, but no frame has a right checksum: "
                "are baud rate, parity and stop bits those of the master?"
            )
            gateway.report(name, Condition.FAILING, text)
        else:
            driver = ", direction switched by the driver" if self._directed else ""
            gateway.report(name, Condition.OK, f"serving {self._section.device}, {self._framing}{driver}")

    def clients(self) -> Clients:
        """The master, for those who show who asks."""
        now = self._loop.time()
        requests, exceptions, last = self._units.counts
        master = ClientInfo(
            peer=self._section.device,
            connected_s=int(now - self._since),
            idle_s=max(0, int(now - self._silent_since)),
            requests=requests,
            exceptions=exceptions,
            last_exception=last,
        )
        return Clients((master,))

    def close(self) -> None:
        """Let go of the device."""
        if self._timer:
            self._timer.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            flush(self._fd)  # or closing waits until all is sent
            os.close(self._fd)
            self._fd = -1

    def _lost(self) -> None:
        """The adapter is gone; a reader left on it would be called for ever."""
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self.gone.set()

    def _readable(self) -> None:
        try:
            octets = os.read(self._fd, READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if octets:
            self._heard(octets)
        else:
            self._lost()

    def _heard(self, octets: bytes) -> None:
        frames = self._line.frames
        rest = self._echo.strip(octets)
        self._do(self._line.feed(rest) if rest else [])
        if self._line.frames > frames:
            self._echo.heard()
        if not self._line.asked:
            self._answer, self._owed = b"", None
        self._silent_since = self._loop.time()
        self._wait()

    def _do(self, requests: list[Request]) -> None:
        """Do all that is asked; only the last answer is wanted, a master asks one thing at a time."""
        for request in requests:
            self._request, self._owed = request.pdu, None
            self._answer = self._units.answer(request, self._section.device)
            if storing := self._units.claim():
                self._owed, self._answer = (request, self._answer), b""
                storing.add_done_callback(partial(self._stored, self._owed))

    def _stored(self, owed: tuple[Request, bytes], storing: "asyncio.Future[bool]") -> None:
        """What was written is on the disk, or never will be: answer, if that is still awaited."""
        if self._owed is not owed or self._fd < 0:
            return
        request, octets = owed
        self._owed, self._answer = None, octets if storing.result() else self._units.failed(request)
        self._wait()

    def _wait(self) -> None:
        """Arm the timer for the next silence that means something."""
        if self._answer:
            self._at(self._silences.t35, self._reply)
        else:
            self._at(self._silences.gap, self._gap)

    def _at(self, silence_s: float, then: Callable[[], None]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._silent_since + silence_s, then)

    def _reply(self) -> None:
        """The line has been silent for t3.5: answer, unless someone has spoken after all."""
        since = self._silent_since
        self._readable()
        if since != self._silent_since or self.gone.is_set():
            return
        octets, self._answer = self._answer, b""
        self._echo.sent(octets, self._request)
        self._unsent = octets  # a driver that has not sent the last answer by now never will
        self._write()
        self._silent_since = self._loop.time() + len(octets) * self._framing.character_s
        self._at(self._silences.gap, self._gap)

    def _gap(self) -> None:
        """The silence that ends a frame; what it decided is answered at once."""
        self._do(self._line.gap())
        self._echo.gap()
        if self._answer:
            self._reply()
        else:
            self._at(self._silences.quiet, self._quiet)

    def _quiet(self) -> None:
        self._line.quiet()
        self._echo.quiet()

    def _write(self) -> None:
        """Hand the driver what it takes, and the rest when it takes more."""
        try:
            self._unsent = self._unsent[os.write(self._fd, self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        if self._unsent:
            self._loop.add_writer(self._fd, self._write)
        else:
            self._loop.remove_writer(self._fd)
