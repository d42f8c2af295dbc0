"""Recorded files (wire/dump.py): raw octets or hex text, spaced, prefixed and cut at will."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.wire.dump import Dump

OCTETS = bytes.fromhex("7EA0270102011000FF0A0D00")


def read(*chunks: bytes) -> bytes:
    """What a file means that is read in these chunks."""
    dump = Dump()
    return b"".join(map(dump.feed, chunks)) + dump.flush()


FORMS = {
    "plain": OCTETS.hex(),
    "upper case": OCTETS.hex().upper(),
    "spaced": OCTETS.hex(" "),
    "colons": OCTETS.hex(":"),
    "dashes": OCTETS.hex("-"),
    "prefixed": "".join(f"0x{octet:02x}" for octet in OCTETS),
    "prefixed with commas": ", ".join(f"0X{octet:02X}" for octet in OCTETS),
    "lines": "\r\n".join(OCTETS.hex(" ", 4).split()) + "\r\n",
    "blank first lines": "\n\r\n  " + OCTETS.hex(" ") + "\n",
    "broken within an octet": "7\nEA0 270102 011 000FF0A0D00",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_hex_text_cut_anywhere(text: str) -> None:
    """Hex in any dress means its octets, wherever the chunks of the file end."""
    file = text.encode()
    assert read(file) == OCTETS
    assert all(read(file[:cut], file[cut:]) == OCTETS for cut in range(len(file)))
    assert read(*(file[i : i + 1] for i in range(len(file)))) == OCTETS


@pytest.mark.parametrize(
    "octets", [OCTETS, b"\x00", b"/SIM5\\HAN\r\n", b"\n\n", b"", b"7", b"\x20\x20\x7e\xa0\x27", b"abc\x00"]
)
def test_raw_octets_stay(octets: bytes) -> None:
    """A file that is not hex text is taken octet for octet."""
    assert read(octets) == octets
    assert all(read(octets[:cut], octets[cut:]) == octets for cut in range(min(2, len(octets))))


def test_half_an_octet_at_the_end() -> None:
    """A last lone digit means nothing."""
    assert read(b"7EA") == b"\x7e"


def test_blank_lines_without_end_are_not_kept() -> None:
    """However many blank lines come first, they are not gathered, and the hex behind them is read."""
    dump = Dump()
    assert b"".join(dump.feed(b"\r\n" * 1000) for _ in range(100)) == b""
    assert len(pickle.dumps(dump)) < 8192
    assert dump.feed(OCTETS.hex().encode()) + dump.flush() == OCTETS


@given(st.binary(min_size=1, max_size=50), st.data())
def test_any_octets_as_hex(octets: bytes, data: st.DataObject) -> None:
    """Any octets written as hex come back, in any chunks."""
    text = octets.hex(data.draw(st.sampled_from(" ,:-\n"))).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces) == octets
