"""Encrypted messages (wire/cipher.py): the standard's own example, and what is refused.

The example is that of the Green Book, 9.2.7.2.4.7, as the han-port sheet 6.4 has it; the other messages are
the sheet's appendix A, made with an independent encoder.
"""

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from han2x.model.reading import Reading
from han2x.simulator.cipher import AUTHENTICATION_KEY, ECB_KEY, ENCRYPTION_KEY, ciphered
from han2x.simulator.encode import hdlc
from han2x.vendors.decoder import Decoder
from han2x.wire import aes
from han2x.wire.cipher import NOT_AUTHENTICATED, Keyring, Keys, Opened, sealed
from han2x.wire.dlms import Malformed
from han2x.wire.result import Apdu, Discarded, Framing
from han2x.wire.stream import Stream

from ..conftest import p1_text

EK, AK = bytes.fromhex("000102030405060708090A0B0C0D0E0F"), bytes.fromhex("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF")
TITLE, COUNTER = bytes.fromhex("4D4D4D0000BC614E"), 0x01234567
PLAIN = bytes.fromhex("C0010000080000010000FF0200")
SECRET, TAG = bytes.fromhex("411312FF935A47566827C467BC"), bytes.fromhex("7D825C3BE4A77C3FCC056B6B")
BOTH = Keys(ENCRYPTION_KEY, AUTHENTICATION_KEY)


def test_the_standards_example() -> None:
    """Ciphertext and tag of the Green Book's example are opened, and made."""
    nonce = TITLE + COUNTER.to_bytes(4, "big")
    assert aes.counter_mode(EK, nonce, SECRET) == PLAIN
    assert aes.authentic(EK, nonce, b"\x30" + AK, SECRET, TAG)
    assert aes.tag(EK, nonce, b"\x30" + AK, SECRET) == TAG
    assert not aes.authentic(EK, nonce, b"\x30" + AK, SECRET[:-1] + b"\0", TAG)


def outcomes(
    octets: bytes, keys: Keys | None, *, keyring: Keyring | None = None
) -> list[Reading | Discarded]:
    keyring = keyring or (Keyring(keys) if keys else None)
    stream, decoder = Stream(keyring), Decoder(keyring)
    items = [*stream.feed(octets), *stream.flush()]
    return [decoder.decode(item) if isinstance(item, Apdu) else item for item in items]


@pytest.mark.parametrize(
    ("name", "plain", "keys"),
    [
        ("KAM-L1-3-GLO", "KAM-L1-3", BOTH),
        ("KAM-L1-3-GLO20", "KAM-L1-3", BOTH),
        ("KAM-L1-3-GLO20", "KAM-L1-3", Keys(ENCRYPTION_KEY)),
        ("MBUS", "KAM-L2-3", Keys(ENCRYPTION_KEY)),
        ("KFM-L1-ECB", "KFM-L1", Keys(ECB_KEY)),
    ],
)
def test_the_reading_is_that_of_the_plain_telegram(
    vectors: Mapping[str, bytes], name: str, plain: str, keys: Keys
) -> None:
    """Whatever a telegram was encrypted in, it says the same."""
    assert outcomes(vectors[name], keys) == outcomes(vectors[plain], None)


def test_without_the_authentication_key(vectors: Mapping[str, bytes]) -> None:
    """It is read, and said that the tag was not checked."""
    (reading,) = outcomes(vectors["KAM-L1-3-GLO"], Keys(ENCRYPTION_KEY))
    assert isinstance(reading, Reading)
    assert reading.notes == (NOT_AUTHENTICATED,)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (None, "keys"),
        (Keys(bytes(16)), "another key"),
        (Keys(bytes(16), AUTHENTICATION_KEY), "another key"),
        (Keys(ENCRYPTION_KEY, bytes(16)), "authentication tag is wrong"),
    ],
)
def test_wrong_keys(vectors: Mapping[str, bytes], keys: Keys | None, words: str) -> None:
    """A telegram that does not open is called encrypted, and why it does not."""
    (outcome,) = outcomes(vectors["KAM-L1-3-GLO"], keys)
    assert isinstance(outcome, Discarded)
    assert outcome.kind == "encrypted"
    assert words in outcome.reason


def test_what_was_sent_before_is_refused(vectors: Mapping[str, bytes]) -> None:
    """The same invocation counter again, or a lower one, gives nothing; another meter has its own."""
    notification = vectors["KAM-L1-3"][11:-3]
    ring = Keyring(BOTH)

    def sent(counter: int, title: bytes = b"KAM\1\2\3\4\5") -> bool:
        message = ciphered(notification, title=title, counter=counter)
        apdu = Apdu(message, Framing.HDLC, 0, len(message))
        return isinstance(Decoder(ring).decode(apdu), Reading)

    assert [sent(counter) for counter in (7, 7, 6, 8, 8, 0x80000000, 9)] == [
        True,
        False,
        False,
        True,
        False,
        True,
        False,
    ]
    assert sent(1, b"KAM\1\2\3\4\6")
    assert not sent(0x80000000)


def test_only_readable_messages_move_the_counter(vectors: Mapping[str, bytes]) -> None:
    """A message that does not open, or is no list, keeps nothing from being read later."""
    ring = Keyring(BOTH)
    title = b"KAM\1\2\3\4\5"
    unknown = bytes.fromhex("0F00000000000203120001120002120003")  # no list of any vendor
    far = ciphered(unknown, title=title, counter=0xFFFFFFFF)
    near = ciphered(vectors["KAM-L1-3"][11:-3], title=title, counter=1)
    forged = far[:-1] + bytes((far[-1] ^ 1,))
    for message in (far, forged):
        assert isinstance(Decoder(ring).decode(Apdu(message, Framing.HDLC, 0, len(message))), Discarded)
    assert isinstance(Decoder(ring).decode(Apdu(near, Framing.HDLC, 0, len(near))), Reading)


def test_many_titles_do_not_grow_it(vectors: Mapping[str, bytes]) -> None:
    """A thousand meters on one line are read, and a few remembered."""
    ring = Keyring(BOTH)
    decoder = Decoder(ring)
    for number in range(1000):
        title = b"KAM" + number.to_bytes(5, "big")
        message = ciphered(vectors["KAM-L1-3"][11:-3], title=title, counter=1)
        assert isinstance(decoder.decode(Apdu(message, Framing.HDLC, 0, len(message))), Reading)
    assert len(ring._counters) <= 16


@pytest.mark.parametrize("cut", range(1, 40))
def test_any_cut(cut: int) -> None:
    """A message that ends early is malformed, never an error."""
    message = ciphered(b"\x0f" + bytes(20), title=TITLE, counter=1)
    assert isinstance(sealed(message[:cut]), Malformed)
    assert isinstance(Keyring(BOTH).open(message[:cut]), Malformed)
    assert isinstance(Keyring(BOTH).open(message), Opened)
    assert isinstance(Keyring(BOTH).open(message + b"\0"), Malformed)


def test_encrypted_p1_text() -> None:
    """P1 text in an encrypted message without a frame is read, and damage costs only its own message."""
    texts = [p1_text({"1.7.0": f"0001.23{n}*kW"}) for n in range(3)]
    messages = [ciphered(text, title=TITLE, counter=n + 1) for n, text in enumerate(texts)]
    octets = b"\0noise" + messages[0] + messages[1][:50] + messages[2]
    for keys in (BOTH, Keys(ENCRYPTION_KEY)):
        found = [o for o in outcomes(octets, keys) if isinstance(o, Reading)]
        assert [dict(reading.values) for reading in found] == [{"act_pow_pos": 1230}, {"act_pow_pos": 1232}]
    assert {o.kind for o in outcomes(octets, None) if isinstance(o, Discarded)} >= {"encrypted"}


@pytest.mark.parametrize("size", [1, 50, 1000])
def test_encrypted_p1_text_is_read_at_once(size: int) -> None:
    """A message that the keys prove does not wait for the next one, from the first on."""
    keyring = Keyring(BOTH)
    stream, decoder = Stream(keyring), Decoder(keyring)
    for counter in range(1, 4):
        message = ciphered(p1_text({"1.7.0": f"{counter}*W"}), title=TITLE, counter=counter)
        pieces = [message[first : first + size] for first in range(0, len(message), size)]
        (item,) = [item for piece in pieces for item in stream.feed(piece)]
        assert isinstance(item, Apdu)
        assert item.framing is Framing.P1
        assert isinstance(decoder.decode(item), Reading)


def test_ecb_that_begins_like_something_else(vectors: Mapping[str, bytes]) -> None:
    """What AES-ECB makes of a telegram may begin like another message; it is read all the same."""
    plain = vectors["KFM-L1"][12:-3]
    begun = set[int]()
    for number in range(4000):
        key = number.to_bytes(16, "big")
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        secret = encryptor.update(plain + bytes(-len(plain) % 16))
        if secret[0] in (0x0F, 0xDB, 0xE0) and secret[0] not in begun:
            begun.add(secret[0])
            (reading,) = outcomes(hdlc(bytes.fromhex("01020110"), b"\xe6\xe7\0" + secret), Keys(key))
            assert isinstance(reading, Reading)
            assert dict(reading.values) == {"act_pow_pos": 1234}
    assert begun == {0x0F, 0xDB, 0xE0}
