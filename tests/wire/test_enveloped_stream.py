"""Envelopes on a connection and in files: cut anywhere, amid garbage, bounded; bare telegrams go on."""

import json
from itertools import pairwise
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.wire.dump import Dump
from han2x.wire.enveloped_stream import EnvelopedStream
from han2x.wire.envelopes import PAYLOAD_MAX, unwrap

from .test_envelopes import ANY, FRAMES, TELEGRAMS, Wrap, as_json, chained, hexed, pulse, read

IN_LINES = [name for name in ANY if "lines" not in name and name not in ("nothing", "hex", "HEX", "gzip")]
TEXT = {name: ANY[name] for name in IN_LINES if all(wrapped < 0x80 for wrapped in ANY[name](FRAMES[0]))}
PRETTY: Wrap = chained(hexed, lambda text: json.dumps({"a": [1, {"data": text.decode()}]}, indent=2).encode())


ONE_KIND = st.one_of(
    *(st.lists(st.sampled_from(some), min_size=2, max_size=4) for some in (FRAMES, TELEGRAMS[-3:]))
)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[begin:end] for begin, end in pairwise(places)]


def readings(octets: bytes) -> list[object]:
    """The readings alone: a frame that stands in an envelope as it is is found without opening that."""
    return [found for found in read(octets) if isinstance(found, dict)]


def streamed(octets: bytes, cuts: list[int] = []) -> bytes:  # noqa: B006
    stream = EnvelopedStream()
    return b"".join(map(stream.feed, pieces(octets, cuts))) + stream.flush()


@pytest.mark.parametrize("wrap", [*ANY.values(), PRETTY], ids=[*ANY, "JSON on several lines"])
@settings(max_examples=25)
@given(telegram=st.sampled_from(TELEGRAMS), cuts=st.lists(st.integers(0, 5000), max_size=5))
def test_any_message_cut_anywhere(wrap: Wrap, telegram: bytes, cuts: list[int]) -> None:
    """One message and a pause, on a connection and as a file, of whatever a broker's message may be."""
    assert readings(streamed(wrap(telegram), cuts)) == readings(telegram)
    dump = Dump()
    octets = b"".join(map(dump.feed, pieces(wrap(telegram), cuts))) + dump.flush()
    assert readings(octets) == readings(telegram)


@pytest.mark.parametrize("wrap", [*TEXT.values(), PRETTY], ids=[*TEXT, "JSON on several lines"])
@settings(max_examples=25)
@given(
    telegrams=ONE_KIND,
    cuts=st.lists(st.integers(0, 9000)),
)
def test_messages_line_by_line(wrap: Wrap, telegrams: list[bytes], cuts: list[int]) -> None:
    """Lines one after the other without a pause: each is read when its line has ended."""
    lines = [wrap(telegram).replace(b"\r\n", b"") + b"\r\n" for telegram in telegrams]
    found = readings(streamed(b"".join(lines), cuts))
    assert found == [values for telegram in telegrams for values in readings(telegram)]


@given(st.sampled_from(TELEGRAMS), st.integers(1, 400))
def test_joined_in_the_middle_of_a_message(telegram: bytes, begin: int) -> None:
    """The end of a message that began before is none, and costs nothing that follows."""
    line = as_json(data=...)(hexed(telegram)) + b"\n"
    found = readings(streamed(line[begin % len(line) :] + line + line))
    assert found[len(found) - 2 * len(readings(telegram)) :] == 2 * readings(telegram)


def test_the_body_alone_and_a_pulse() -> None:
    """A list without its frame, and two telegrams of one deflated stream, again and again."""
    body = FRAMES[0][FRAMES[0].index(b"\xe6\xe7\x00") + 3 : -3]
    two = pulse(TELEGRAMS[0], TELEGRAMS[1])
    for message in (body, two):
        stream, found = EnvelopedStream(), b""
        for _ in range(3):
            found += stream.feed(message) + stream.flush()
        assert read(found) == 3 * read(unwrap(message))


@given(st.lists(st.sampled_from([*TELEGRAMS, *map(hexed, FRAMES)]), min_size=1, max_size=4))
def test_what_needs_no_opening_is_never_held_back(telegrams: list[bytes]) -> None:
    """From the first telegram on each octet is handed on when it comes."""
    stream = EnvelopedStream()
    for telegram in telegrams:
        assert stream.feed(telegram) == telegram
        assert not stream.waiting


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_garbage_goes_on_as_it_came(octets: bytes, cuts: list[int]) -> None:
    """No octet is lost, changed or handed on twice."""
    if unwrap(octets) == octets:
        assert streamed(octets, cuts) == octets


def test_garbage_ends_the_search() -> None:
    """What follows a message that is none is not held back."""
    stream = EnvelopedStream()
    assert stream.feed(b"\x01\x02 noise") == b""
    assert stream.flush() == b"\x01\x02 noise"
    assert stream.feed(b'{"data": 1') == b'{"data": 1'


HOSTILE = {
    "line ends": b"\n" * (3 * PAYLOAD_MAX),
    "brackets": b"[\n]\n" * PAYLOAD_MAX,
    "open brackets": b'{"a":\n' * PAYLOAD_MAX,
    "short lines of base64": b"QUJDREVGR0hJSktM\n" * (3 * PAYLOAD_MAX // 17),
    "one line": b'{"' + b"a" * 3 * PAYLOAD_MAX,
    "hex": b"01" * 2 * PAYLOAD_MAX,
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_nothing_holds_it_up_or_makes_it_grow(octets: bytes) -> None:
    """At most one message is held; no turn of the loop takes long."""
    stream, worst = EnvelopedStream(), 0.0
    stream.feed(as_json(data=...)(hexed(FRAMES[0])) + b"\n")  # so that it goes on looking
    for at in range(0, len(octets), 4096):
        begun = process_time()
        stream.feed(octets[at : at + 4096])
        worst = max(worst, process_time() - begun)
        assert len(stream._held) <= PAYLOAD_MAX
    assert worst < 0.1, worst


def test_noise_of_any_kind_takes_no_time() -> None:
    """Random octets, also such as only have the marks of envelopes."""
    random = Random(1)
    for first in (b"", b"\x78\x9c", b"\x0a", b"{", b"\x1f\x8b\x08"):
        begun = process_time()
        streamed(first + random.randbytes(PAYLOAD_MAX - 10))
        assert process_time() - begun < 1
