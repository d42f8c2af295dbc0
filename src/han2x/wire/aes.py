"""AES-128 as meters use it, by the library `cryptography` (extra [crypto]); imported when a key is set."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TAG_SIZE = 12
_FIRST_BLOCK = b"\0\0\0\2"  # GCM counts its blocks from 2; 1 is for the tag


def counter_mode(key: bytes, nonce: bytes, octets: bytes) -> bytes:
    """What GCM deciphers, with nothing checked. `nonce`: 12 octets."""
    decryptor = Cipher(algorithms.AES(key), modes.CTR(nonce + _FIRST_BLOCK)).decryptor()
    return decryptor.update(octets) + decryptor.finalize()


def authentic(key: bytes, nonce: bytes, associated: bytes, octets: bytes, tag: bytes) -> bool:
    """Whether a GCM tag of 12 octets is that of the ciphertext and of what is associated with it."""
    mode = modes.GCM(nonce, tag, min_tag_length=TAG_SIZE)
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    decryptor.authenticate_additional_data(associated)
    decryptor.update(octets)
    try:
        decryptor.finalize()
    except InvalidTag:
        return False
    return True


def tag(key: bytes, nonce: bytes, associated: bytes, octets: bytes) -> bytes:
    """The first 12 octets of the GCM tag of a ciphertext and of what is associated with it."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    encryptor.update(counter_mode(key, nonce, octets))
    encryptor.finalize()
    return encryptor.tag[:TAG_SIZE]


def electronic_codebook(key: bytes, octets: bytes) -> bytes:
    """Whole blocks, each by itself."""
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return decryptor.update(octets) + decryptor.finalize()
