"""Encrypted telegrams: AES-128-ECB as Kaifa's bench meters did it, and general-glo-ciphering.

Sources: han-port sheet 4.2 (ECB, last paragraph) and 6.4 (general-glo-ciphering, Green Book 9.2.7). The
keys are test keys that stand in the documentation; there is nothing to protect here.
"""

from typing import TYPE_CHECKING

from ..settings.source import SourceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, CipherContext

ECB_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ENCRYPTION_KEY = bytes(range(0x00, 0x10))
AUTHENTICATION_KEY = bytes(range(0xD0, 0xE0))

AUTHENTICATED = 0x30
ENCRYPTED_ONLY = 0x20
_TAG = 12
_NO_AES = "encrypted telegrams need AES: install han2x[crypto]"


def ecb(apdu: bytes) -> bytes:
    """An APDU padded with zeros to whole blocks and encrypted; raises `SourceError` without [crypto]."""
    encryptor = _ecb_encryptor()
    return encryptor.update(apdu + bytes(-len(apdu) % 16)) + encryptor.finalize()


def ciphered(apdu: bytes, *, title: bytes, counter: int, control: int = AUTHENTICATED) -> bytes:
    """An APDU inside general-glo-ciphering.

    `title`: the system title, 8 octets. `counter`: the invocation counter. `control`: security control,
    `AUTHENTICATED` or `ENCRYPTED_ONLY`. Raises `SourceError` without the extra [crypto].
    """
    invocation = counter.to_bytes(4, "big")
    secret = bytes((control,)) + invocation + _gcm(apdu, title + invocation, control)
    # Kamstrup writes the length in the long form even where one octet would do.
    return b"\xdb\x08" + title + b"\x82" + len(secret).to_bytes(2, "big") + secret


def _gcm(plain: bytes, nonce: bytes, control: int) -> bytes:
    encryptor = _gcm_encryptor(nonce)
    if control == ENCRYPTED_ONLY:
        return encryptor.update(plain)
    encryptor.authenticate_additional_data(bytes((control,)) + AUTHENTICATION_KEY)
    secret = encryptor.update(plain) + encryptor.finalize()
    return secret + encryptor.tag[:_TAG]


def require() -> None:
    """Raise `SourceError` where the extra [crypto] is not installed."""
    _ecb_encryptor()


def _ecb_encryptor() -> "CipherContext":
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise SourceError(_NO_AES) from error
    return Cipher(algorithms.AES(ECB_KEY), modes.ECB()).encryptor()


def _gcm_encryptor(nonce: bytes) -> "AEADEncryptionContext":
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError as error:
        raise SourceError(_NO_AES) from error
    return Cipher(algorithms.AES(ENCRYPTION_KEY), modes.GCM(nonce)).encryptor()
