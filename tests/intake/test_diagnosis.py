"""What is wrong with a line: bytes of each kind through the pipeline, and the verdict a person reads (M5).

The bytes are the synthetic telegrams of `tests/simulator/vectors.txt` and the simulator's.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from han2x.intake.diagnosis import RECENT_MS, Way, diagnose
from han2x.intake.pipeline import Pipeline
from han2x.model.diagnosis import Diagnosis, Verdict
from han2x.settings.source import SimulatedSource
from han2x.simulator.meter import telegrams

from ..conftest import mbus_frames, p1_text
from ..sml_telegrams import ehz, mt175

VECTORS = {
    name: bytes.fromhex(octets)
    for line in (Path(__file__).parents[1] / "simulator" / "vectors.txt").read_text().splitlines()
    if not line.startswith("#") and line
    for name, octets in [line.split()]
}
START = datetime(2025, 12, 14, 15, tzinfo=UTC)


def simulated(vendor: str, *faults: str, count: int = 60) -> list[bytes]:
    source = SimulatedSource(vendor, faults=faults)
    return [telegram.data for telegram in islice(telegrams(source, START), count)]


def damaged(telegram: bytes) -> bytes:
    """With a bit that is wrong in the middle."""
    middle = len(telegram) // 2
    return telegram[:middle] + bytes((telegram[middle] ^ 0x10,)) + telegram[middle + 1 :]


def heard(pieces: list[bytes], *, period_ms: int = 2000) -> tuple[Pipeline, int]:
    """A serial line that brings a piece each period, with silence after each; and the time it is then."""
    pipeline, now_ms = Pipeline(), 0
    for piece in pieces:
        now_ms += period_ms
        pipeline.feed(piece, now_ms)
        pipeline.flush(now_ms + 500)
    return pipeline, now_ms + 500


def found(pieces: list[bytes], *, later_ms: int = 0) -> Diagnosis:
    pipeline, now_ms = heard(pieces)
    return diagnose(pipeline.tally, mono_ms=now_ms + later_ms, since_ms=0)


def inverted(octets: bytes) -> bytes:
    """What a UART at 8N1 reads of back-to-back octets when the line is upside down."""
    return bytes(((~octet & 0x7F) << 1) | 1 for octet in octets)


NOISE = [Random(piece).randbytes(200) for piece in range(300)]
P1 = [b"/ISk5\\2MT382-1003\r\n\r\n1-0:1.7.0(01.193*kW)\r\n!1234\r\n"] * 3
CASES: dict[str, tuple[Callable[[], list[bytes]], Verdict]] = {
    "good telegrams": (lambda: simulated("kaifa"), Verdict.GOOD),
    "one good among noise": (lambda: [*NOISE, VECTORS["AID-L1"]], Verdict.GOOD),
    "good telegrams and single bits": (lambda: simulated("aidon", "flip-bit"), Verdict.GOOD),
    "tails lost": (lambda: simulated("aidon", "drop-tail"), Verdict.WEAK),
    "tails of zeros": (lambda: simulated("aidon", "zero-tail"), Verdict.WEAK),
    "encrypted with GCM": (lambda: simulated("kamstrup", "encrypted"), Verdict.ENCRYPTED),
    "encrypted with ECB": (lambda: simulated("kaifa", "ecb"), Verdict.ENCRYPTED),
    "P1 with wrong check sums": (lambda: P1, Verdict.DAMAGED),
    "P1": (lambda: [p1_text({"1.7.0": "01.193*kW"})] * 3, Verdict.GOOD),
    "P1 without check sums": (
        lambda: [p1_text({"1.7.0": "01.193*kW"}, checked=False)] * 3,
        Verdict.UNCHECKED,
    ),
    "P1 upside down": (lambda: [inverted(p1_text({"1.7.0": "01.193*kW"}) * 2)] * 3, Verdict.INVERTED),
    "encrypted wired M-Bus": (lambda: [mbus_frames(b"\xdb\x08KAM12345\x06\x20\0\0\0\1x")], Verdict.ENCRYPTED),
    "wrong checksums": (lambda: [damaged(VECTORS["AID-L2-3w"])] * 3, Verdict.DAMAGED),
    "one wrong checksum": (lambda: [damaged(VECTORS["AID-L1"])], Verdict.DAMAGED),
    "cut telegrams": (lambda: [VECTORS["AID-L2-3w"][:100]] * 3, Verdict.DAMAGED),
    "CR LF for LF": (lambda: simulated("aidon", "crlf", count=1), Verdict.DAMAGED),
    "noise": (lambda: NOISE, Verdict.NO_FRAMES),
    "noise and damaged frames": (lambda: [*NOISE[:3], *[damaged(VECTORS["AID-L2-3w"])] * 3], Verdict.DAMAGED),
    "zeros": (lambda: [bytes(100)] * 30, Verdict.NO_FRAMES),
    "a Kamstrup read with parity": (
        lambda: [bytes.fromhex("7E132B0F1EE6D2A248") + NOISE[0]] * 3,
        Verdict.NO_FRAMES,
    ),
    "nothing": (lambda: [], Verdict.WAITING),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_line_has_its_verdict(case: str) -> None:
    """What comes in decides what is said of the line."""
    pieces, verdict = CASES[case]
    assert found(pieces()).verdict is verdict


@pytest.mark.parametrize("case", CASES)
def test_each_verdict_tells_what_was_seen_and_what_to_do(case: str) -> None:
    """A diagnosis is a headline, figures, and the next step in whole sentences."""
    diagnosis = found(CASES[case][0]())
    assert diagnosis.headline
    assert not diagnosis.headline.endswith(".")
    assert diagnosis.seen
    assert diagnosis.next_step.endswith(".")


def unknown_list() -> bytes:
    """A whole frame whose list no table explains."""
    from han2x.simulator.encode import LLC, hdlc

    return hdlc(bytes.fromhex("41088313"), LLC + bytes.fromhex("0F40000000000203120001120002120003"))


def test_a_list_that_no_table_explains() -> None:
    """Right checksums and an unknown list ask for a recording."""
    assert found([unknown_list()] * 2).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("heard_ms", "verdict"), [(0, Verdict.WAITING), (29_999, Verdict.WAITING), (30_000, Verdict.SILENT)]
)
def test_silence_is_judged_after_three_periods(heard_ms: int, verdict: Verdict) -> None:
    """Before half a minute it is too early to say that nothing comes."""
    diagnosis = diagnose(Pipeline().tally, mono_ms=5000 + heard_ms, since_ms=5000)
    assert diagnosis.verdict is verdict
    assert diagnosis.seen == "nothing received at all"


def test_a_line_that_fell_silent() -> None:
    """A minute after the last good telegram the line is silent, and it is said how long."""
    pieces = [VECTORS["AID-L1"]] * 3
    assert found(pieces, later_ms=RECENT_MS - 500).verdict is Verdict.GOOD
    silent = found(pieces, later_ms=RECENT_MS + 1)
    assert silent.verdict is Verdict.SILENT
    assert silent.seen == "132 octets, the last 60 s ago, 3 good telegrams"


def test_damage_is_forgotten_after_a_minute() -> None:
    """What was wrong a minute ago does not decide what is said now."""
    assert found([damaged(VECTORS["AID-L1"])], later_ms=RECENT_MS + 1).verdict is Verdict.SILENT


def test_the_figures_name_each_kind_and_the_last_reason() -> None:
    """Counts by kind, and why the last one was refused."""
    seen = found([damaged(VECTORS["AID-L1"]), *P1[:1], damaged(VECTORS["AID-L1"])]).seen
    assert seen.startswith(f"{88 + len(P1[0])} octets, the last 0 s ago, 0 good telegrams, 3 checksum (")
    assert seen.endswith("is wrong)")


def test_a_good_line_does_not_complain() -> None:
    """While telegrams are good the last damage is counted, but not dwelt on."""
    assert found([damaged(VECTORS["AID-L1"]), VECTORS["AID-L1"]]).seen == (
        "88 octets, the last 0 s ago, 1 good telegrams, 1 checksum"
    )


def parted(octets: bytes, parity: int) -> list[bytes]:
    """Of octets those with such a parity: the others are lost where a parity bit is read as the stop bit."""
    return [bytes(octet for octet in octets if octet.bit_count() % 2 == parity)]


def with_even_parity(text: bytes) -> bytes:
    """Seven-bit text as it is read at 8N1 from a line at 7E1."""
    return bytes(octet | (octet.bit_count() & 1) << 7 for octet in text)


MODBUS = [bytes.fromhex("010300000002c40b"), bytes.fromhex("010304006b0003cbee")]
SEALED_TEXT = b"/EGM5G35\r\n\r\n\x00\x82\x02\x30\x30\0\0\0\0" + Random(1).randbytes(500) + b"!FE0C\r\n"
NOISE_ONLY = (Verdict.NO_FRAMES, Verdict.NO_FRAMES_BRIDGE, Verdict.NO_FRAMES_FEED)
BODY = (
    bytes.fromhex("0219")
    + b"\x0a\x0eKamstrup_V0001"
    + bytes.fromhex("09060101000005FF0A10")
    + b"5706567200000001"
)
ARRAY = bytes.fromhex("01030203090601000107 00FF 06000004D2 02020F00161B")


def mbus(content: str) -> bytes:
    """A long frame of M-Bus (EN 13757-2)."""
    octets = bytes.fromhex(content)
    size = bytes((len(octets),))
    return b"\x68" + 2 * size + b"\x68" + octets + bytes((sum(octets) & 0xFF, 0x16))


WATER = mbus("08 05 72 78563412 2423 40 07 55 00 0000 0C13 45674523 02FD17 0000")
HEAT = mbus("08 10 72 44332211 2D2C 34 04 0A 00 0000 0406 11000000 0414 22000000")


def framed(message: str) -> bytes:
    """A message of DLMS in a frame with right checksums."""
    from han2x.simulator.encode import LLC, hdlc

    return hdlc(bytes.fromhex("41088313"), LLC + bytes.fromhex(message))


OTHERS: dict[str, tuple[list[bytes], tuple[Verdict, Verdict, Verdict]]] = {
    "8E1 at 8N1": (
        parted(VECTORS["AID-L2-3w"], 1) * 3,
        (Verdict.PARITY_8E1, Verdict.PARITY_8E1, Verdict.NO_FRAMES_FEED),
    ),
    "7E1 at 8N1": (
        [with_even_parity(p1_text({"1.7.0": "01.193*kW"}))] * 3,
        (Verdict.PARITY_7E1, Verdict.PARITY_7E1, Verdict.NO_FRAMES_FEED),
    ),
    "P1 header": (
        [b"/ISK5\\2MT382\r\n\r\n"] * 3,
        (Verdict.P1_HEADER, Verdict.P1_HEADER, Verdict.DAMAGED_FEED),
    ),
    "P1 headers in one": (
        [b"/ISK5\\2MT382\r\n" * 3],
        (Verdict.P1_HEADER, Verdict.P1_HEADER, Verdict.DAMAGED_FEED),
    ),
    "encrypted P1 without its tag": ([SEALED_TEXT] * 2, (Verdict.ENCRYPTED,) * 3),
    "encrypted P1": (
        [SEALED_TEXT.replace(b"\x00\x82\x02", b"\xdb\x08EGM12345\x82\x02")],
        (Verdict.ENCRYPTED,) * 3,
    ),
    "SML cut short": (
        [bytes.fromhex("1b1b1b1b01010101760700110a") + bytes(60)],
        (Verdict.SML, Verdict.SML, Verdict.SML_FEED),
    ),
    "SML from the middle": ([ehz(5364)[100:]], (Verdict.SML, Verdict.SML, Verdict.SML_FEED)),
    "SML damaged": ([damaged(ehz(5364))] * 3, (Verdict.SML, Verdict.SML, Verdict.SML_FEED)),
    "SML": ([ehz(5364)[100:], ehz(5364), ehz(-5364)], (Verdict.GOOD,) * 3),
    "SML before the PIN": ([mt175(None)] * 2, (Verdict.REDUCED,) * 3),
    "SML after the PIN": ([mt175(None), mt175()], (Verdict.GOOD,) * 3),
    "a Modbus request": (MODBUS[:1], (Verdict.MODBUS,) * 3),
    "a Modbus answer amid others": ([b"\x02" + MODBUS[1], MODBUS[1]], (Verdict.MODBUS,) * 3),
    "a water meter": ([WATER], (Verdict.MBUS,) * 3),
    "a heat meter amid noise": ([b"\xe5\x10\x5b" + HEAT, b"\0\xff" + HEAT], (Verdict.MBUS,) * 3),
    "a water meter damaged": ([damaged(WATER)] * 3, NOISE_ONLY),
    "the body of a list": ([BODY] * 3, (Verdict.BODY,) * 3),
    "an array of registers": ([ARRAY] * 3, (Verdict.BODY,) * 3),
    "a log": (
        [b"I (4321) wifi: connected, rssi -61\r\n", b"W (5012) heap: 123456 bytes free\r\n"],
        (Verdict.TEXT, Verdict.TEXT, Verdict.NO_FRAMES_FEED),
    ),
    "a prompt": (
        [b"Password incorrect\r\nlogin: admin\r\n"] * 2,
        (Verdict.TEXT, Verdict.TEXT, Verdict.NO_FRAMES_FEED),
    ),
    "decoded values": (
        [b'{"power": 1393, "import": 12345.6, "unit": "kWh"}\n'] * 2,
        (Verdict.TEXT, Verdict.TEXT, Verdict.NO_FRAMES_FEED),
    ),
    "another message of DLMS": ([framed("C4014100090C07E9")], (Verdict.FOREIGN,) * 3),
    "an event of DLMS": ([framed("C2000003")], (Verdict.FOREIGN,) * 3),
    "general ciphering": ([framed("DD0801020304050607080102")], (Verdict.FOREIGN,) * 3),
    "a compact array": ([framed("0F00000000000201130200")], (Verdict.FOREIGN,) * 3),
    "security suite 1": (
        [framed("DB084B414D3132333435" + "0B" + "31" + "00000001" + "AABBCCDDEEFF")],
        (Verdict.FOREIGN,) * 3,
    ),
    "suite 0 without keys": (
        [framed("DB084B414D3132333435" + "0B" + "30" + "00000001" + "AABBCCDDEEFF")],
        (Verdict.ENCRYPTED,) * 3,
    ),
    "HTTP": ([b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"], (Verdict.HTTP,) * 3),
    "wrong checksums": (
        [damaged(VECTORS["AID-L2-3w"])] * 3,
        (Verdict.DAMAGED, Verdict.DAMAGED_BRIDGE, Verdict.DAMAGED_FEED),
    ),
    "noise": (NOISE, (Verdict.NO_FRAMES, Verdict.NO_FRAMES_BRIDGE, Verdict.NO_FRAMES_FEED)),
    "tails lost": (
        simulated("aidon", "drop-tail"),
        (Verdict.WEAK, Verdict.WEAK_BRIDGE, Verdict.WEAK_FEED),
    ),
    "good": (simulated("kaifa"), (Verdict.GOOD,) * 3),
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_verdict_names_what_comes_and_by_which_way(case: str) -> None:
    """Another protocol, a parity, a header alone; and what to do depends on what there is to look at."""
    pieces, verdicts = OTHERS[case]
    pipeline, now_ms = heard(pieces)
    found = tuple(diagnose(pipeline.tally, mono_ms=now_ms, since_ms=0, way=way).verdict for way in Way)
    assert found == verdicts


@pytest.mark.parametrize("case", OTHERS)
def test_nobody_is_told_to_look_at_a_cable_that_is_not_there(case: str) -> None:
    """A bridge has settings and a meter behind it, but no cable of ours."""
    pipeline, now_ms = heard(OTHERS[case][0])
    for later_ms in (0, 100_000):
        said = diagnose(pipeline.tally, mono_ms=now_ms + later_ms, since_ms=0, way=Way.BRIDGE)
        assert not [
            word for word in ("cable", "wiring") if word in f"{said.headline} {said.next_step}".lower()
        ]
        assert said.next_step.endswith((".", "?"))
        assert said.seen


@pytest.mark.parametrize("case", OTHERS)
def test_a_source_without_a_line_is_told_nothing_of_lines(case: str) -> None:
    """No cable, wire, parity or adapter where telegrams come as messages."""
    pipeline, now_ms = heard(OTHERS[case][0])
    for later_ms in (0, 100_000):
        said = diagnose(pipeline.tally, mono_ms=now_ms + later_ms, since_ms=0, way=Way.FEED)
        words = f"{said.headline} {said.next_step}".lower()
        assert not [word for word in ("cable", "wiring", "parity", "adapter", "pin ") if word in words]
        assert said.evidence.octets == pipeline.tally.octets


def test_noise_is_no_other_protocol() -> None:
    """Text and random octets bear no mark, whatever is common to few of them."""
    for seed in range(200):
        pipeline, _ = heard([Random(seed).randbytes(300), bytes((1, 2, 4, 7, 8, 11, 13, 14))])
        assert pipeline.tally.reason.startswith(("no frame", "truncated", "the ", "a ", "P1 text"))
