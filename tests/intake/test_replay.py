"""Replaying recordings: the pace worked out from the meter's clocks, and every octet delivered once.

The recordings are made by the simulator, which knows when each telegram left.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.intake.replay import CHUNK, FAST_LIST_MS, GAP_MAX_MS, ReplayLink, paced, read_chunks
from han2x.runtime.gateway import Trouble
from han2x.settings.source import SimulatedSource
from han2x.simulator.meter import telegrams
from han2x.simulator.telegram import Telegram

START = datetime(2025, 12, 14, 14, 59, 40, tzinfo=UTC)


def recorded(vendor: str, count: int, *faults: str, start: datetime = START) -> list[Telegram]:
    return list(islice(telegrams(SimulatedSource(vendor, faults=faults), start), count))


def octets(sent: list[Telegram]) -> bytes:
    return b"".join(telegram.data for telegram in sent)


KAIFA = recorded("kaifa", 40)
LONG_KAIFA = octets(recorded("kaifa", 3000))


def test_a_telegram_is_due_when_its_clock_says() -> None:
    """Kaifa puts the time in every telegram: the pace is the meter's own."""
    pieces = list(paced(iter([octets(KAIFA)])))
    assert pieces.pop() == (KAIFA[-1].due_ms, b"")
    assert [due for due, _ in pieces] == [telegram.due_ms for telegram in KAIFA]
    assert [piece for _, piece in pieces] == [telegram.data for telegram in KAIFA]


@pytest.mark.parametrize("vendor", ["aidon", "kamstrup"])
def test_a_telegram_without_a_clock_is_due_a_period_later(vendor: str) -> None:
    """Where the meter does not say when, a fast list's period is taken; the order is what it was."""
    sent = recorded(vendor, 20)
    pieces = list(paced(iter([octets(sent)])))[:-1]
    assert [piece for _, piece in pieces] == [telegram.data for telegram in sent]
    assert pieces[0][0] == 0
    gaps = {later - earlier for (earlier, _), (later, _) in pairwise(pieces)}
    assert gaps <= ({FAST_LIST_MS} if vendor == "aidon" else {FAST_LIST_MS, 5000, 10_000})


@pytest.mark.parametrize(("gap", "due_ms"), [(-3600, 0), (0, 0), (2, 2000), (3600, GAP_MAX_MS), (3601, 0)])
def test_a_clock_that_jumps_costs_no_time(gap: int, due_ms: int) -> None:
    """A recording with a hole or a clock that was set goes on at once; up to an hour is waited for."""
    first = recorded("kaifa", 1)
    second = recorded("kaifa", 1, start=START + timedelta(seconds=gap))
    pieces = list(paced(iter([octets(first) + octets(second)])))
    assert [due for due, _ in pieces] == [0, due_ms, due_ms]


@given(cuts=st.lists(st.integers(0, len(octets(KAIFA))), max_size=20))
def test_the_cut_of_the_file_changes_nothing(cuts: list[int]) -> None:
    """However the file is read, the pieces and their times are the same."""
    whole = octets(KAIFA)
    ends = sorted({0, *cuts, len(whole)})
    chunks = iter([whole[a:b] for a, b in pairwise(ends)])
    assert list(paced(chunks)) == list(paced(iter([whole])))


@given(content=st.binary(max_size=500), at=st.integers(0, 20))
def test_not_an_octet_is_lost(content: bytes, at: int) -> None:
    """Noise between telegrams goes with the next one: all pieces together are the recording."""
    whole = octets(KAIFA[:at]) + content + octets(KAIFA[at:])
    pieces = list(paced(iter([whole])))
    assert b"".join(piece for _, piece in pieces) == whole
    assert all(earlier <= later for (earlier, _), (later, _) in pairwise(pieces))
    assert all(piece for _, piece in pieces[:-1])


def test_noise_without_end_is_passed_on_in_pieces() -> None:
    """A large file without a telegram is not gathered in memory."""
    chunks = [bytes(CHUNK)] * 10
    pieces = list(paced(iter(chunks)))
    assert sum(len(piece) for _, piece in pieces) == 10 * CHUNK
    assert max(len(piece) for _, piece in pieces) <= 3 * CHUNK
    assert {due for due, _ in pieces} == {0}


@pytest.mark.parametrize("form", ["raw", "hex", "hex lines"])
def test_a_file_may_be_raw_or_hex(tmp_path: Path, form: str) -> None:
    """A recording as hex text means the same octets."""
    whole = octets(KAIFA)
    path = tmp_path / "dump"
    text = whole.hex(" ") if form == "hex lines" else whole.hex()
    path.write_bytes(whole if form == "raw" else text.replace("7e a0", "\n7e a0").encode())
    assert b"".join(read_chunks(path)) == whole


def replayed(path: Path, speed: float) -> tuple[bytes, float]:
    """All that a link delivers, and how long that took by the loop's clock."""

    async def main() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        link, pieces, began = ReplayLink(str(path), speed), list[bytes](), loop.time()
        async with asyncio.timeout(60):
            await link.read(pieces.append)
        took = loop.time() - began
        await link.read(lambda octets: pytest.fail(str(octets)))
        link.close()
        await link.read(lambda octets: pytest.fail(str(octets)))
        return b"".join(pieces), took

    return asyncio.run(main())


def test_as_fast_as_possible_delivers_everything(tmp_path: Path) -> None:
    """At speed=max the whole file comes, octet for octet, without waiting for the meter's hours."""
    path = tmp_path / "dump"
    path.write_bytes(LONG_KAIFA)
    found, seconds = replayed(path, 0.0)
    assert found == LONG_KAIFA
    assert seconds < 10


def test_the_speed_divides_the_pace(tmp_path: Path) -> None:
    """Forty telegrams of 78 s come in a hundredth of it at speed 100, no sooner."""
    path = tmp_path / "dump"
    path.write_bytes(octets(KAIFA))
    found, seconds = replayed(path, 100.0)
    assert found == octets(KAIFA)
    assert seconds >= KAIFA[-1].due_ms / 1000 / 100


@pytest.mark.parametrize(
    ("name", "text"), [("missing", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_trouble(tmp_path: Path, name: str, text: str) -> None:
    """The sentence names file and reason."""

    async def main() -> None:
        with pytest.raises(Trouble) as trouble:
            ReplayLink(str(tmp_path / name), 1.0)
        assert str(trouble.value) == f"{tmp_path / name} cannot be read: {text}"

    asyncio.run(main())


def test_an_empty_file_has_an_end(tmp_path: Path) -> None:
    """There is nothing to read, and that is said at once."""
    (tmp_path / "empty").touch()
    assert replayed(tmp_path / "empty", 1.0)[0] == b""


def test_a_piece_is_read_ahead_no_further_than_needed() -> None:
    """The first telegram is there before the rest of the file has been read."""
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        for telegram in KAIFA:
            read += 1
            yield telegram.data

    assert next(paced(chunks()))[1] == KAIFA[0].data
    assert read <= 2


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    """A pipe or a device would hold up the loop for ever; it is refused with a sentence."""
    paths = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero")}
    if kind == "pipe":
        os.mkfifo(paths["pipe"])
    with pytest.raises(Trouble, match="is no file"):
        ReplayLink(str(paths[kind]), 1.0)
