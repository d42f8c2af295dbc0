"""The data-notification (wire/dlms.py): its date-time's forms, its limits, and what is none."""

from collections.abc import Mapping

import pytest

from han2x.wire.axdr import Structure
from han2x.wire.dlms import Malformed, Notification, parse, read
from han2x.wire.result import Apdu, Discarded, Framing, Kind

TIME = bytes.fromhex("07E90C0E07100002FF800000")
BODY = bytes.fromhex("0201 06000004D2")
HEAD = bytes.fromhex("0F 40000000")


def parsed(data: bytes, framing: Framing = Framing.HDLC) -> Notification | Discarded:
    """What is in a message that lies at octets 5 to 15 of its stream."""
    return parse(Apdu(data, framing, 5, 10))


@pytest.mark.parametrize(
    ("field", "sent_at"),
    [(b"\x00", b""), (b"\x0c" + TIME, TIME), (b"\x09\x0c" + TIME, TIME), (b"\x19" + TIME, TIME)],
    ids=["absent", "standard", "stray tag", "date-time tag"],
)
def test_the_forms_of_the_date_time(field: bytes, sent_at: bytes) -> None:
    """All four forms of sheet 3.1 are read, and any cut of them is told to be incomplete."""
    data = HEAD + field + BODY
    assert read(data) == (Notification(sent_at, Structure((1234,))), len(data))
    for end in range(1, len(data)):
        outcome = read(data[:end])
        assert isinstance(outcome, Malformed)
        assert outcome.incomplete


@pytest.mark.parametrize("field", ["01", "0D", "07", "0909", "090B", "FF"])
def test_other_date_times(field: str) -> None:
    """A date-time that begins otherwise is refused."""
    outcome = read(HEAD + bytes.fromhex(field) + TIME + BODY)
    assert isinstance(outcome, Malformed)
    assert not outcome.incomplete
    assert "date-time" in outcome.reason


@pytest.mark.parametrize("invoke_id", ["00000000", "40000000", "FFFFFFFF"])
def test_the_invoke_id_does_not_matter(invoke_id: str) -> None:
    """Whatever a meter sends as invoke id and priority, the body is read."""
    outcome = read(b"\x0f" + bytes.fromhex(invoke_id) + b"\x00" + BODY)
    assert not isinstance(outcome, Malformed)


def test_zeros_behind_the_body() -> None:
    """Zeros that pad a message are ignored; anything else behind the body is not."""
    assert isinstance(parsed(HEAD + b"\x00" + BODY + bytes(9)), Notification)
    assert parsed(HEAD + b"\x00" + BODY + b"\x00\x01") == Discarded(
        Kind.UNKNOWN, "octets after the end of the message", 5, 10
    )


@pytest.mark.parametrize(
    ("tag", "kind"),
    [(0x00, Kind.UNKNOWN), (0x0E, Kind.UNKNOWN), (0x10, Kind.UNKNOWN), (0xE6, Kind.UNKNOWN)]
    + [(tag, Kind.FOREIGN) for tag in (0x0C, 0xC2, 0xC4, 0xDD, 0xDF, 0xE0)],
)
def test_other_messages(tag: int, kind: Kind) -> None:
    """A message of another kind is told by its tag; one of DLMS by its name."""
    outcome = parsed(bytes((tag, 1, 2)))
    assert isinstance(outcome, Discarded)
    assert (outcome.kind, outcome.offset, outcome.length) == (kind, 5, 10)
    assert f"0x{tag:02X}" in outcome.reason


def test_no_message_at_all() -> None:
    """An empty message is refused like any other."""
    outcome = parsed(b"")
    assert isinstance(outcome, Discarded)
    assert outcome.kind is Kind.UNKNOWN


@pytest.mark.parametrize(("name", "begin"), [("KAM-L1-3-GLO", 11), ("KAM-L1-3-GLO20", 11)])
def test_general_glo_ciphering(vectors: Mapping[str, bytes], name: str, begin: int) -> None:
    """Ciphered messages are told to be encrypted, and whose keys they need."""
    outcome = parsed(vectors[name][begin:-3])
    assert isinstance(outcome, Discarded)
    assert outcome.kind is Kind.ENCRYPTED
    assert "keys" in outcome.reason


def test_the_look_of_ecb(vectors: Mapping[str, bytes]) -> None:
    """Whole AES blocks in a right HDLC frame look like an encrypted Kaifa, elsewhere like nothing known."""
    ciphered = vectors["KFM-L1-ECB"][12:-3]
    assert len(ciphered) == 32
    for data, framing, kind in (
        (ciphered, Framing.HDLC, Kind.ENCRYPTED),
        (ciphered[:-1], Framing.HDLC, Kind.UNKNOWN),
        (ciphered, Framing.APDU, Kind.UNKNOWN),
    ):
        outcome = parsed(data, framing)
        assert isinstance(outcome, Discarded)
        assert outcome.kind is kind
