"""The real command, `han2x decode --json`, against telegrams of real meters and what other decoders read.

The telegrams are other people's and stay out of this repository: they are looked for in the folder that
HAN2X_TELEGRAMS names, else in ../shared/telegrams beside the checkout. What is here runs without them.
"""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from han2x.cli import main
from han2x.cli.telegram_text import values
from han2x.model.reading import Reading
from han2x.vendors.decoder import Decoder
from han2x.wire.dump import Dump
from han2x.wire.result import Apdu, Discarded
from han2x.wire.stream import Stream

Row = dict[str, Any]

CHECKOUT = Path(__file__).parents[2]
TELEGRAMS = Path(os.environ.get("HAN2X_TELEGRAMS", CHECKOUT.parent / "shared" / "telegrams"))
HERE = (TELEGRAMS / "index.json").is_file()
DECODED_FRAMINGS = {"hdlc", "llc", "apdu"}
RSS_MAX_KB = 40_000

needs_telegrams = pytest.mark.skipif(
    not HERE, reason="no telegrams of real meters: set HAN2X_TELEGRAMS to their folder"
)


def _listed(index: str) -> list[Row]:
    return list(json.loads((TELEGRAMS / index).read_text("utf-8"))) if HERE else []


TELEGRAM_INDEX, STREAM_INDEX = _listed("index.json"), _listed("streams/index.json")


def expected(entry: Row) -> Mapping[str, object] | None:
    """The values of a telegram that has to be read; None for one that has to be rejected."""
    readable = entry["framing"] in DECODED_FRAMINGS and not entry["encrypted"]
    return entry["expect"] if readable else None


def decoded(*files: Path) -> list[Row]:
    """What the command says of these files."""
    said = StringIO()
    with redirect_stdout(said):
        main(["decode", "--json", *map(str, files)])
    return [json.loads(line) for line in said.getvalue().splitlines()]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    """What the command says of every telegram, by file, from one call."""
    by_file: dict[str, list[Row]] = {entry["file"]: [] for entry in TELEGRAM_INDEX}
    for row in decoded(*(TELEGRAMS / name for name in by_file)):
        by_file[Path(row["file"]).name].append(row)
    return by_file


@needs_telegrams
def test_every_readable_telegram(rows: dict[str, list[Row]]) -> None:
    """Each plain telegram gives exactly one reading, with exactly the values that were sent."""
    wrong = {}
    for entry in TELEGRAM_INDEX:
        if (want := expected(entry)) is not None:
            found = [(row.get("values"), row.get("framing")) for row in rows[entry["file"]]]
            if found != [(want, entry["framing"])]:
                wrong[entry["file"]] = (found, want)
    assert not wrong


@needs_telegrams
def test_every_other_telegram(rows: dict[str, list[Row]]) -> None:
    """Each damaged, encrypted or foreign telegram gives no values but a reason in words, and its place."""
    for entry in TELEGRAM_INDEX:
        if expected(entry) is None:
            found = rows[entry["file"]]
            assert found, entry["file"]
            assert not any("values" in row for row in found), entry["file"]
            assert all(row["rejected"] and row["kind"] and row["length"] > 0 for row in found), entry["file"]


@needs_telegrams
@pytest.mark.parametrize(
    ("framing", "encrypted", "kind"),
    [
        ("p1", False, "foreign"),
        ("mbus", True, "foreign"),
        ("hdlc", True, "encrypted"),
    ],
)
def test_why_valid_telegrams_are_not_read(
    rows: dict[str, list[Row]], framing: str, encrypted: bool, kind: str
) -> None:
    """A good telegram that this version cannot read is called what it is."""
    chosen = [
        e for e in TELEGRAM_INDEX if (e["framing"], e["encrypted"], e["valid"]) == (framing, encrypted, True)
    ]
    unnamed = [e["file"] for e in chosen if kind not in {row["kind"] for row in rows[e["file"]]}]
    assert chosen
    assert not unnamed


@needs_telegrams
def test_how_many_there_are(rows: dict[str, list[Row]], capsys: pytest.CaptureFixture[str]) -> None:
    """The telegrams that were run are counted aloud, by vendor and framing."""
    read = Counter((e["vendor"], e["framing"]) for e in TELEGRAM_INDEX if expected(e) is not None)
    refused = Counter((e["vendor"], e["framing"]) for e in TELEGRAM_INDEX if expected(e) is None)
    with capsys.disabled():
        print(f"\n{'vendor':<16}{'framing':<10}{'read':>6}{'rejected':>10}")
        for vendor, framing in sorted(read | refused):
            kind = (vendor, framing)
            print(f"{vendor:<16}{framing:<10}{read[kind]:>6}{refused[kind]:>10}")
        print(f"{'in all':<26}{read.total():>6}{refused.total():>10}")
    assert read.total() + refused.total() == len(rows)


@needs_telegrams
@pytest.mark.parametrize("entry", STREAM_INDEX, ids=lambda entry: entry["file"])
def test_streams(entry: Row) -> None:
    """From a long recording come exactly the telegrams that can be recovered, where and as they were sent."""
    found = decoded(TELEGRAMS / "streams" / entry["file"])
    good = [row for row in found if "values" in row]
    assert len(good) == entry["valid_telegrams"]
    assert all(row["rejected"] for row in found if "values" not in row)
    assert all(row["offset"] + row["length"] <= entry["bytes"] for row in found)
    if entry.get("expect_file"):
        text = gzip.decompress((TELEGRAMS / "streams" / entry["expect_file"]).read_bytes()).decode()
        wanted = [json.loads(line) for line in text.splitlines()]
        assert [(row["offset"], row["length"], row["list"], row["values"]) for row in good] == [
            (row["offset"], row["length"], row["list"], row["expect"]) for row in wanted
        ]


@needs_telegrams
@pytest.mark.parametrize("size", [1, 7, 61])
def test_cut_small(size: int) -> None:
    """Each telegram says the same when its octets trickle in."""
    for entry in TELEGRAM_INDEX:
        dump = Dump()
        octets = dump.feed((TELEGRAMS / entry["file"]).read_bytes()) + dump.flush()
        read = [values(outcome) for outcome in outcomes(octets, size) if isinstance(outcome, Reading)]
        want = expected(entry)
        assert read == ([] if want is None else [want]), entry["file"]


def outcomes(octets: bytes, size: int) -> Iterator[Reading | Discarded]:
    """Readings and rejections of octets handed over `size` at a time."""
    stream, decoder = Stream(), Decoder()
    pieces = [octets[first : first + size] for first in range(0, len(octets), size)]
    found = [item for piece in pieces for item in stream.feed(piece)]
    for item in [*found, *stream.flush()]:
        yield decoder.decode(item) if isinstance(item, Apdu) else item


def test_memory_does_not_grow_with_the_file(vectors: Mapping[str, bytes], tmp_path: Path) -> None:
    """Twenty megabytes of telegrams, whole and damaged, go through the command in constant memory."""
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("needs /proc to see another process's peak of memory")
    names = ("KAM-L2-3", "AID-L3-4w", "KAM-L1-3-GLO", "KFM-L3-H4", "GBT")
    batch = b"".join(vectors[name] for name in names)
    batch += vectors["KAM-L2-3"][:-9] + 1000 * b"\x55" + vectors["KFM-L1"][5:]
    times = 20_000_000 // len(batch)
    with open(tmp_path / "rows", "wb") as said:
        command = [sys.executable, "-m", "han2x", "decode", "--json", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, cwd=CHECKOUT) as process:
            assert process.stdin
            for _ in range(times):
                process.stdin.write(batch)
            process.stdin.flush()
            lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
            process.stdin.close()
    (peak_kb,) = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    assert (tmp_path / "rows").read_bytes().count(b'"values"') == 4 * times
    assert peak_kb < RSS_MAX_KB
