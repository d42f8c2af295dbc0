"""Recordings without numbers: what is told of the house stays, who it is goes, and checksums are right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.intake.anonymous import PUBLIC, anonymised
from han2x.model.reading import Reading
from han2x.simulator.cipher import AUTHENTICATION_KEY, ENCRYPTED_ONLY, ENCRYPTION_KEY, ciphered
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.cipher import Keys
from han2x.wire.result import Apdu
from han2x.wire.stream import Stream

from ..conftest import VECTORS, mbus_frames, p1_text
from ..sml_telegrams import EMH, ISK, dtz541, ehz, entry, mt175, telegram, text, unsigned

KEYS = Keys(ENCRYPTION_KEY, AUTHENTICATION_KEY)
SALT = b"a salt that is always the same"
TITLE = b"KAM\x45\x01\0\0\x11"
SECRET = b"4530303034303030303030303030303031"
P1 = p1_text({"0-0:96.1.1": SECRET.decode(), "1.7.0": "0001.234*kW", "1.8.0": "000012345*Wh"})
NUMBERS = {
    "AID-L3-4w": b"7359990000000017",
    "KFM-L3-H3E": b"6970631400000017",
    "KAM-L2-3": b"5706567200000017",
    "KAM-L1-1": b"5706567200000017",
    "SEG": b"5706567200000017",
    "GBT": b"5706567200000017",
    "EMB-L2": b"00000017",
}


def read(octets: bytes, manner: Manner) -> list[Reading]:
    keyring = manner.keyring()
    stream, decoder = Stream(keyring), Decoder(keyring, manner)
    found = [*stream.feed(octets), *stream.flush()]
    outcomes = [decoder.decode(item) for item in found if isinstance(item, Apdu)]
    assert all(isinstance(outcome, Reading) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, Reading)]


CASES = [("raw", name) for name in NUMBERS]
CASES += [("hex", name) for name in NUMBERS if name not in ("SEG", "GBT")]  # several frames, a line each


@pytest.mark.parametrize(("form", "name"), CASES)
def test_a_plain_telegram(form: str, name: str) -> None:
    """Another number of the same length, the same values, right checksums."""
    octets = VECTORS[name]
    if form == "hex":
        octets = octets.hex(" ").encode()
    clean = anonymised(octets, Manner(), SALT)
    (before,), (after,) = read(octets, Manner()), read(clean.octets, Manner())
    assert len(clean.octets) == len(octets)
    assert after.values == before.values
    assert after.identity.meter_id != before.identity.meter_id
    assert len(after.identity.meter_id or "") == len(NUMBERS[name])
    assert NUMBERS[name] not in clean.octets
    assert not clean.notes


def test_p1_text() -> None:
    """The number and the ident line of P1 text are replaced, and its check sum is right again."""
    clean = anonymised(P1 + P1, Manner(), SALT)
    (before, _), (after, again) = read(P1 + P1, Manner()), read(clean.octets, Manner())
    assert (after.values, after) == (before.values, again)
    assert SECRET not in clean.octets
    assert b"HAN00000017" not in clean.octets


@pytest.mark.parametrize("manner", [Manner(KEYS), Manner(Keys(ENCRYPTION_KEY))], ids=["both keys", "one key"])
def test_encrypted_with_its_keys(manner: Manner) -> None:
    """Telegrams are opened, cleaned and encrypted anew, so that they can be read with the public keys."""
    octets = VECTORS["KAM-L1-3-GLO"] + ciphered(P1, title=TITLE, counter=0x50)
    octets += mbus_frames(
        ciphered(VECTORS["KFM-L2-1"][12:-3], title=TITLE, counter=0x51, control=ENCRYPTED_ONLY), size=50
    )
    clean = anonymised(octets, manner, SALT)
    before, after = read(octets, manner), read(clean.octets, Manner(PUBLIC))
    assert [reading.values for reading in after] == [reading.values for reading in before]
    assert len(before) == 3
    assert TITLE not in clean.octets
    for old, new in zip(before, after, strict=True):
        assert old.identity.meter_id != new.identity.meter_id
        assert not new.notes


def test_encrypted_without_keys() -> None:
    """The title is replaced, the frame is right again, and it is said that nobody can open it."""
    clean = anonymised(VECTORS["KAM-L1-3-GLO"], Manner(), SALT)
    assert TITLE not in clean.octets
    (item,) = Stream().feed(clean.octets)
    assert isinstance(item, Apdu)
    assert clean.notes == {"encrypted telegrams without keys: cannot be deciphered any more": 1}


def test_damaged_telegrams_are_cleaned_too() -> None:
    """A number in a telegram with a wrong checksum, or in none at all, is replaced by the same digits."""
    good = VECTORS["KFM-L3-H3E"]
    bad = good[:100] + b"\xff" + good[101:]
    clean = anonymised(good + bad + good[33:90], Manner(), SALT)
    assert NUMBERS["KFM-L3-H3E"] not in clean.octets
    replaced = (read(clean.octets[: len(good)], Manner())[0].identity.meter_id or "").encode()
    assert clean.octets.count(replaced) == 3
    assert clean.notes


@given(st.binary(max_size=600), st.sampled_from(sorted(NUMBERS)))
def test_any_octets(noise: bytes, name: str) -> None:
    """Whatever was recorded: as many octets come out, and the number is not among them."""
    octets = noise + VECTORS[name] + noise
    clean = anonymised(octets, Manner(), SALT)
    assert len(clean.octets) == len(octets)
    assert NUMBERS[name] not in clean.octets


OLD_ID = bytes.fromhex("06484147010203040506")
ENERGY = entry("1-0:1.8.0", unsigned(5), 30)
SML = (
    (ehz(5364), EMH[6:]),
    (mt175(), ISK[6:]),
    (dtz541(), b"\x00\x12\xd6\x87"),
    (telegram((ENERGY,), OLD_ID), OLD_ID[5:]),
    (telegram((ENERGY, entry("1-0:0.0.0", text(b"1EMH0012345678"))), EMH), b"12345678"),
)  # fmt: skip


@pytest.mark.parametrize(("octets", "number"), SML)
def test_an_sml_telegram(octets: bytes, number: bytes) -> None:
    """The number, its text and the key of the meter are others; the maker and the values stay."""
    clean = anonymised(octets, Manner(), SALT)
    (before,), (after,) = read(octets, Manner()), read(clean.octets, Manner())
    assert len(clean.octets) == len(octets)
    assert (after.values, after.vendor) == (before.values, before.vendor)
    assert number in octets
    assert number not in clean.octets
    assert bytes(range(48)) not in clean.octets
    assert after.identity.meter_id != before.identity.meter_id


def test_a_damaged_sml_telegram() -> None:
    """Nobody can read it, and it tells no number either."""
    clean = anonymised(ehz(5364)[:-30], Manner(), SALT)
    assert EMH[6:] not in clean.octets
    assert bytes(range(48)) not in clean.octets
