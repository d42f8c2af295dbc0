"""What real meters, adapters and bridges do wrong (han-port sheet 5), each as a function over telegrams.

A fault takes the stream and seeded chance and gives the damaged stream; the message and the counters of a
telegram stay what they were, unless the fault is in what the meter says. Faults are applied in the order
of `TABLE`, whatever the order they were asked for: first those that change what is said, then those that
encrypt it, last those that damage the octets on the line.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import NamedTuple

from ..model.quantity import ENERGIES, Quantity
from ..model.reading import ListType
from ..settings.source import SimulatedSource, SourceError
from . import cipher
from .clock import HOUR_MS, local_time
from .counters import Flow
from .dialect import DIALECTS
from .encode import LLC, apdu, frame, hdlc
from .telegram import Message, Telegram

Telegrams = Iterator[Telegram]

WEAK_FROM = (249, 257)
"""Where a weak adapter's damage begins (quirk 18)."""

CUT_AT = (88, 92)
"""Octets of a cut frame, as in the captures of sheet 2.6."""

CIPHERED_ADDRESS = b"\x41\x03\x13"
TITLE_BEGINS = b"KAM"


class Fault(NamedTuple):
    """A fault, the vendors that have it, and what must be there for it, which raises `SourceError`."""

    damage: Callable[[Telegrams, Random], Telegrams]
    vendors: tuple[str, ...] = ("aidon", "kaifa", "kamstrup")
    require: Callable[[], None] = lambda: None


def misbehaving(telegrams: Telegrams, source: SimulatedSource) -> Telegrams:
    """The telegrams with all faults of a source; raises `SourceError` for one that it cannot have."""
    for name in source.faults:
        if source.vendor not in TABLE[name].vendors:
            raise SourceError(f"the fault {name} is one of {', '.join(TABLE[name].vendors)} only")
        TABLE[name].require()
    for name, fault in TABLE.items():
        if name in source.faults:
            telegrams = fault.damage(telegrams, Random(f"{source.seed}:{name}"))
    return telegrams


def repeat_hour(telegrams: Telegrams, chance: Random) -> Telegrams:
    """One hour in four says the clock and the energies of the hour before; power is current (quirk 1)."""
    before: Message | None = None
    for telegram in telegrams:
        message = telegram.message
        if message.list_type is ListType.HOURLY:
            if before and chance.random() < 0.25:
                message = _with_energies_of(before, message)
            before = telegram.message
        yield _said(telegram, message)


def _with_energies_of(old: Message, new: Message) -> Message:
    energies = {energy: old.values[energy] for energy in ENERGIES}
    return new._replace(values={**new.values, **energies}, clock=old.clock)


def delay_hourly(telegrams: Telegrams, chance: Random) -> Telegrams:
    """The hourly list comes one to five times ten seconds late, and says so (quirk 10)."""
    late: Telegram | None = None
    wait = 0
    for telegram in telegrams:
        if telegram.message.list_type is ListType.HOURLY:
            late, wait = telegram, chance.randint(1, 5)
            continue
        yield telegram
        wait -= 1
        if late and not wait:
            yield _postponed(late, telegram)
            late = None


def _postponed(hourly: Telegram, before: Telegram) -> Telegram:
    """The hourly list shortly after the list `before`, with what the meter measures and has counted then."""
    ms = hourly.at_ms % 10_000
    at_ms, counters = before.at_ms + ms, before.counters.plus(_flow(before.message), ms)
    message = hourly.message
    local = local_time(at_ms, DIALECTS[message.vendor].clock.base)
    values = {**before.message.values, **counters.in_wh()}
    late = Telegram(before.due_ms + ms, at_ms, message, counters, hourly.data)
    return _said(late, message._replace(values=values, sent=local, clock=local))


def _flow(message: Message) -> Flow:
    values = message.values
    return Flow(
        values[Quantity.ACT_POW_POS] - values[Quantity.ACT_POW_NEG],
        values[Quantity.REACT_POW_POS] - values[Quantity.REACT_POW_NEG],
    )


def old_09(telegrams: Telegrams, _: Random) -> Telegrams:
    """A tag 09 before the header's date-time, as Kamstrup's firmware before U1/M1 sent it (quirk 9)."""
    for telegram in telegrams:
        yield _said(telegram, telegram.message._replace(stray_09=True))


def ecb(telegrams: Telegrams, _: Random) -> Telegrams:
    """The APDU encrypted with AES-128-ECB, header and LLC in the clear (sheet 4.2)."""
    for telegram in telegrams:
        address = DIALECTS[telegram.message.vendor].address
        yield telegram._replace(data=hdlc(address, LLC + cipher.ecb(apdu(telegram.message))))


def encrypted(telegrams: Telegrams, chance: Random) -> Telegrams:
    """general-glo-ciphering with authentication (SC 30) and a counter that grows (quirk 16, sheet 6.4)."""
    title = TITLE_BEGINS + chance.randbytes(5)
    for counter, telegram in enumerate(telegrams, 1):
        secret = cipher.ciphered(apdu(telegram.message), title=title, counter=counter)
        yield telegram._replace(data=hdlc(CIPHERED_ADDRESS, LLC + secret))


def truncate(telegrams: Telegrams, chance: Random) -> Telegrams:
    """Long lists are cut in the first ten seconds of each half hour, and the next follows at once (quirk 6).

    The one on the half hour always, those after it every other time.
    """
    for telegram, following in pairwise(telegrams):
        yield _cut(telegram, following, chance) if _is_cut(telegram, chance) else telegram


def _is_cut(telegram: Telegram, chance: Random) -> bool:
    if telegram.at_ms % (HOUR_MS // 2) > 10_000 or telegram.message.list_type is ListType.FAST:
        return False
    return telegram.at_ms % (HOUR_MS // 2) == 0 or chance.random() < 0.5


def _cut(telegram: Telegram, following: Telegram, chance: Random) -> Telegram:
    """Cut, and late, so that the next telegram follows without a pause."""
    return telegram._replace(data=telegram.data[: chance.choice(CUT_AT)], due_ms=following.due_ms)


def drop_tail(telegrams: Telegrams, chance: Random) -> Telegrams:
    """Frames longer than a weak adapter can bear lose their end, but for one in forty (quirk 18)."""
    for telegram in telegrams:
        keep = _weak(telegram, chance)
        yield telegram._replace(data=telegram.data[:keep])


def zero_tail(telegrams: Telegrams, chance: Random) -> Telegrams:
    """The same, with zeros in place of the end (quirk 18)."""
    for telegram in telegrams:
        keep, size = _weak(telegram, chance), len(telegram.data)
        yield telegram._replace(data=telegram.data[:keep] + bytes(size - keep))


def _weak(telegram: Telegram, chance: Random) -> int:
    """How many octets come through."""
    size = len(telegram.data)
    return size if chance.random() < 0.025 else min(size, chance.randint(*WEAK_FROM))


def flip_bit(telegrams: Telegrams, chance: Random) -> Telegrams:
    """One bit in one frame of eight is wrong (quirk 22)."""
    for telegram in telegrams:
        yield _flipped(telegram, chance) if chance.random() < 0.125 else telegram


def _flipped(telegram: Telegram, chance: Random) -> Telegram:
    data = bytearray(telegram.data)
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return telegram._replace(data=bytes(data))


def crlf(telegrams: Telegrams, _: Random) -> Telegrams:
    """A tty or bridge that makes CR LF of each LF (quirk 19)."""
    for telegram in telegrams:
        yield telegram._replace(data=telegram.data.replace(b"\x0a", b"\x0d\x0a"))


def _said(telegram: Telegram, message: Message) -> Telegram:
    """The telegram with another message; not encoded anew where nothing changed."""
    if message is telegram.message:
        return telegram
    return telegram._replace(message=message, data=frame(message))


TABLE: dict[str, Fault] = {
    "repeat-hour": Fault(repeat_hour, ("aidon",)),
    "delay-hourly": Fault(delay_hourly, ("kamstrup",)),
    "old-09": Fault(old_09, ("kamstrup",)),
    "ecb": Fault(ecb, ("kaifa",), require=cipher.require),
    "encrypted": Fault(encrypted, require=cipher.require),
    "truncate": Fault(truncate),
    "flip-bit": Fault(flip_bit),
    "zero-tail": Fault(zero_tail),
    "drop-tail": Fault(drop_tail),
    "crlf": Fault(crlf),
}
"""The faults of `settings.source.FAULTS`, in the order they are applied."""
