"""A meter's stream (wire/stream.py): HDLC, LLC + APDU, bare APDUs, cut anywhere; and what is not believed."""

from collections.abc import Mapping
from itertools import product

import pytest

from han2x.wire.crc import check_sequence
from han2x.wire.result import Apdu, Discarded, Framing, Kind
from han2x.wire.stream import Stream

NAMES = ("KFM-L1", "AID-L1", "AID-L2-4w", "KAM-L1-3", "KAM-L2-1", "KAM-L1-3-OLD", "KAM-L1-3-GLO")


def streamed(*pieces: bytes) -> list[Apdu | Discarded]:
    """All that comes out of octets handed over in these pieces."""
    stream = Stream()
    found = [outcome for piece in pieces for outcome in stream.feed(piece)]
    return found + stream.flush()


def octet_by_octet(octets: bytes) -> list[Apdu | Discarded]:
    return streamed(*(octets[i : i + 1] for i in range(len(octets))))


def apdu(telegram: bytes) -> bytes:
    """The message in a frame that stands alone."""
    return telegram[telegram.index(b"\xe6\xe7\x00") + 3 : -3]


def test_hdlc_cut_at_every_place(hdlc_vector: bytes) -> None:
    """A telegram in frames, cut in two anywhere or octet by octet, gives what it gives whole."""
    whole = streamed(hdlc_vector)
    assert [outcome.framing for outcome in whole if isinstance(outcome, Apdu)][:1] == [Framing.HDLC]
    assert all(streamed(hdlc_vector[:cut], hdlc_vector[cut:]) == whole for cut in range(len(hdlc_vector)))
    assert octet_by_octet(hdlc_vector) == whole


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("framing", [Framing.LLC, Framing.APDU])
def test_unwrapped_cut_at_every_place(vectors: Mapping[str, bytes], name: str, framing: Framing) -> None:
    """Three messages without HDLC, one after another, are three wherever the octets are cut."""
    data = apdu(vectors[name])
    one = b"\xe6\xe7\x00" + data if framing is Framing.LLC else data
    whole = [Apdu(data, framing, offset, len(one)) for offset in range(0, 3 * len(one), len(one))]
    assert streamed(one * 3) == whole
    assert all(streamed((one * 3)[:cut], (one * 3)[cut:]) == whole for cut in range(3 * len(one)))
    assert octet_by_octet(one * 3) == whole


def test_forms_mixed(vectors: Mapping[str, bytes]) -> None:
    """Messages with and without LLC may follow each other."""
    fast, slow = apdu(vectors["KFM-L1"]), apdu(vectors["KAM-L1-3"])
    found = streamed(fast + b"\xe6\xe7\x00" + slow + fast)
    assert [outcome.framing for outcome in found if isinstance(outcome, Apdu)] == ["apdu", "llc", "apdu"]


def test_silence_completes_an_unwrapped_message(vectors: Mapping[str, bytes]) -> None:
    """A bare message is told once the line is silent, and the stream goes on being read unwrapped."""
    stream, data = Stream(), apdu(vectors["KFM-L1"])
    for place in (0, len(data)):
        assert stream.feed(data) == []
        assert stream.waiting
        assert stream.flush() == [Apdu(data, Framing.APDU, place, len(data))]
        assert not stream.waiting


@pytest.mark.parametrize("name", NAMES)
def test_an_unwrapped_message_cut_short(vectors: Mapping[str, bytes], name: str) -> None:
    """An unwrapped message that ends early is no message, and the reason says what it was."""
    data = apdu(vectors[name])
    for end in range(1, len(data)):
        found = streamed(data[:end])
        assert all(isinstance(outcome, Discarded) for outcome in found)
        assert found


def test_what_a_damaged_unwrapped_message_is_called(vectors: Mapping[str, bytes]) -> None:
    """A message without frame that breaks off is told apart from noise."""
    for octets in (apdu(vectors["KAM-L1-3"])[:100], b"\xe6\xe7\x00" + apdu(vectors["AID-L1"])[:-1]):
        (lost,) = streamed(octets)
        assert isinstance(lost, Discarded)
        assert (lost.kind, lost.offset, lost.length) == (Kind.TRUNCATED, 0, len(octets))
        assert "without HDLC frame" in lost.reason


@pytest.mark.parametrize("extra", [b"\x00", b"\x7e", b"\x0f", b"\xe6", b"\xe6\xe7", b"\x0f\x7e\x7e\xa0"])
def test_an_unwrapped_message_with_octets_behind_it(vectors: Mapping[str, bytes], extra: bytes) -> None:
    """Without a checksum a message is not believed when something stands behind it that is no message."""
    found = streamed(apdu(vectors["KFM-L1"]) + extra)
    assert not any(isinstance(outcome, Apdu) for outcome in found)


def test_hdlc_found_behind_unwrapped_damage(vectors: Mapping[str, bytes]) -> None:
    """A stream that began like a bare message turns to HDLC when it cannot be one, and loses no frame."""
    telegram = vectors["KFM-L1"]
    for begin in range(1, len(telegram)):
        found = streamed(telegram[begin:] + telegram * 2)
        places = [(outcome.framing, outcome.offset) for outcome in found if isinstance(outcome, Apdu)]
        rest = len(telegram) - begin
        assert places == [(Framing.HDLC, rest), (Framing.HDLC, rest + len(telegram))]


def test_hdlc_joined_in_the_middle_is_never_read_unwrapped(vectors: Mapping[str, bytes]) -> None:
    """A frame whose beginning is missing is not believed, even where its FCS looks like a next message."""
    head = bytearray(vectors["KFM-L1"][1:-3])
    tails: dict[int, bytes] = {}
    for power in range(0x10000):
        head[-2:] = power.to_bytes(2, "big")
        check = check_sequence(bytes(head))
        if check[0] in b"\x0f\xe6\xdb":
            tails.setdefault(check[0], bytes(head) + check + b"\x7e")
        if len(tails) == 3:
            break
    follow = vectors["KFM-L1"]
    for tail, begin, shared in product(tails.values(), (tails[0x0F].index(b"\xe6"), 11), (0, 1)):
        joined = tail[begin:]
        octets = joined + follow[shared:]
        for cut in (0, len(joined) - 3, len(joined), len(joined) + 4):
            found = [outcome for outcome in streamed(octets[:cut], octets[cut:]) if isinstance(outcome, Apdu)]
            assert [outcome.data for outcome in found] == [apdu(follow)]
            assert found[0].framing is Framing.HDLC
        assert not any(isinstance(outcome, Apdu) for outcome in streamed(joined))


def test_an_endless_unwrapped_message_is_given_up(vectors: Mapping[str, bytes]) -> None:
    """A message that claims to be far longer than any meter sends does not keep the frames behind it."""
    claim = bytes.fromhex("0F 40000000 00 09 82 FFFF")
    found = streamed(claim + bytes(5000), *[vectors["KFM-L1"]] * 3)
    assert sum(isinstance(outcome, Apdu) for outcome in found) == 3


@pytest.mark.parametrize("name", ["SEG", "GBT"])
def test_damage_between_frames_of_one_message(vectors: Mapping[str, bytes], name: str) -> None:
    """Noise between the frames of one message costs that message and no other."""
    octets = vectors[name]
    middle = octets.index(b"\x7e\x7e") + 1
    found = streamed(octets[:middle] + b"\x55" + octets[middle:] + octets)
    assert [outcome.offset for outcome in found if isinstance(outcome, Apdu)] == [len(octets) + 1]
