"""Encrypted telegrams: AES-128-ECB as Kaifa's bench meters did it, and general-glo-ciphering.

Sources: han-port sheet 4.2 (ECB, last paragraph) and 6.4 (general-glo-ciphering, Green Book 9.2.7). The
keys are test keys that stand in the documentation; there is nothing to protect here.
"""

from types import ModuleType

from han2x.settings.source import SourceError

ECB_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ENCRYPTION_KEY = bytes(range(0x00, 0x10))
AUTHENTICATION_KEY = bytes(range(0xD0, 0xE0))

AUTHENTICATED = 0x30
ENCRYPTED_ONLY = 0x20
_TAG = 12


def ecb(apdu: bytes) -> bytes:
    """An APDU padded with zeros to whole blocks and encrypted; raises `SourceError` without [crypto]."""
    ciphers = _ciphers()
    encryptor = ciphers.Cipher(ciphers.algorithms.AES(ECB_KEY), ciphers.modes.ECB()).encryptor()
    padded = apdu + bytes(-len(apdu) % 16)
    return bytes(encryptor.update(padded) + encryptor.finalize())


def ciphered(apdu: bytes, *, title: bytes, counter: int, control: int = AUTHENTICATED) -> bytes:
    """An APDU inside general-glo-ciphering.

    `title`: the system title, 8 octets. `counter`: the invocation counter. `control`: security control,
    `AUTHENTICATED` or `ENCRYPTED_ONLY`. Raises `SourceError` without the extra [crypto].
    """
    security = bytes((control,)) + counter.to_bytes(4, "big")
    secret = security + _gcm(apdu, title + security[1:], control)
    # Kamstrup writes the length in the long form even where one octet would do.
    return b"\xdb\x08" + title + b"\x82" + len(secret).to_bytes(2, "big") + secret


def _gcm(plain: bytes, nonce: bytes, control: int) -> bytes:
    ciphers = _ciphers()
    encryptor = ciphers.Cipher(ciphers.algorithms.AES(ENCRYPTION_KEY), ciphers.modes.GCM(nonce)).encryptor()
    if control & 0x10:
        encryptor.authenticate_additional_data(bytes((control,)) + AUTHENTICATION_KEY)
    secret = encryptor.update(plain) + encryptor.finalize()
    return bytes(secret + encryptor.tag[:_TAG] if control & 0x10 else secret)


def _ciphers() -> ModuleType:
    try:
        from cryptography.hazmat.primitives import ciphers
    except ImportError as error:
        raise SourceError("encrypted telegrams need AES: install han2x[crypto]") from error
    return ciphers
