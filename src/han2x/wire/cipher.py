"""Encrypted messages: general-glo-ciphering (Green Book 9.2.7; han-port sheet 6.4), and Kaifa's AES-ECB.

A key belongs to one meter. Its invocation counter has to grow: a message that was sent before, or an older
one, is refused, for each system title by itself and as long as the keyring lives. Only a message that turned
out readable moves the counter, so damage and wrong keys cannot.
"""

from typing import NamedTuple

from .axdr import AxdrError, length
from .dlms import AES_BLOCK, DATA_NOTIFICATION, GENERAL_GLO_CIPHERING, Malformed
from .result import Kind

KEY_SIZE, TITLE_SIZE, TAG_SIZE = 16, 8, 12
AUTHENTICATED, ENCRYPTED, COMPRESSED = 0x10, 0x20, 0x80
SUITE = 0x0F
"""Bits of the security control (Green Book 9.2.7.2.4.1); only suite 0, AES-128, is read."""
TITLES_MAX = 16

NOT_AUTHENTICATED = "deciphered without the authentication key: the tag is not checked"
_OTHER_KEY = "encrypted with another key: the key is wrong, or of another meter"


class CipherMissingError(ImportError):
    """AES is not installed; the message says what to do."""


class Keys(NamedTuple):
    """A meter's keys, 16 octets each: encryption (EK, GPK60), authentication (AK, GPK61; b"" if unknown)."""

    encryption: bytes
    authentication: bytes = b""


class Sealed(NamedTuple):
    """A general-glo-ciphering APDU in its parts; `secret` with the tag, `size` of the whole in octets."""

    title: bytes
    control: int
    counter: int
    secret: bytes
    size: int


class Opened(NamedTuple):
    """What was inside, with what has to be remembered once it turns out readable."""

    plain: bytes
    title: bytes = b""
    counter: int = 0
    notes: tuple[str, ...] = ()


def sealed(data: bytes) -> Sealed | Malformed:
    """The parts of a general-glo-ciphering APDU that `data` begin with."""
    if data[0] != GENERAL_GLO_CIPHERING or data[1:2] not in (b"", b"\x08"):
        return Malformed(Kind.UNKNOWN, "general-glo-ciphering: no system title of 8 octets")
    try:
        size, begin = length(data, 2 + TITLE_SIZE)
    except IndexError:
        return Malformed(Kind.UNKNOWN, "general-glo-ciphering: ends within its header", True)
    except AxdrError as error:
        return Malformed(Kind.UNKNOWN, str(error))
    if size < 5:
        return Malformed(Kind.UNKNOWN, "general-glo-ciphering: too short")
    content = data[begin : begin + size]
    if len(content) < size:
        return Malformed(Kind.UNKNOWN, "general-glo-ciphering: ends within its content", True)
    counter = int.from_bytes(content[1:5], "big")
    return Sealed(data[2 : 2 + TITLE_SIZE], content[0], counter, content[5:], begin + size)


def unread(parts: Sealed) -> str:
    """The feature of an encrypted message that is not read whatever the keys, "" for none."""
    if suite := parts.control & SUITE:
        return f"encrypted with security suite {suite}: only suite 0 (AES-128) is read"
    return "encrypted and compressed: compression is not read" if parts.control & COMPRESSED else ""


class Keyring:
    """A meter's keys at work, and the invocation counters that have been seen."""

    def __init__(self, keys: Keys) -> None:
        try:
            from . import aes
        except ImportError:
            raise CipherMissingError("keys need AES: install han2x[crypto]") from None
        self._aes, self._keys = aes, keys
        self._counters: dict[bytes, int] = {}

    def open(self, data: bytes) -> Opened | Malformed:
        """What is in a general-glo-ciphering APDU, or why that cannot be told."""
        parts = sealed(data)
        if isinstance(parts, Malformed):
            return parts
        if parts.size != len(data):
            return Malformed(Kind.UNKNOWN, "octets after the end of the encrypted message")
        if parts.counter <= self._counters.get(parts.title, -1):
            return Malformed(Kind.ENCRYPTED, f"sent before: invocation counter {parts.counter} is not newer")
        return self._deciphered(parts)

    def accept(self, opened: Opened) -> None:
        """What was opened is readable: nothing as old may come after it."""
        if opened.title:
            self._counters.pop(opened.title, None)
            self._counters[opened.title] = opened.counter
            if len(self._counters) > TITLES_MAX:
                del self._counters[next(iter(self._counters))]

    def proves(self, data: bytes) -> bool:
        """Whether an encrypted message without a frame holds P1 text that is right to the last character."""
        from .p1 import checked

        opened = self.open(data) if data[:1] == bytes((GENERAL_GLO_CIPHERING,)) else None
        return isinstance(opened, Opened) and opened.plain[:1] == b"/" and checked(opened.plain)

    def seal(self, plain: bytes, title: bytes, like: Sealed) -> bytes:
        """What follows the invocation counter when `plain` is encrypted as the message `like` was."""
        nonce = title + like.counter.to_bytes(4, "big")
        encrypted = like.control & ENCRYPTED
        secret = self._aes.counter_mode(self._keys.encryption, nonce, plain) if encrypted else plain
        if not like.control & AUTHENTICATED:
            return secret
        associated = bytes((like.control,)) + self._keys.authentication
        signed = (associated, secret) if encrypted else (associated + secret, b"")
        return secret + self._aes.tag(self._keys.encryption, nonce, *signed)

    def electronic_codebook(self, data: bytes) -> Opened | None:
        """What Kaifa's AES-ECB conceals (sheet 4.2); None if it is none, or of another key."""
        if not data or len(data) % AES_BLOCK:
            return None
        plain = self._aes.electronic_codebook(self._keys.encryption, data)
        return Opened(plain) if plain[0] == DATA_NOTIFICATION else None

    def _deciphered(self, parts: Sealed) -> Opened | Malformed:
        control, secret, tag = parts.control, parts.secret, b""
        if reason := unread(parts):
            return Malformed(Kind.FOREIGN, reason)
        if control & AUTHENTICATED:
            secret, tag = secret[:-TAG_SIZE], secret[-TAG_SIZE:]
            if len(tag) < TAG_SIZE:
                return Malformed(Kind.UNKNOWN, "general-glo-ciphering: too short for its tag")
        nonce = parts.title + parts.counter.to_bytes(4, "big")
        plain = secret
        if control & ENCRYPTED:
            plain = self._aes.counter_mode(self._keys.encryption, nonce, secret)
        if plain[:1] not in (b"\x0f", b"/"):
            return Malformed(Kind.ENCRYPTED, _OTHER_KEY)
        unchecked = bool(tag) and not self._keys.authentication
        if tag and not unchecked and not self._authentic(control, nonce, secret, tag):
            return Malformed(Kind.ENCRYPTED, "the authentication tag is wrong: another auth_key, or altered")
        return Opened(plain, parts.title, parts.counter, (NOT_AUTHENTICATED,) if unchecked else ())

    def _authentic(self, control: int, nonce: bytes, secret: bytes, tag: bytes) -> bool:
        """The tag is over what is encrypted, and over what is only authenticated."""
        associated = bytes((control,)) + self._keys.authentication
        if not control & ENCRYPTED:
            associated, secret = associated + secret, b""
        return self._aes.authentic(self._keys.encryption, nonce, associated, secret, tag)
