"""From the gateway to images and answers, and streams of requests: sessions without sockets.

The clock stands still unless a test moves it. Octets of single functions are in test_pdu.py, the figures of
the table in test_registers.py, sockets in test_tcp.py.
"""

import logging
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.modbus import mbap
from han2x.modbus.bank import MAX_ANSWERS, Banks
from han2x.modbus.session import Session
from han2x.model.instant import ZERO, Instant
from han2x.model.quantity import Quantity
from han2x.model.state import Snapshot
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Meter, Settings

POWER = "0001 0000 0006 01 03 0000 0002"
SCALE = "0002 0000 0006 01 03 0030 0002"


class House:
    """A gateway with a clock that is moved by hand, and a client's session with it."""

    def __init__(self, *meters: Meter, writable: bool = True) -> None:
        self.instant = ZERO
        self.gateway = Gateway(Settings(meters=meters or (Meter(),)), clock=self._now)
        self.banks = Banks(self.gateway, writable=writable)
        self.session = Session(self.banks, "10.0.0.7:40000")

    def _now(self) -> Instant:
        return self.instant

    def show(self, watts: int, meter: str = "main") -> None:
        """Make a snapshot with this import the newest."""
        self.gateway.snapshot(meter).set(Snapshot(values={Quantity.ACT_POW_POS: watts}))

    def ask(self, request: str) -> str:
        """The answer to octets, both hexadecimal, in as many turns as it takes."""
        return "".join(octets.hex() for octets in turns(self.session, bytes.fromhex(request)))


def turns(session: Session, octets: bytes) -> list[bytes]:
    """The answers of each turn."""
    answers = [session.feed(octets)]
    while session.pending:
        answers.append(session.feed(b""))
    return answers


def octets(text: str) -> str:
    """Hexadecimal without the blanks that make it readable."""
    return text.replace(" ", "")


def test_example_of_the_manual() -> None:
    """The manual's request gets the manual's answer: 239.0 V (M14)."""
    house = House()
    house.gateway.snapshot("main").set(Snapshot(values={Quantity.VOLT_L1: 239_000}))
    for _ in range(2):
        assert house.ask("0001 0000 0006 01 03 000E 0002") == octets("0001 0000 0007 01 03 04 0000 0956")


def test_new_snapshot_is_seen() -> None:
    """The read after a telegram shows it, also when the same read was answered a moment ago."""
    house = House()
    house.show(5)
    first = house.ask(POWER)
    house.show(6)
    assert (first[-8:], house.ask(POWER)[-8:]) == ("00000005", "00000006")


def test_new_settings_are_seen() -> None:
    """A scale factor set elsewhere is in the next answer, values and factor alike."""
    house = House()
    house.show(5)
    house.ask(POWER)
    house.gateway.amend({"meters.0.scale": 2000})
    assert house.ask(POWER + SCALE)[-8:] == "000007d0"
    assert house.ask(POWER)[-8:] == "0000000a"


def test_what_changes_by_itself_is_seen_after_a_second() -> None:
    """Uptime stands still until the server's second, and is right after it (M21)."""
    house = House()
    uptime = "0001 0000 0006 01 03 002F 0001"
    house.ask(uptime)
    house.instant = ZERO.plus_ms(7_200_000)
    before = house.ask(uptime)
    house.banks.forget()
    assert (before[-4:], house.ask(uptime)[-4:]) == ("0000", "0002")


def test_answers_are_kept_and_bounded() -> None:
    """A read is answered from memory the second time, and memory does not grow without end."""
    house = House(*(Meter(name=f"m{n}", unit_id=n) for n in (1, 2)))
    house.ask(POWER)
    assert list(house.banks.answers) == [bytes.fromhex(POWER)[2:]]
    for unit in (0, 1, 2, 255):
        for start in range(51):
            for quantity in range(1, 52 - start):
                house.ask(f"0001 0000 0006 {unit:02x} 03 {start:04x} {quantity:04x}")
    assert len(house.banks.answers) == MAX_ANSWERS


def test_only_good_reads_are_kept() -> None:
    """Refusals and writes are worked out each time."""
    house = House()
    for request in (
        "0001 0000 0006 01 03 0033 0001",
        "0001 0000 0006 01 06 0031 0400",
        "0001 0000 0006 09 03 0000 0001",
    ):
        house.ask(request)
    assert house.banks.answers == {}


def test_unit_ids() -> None:
    """Units 0 and 255 are the first meter, others are their own, unknown ones get 0B (M17)."""
    house = House(Meter(name="a", unit_id=5), Meter(name="b", unit_id=7))
    house.show(1, "a")
    house.show(2, "b")
    answers = [house.ask(f"0001 0000 0006 {unit:02x} 03 0001 0001")[14:] for unit in (0, 5, 255, 7, 1)]
    assert answers == ["03020001"] * 3 + ["03020002", "830b"]


def test_write_sets_the_scale_of_its_meter(caplog: pytest.LogCaptureFixture) -> None:
    """A write changes the scale setting of the meter that was addressed, and leaves one line in the log."""
    house = House(Meter(name="a", unit_id=1), Meter(name="b", unit_id=2))
    with caplog.at_level(logging.INFO, "han2x.modbus"):
        house.ask("0001 0000 000b 02 10 0030 0002 04 0000 0FA0")
    assert [meter.scale for meter in house.gateway.settings.value.meters] == [1000, 4000]
    assert caplog.messages == ["10.0.0.7:40000 set scale of meter b from 1000 to 4000"]


@pytest.mark.parametrize("address", ["002C", "0030"])
def test_both_addresses_write(address: str) -> None:
    """The scale can be written and read at the table's address and at the text's (M22)."""
    house = House()
    house.ask(f"0001 0000 000b 01 10 {address} 0002 04 075B CD15")
    assert house.ask("0001 0000 0006 01 03 002C 0002")[-8:] == "075bcd15"
    assert house.ask("0001 0000 0006 01 03 0030 0002")[-8:] == "075bcd15"


@pytest.mark.parametrize(
    ("value", "accepted"),
    [(0, False), (9, False), (10, True), (999_999_999, True), (1_000_000_000, False), (0xFFFFFFFF, False)],
)
def test_bounds_of_the_scale(value: int, accepted: bool) -> None:
    """10 to 999999999 is taken; anything else is exception 03 and changes nothing (M22)."""
    house = House()
    answer = house.ask(f"0001 0000 000b 01 10 0030 0002 04 {value:08x}")
    assert answer[14:] == ("1000300002" if accepted else "9003")
    assert house.gateway.settings.value.meters[0].scale == (value if accepted else 1000)


def test_two_single_writes() -> None:
    """Two single writes set the scale, each leaving a legal value (M22)."""
    house = House()
    house.ask("0001 0000 0006 01 06 0030 0001")
    house.ask("0001 0000 0006 01 06 0031 86A0")
    assert house.gateway.settings.value.meters[0].scale == 100_000


def test_writes_off() -> None:
    """With writes off the scale registers are as read-only as the others: exception 02."""
    house = House(writable=False)
    assert house.ask("0001 0000 0006 01 06 0031 0400")[14:] == "8602"
    assert house.gateway.settings.value.meters[0].scale == 1000


def test_a_turn_ends_with_a_write() -> None:
    """Requests after a write wait for another turn, and are then answered in order and see the write."""
    house = House()
    write = "0003 0000 0006 01 06 0031 0400"
    answers = turns(house.session, bytes.fromhex(SCALE + write + SCALE + write))
    assert [len(answer) for answer in answers] == [13 + 12, 13 + 12]
    assert answers[1][9:13].hex() == "00000400"


def test_bad_header_ends_the_session() -> None:
    """What came before a bad header is answered; nothing after it is."""
    house = House()
    assert len(house.ask(POWER + "0001 0001 0006 01 03 0000 0002" + POWER)) == 2 * 13
    assert house.session.broken


def test_counters() -> None:
    """A session counts its requests and its exceptions."""
    house = House()
    house.ask(POWER * 5 + "0001 0000 0002 01 41" + SCALE)
    assert (house.session.requests, house.session.exceptions) == (7, 1)


def test_close_stops_following() -> None:
    """A server that has ended leaves nothing behind in the gateway's cells."""
    house = House()
    house.banks.close()
    house.banks.answers[b"mark"] = b"still here"
    house.show(5)
    house.gateway.amend({"meters.0.scale": 2000})
    assert house.banks.answers


REQUESTS = [
    POWER,
    SCALE,
    "0003 0000 0006 01 04 0000 0033",
    "0004 0000 0006 01 03 0000 0034",
    "0005 0000 000b 01 10 0030 0002 04 0000 2710",
    "0006 0000 0006 01 06 0031 4E20",
    "0007 0000 0008 01 16 0031 00FF 0100",
    "0008 0000 000f 01 17 0030 0002 0030 0002 04 0001 0001",
    "0009 0000 0005 01 2b 0e 01 00",
    "000a 0000 0006 63 03 0000 0001",
    "000b 0000 0002 ff 41",
]


@given(requests=st.lists(st.sampled_from(REQUESTS), max_size=12), data=st.data())
def test_stream_cut_anywhere(requests: list[str], data: st.DataObject) -> None:
    """However a stream is cut, the answers are the same as to one request at a time."""
    stream = bytes.fromhex("".join(requests))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    alone, cut = House(), House()
    expected = "".join(alone.ask(request) for request in requests)
    assert "".join(cut.ask(stream[a:b].hex()) for a, b in pairwise([0, *cuts, len(stream)])) == expected


@given(
    pieces=st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([bytes.fromhex(r) for r in REQUESTS])))
)
def test_any_octets(pieces: list[bytes]) -> None:
    """Whatever comes, nothing is raised, no answer is too long, and little is kept back."""
    house = House()
    for piece in pieces:
        if house.session.broken:
            break
        for answer in turns(house.session, piece):
            check_answers(answer)
        assert house.session.broken or len(house.session.rest) < mbap.MAX_ADU


def check_answers(octets: bytes) -> None:
    """Whole answers only, each with a good header."""
    at = 0
    while at < len(octets):
        adu = mbap.parse(octets, at)
        assert adu is not None
        at = adu.end
