"""Telegrams a second from octets to readings, beside amshan, on the same octets cut the same way; and of P1
text beside dsmr_parser.

Each measurement is a process of its own, `python -m bench.decode WHO CHUNK PASSES FILE…`, which decodes the
files and prints its processor time for each; the two programs take turns. Processor time, because
decoding waits for nothing, and other work on the machine should not count.

`mixed` are the streams as they were recorded, damage included, each cut after `MOST` telegrams. `full`
are the telegrams of lists 2 and 3 cut out of them. Without the recordings, streams of our own simulator.
`p1` are texts as Swedish and Dutch meters send them, made here, with right check sums. In each text the clock
has gone on and every number is another one, and no file is decoded twice: what remembers whole lines or
telegrams gains nothing here that it would not gain at a meter.
"""

import importlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .harness import ROOT, Bar, Figure, interleaved, median_of, peers_python

TELEGRAMS = Path(os.environ.get("HAN2X_TELEGRAMS") or ROOT.parent / "shared" / "telegrams")
MOST = 300
P1_MOST = 1000
CHUNK = 256
CHUNKS_BESIDE = (32,)
WARM_UP = 100
PROGRAMS = ("han2x", "amshan", "dsmr_parser")
BARS = {"mixed": Bar(">=", 20), "full": Bar(">=", 20), "p1": Bar(">=", 8.5)}
PEER = {"mixed": "amshan", "full": "amshan", "p1": "dsmr_parser"}


class Spent(NamedTuple):
    """What one file took: telegrams that became readings, and processor seconds."""

    telegrams: int
    seconds: float


def run(runs: int, work: Path) -> list[Figure]:
    """Measure all; the ratios are figures with bars."""
    sets = inputs(work)
    peer = peers_python()
    measured: dict[tuple[str, str, int], list[list[Spent]]] = {}
    jobs = [("mixed", CHUNK), ("full", CHUNK), *(("mixed", chunk) for chunk in CHUNKS_BESIDE), ("p1", CHUNK)]

    def once(who: str, kind: str, chunk: int) -> None:
        python = sys.executable if who == "han2x" else str(peer)
        measured.setdefault((who, kind, chunk), []).append(decoded_by(python, who, chunk, sets[kind]))

    turns = [(who, *job) for job in jobs for who in (("han2x", PEER[job[0]]) if peer else ("han2x",))]
    interleaved(runs, *(partial(once, *turn) for turn in turns))
    show_files(sets, measured)
    return [figure for job in jobs for figure in figures(measured, *job)]


def figures(
    measured: dict[tuple[str, str, int], list[list[Spent]]], kind: str, chunk: int
) -> Iterator[Figure]:
    """Both rates, and how they compare run by run."""
    ours = [rate(spent) for spent in measured["han2x", kind, chunk]]
    yield median_of("decode", f"{kind}, chunks of {chunk}: han2x", ours, "telegrams/s")
    peer = PEER[kind]
    theirs = [rate(spent) for spent in measured.get((peer, kind, chunk), ())]
    if theirs:
        yield median_of("decode", f"{kind}, chunks of {chunk}: {peer}", theirs, "telegrams/s")
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        bar = BARS[kind] if chunk == CHUNK else None
        yield median_of("decode", f"{kind}, chunks of {chunk}: han2x / {peer}", ratios, "x", bar)


def rate(spent: list[Spent]) -> float:
    """Telegrams a second over all files."""
    return sum(file.telegrams for file in spent) / sum(file.seconds for file in spent)


def show_files(sets: dict[str, list[Path]], measured: dict[tuple[str, str, int], list[list[Spent]]]) -> None:
    """Telegrams found and microseconds for each, file by file: medians."""
    for kind, files in sets.items():
        print(f"  {kind}, chunks of {CHUNK}: telegrams and us a telegram")
        for index, file in enumerate(files):
            cells = []
            for who in PROGRAMS:
                spent = [run[index] for run in measured.get((who, kind, CHUNK), ())]
                if spent:
                    us = statistics.median(1e6 * each.seconds / max(each.telegrams, 1) for each in spent)
                    cells.append(f"{who} {spent[0].telegrams:4} {us:7.1f}")
            print(f"    {file.stem:<44}{'   '.join(cells)}")


# -- what is decoded --------------------------------------------------------------------------------


def inputs(work: Path) -> dict[str, list[Path]]:
    """The files of both sets, written below `work`."""
    sets: dict[str, list[Path]] = {"mixed": [], "full": [], "p1": []}
    for name, lines in P1_LINES.items():
        sets["p1"].append(work / f"{name}-p1.bin")
        sets["p1"][-1].write_bytes(b"".join(p1_texts(name, lines, P1_MOST)))
    for name, data in streams():
        mixed, full = cut(data)
        for kind, octets in (("mixed", mixed), ("full", full)):
            if octets:
                path = work / f"{name}-{kind}.bin"
                path.write_bytes(octets)
                sets[kind].append(path)
    return sets


_UNITS = ((1, "W"), (2, "W"), (3, "var"), (4, "var"))
_PHASES = ("21", "41", "61", "22", "42", "62", "23", "43", "63", "24", "44", "64")
P1_LINES: dict[str, tuple[str, ...]] = {
    "sweden": (
        "0-0:1.0.0(251214160000W)",
        *(
            f"1-0:{c}.8.0(00012345.678*k{unit}h)"
            for c, unit in zip("1234", ("W", "W", "var", "var"), strict=True)
        ),
        "1-0:1.7.0(0001.234*kW)",
        *(f"1-0:{c}.7.0(0000.000*k{unit})" for c, unit in _UNITS[1:]),
        *(f"1-0:{c}.7.0(0000.400*k{'W' if c[1] in '12' else 'var'})" for c in _PHASES),
        *(f"1-0:{c}.7.0(230.1*V)" for c in (32, 52, 72)),
        *(f"1-0:{c}.7.0(001.6*A)" for c in (31, 51, 71)),
    ),
    "netherlands": (
        "1-3:0.2.8(50)",
        "0-0:1.0.0(251214160000W)",
        "0-0:96.1.1(4530303434303037313331353530363137)",
        *(f"1-0:{code}(004426.123*kWh)" for code in ("1.8.1", "1.8.2", "2.8.1", "2.8.2")),
        "0-0:96.14.0(0002)",
        "1-0:1.7.0(01.234*kW)",
        "1-0:2.7.0(00.000*kW)",
        "0-0:96.7.21(00013)",
        "0-0:96.7.9(00000)",
        "1-0:99.97.0(0)(0-0:96.7.19)",
        *(f"1-0:{c}.{d}.0(00000)" for d in (32, 36) for c in (32, 52, 72)),
        "0-0:96.13.0()",
        *(f"1-0:{c}.7.0(230.1*V)" for c in (32, 52, 72)),
        *(f"1-0:{c}.7.0(000.48*A)" for c in (31, 51, 71)),
        *(f"1-0:{c}.7.0(00.070*kW)" for c in (21, 41, 61, 22, 42, 62)),
        "0-1:24.1.0(003)",
        "0-1:96.1.0(4730303332353631323736373836373137)",
        "0-1:24.2.1(251214160000W)(00981.443*m3)",
    ),
}
"""The lines of a text as meters of a country send them."""


FIRST_TEXT = datetime(2025, 12, 14, 16)
_CLOCK = re.compile(r"\d{12}W")
_NUMBER = re.compile(r"(?<=\()(\d+)\.(\d+)(?=\*)")


def p1_texts(name: str, lines: tuple[str, ...], count: int) -> Iterator[bytes]:
    """Texts of a meter, one a second, with their check sums: the last four digits of each number change."""
    from han2x.wire.p1 import crc16

    chance = random.Random(name)
    whole = "\r\n".join((f"/SIM5\\{name}", "", *lines, "!"))

    def other(number: re.Match[str]) -> str:
        places = len(number[2])
        size = 10 ** min(4, places + len(number[1]))
        last = int(number[1] + number[2]) // size * size + chance.randrange(size)
        digits = f"{last:0{len(number[1]) + places}}"
        return f"{digits[:-places]}.{digits[-places:]}"

    for second in range(count):
        clock = f"{FIRST_TEXT + timedelta(seconds=second):%y%m%d%H%M%S}W"
        octets = _NUMBER.sub(other, _CLOCK.sub(clock, whole)).encode("ascii")
        yield octets + b"%04X\r\n" % crc16(octets)


def streams() -> Iterator[tuple[str, bytes]]:
    """Recorded Norwegian streams, or ours."""
    recorded = sorted((TELEGRAMS / "streams").glob("*-no-*.bin"))
    print("  streams recorded from meters" if recorded else "  no recorded streams: our simulator's instead")
    if recorded:
        yield from ((path.stem, path.read_bytes()) for path in recorded)
    else:
        yield from simulated()


def simulated() -> Iterator[tuple[str, bytes]]:
    """A stream of each vendor the simulator knows."""
    from han2x.settings.source import VENDORS, SimulatedSource
    from han2x.simulator.meter import telegrams

    for vendor in VENDORS:
        sent = telegrams(SimulatedSource(vendor), datetime(2026, 1, 5, 11, 55, tzinfo=UTC))
        yield f"simulated-{vendor}", b"".join(telegram.data for telegram in islice(sent, MOST))


def cut(data: bytes) -> tuple[bytes, bytes]:
    """The first octets, with up to `MOST` telegrams, and the first full lists; both empty without any."""
    from han2x.model.reading import ListType, Reading
    from han2x.vendors.decoder import Decoder
    from han2x.wire.result import Apdu
    from han2x.wire.stream import Stream

    decoder, ends, full = Decoder(), [0], []
    for item in Stream().feed(data):
        if isinstance(item, Apdu) and isinstance(reading := decoder.decode(item), Reading):
            ends.append(item.offset + item.length)
            if reading.list_type in (ListType.TEN_SECONDS, ListType.HOURLY):
                full.append(data[item.offset : ends[-1]])
    return data[: ends[: MOST + 1][-1]], b"".join(full[:MOST])


# -- the process that decodes -----------------------------------------------------------------------


def decoded_by(python: str, who: str, chunk: int, files: list[Path]) -> list[Spent]:
    """One measurement in a process of its own."""
    words = [python, "-m", "bench.decode", who, str(chunk), *map(str, files)]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return [Spent(*row) for row in json.loads(done.stdout)]


def han2x_decodes(pieces: list[bytes]) -> int:
    """How many readings our decoder makes of a stream."""
    from han2x.model.reading import Reading
    from han2x.vendors.decoder import Decoder
    from han2x.wire.result import Apdu
    from han2x.wire.stream import Stream

    stream, decoder, count = Stream(), Decoder(), 0
    for piece in pieces:
        for item in stream.feed(piece):
            if isinstance(item, Apdu) and isinstance(decoder.decode(item), Reading):
                count += 1
    return count


def amshan_decodes(pieces: list[bytes]) -> int:
    """How many dictionaries amshan makes of a stream."""
    reader = importlib.import_module("han.hdlc").HdlcFrameReader()
    decoder, count = importlib.import_module("han.autodecoder").AutoDecoder(), 0
    for piece in pieces:
        for frame in reader.read(piece):
            if frame.is_valid and decoder.decode_message(frame):
                count += 1
    return count


def dsmr_parser_decodes(pieces: list[bytes]) -> int:
    """How many telegrams dsmr_parser makes of a stream, with the specification for its country."""
    country = importlib.import_module("dsmr_parser.telegram_specifications")
    specification = country.SWEDEN if b"sweden" in pieces[0] else country.V5
    parser = importlib.import_module("dsmr_parser.parsers").TelegramParser(specification)
    buffer, count = importlib.import_module("dsmr_parser.clients.telegram_buffer").TelegramBuffer(), 0
    for piece in pieces:
        buffer.append(piece.decode("ascii"))
        count += sum(parser.parse(telegram) is not None for telegram in buffer.get_all())
    return count


DECODERS: dict[str, Callable[[list[bytes]], int]] = {
    "han2x": han2x_decodes,
    "amshan": amshan_decodes,
    "dsmr_parser": dsmr_parser_decodes,
}


def pieces_of(path: Path, size: int) -> list[bytes]:
    """A file's octets as they come from a line."""
    data = path.read_bytes()
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def spent_on(path: Path, decode: Callable[[list[bytes]], int], chunk: int) -> Spent:
    """Processor time for one file."""
    pieces = pieces_of(path, chunk)
    began = time.process_time()
    count = decode(pieces)
    return Spent(count, time.process_time() - began)


def worker(who: str, chunk: str, *files: str) -> None:
    """Decode some of the first file to warm up, then all; print the rows."""
    decode, size = DECODERS[who], int(chunk)
    decode(pieces_of(Path(files[0]), size)[:WARM_UP])
    print(json.dumps([spent_on(Path(file), decode, size) for file in files]))


def hint(work: Path) -> None:
    """Where our time goes, for whoever has to make it faster."""
    import cProfile
    import pstats

    with tempfile.TemporaryDirectory() as folder:
        files = inputs(Path(folder))["mixed"]
        data = b"".join(path.read_bytes() for path in files)
    profile = cProfile.Profile()
    profile.runcall(han2x_decodes, [data[begin : begin + CHUNK] for begin in range(0, len(data), CHUNK)])
    pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    worker(*sys.argv[1:])
