"""A source as a line of text: every form, every option, and every sentence for a line that makes no sense."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from han2x.settings.source import (
    FAULTS,
    LINES,
    ReplaySource,
    SerialSource,
    SimulatedSource,
    Source,
    SourceError,
    TcpSource,
    parse_source,
)

FORMS: dict[str, Source] = {
    "serial:auto": SerialSource("auto", "auto"),
    "serial:auto?line=8N1": SerialSource("auto", "8N1"),
    "serial:/dev/ttyUSB0": SerialSource("/dev/ttyUSB0"),
    "serial:/dev/ttyUSB0?line=115200-8N1&request=rts": SerialSource("/dev/ttyUSB0", "115200-8N1", "rts"),
    "serial:/dev/serial/by-id/usb-FTDI:1?line=8E1": SerialSource("/dev/serial/by-id/usb-FTDI:1", "8E1"),
    "/dev/ttyS0": SerialSource("/dev/ttyS0"),
    "/dev/ttyS0?line=auto": SerialSource("/dev/ttyS0", "auto"),
    "tcp:bridge.local:3001": TcpSource("bridge.local", 3001),
    "tcp://bridge.local:3001": TcpSource("bridge.local", 3001),
    "tcp:192.168.1.5:1": TcpSource("192.168.1.5", 1),
    "tcp:[::1]:65535": TcpSource("::1", 65535),
    "replay:/var/dump.bin": ReplaySource("/var/dump.bin", 1.0),
    "replay:dump.hex?speed=10": ReplaySource("dump.hex", 10.0),
    "replay:dump.hex?speed=0.5": ReplaySource("dump.hex", 0.5),
    "replay:dump.hex?speed=max": ReplaySource("dump.hex", 0.0),
    "/var/dump.bin?speed=max": ReplaySource("/var/dump.bin", 0.0),
    "replay:C:dump": ReplaySource("C:dump"),
    "simulate:kaifa": SimulatedSource("kaifa"),
    "simulate:aidon?net=tn": SimulatedSource("aidon", net="tn"),
    "simulate:kamstrup?net=1&speed=60&seed=7&solar=5000": SimulatedSource(
        "kamstrup", net="1", speed=60.0, seed=7, solar_w=5000
    ),
    "simulate:kaifa?speed=max": SimulatedSource("kaifa", speed=0.0),
    "simulate:kaifa?speed=1000000": SimulatedSource("kaifa", speed=1e6),
    "simulate:kaifa?start=2025-12-14T15:59:50Z": SimulatedSource("kaifa", start="2025-12-14T15:59:50Z"),
    "simulate:kaifa?start=2025-12-14T16:59:50+01:00": SimulatedSource(
        "kaifa", start="2025-12-14T16:59:50+01:00"
    ),
    "simulate:kaifa?faults=": SimulatedSource("kaifa"),
    "simulate:kaifa?faults=flip-bit,crlf": SimulatedSource("kaifa", faults=("flip-bit", "crlf")),
    "simulate:kaifa?faults=" + ",".join(FAULTS): SimulatedSource("kaifa", faults=FAULTS),
}

SERIAL = "serial: needs auto or the path of a device, such as serial:/dev/ttyUSB0"
TCP = "tcp: needs a host and a port, such as tcp:bridge.local:3001"
SPEED = "speed= must be a number above 0, or max, not "
ERRORS = {
    "": "'' is no source: write serial:, tcp:, mqtt:, replay: or simulate: first",
    "auto": "'auto' is no source: write serial:, tcp:, mqtt:, replay: or simulate: first",
    "udp:h:1": "'udp:h:1' is no source: write serial:, tcp:, mqtt:, replay: or simulate: first",
    "Serial:auto": "'Serial:auto' is no source: write serial:, tcp:, mqtt:, replay: or simulate: first",
    "serial:": SERIAL,
    "serial:ttyUSB0": SERIAL,
    "serial:auto?line=7E1": f"line= must be one of {', '.join(LINES)}, not '7E1'",
    "serial:auto?line": f"line= must be one of {', '.join(LINES)}, not ''",
    "serial:auto?baud=9600": "serial: has no option baud",
    "serial:auto?line=8E1&b=1&a=2": "serial: has no option a, b",
    "tcp:": TCP,
    "tcp:bridge": TCP,
    "tcp:bridge:": TCP,
    "tcp::3001": TCP,
    "tcp:bridge:0": TCP,
    "tcp:bridge:65536": TCP,
    "tcp:bridge:-1": TCP,
    "tcp:bridge:http": TCP,
    "tcp:bridge:" + "9" * 5000: TCP,
    "tcp:bridge:3001?speed=1": "tcp: has no option speed",
    "replay:": "replay: needs the path of a file",
    "replay:?speed=1": "replay: needs the path of a file",
    "replay:a?speed=0": SPEED + "'0'",
    "replay:a?speed=-1": SPEED + "'-1'",
    "replay:a?speed=fast": SPEED + "'fast'",
    "replay:a?speed=nan": SPEED + "'nan'",
    "replay:a?speed=inf": SPEED + "'inf'",
    "replay:a?speed=1000001": SPEED + "'1000001'",
    "replay:a?speed": SPEED + "''",
    "replay:a?loop=1": "replay: has no option loop",
    "simulate:": "simulate: knows aidon, kaifa, kamstrup, not ''",
    "simulate:elster": "simulate: knows aidon, kaifa, kamstrup, not 'elster'",
    "simulate:kaifa?net=3": "net= must be one of 1, it, tn, not '3'",
    "simulate:kaifa?speed=0": SPEED + "'0'",
    "simulate:kaifa?seed=a": "seed= must be a whole number, not 'a'",
    "simulate:kaifa?seed=-1": "seed= must be a whole number, not '-1'",
    "simulate:kaifa?solar=1.5": "solar= must be a whole number, not '1.5'",
    "simulate:kaifa?solar=1000000000": "solar= must be a whole number, not '1000000000'",
    "simulate:kaifa?faults=fire": f"simulate: has no fault 'fire'; it has {', '.join(FAULTS)}",
    "simulate:kaifa?line=8E1": "simulate: has no option line",
}


@pytest.mark.parametrize("line", FORMS)
def test_each_form_means_its_source(line: str) -> None:
    """A line of text is the source it describes."""
    assert parse_source(line) == FORMS[line]


@pytest.mark.parametrize("line", ERRORS, ids=lambda line: line[:40])
def test_each_error_says_what_is_wrong(line: str) -> None:
    """A line that makes no sense gets a sentence for the person who wrote it."""
    with pytest.raises(SourceError) as error:
        parse_source(line)
    assert str(error.value) == ERRORS[line]


@given(
    scheme=st.sampled_from(["", "serial:", "tcp:", "replay:", "simulate:", "/dev/", "/"]),
    rest=st.text() | st.text(alphabet="kaifauto:/?&=+%[]0123456789.-", max_size=40),
)
def test_no_text_makes_the_parser_stumble(scheme: str, rest: str) -> None:
    """Any text is a source or a `SourceError`."""
    with suppress(SourceError):
        assert isinstance(parse_source(scheme + rest), Source)
