"""Telegrams in what readers and bridges put around them: any telegram in any envelope reads the same."""

import gzip
import json
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.wire.envelopes import OPENED_MAX, PAYLOAD_MAX, unwrap
from han2x.wire.result import Discarded
from han2x.wire.stream import Stream

from ..conftest import VECTORS, mbus_frames, p1_text
from ..sml_telegrams import dtz541, ehz

Wrap = Callable[[bytes], bytes]


def varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes((low | 0x80,)) + varint(number >> 7) if number > 0x7F else bytes((low,))


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def pulse(*telegrams: bytes) -> bytes:
    """One message of a Tibber Pulse on a P1 port: one deflated stream, cut at each telegram by a flush."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 11)
    message = b"\x08" + varint(11100) + b"\x18\x01"
    for telegram in telegrams:
        piece = deflate.compress(telegram) + deflate.flush(zlib.Z_SYNC_FLUSH)
        message += field(
            2, b"\x09" + bytes(8) + field(2, b"P1") + field(3, piece) + b"\x20" + varint(len(telegram))
        )
    return message


def as_json(**around: object) -> Wrap:
    """In an object: the telegram's text where `around` has an ellipsis."""
    return lambda octets: json.dumps(around, default=lambda _: octets.decode("ascii")).encode()


def chained(*wraps: Wrap) -> Wrap:
    def wrap(octets: bytes) -> bytes:
        for one in wraps:
            octets = one(octets)
        return octets

    return wrap


def hexed(octets: bytes) -> bytes:
    return octets.hex().encode()


ANY: dict[str, Wrap] = {
    "nothing": bytes,
    "hex": hexed,
    "HEX": lambda octets: octets.hex().upper().encode() + b"\r\n",
    "hex with spaces": lambda octets: b" " + octets.hex(" ").encode() + b" \n",
    "hex with colons": lambda octets: octets.hex(":").encode(),
    "hex in lines": lambda octets: b"\r\n".join(
        hexed(octets[at : at + 16]) for at in range(0, len(octets), 16)
    ),
    "0x once": lambda octets: b"0x" + hexed(octets),
    "0x each": lambda octets: ", ".join(f"0x{octet:02X}" for octet in octets).encode(),
    "0x each in brackets": lambda octets: (
        b"["
        + ",".join(f"0x{octet:x}".replace("0x", "0x0" if octet < 16 else "0x") for octet in octets).encode()
        + b"]"
    ),
    "backslash x": lambda octets: "".join(f"\\x{octet:02x}" for octet in octets).encode(),
    "hex with a name": lambda octets: b"Raw data: " + octets.hex(" ").encode(),
    "base64": b64encode,
    "base64 for addresses": urlsafe_b64encode,
    "base64 without filling": lambda octets: b64encode(octets).rstrip(b"="),
    "base64 in lines": lambda octets: b"\r\n".join(
        b64encode(octets[at : at + 48]) for at in range(0, len(octets), 48)
    ),
    "hex in JSON": chained(hexed, as_json(id=1, payload=...)),
    "hex in JSON in JSON": chained(hexed, as_json(time=1.5, state={"rssi": -70, "data": ...})),
    "hex in a list": chained(hexed, as_json(frames=[{"frame": ...}])),
    "a JSON string": chained(hexed, lambda text: b'"' + text + b'"'),
    "JSON in a JSON string": chained(hexed, as_json(data=...), as_json(payload=...)),
    "base64 in JSON": chained(b64encode, as_json(topic="han", data=..., ok=True)),
    "numbers in JSON": lambda octets: json.dumps({"type": "Buffer", "data": list(octets)}).encode(),
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "zlib in base64 in JSON": chained(zlib.compress, b64encode, as_json(z=...)),
    "protobuf": lambda octets: b"\x08\x96\x01" + field(2, octets) + b"\x18\x01",
    "protobuf within protobuf": lambda octets: field(1, field(3, octets)),
    "Tibber Pulse on P1": pulse,
}


def read(octets: bytes) -> list[object]:
    """The values of each telegram, and why others gave none."""
    stream, decoder = Stream(), Decoder()
    found: list[object] = []
    for item in [*stream.feed(octets), *stream.flush()]:
        outcome = item if isinstance(item, Discarded) else decoder.decode(item)
        found.append(outcome.values if isinstance(outcome, Reading) else outcome.kind)
    return found


FRAMES = [
    octets
    for octets in VECTORS.values()
    if octets[0] == 0x7E and [type(outcome) for outcome in read(octets)] == [dict]
]
P1 = p1_text({"1.7.0": "01.193*kW", "2.7.0": "00.000*kW", "1.8.0": "006678.394*kWh"})
TELEGRAMS = [*FRAMES, mbus_frames(FRAMES[0][17:-3]), P1, ehz(5364), dtz541()]


@pytest.mark.parametrize("wrap", ANY.values(), ids=ANY)
@given(telegram=st.sampled_from(TELEGRAMS))
def test_any_telegram_in_any_envelope_reads_the_same(wrap: Wrap, telegram: bytes) -> None:
    """Frames, wired M-Bus and P1 text, each in each envelope."""
    assert len(read(telegram)) == 1
    assert read(unwrap(wrap(telegram))) == read(telegram)


@given(st.sampled_from(TELEGRAMS), st.lists(st.sampled_from(list(ANY)), min_size=2, max_size=2))
def test_an_envelope_in_an_envelope(telegram: bytes, names: list[str]) -> None:
    """Two that bytes survive: whatever makes text, then whatever takes any octets."""
    for name in names:
        telegram_in = ANY[name](telegram)
        assert read(unwrap(b64encode(telegram_in))) == read(telegram)


@pytest.mark.parametrize("frame", [one for one in FRAMES if (one[1] & 7) << 8 | one[2] == len(one) - 2])
def test_a_list_without_its_frame(frame: bytes) -> None:
    """The message with or without LLC, also after noise: it reads as in its frame."""
    information = frame[frame.index(b"\xe6\xe7\x00") : -3]
    stream = Stream()
    assert not [item for item in stream.feed(b"noise" * 300) if not isinstance(item, Discarded)]
    for bare in (information, information[3:], hexed(information[3:]), as_json(p=...)(hexed(information))):
        assert read(unwrap(bare)) == read(frame)
        assert any(not isinstance(item, Discarded) for item in stream.feed(unwrap(bare)))


def test_the_body_alone() -> None:
    """One structure to its last octet, as some bridges publish it (Kamstrup's list 2)."""
    frame = next(one for one in FRAMES if b"\x02\x19\x0a\x0eKamstrup" in one)
    body = frame[frame.index(b"\x0a\x0eKamstrup") - 2 : -3]
    assert read(unwrap(body)) == read(unwrap(hexed(body))) == read(frame)
    assert unwrap(body + b"\x01") == body + b"\x01"
    assert unwrap(body[:-1]) == body[:-1]


def test_text_in_json() -> None:
    """P1 text as a string, without its last line end, with lone line feeds, as a list of lines."""
    text = P1.decode("ascii")
    for value in (text, text.rstrip(), text.replace("\r\n", "\n"), text.splitlines()):
        assert read(unwrap(json.dumps({"telegram": value}).encode())) == read(P1)
    assert read(unwrap(b'{"raw": "' + P1 + b'"}')) == read(P1)  # line ends that JSON should not have
    assert read(unwrap(json.dumps(["hello", {"a": text}, {"b": text}]).encode())) == read(P1) * 2


def test_several_telegrams_of_a_pulse() -> None:
    """Each piece goes on from the one before."""
    other = p1_text({"1.7.0": "02.000*kW"})
    assert read(unwrap(pulse(P1, other, P1))) == read(P1) + read(other) + read(P1)


@given(st.binary(max_size=300) | st.text('0123456789abcdef{}[]": ,=/+AZ!~\r\n', max_size=300).map(str.encode))
def test_anything_else_is_left_to_the_decoder(payload: bytes) -> None:
    """Nothing is raised, and nothing is made of what holds no telegram."""
    assert not any(isinstance(outcome, dict) for outcome in read(unwrap(payload)))


def test_damage_is_not_mended() -> None:
    """A wrong bit is damage in an envelope as well, and told as such."""
    damaged = bytearray(FRAMES[0])
    damaged[len(damaged) // 2] ^= 0x10
    assert read(unwrap(as_json(a=...)(hexed(bytes(damaged))))) == read(bytes(damaged))
    text = P1.replace(b"01.193", b"01.793")
    assert read(unwrap(json.dumps({"a": text.decode()}).encode())) == read(text) == ["checksum"]


@cache
def bombs() -> dict[str, bytes]:
    small = zlib.compress(bytes(60_000), 9)
    twice = zlib.compress(zlib.compress(bytes(50_000_000), 9), 9)
    many = json.dumps([b64encode(small).decode()] * 600).encode()
    return {
        "zlib": zlib.compress(bytes(50_000_000), 9),
        "gzip": gzip.compress(bytes(50_000_000)),
        "zlib in zlib": twice,
        "many small ones": many,
        "many that hold many": zlib.compress(
            json.dumps([b64encode(zlib.compress(many)).decode()] * 40).encode()
        ),
        "deep JSON": b"[" * PAYLOAD_MAX,
        "deep JSON that is closed": b"[" * 30_000 + b"]" * 30_000,
        "a long number": b"[" + b"9" * 60_000 + b"]",
        "many empty strings": b"[" + b'"",' * 20_000 + b'""]',
        "protobuf in protobuf": b"\x0a\x02\x0a\x00" * 16_000,
        "blanks": b" " * 65_000 + b"z",
        "line ends": b"7e" + b"\r\n" * 32_000 + b"z",
        "headers": b"/AAA5x\r\n" * 8_000 + b"!" + b" " * 1000 + b"x",
        "flags": b"\x7e\xa7" * 32_000,
        "names": b"a" * 65_000 + b":",
        "hex": b"02" * 32_000,
        "nested bodies": b"\x02\x01" * 32_000,
    }


@pytest.mark.parametrize("name", bombs())
def test_bombs_are_refused(name: str) -> None:
    """What grows, nests or repeats ends within the limit and is left as it came."""
    bomb = bombs()[name]
    begun = process_time()
    assert len(unwrap(bomb)) <= max(len(bomb), OPENED_MAX)
    assert process_time() - begun < 0.5


def test_a_message_beyond_the_limit_is_not_opened() -> None:
    """It stays as it came."""
    payload = hexed(FRAMES[0]) + b" " * PAYLOAD_MAX
    assert unwrap(payload) is payload
