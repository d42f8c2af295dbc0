"""A recording without the meter's number, for others to look at. Pure.

Each number is replaced by digits of the same length, the same ones wherever it stands, and the checksums of
the telegrams that hold it are made right again. What cannot be made right is said in `Anonymised.notes`: an
encrypted telegram can be deciphered by nobody any more, as the number of its meter is part of the nonce,
unless the keys were given: then it is encrypted anew with keys that everyone may know.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b

from ..model.reading import Reading
from ..vendors.decoder import Decoder
from ..vendors.decoding_options import Manner
from ..wire.cipher import Keyring, Keys, Opened, Sealed, sealed
from ..wire.crc import check_sequence
from ..wire.dlms import GENERAL_GLO_CIPHERING
from ..wire.hdlc import Frame
from ..wire.p1 import ETX, STX, block_check, crc16
from ..wire.result import Apdu, Discarded, Framing, Segment
from ..wire.scan import Deframer, Found
from ..wire.sml import framed, inside
from ..wire.sml_messages import SmlError
from ..wire.stream import Stream

PUBLIC = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
"""What encrypted telegrams are encrypted with in a bundle, if their own keys were given."""

NUMBER_MIN = 4
_TO_DIGITS = bytes.maketrans(b"ABCDEF", b"012345")
_DIGITS = re.compile(rb"(?<![0-9A-Za-z.(])[0-9]{8,}(?![0-9.*)A-Za-z])")
"""A long number that is no value of a P1 line: in lists that no table explains, it may be the meter's."""

_P1_NUMBERS = re.compile(
    rb"(\n(?:0-\d+:(?:96\.1\.\d+|42\.0\.0|96\.13\.\d+)|1-0:0\.0\.\d+)(?:[.*]\d+)?\()([^)]*)\)"
)
"""Lines of P1 text that name a meter of any kind, or hold a message to its owner."""

_P1_HEADER = re.compile(rb"(/[A-Za-z]{3}.)([^\r\n]*)")
_SERIAL = re.compile(rb"(\x09\x06[\x00\x01][\x00\x01]\x00\x00[\x00\x01]\xff\x06)(.{4})", re.DOTALL)
"""Kamstrup's serial number as an integer, 1-1:0.0.1 (han-port sheet 6.1)."""

_SERVER_ID = re.compile(rb"(\x0b[\0-\x0f])([0-9\0-\x09][A-Z]{3}.{5})", re.DOTALL)
"""What an SML meter is called (DIN 43863-5): medium, maker, block and four octets of number."""

_KEY = re.compile(rb"(\x81\x81\xc7\x82\x05\xff[\x01]{4}\x83\x02)(.{48})", re.DOTALL)
"""The public key of an SML meter, each of which has its own."""

_SERIAL_END = 10**8

_HEX_DIGITS = re.compile(rb"(?:0[xX])?([0-9A-Fa-f])")
_TITLE = re.compile(rb"\xdb\x08([A-Za-z]{3})(.{5})", re.DOTALL)


@dataclass
class Anonymised:
    """The octets, as many as there were, and what is to be said of them, each with how often."""

    octets: bytes
    notes: dict[str, int] = field(default_factory=dict)

    def note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1


def anonymised(octets: bytes, manner: Manner, salt: bytes) -> Anonymised:
    """The same recording without numbers. `salt`: random, and not kept: else numbers could be tried."""
    keyring = manner.keyring()
    items = _items(octets, keyring)
    numbers = _numbers(items, manner)
    result, done, to = Anonymised(b""), bytearray(octets), _Replacement(numbers, salt)
    position = 0
    for item in items:
        begin, end = max(item.offset, position), item.offset + item.length
        if begin < end:
            done[position:begin] = to.replaced(octets[position:begin])
            done[begin:end] = _telegram(item, octets[begin:end], to, keyring, result)
            position = end
    done[position:] = to.replaced(octets[position:])
    result.octets = bytes(done)
    return result


def _items(octets: bytes, keyring: Keyring | None) -> list[Apdu | Discarded]:
    stream = Stream(keyring)
    return sorted([*stream.feed(octets), *stream.flush()], key=lambda item: item.offset)


def _numbers(items: Iterable[Apdu | Discarded], manner: Manner) -> set[bytes]:
    """What the telegrams that can be read call their meters."""
    decoder, numbers = Decoder(manner.keyring(), manner), set()
    for item in items:
        reading = decoder.decode(item) if isinstance(item, Apdu) else None
        if isinstance(reading, Reading) and (number := reading.identity.meter_id):
            numbers.add(number.encode("ascii", "replace"))
            if isinstance(item, Apdu) and item.framing is Framing.SML and number.isalnum():
                numbers.add(_as_sent(number))
    return {number for number in numbers if len(number) >= NUMBER_MIN}


def _as_sent(number: str) -> bytes:
    """The octets of an SML meter's id that is of no form we know, and shown as hex digits."""
    try:
        return bytes.fromhex(number)
    except ValueError:
        return b""


class _Replacement:
    """Consistent replacements, each as long as what it stands for."""

    def __init__(self, numbers: set[bytes], salt: bytes) -> None:
        self._salt = salt
        longest_first = sorted(numbers, key=len, reverse=True)
        self._known = re.compile(b"|".join(map(re.escape, longest_first))) if numbers else None

    def digits(self, number: bytes) -> bytes:
        """Other digits for digits, other letters for letters; the beginning, which tells the maker, stays."""
        keep = min(6, len(number) // 3)
        stream = self._stream(number)
        return number[:keep] + bytes(
            0x30 + noise % 10 if octet < 0x3A else 0x41 + noise % 6
            for octet, noise in zip(number[keep:], stream, strict=False)
        )

    def octets(self, number: bytes) -> bytes:
        """Other octets for a number in binary; none of them is one that SML escapes."""
        return self._stream(number)[: len(number)].replace(b"\x1b", b"\x1c")

    def server_id(self, server: bytes) -> bytes:
        """The id of an SML meter, as the digits of the same number in text are replaced."""
        medium, maker, block = server[:1], server[1:4], server[4]
        number = b"%d%s%02X%08d" % (medium[0] & 0x0F, maker, block, int.from_bytes(server[5:], "big"))
        serial = int(self.digits(number)[6:].translate(_TO_DIGITS)) % _SERIAL_END
        return server[:5] + serial.to_bytes(4, "big").replace(b"\x1b", b"\x1c")

    def replaced(self, octets: bytes) -> bytes:
        """Octets without numbers: the known ones, long runs of digits, serial numbers and system titles."""
        if self._known:
            octets = self._known.sub(lambda found: self.digits(found.group()), octets)
        octets = _DIGITS.sub(lambda found: self.digits(found.group()), octets)
        octets = _SERIAL.sub(lambda found: found.group(1) + self.octets(found.group(2)), octets)
        octets = _SERVER_ID.sub(lambda found: found.group(1) + self.server_id(found.group(2)), octets)
        octets = _KEY.sub(lambda found: found.group(1) + self.octets(found.group(2)), octets)
        return _TITLE.sub(lambda found: b"\xdb\x08" + self.title(found.group(1) + found.group(2)), octets)

    def title(self, title: bytes) -> bytes:
        """A system title: the maker stays."""
        return title[:3] + self.octets(title[3:])

    def text(self, text: bytes) -> bytes:
        """P1 text without numbers; its check sum is not touched."""
        text = _P1_NUMBERS.sub(lambda found: found.group(1) + self._value(found.group(2)) + b")", text)
        text = _P1_HEADER.sub(lambda found: found.group(1) + self._value(found.group(2)), text, 1)
        return self._known.sub(lambda found: self.digits(found.group()), text) if self._known else text

    def _value(self, value: bytes) -> bytes:
        return re.sub(rb"[0-9A-F]{4,}", lambda found: self.digits(found.group()), value)

    def _stream(self, number: bytes) -> bytes:
        count = 1 + len(number) // 64
        return b"".join(blake2b(number + b"%d" % n, key=self._salt).digest() for n in range(count))


def _telegram(
    item: Apdu | Discarded, octets: bytes, to: _Replacement, keyring: Keyring | None, result: Anonymised
) -> bytes:
    """One telegram's octets without numbers, its checksums right again."""
    if isinstance(item, Discarded):
        changed = to.text(octets) if octets.startswith(b"/") else to.replaced(octets)
        if changed != octets:
            result.note("damaged telegrams: numbers replaced, checksums left as they came")
        return changed
    if octets[:1] in (b"7", b"6"):  # hex text
        inside = bytes.fromhex(b"".join(_HEX_DIGITS.findall(octets)).decode("ascii"))
        return _written_over(octets, _telegram(item, inside, to, keyring, result).hex())
    if item.data[:1] == bytes((GENERAL_GLO_CIPHERING,)):
        return _encrypted(item, octets, to, keyring, result)
    changed = to.text(octets) if item.data[:1] == b"/" else to.replaced(octets)
    return _repaired(octets, changed)


def _written_over(text: bytes, digits: str) -> bytes:
    """Hex text with other digits, spaced and prefixed as it was."""
    done = bytearray(text)
    for found, digit in zip(_HEX_DIGITS.finditer(text), digits, strict=True):
        done[found.start(1)] = ord(digit)
    return bytes(done)


def _encrypted(
    item: Apdu, octets: bytes, to: _Replacement, keyring: Keyring | None, result: Anonymised
) -> bytes:
    parts, places = sealed(item.data), _places(item.data, octets)
    opened = keyring.open(item.data) if keyring else None
    if isinstance(parts, Sealed) and isinstance(opened, Opened) and len(places) == len(item.data):
        plain, title = opened.plain, to.title(parts.title)
        clean = _repaired(plain, to.text(plain)) if plain.startswith(b"/") else to.replaced(plain)
        again = Keyring(PUBLIC).seal(clean, title, parts)
        data = item.data[:2] + title + item.data[10 : len(item.data) - len(again)] + again
        result.note("encrypted telegrams: encrypted anew with the keys that about.json tells")
        done = bytearray(octets)
        for place, octet in zip(places, data, strict=True):
            done[place] = octet
        return _repaired(octets, bytes(done))
    result.note("encrypted telegrams without keys: cannot be deciphered any more")
    return _repaired(octets, to.replaced(octets))


HEAD_MAX = 16
"""Octets of LLC and transfer block header before a frame's part of a message, at the most."""


def _places(data: bytes, octets: bytes) -> list[int]:
    """Where in its frames each octet of a message stands; fewer than there are where that cannot be told."""
    deframer, places = Deframer(), list[int]()
    for found in [*deframer.feed(octets), *deframer.flush()]:
        payload = {Frame: "information", Segment: "data"}.get(type(found))
        if payload is None:
            continue
        part: bytes = getattr(found, payload)
        rest = data[len(places) :]
        skipped = next((n for n in range(min(HEAD_MAX, len(part))) if rest.startswith(part[n:])), len(part))
        end = found.offset + found.length - (3 if isinstance(found, Frame) else 2)
        places += range(end - len(part) + skipped, end)
    if not places and (at := octets.find(data)) >= 0:
        places += range(at, at + len(data))
    return places


def _repaired(before: bytes, after: bytes) -> bytes:
    """Octets that were changed, with the checksums of each frame that was right before."""
    if before == after:
        return after
    done, deframer = bytearray(after), Deframer()
    for found in [*deframer.feed(before), *deframer.flush()]:
        if not isinstance(found, Discarded):
            _repair_of(found)(done, found.offset, found.offset + found.length)
    return bytes(done)


def _repair_of(found: Found) -> Callable[[bytearray, int, int], None]:
    if isinstance(found, Frame):
        return _repair_hdlc
    if isinstance(found, Segment):
        return _repair_mbus
    if found.framing is Framing.SML:
        return _repair_sml
    return _repair_p1 if found.data[:1] == b"/" else _nothing


def _nothing(octets: bytearray, begin: int, end: int) -> None:
    """There is no checksum."""


def _repair_hdlc(octets: bytearray, begin: int, end: int) -> None:
    octets[end - 3 : end - 1] = check_sequence(bytes(octets[begin + 1 : end - 3]))


def _repair_mbus(octets: bytearray, begin: int, end: int) -> None:
    octets[end - 2] = sum(octets[begin + 4 : end - 2]) & 0xFF


def _repair_sml(octets: bytearray, begin: int, end: int) -> None:
    with suppress(SmlError):  # a number that was replaced may have been none
        octets[begin:end] = framed(inside(bytes(octets[begin:end])))


def _repair_p1(octets: bytearray, begin: int, end: int) -> None:
    if octets[end - 2 : end - 1] == ETX and (stx := octets.find(STX, begin, end)) >= 0:
        octets[end - 1] = block_check(octets[stx + 1 : end - 1])
        return
    mark = octets.rindex(b"!", begin, end) + 1
    if octets[mark : mark + 4].isalnum():
        octets[mark : mark + 4] = b"%04X" % crc16(bytes(octets[begin:mark]))
