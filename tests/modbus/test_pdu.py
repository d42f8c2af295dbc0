"""Request PDU to response PDU, and the MBAP header, by hand-worked octets: no gateway, no sockets.

Every case names the clause of MODBUS Application Protocol V1.1b3 or the manual row it comes from. Streams and
their cuts are in test_bank.py.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.modbus import mbap
from han2x.modbus.pdu import MAX_PDU, respond

TEXTS = (b"Vendor", b"CODE", b"1.0", b"", b"Name", b"Model", b"main")


class Memory:
    """Six registers, 1 to 6; 2 and 3 take a 32-bit value from 10 to 0x0003FFFF."""

    writable: Sequence[range] = (range(2, 4),)
    identification: Sequence[bytes] = TEXTS

    def __init__(self) -> None:
        self.image = bytes.fromhex("0001 0002 0003 0004 0005 0006")

    def read(self, address: int, quantity: int) -> bytes | None:
        """Registers that all exist."""
        octets = self.image[2 * address : 2 * (address + quantity)]
        return octets if len(octets) == 2 * quantity else None

    def write(self, block: range, octets: bytes) -> bool:
        """Take a value within bounds."""
        if not 10 <= int.from_bytes(octets, "big") <= 0x0003FFFF:
            return False
        self.image = self.image[: 2 * block.start] + octets + self.image[2 * block.stop :]
        return True


UNTOUCHED = Memory().image.hex()

BASIC = "2b 0e 01 82 00 00 03 0006 56656e646f72 0104 434f4445 0203 312e30"

ANSWERS = [
    ("6.3 read", "03 0001 0002", "03 04 0002 0003"),
    ("6.3 read all", "03 0000 0006", "03 0c 0001 0002 0003 0004 0005 0006"),
    ("6.4 mirror", "04 0005 0001", "04 02 0006"),
    ("6.3 beyond the end", "03 0005 0002", "83 02"),
    ("6.3 largest quantity", "03 0000 007d", "83 02"),
    ("6.3 quantity 0, checked before the address", "03 ffff 0000", "83 03"),
    ("6.3 quantity 126", "03 0000 007e", "83 03"),
    ("6.3 end beyond 16 bits", "03 ffff 0002", "83 02"),
    ("6.3 too short", "03 0000 00", "83 03"),
    ("6.3 too long", "03 0000 0001 00", "83 03"),
    ("6.3 function alone", "03", "83 03"),
    ("6.6 read-only", "06 0001 0007", "86 02"),
    ("6.6 beyond the end", "06 0006 0007", "86 02"),
    ("6.6 too short", "06 0002 00", "86 03"),
    ("6.6 half that makes an illegal value", "06 0002 ffff", "86 03"),
    ("6.12 value below", "10 0002 0002 04 0000 0009", "90 03"),
    ("6.12 value above", "10 0002 0002 04 0004 0000", "90 03"),
    ("6.12 byte count before address", "10 fff0 0002 03 0000 0000", "90 03"),
    ("6.12 quantity 0", "10 0002 0000 00", "90 03"),
    ("6.12 one octet short", "10 0002 0002 04 0000 00", "90 03"),
    ("6.12 one octet more", "10 0002 0002 04 0000 0010 00", "90 03"),
    ("6.12 begins before the block", "10 0001 0002 04 0001 0001", "90 02"),
    ("6.12 ends after the block", "10 0003 0002 04 0001 0001", "90 02"),
    ("6.16 read-only", "16 0000 ffff 0000", "96 02"),
    ("6.16 illegal value", "16 0002 0000 ffff", "96 03"),
    ("M12 literal, byte count wrong", "16 0002 0002 03 0000 0010", "96 03"),
    ("M12 literal, illegal value", "16 0002 0002 04 0000 0000", "96 03"),
    ("6.16 eight octets are neither", "16 0002 ffff 0000 00", "96 03"),
    ("6.17 bad read range, nothing written", "17 0006 0001 0002 0002 04 0000 0010", "97 02"),
    ("6.17 bad write range", "17 0000 0001 0001 0001 02 0000", "97 02"),
    ("6.17 read quantity 0", "17 0000 0000 0002 0002 04 0000 0010", "97 03"),
    ("6.17 byte count", "17 0000 0001 0002 0002 02 0000 0010", "97 03"),
    ("6.21 basic", "2b 0e 01 00", BASIC),
    ("6.21 unknown object starts over", "2b 0e 01 55", BASIC),
    ("6.21 stream from an object", "2b 0e 02 05", "2b 0e 02 82 00 00 02 0505 4d6f64656c 0604 6d61696e"),
    ("6.21 one object", "2b 0e 04 02", "2b 0e 04 82 00 00 01 0203 312e30"),
    ("6.21 unknown object", "2b 0e 04 07", "ab 02"),
    ("6.21 read code 0", "2b 0e 00 00", "ab 03"),
    ("6.21 read code 5", "2b 0e 05 00", "ab 03"),
    ("6.21 too short", "2b 0e 01", "ab 03"),
    ("6.21 CANopen", "2b 0d 00 00", "ab 01"),
    ("6.21 function alone", "2b", "ab 03"),
    ("7 unknown function", "41 00", "c1 01"),
    ("7 function 0", "00", "80 01"),
    ("6.8 diagnostics are for serial lines", "08 0000 a537", "88 01"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "response"), [case[1:] for case in ANSWERS], ids=[c[0] for c in ANSWERS]
)
def test_answer_without_effect(request_: str, response: str) -> None:
    """Reads, identification and refusals answer to the octet and change nothing."""
    memory = Memory()
    assert respond(bytes.fromhex(request_), memory) == bytes.fromhex(response)
    assert memory.image.hex() == UNTOUCHED


WRITTEN = [
    ("6.6 high word merges", "06 0002 0001", "06 0002 0001", "0001 0004"),
    ("6.6 low word merges", "06 0003 1234", "06 0003 1234", "0003 1234"),
    ("6.12 both words", "10 0002 0002 04 0002 0001", "10 0002 0002", "0002 0001"),
    ("6.12 one word merges", "10 0003 0001 02 0009", "10 0003 0001", "0003 0009"),
    ("6.16 mask", "16 0003 00f2 0025", "16 0003 00f2 0025", "0003 0005"),
    ("M12 literal", "16 0002 0002 04 0000 000a", "16 0002 0002", "0000 000a"),
    ("6.17 read sees the write", "17 0001 0003 0002 0002 04 0000 0010", "17 06 0002 0000 0010", "0000 0010"),
]


@pytest.mark.parametrize(
    ("request_", "response", "value"), [case[1:] for case in WRITTEN], ids=[c[0] for c in WRITTEN]
)
def test_write(request_: str, response: str, value: str) -> None:
    """Every way to write takes effect and answers to the octet; a half keeps the other half (M22)."""
    memory = Memory()
    assert respond(bytes.fromhex(request_), memory) == bytes.fromhex(response)
    assert memory.image[4:8] == bytes.fromhex(value)


def test_extended_identification_is_answered_at_our_level() -> None:
    """A request for the extended stream gets the regular objects (6.21)."""
    regular, extended = (respond(bytes((0x2B, 0x0E, code, 0)), Memory()) for code in (2, 3))
    assert extended[3:] == regular[3:]
    assert regular[6] == len(TEXTS)


@given(st.binary(min_size=1, max_size=MAX_PDU))
def test_any_request_has_a_short_answer(request: bytes) -> None:
    """Any octets get an answer under their own function code, at most 253 octets long."""
    answer = respond(request, Memory())
    assert answer[0] & 0x7F == request[0] & 0x7F
    assert 2 <= len(answer) <= MAX_PDU


@given(
    st.sampled_from([3, 4, 6, 0x10, 0x16, 0x17, 0x2B]),
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 0x0E, 0xFF]), max_size=20),
)
def test_near_requests_have_a_short_answer(function: int, octets: list[int]) -> None:
    """So do octets that are nearly right."""
    assert 2 <= len(respond(bytes((function, *octets)), Memory())) <= MAX_PDU


@pytest.mark.parametrize(
    "header",
    [
        "0000 0001 0006",
        "0000 0100 0006",
        "0000 0000 0000",
        "0000 0000 0001",
        "0000 0000 00ff",
        "0000 0000 ffff",
    ],
)
def test_bad_header(header: str) -> None:
    """A protocol id other than 0 or a length outside 2 to 254 is noticed before more octets come."""
    with pytest.raises(mbap.BadHeader):
        mbap.parse(bytes.fromhex(header), 0)


def test_parse() -> None:
    """A request is taken apart, and says where the next one begins (M14)."""
    data = b"##" + bytes.fromhex("0001 0000 0006 01 03 000E 0002") + b"rest"
    assert mbap.parse(data, 2) == (b"\0\1", 1, bytes.fromhex("03000E0002"), 14)


def test_parse_waits() -> None:
    """A request that is not all there yet is none."""
    data = bytes.fromhex("0001 0000 0006 01 03 000E 0002")
    assert [mbap.parse(data[:end], 0) for end in range(12)] == [None] * 12


def test_largest_request() -> None:
    """A request of 260 octets is taken (3.1.3)."""
    adu = mbap.parse(bytes.fromhex("0001 0000 00fe 01") + bytes(253), 0)
    assert adu is not None
    assert (adu.end, len(adu.pdu)) == (mbap.MAX_ADU, MAX_PDU)
