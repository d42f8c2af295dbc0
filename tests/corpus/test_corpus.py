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
from han2x.vendors.decoding_options import Manner
from han2x.wire.cipher import Keys
from han2x.wire.dump import Dump
from han2x.wire.result import Apdu, Discarded
from han2x.wire.stream import Stream

Row = dict[str, Any]

CHECKOUT = Path(__file__).parents[2]
TELEGRAMS = Path(os.environ.get("HAN2X_TELEGRAMS", CHECKOUT.parent / "shared" / "telegrams"))
HERE = (TELEGRAMS / "index.json").is_file()
RSS_MAX_KB = 40_000

needs_telegrams = pytest.mark.skipif(
    not HERE, reason="no telegrams of real meters: set HAN2X_TELEGRAMS to their folder"
)


def _listed(index: str) -> list[Row]:
    return list(json.loads((TELEGRAMS / index).read_text("utf-8"))) if HERE else []


TELEGRAM_INDEX, STREAM_INDEX = _listed("index.json"), _listed("streams/index.json")
REPORT_INDEX = [entry for entry in _listed("reports/index.json") if "expect" in entry]


def expected(entry: Row) -> Mapping[str, object] | None:
    """The values of a telegram that has to be read; None for one that has to be rejected."""
    return entry["expect"]  # type: ignore[no-any-return]


def keys(entry: Row) -> Keys | None:
    """The keys that were published with a telegram."""
    if (key := entry.get("key")) and isinstance(key, str):
        return Keys(bytes.fromhex(key), bytes.fromhex(entry.get("auth_key", "")))
    if key:
        return Keys(bytes.fromhex(key["ek"]), bytes.fromhex(key.get("ak", "")))
    return None


def comparable(entry: Row, said: Mapping[str, object]) -> Mapping[str, object]:
    """What is said, without what the expected values of P1 leave out.

    These are the sums of tariff registers, and a clock in a form that the other decoders do not read.
    """
    want = expected(entry) or {}
    if entry["framing"] != "p1":
        return said
    return {key: value for key, value in said.items() if key in want or not key.endswith(("h", "clock"))}


def decoded(*files: Path, key: Keys | None = None) -> list[Row]:
    """What the command says of these files."""
    said = StringIO()
    options = []
    if key:
        options = ["--key", key.encryption.hex()]
        options += ["--auth-key", key.authentication.hex()] if key.authentication else []
    with redirect_stdout(said):
        main(["decode", "--json", *options, *map(str, files)])
    return [json.loads(line) for line in said.getvalue().splitlines()]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Row]]:
    """What the command says of every telegram, by file, from one call for each key."""
    by_file: dict[str, list[Row]] = {entry["file"]: [] for entry in TELEGRAM_INDEX}
    for key in {keys(entry) for entry in TELEGRAM_INDEX}:
        names = [entry["file"] for entry in TELEGRAM_INDEX if keys(entry) == key]
        for row in decoded(*(TELEGRAMS / name for name in names), key=key):
            by_file[Path(row["file"]).name].append(row)
    return by_file


@needs_telegrams
def test_every_readable_telegram(rows: dict[str, list[Row]]) -> None:
    """Each telegram gives exactly one reading, with exactly the values that were sent."""
    wrong = {}
    for entry in TELEGRAM_INDEX:
        if (want := expected(entry)) is not None:
            read = [row for row in rows[entry["file"]] if "values" in row]
            found = [(comparable(entry, row["values"]), row["framing"]) for row in read]
            if found != [(want, entry["framing"])]:
                wrong[entry["file"]] = (found, want)
    assert not wrong


@needs_telegrams
def test_nothing_else_is_seen_in_a_frame(rows: dict[str, list[Row]]) -> None:
    """A telegram in a frame is all there is in its file."""
    for entry in TELEGRAM_INDEX:
        if expected(entry) is not None and entry["framing"] != "p1":
            assert len(rows[entry["file"]]) == 1, entry["file"]


@needs_telegrams
def test_every_other_telegram(rows: dict[str, list[Row]]) -> None:
    """Each damaged or encrypted telegram gives no values but a reason in words, and its place."""
    for entry in TELEGRAM_INDEX:
        if expected(entry) is None:
            found = rows[entry["file"]]
            assert found, entry["file"]
            assert not any("values" in row for row in found), entry["file"]
            assert all(row["rejected"] and row["kind"] and row["length"] > 0 for row in found), entry["file"]


@needs_telegrams
@pytest.mark.parametrize("entry", REPORT_INDEX, ids=lambda entry: entry["file"])
def test_reports(entry: Row) -> None:
    """What people reported is read exactly, or rejected with a reason in words."""
    found = decoded(TELEGRAMS / "reports" / entry["file"], key=keys(entry))
    want = entry["expect"]
    wanted = want if isinstance(want, list) else [want] if want is not None else []
    assert [row["values"] for row in found if "values" in row] == wanted
    assert all(row["rejected"] for row in found if "values" not in row)


@needs_telegrams
@pytest.mark.parametrize(
    ("framing", "kind"), [("mbus", "encrypted"), ("hdlc", "encrypted"), ("llc", "encrypted")]
)
def test_encrypted_telegrams_without_keys(framing: str, kind: str) -> None:
    """A good telegram that cannot be read for want of a key is called what it is."""
    chosen = [
        e for e in TELEGRAM_INDEX if (e["framing"], e["encrypted"], e["valid"]) == (framing, True, True)
    ]
    assert chosen
    unnamed = [
        entry["file"]
        for entry in chosen
        if kind not in {row.get("kind") for row in decoded(TELEGRAMS / entry["file"])}
    ]
    assert not unnamed


@needs_telegrams
def test_another_key() -> None:
    """With the key of another meter nothing is read, and it is said that the key is wrong."""
    for entry in TELEGRAM_INDEX:
        if keys(entry):
            (row,) = decoded(TELEGRAMS / entry["file"], key=Keys(bytes(16)))
            assert "another key" in row["rejected"]


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
        found = outcomes(octets, size, keys(entry))
        read = [comparable(entry, values(outcome)) for outcome in found if isinstance(outcome, Reading)]
        want = expected(entry)
        assert read == ([] if want is None else [want]), entry["file"]


def outcomes(octets: bytes, size: int, key: Keys | None) -> Iterator[Reading | Discarded]:
    """Readings and rejections of octets handed over `size` at a time."""
    manner = Manner(key, unchecked=True)
    keyring = manner.keyring()
    stream, decoder = Stream(keyring), Decoder(keyring, manner)
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
