"""Frames and recordings as text: hex in its forms within a stream, and what `han2x record` writes."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.wire.dump import Dump
from han2x.wire.recording import MAGIC, line, reads
from han2x.wire.result import Apdu, Framing
from han2x.wire.stream import Stream

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda octets: octets.hex().encode(),
    "upper case": lambda octets: octets.hex().upper().encode(),
    "spaced": lambda octets: octets.hex(" ").encode(),
    "with colons": lambda octets: octets.hex(":").encode(),
    "prefixed": lambda octets: ", ".join(f"0x{octet:02X}" for octet in octets).encode(),
    "in lines": lambda octets: octets.hex(" ").encode().replace(b" 0a ", b" 0a\r\n "),
}


def messages(octets: bytes, size: int = 1 << 20) -> list[Apdu]:
    stream = Stream()
    pieces = [octets[first : first + size] for first in range(0, len(octets), size)]
    found = [item for piece in pieces for item in stream.feed(piece)]
    return [item for item in [*found, *stream.flush()] if isinstance(item, Apdu)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["KFM-L1", "AID-L3-4w", "SEG", "GBT", "MBUS"])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_frame_as_hex_text(vectors: Mapping[str, bytes], form: str, name: str, size: int) -> None:
    """However the digits are written, the message is that of the octets, and its place that of the text."""
    text = b"[12:00:01] HAN: " + FORMS[form](vectors[name]) + b"\r\n"
    (raw,), (found,) = messages(vectors[name]), messages(text, size)
    assert (found.data, found.framing) == (raw.data, raw.framing)
    written = FORMS[form](vectors[name])[2 if form == "prefixed" else 0 :]
    assert text[found.offset : found.offset + found.length] == written


def test_hex_text_in_json(vectors: Mapping[str, bytes]) -> None:
    """A bridge's own wrapping is passed over."""
    text = b'{"SerialReceived":"' + vectors["KFM-L1"].hex().encode() + b'"}\n'
    assert len(messages(text * 3)) == 3


def test_octets_between_frames_are_a_bridges(vectors: Mapping[str, bytes]) -> None:
    """A prefix in binary before each frame costs none."""
    octets = b"\x08\x01\x12\x29\xff\x00" + vectors["KFM-L1"]
    assert [message.framing for message in messages(octets * 4)] == [Framing.HDLC] * 4


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.binary(min_size=1, max_size=40)), max_size=12),
    st.integers(1, 50),
)
def test_a_recording_in_any_cuts(parts: list[tuple[int, bytes]], size: int) -> None:
    """What was recorded is read back, octet for octet, with its times."""
    text = MAGIC + b"# a remark\n" + b"".join(line(ms, octets) for ms, octets in parts)
    dump = Dump()
    found = (
        b"".join(dump.feed(text[first : first + size]) for first in range(0, len(text), size)) + dump.flush()
    )
    assert found == b"".join(octets for _, octets in parts)
    assert reads(text) == parts


@pytest.mark.parametrize("damaged", [b"12 7ea\n", b"x\n", b"\n", b"12\n", b"12 zz\n", b"12 7e a0\n"])
def test_a_damaged_line_of_a_recording(damaged: bytes) -> None:
    """A line that cannot be read costs at most itself."""
    dump = Dump()
    found = dump.feed(MAGIC + damaged + line(5, b"\x7e\x01")) + dump.flush()
    assert found.endswith(b"\x7e\x01")
