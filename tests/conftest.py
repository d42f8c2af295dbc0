"""What test files share: the synthetic telegrams of the han-port sheet's appendix A, and an A-XDR encoder.

A test that takes `hdlc_vector` runs once for each telegram that stands in HDLC frames.
Every run counts what it has run against what it has collected, on however many workers: see `Count`.
"""

import ctypes
import os
import signal
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from han2x.wire.axdr import Array, Data, Structure

settings.register_profile("explore", deadline=None)  # --hypothesis-profile=explore: other examples each time
settings.register_profile("han2x", deadline=None, derandomize=True)  # neither a busy machine nor chance fails
settings.load_profile("han2x")

HERE = Path(__file__).parent
SLOW = (
    "web/browser/test_pages.py",
    "modbus/test_interop.py",
    "modbus/test_rtu_interop.py",
    "board/test_network.py",
    "mqtt/test_publishing.py",
    "app/test_program.py",
    "postgres/test_fleet.py",
    "web/browser/test_around.py",
    "modbus/test_line.py",
    "board/test_finding.py",
    "history/test_year.py",
    "web/test_live.py",
)
"""Files that take long go first, so that no worker is left with one at the end."""


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a background job; what it starts inherits that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Count(), "count")


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: half of the time is spent waiting for programs, timers and disks."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {str(HERE / name): number for number, name in enumerate(SLOW)}
    items.sort(key=lambda item: rank.get(str(item.path), len(rank)))


class Count:
    """Fails a session that has not run each test that was collected, once; says how many there were.

    Tests of one name count as one that should run more than once: workers are told names only.
    """

    def __init__(self) -> None:
        self.collected: Counter[str] = Counter()
        self.run: Counter[str] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected = Counter(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each worker collects all; that all found the same is seen to by xdist."""
        self.collected = Counter(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.run[report.nodeid] += 1

    @property
    def wrong(self) -> list[str]:
        """Tests that were not run, or more than once, or that have one name."""
        several = [name for name, count in self.collected.items() if count > 1]
        return sorted({*(self.collected - self.run), *(self.run - self.collected), *several})

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        whole = exitstatus == pytest.ExitCode.OK and not session.config.option.collectonly
        if whole and self.wrong:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not terminalreporter.config.option.collectonly:
            said = f"{self.collected.total()} tests collected, {self.run.total()} run"
            names = [f"\n  not run once: {name}" for name in self.wrong[:20]]
            terminalreporter.write_line(said + "".join(names))


@pytest.fixture
def permissions_hold() -> Iterator[None]:
    """Modes of files count for root too, in this thread and those it starts: capabilities(7)."""
    libc = ctypes.CDLL(None, use_errno=True)
    version_3, this_thread = 0x20080522, 0
    read_or_write_anything = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    header = struct.pack("=Ii", version_3, this_thread)
    before = ctypes.create_string_buffer(24)
    assert libc.capget(header, before) == 0
    effective, *rest = struct.unpack("=6I", before.raw)
    assert libc.capset(header, struct.pack("=6I", effective & ~read_or_write_anything, *rest)) == 0
    yield
    assert libc.capset(header, before) == 0


def _vectors() -> dict[str, bytes]:
    texts = [HERE / "simulator" / "vectors.txt", HERE / "wire" / "vectors.txt"]
    lines = [line for text in texts for line in text.read_text("ascii").splitlines()]
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return {name: bytes.fromhex(digits) for name, digits in pairs}


VECTORS = _vectors()


@pytest.fixture(scope="session")
def vectors() -> Mapping[str, bytes]:
    """The synthetic telegrams by name, flags and checksums included."""
    return VECTORS


def p1_text(values: Mapping[str, str], *, header: str = "/SIM5\\HAN00000017", checked: bool = True) -> bytes:
    """A P1 telegram with these lines of 1-0; a code with a channel of its own is taken as it is."""
    rows = (f"{code if ':' in code else f'1-0:{code}'}({value})" for code, value in values.items())
    octets = "\r\n".join((header, "", *rows, "!")).encode("ascii")
    return octets + (b"%04X" % crc16(octets) if checked else b"") + b"\r\n"


def crc16(octets: bytes) -> int:
    """CRC-16/ARC bit by bit: reflected 0x8005, from 0."""
    crc = 0
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def mbus_frames(apdu: bytes, size: int = 245) -> bytes:
    """An APDU in wired M-Bus long frames of at most `size` octets of data each (sheet 6.3)."""
    pieces = [apdu[first : first + size] for first in range(0, len(apdu), size)]
    frames = b""
    for number, piece in enumerate(pieces):
        ci = number | (0x10 if number == len(pieces) - 1 else 0)
        content = bytes((0x53, 0xFF, ci, 0x01, 0x67)) + piece
        length = bytes((len(content) & 0xFF,)) * 2
        frames += b"\x68" + length + b"\x68" + content + bytes((sum(content) & 0xFF, 0x16))
    return frames


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hdlc_vector" in metafunc.fixturenames:
        names = [name for name, octets in VECTORS.items() if octets[0] == 0x7E]
        metafunc.parametrize("hdlc_vector", [VECTORS[name] for name in names], ids=names)


@pytest.fixture(scope="session")
def encode() -> Callable[[Data], bytes]:
    """A-XDR of Python values, written from sheet 3.2: integers take the narrowest signed or unsigned tag."""
    return _encode


def _encode(value: Data) -> bytes:
    match value:
        case None:
            return b"\x00"
        case bool():
            return bytes((0x03, value))
        case int():
            return _encode_int(value)
        case float():
            return struct.pack(">Bd", 0x18, value)
        case bytes():
            return b"\x09" + _length(len(value)) + value
        case str():
            return b"\x0a" + _length(len(value)) + value.encode("ascii")
        case Array():
            return b"\x01" + _length(len(value)) + b"".join(map(_encode, value))
        case Structure():
            return b"\x02" + _length(len(value)) + b"".join(map(_encode, value))


def _encode_int(value: int) -> bytes:
    for tag, layout in ((0x0F, "b"), (0x10, "h"), (0x12, "H"), (0x06, "I"), (0x14, "q"), (0x15, "Q")):
        try:
            return bytes((tag,)) + struct.pack(">" + layout, value)
        except struct.error:
            continue
    raise ValueError(value)


def _length(count: int) -> bytes:
    if count < 0x80:
        return bytes((count,))
    return bytes((0x81, count)) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")
