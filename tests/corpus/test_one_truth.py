"""One truth a value: `decode`, a Modbus read and an MQTT message say the same of every telegram.

The telegrams are other people's and stay out of this repository; see `test_corpus`. The telegrams of the
tests' own run everywhere.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from fractions import Fraction
from itertools import islice
from math import floor
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from han2x.cli.telegram_text import details, values
from han2x.modbus.maps.float32 import FLOAT
from han2x.modbus.maps.han2x import HAN2X
from han2x.model.instant import Instant
from han2x.model.quantity import ENERGIES, PHASE_ENERGIES, Quantity
from han2x.model.reading import Reading
from han2x.model.state import EMPTY, fold
from han2x.model.view import View, view
from han2x.mqtt.objects import ENERGY, OBJECTS, STATE
from han2x.mqtt.topic import Stamp
from han2x.settings.lists import TaughtList
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.vendors.obis_quantities import QUANTITIES
from han2x.wire.cipher import Keys
from han2x.wire.dump import Dump
from han2x.wire.obis import cde
from han2x.wire.result import Apdu, Framing
from han2x.wire.stream import Stream

from ..sml_telegrams import dtz541, ed300l, ehz, mt175
from ..vendors.test_selfdescribing import CODES, code, number, octets, scaler_unit, structure
from .test_corpus import REPORT_INDEX, STREAM_INDEX, TELEGRAM_INDEX, TELEGRAMS, keys, needs_telegrams

NOW = Instant(1_750_000_000_000, 5_000)
KILO = (*ENERGIES, *PHASE_ENERGIES)
FLOAT_EXACT = 1 << 24


def readings(octets: bytes, key: Keys | None = None) -> Iterator[Reading]:
    """What the decoder makes of a recording."""
    manner = Manner(key, unchecked=True)
    keyring = manner.keyring()
    stream, decoder = Stream(keyring), Decoder(keyring, manner)
    for item in [*stream.feed(octets), *stream.flush()]:
        if isinstance(item, Apdu) and isinstance(outcome := decoder.decode(item), Reading):
            yield outcome


def printed(reading: Reading) -> Mapping[str, object]:
    """What `decode --json` prints, but for fractions of the model's units."""
    exact = {q.key for q, _ in reading.finer}
    return {key: said for key, said in {**values(reading), **details(reading)}.items() if key not in exact}


def by_modbus(seen: View) -> tuple[dict[str, object], dict[str, object]]:
    """The extension and the float map, every row decoded from its octets, by name."""
    found: tuple[dict[str, object], dict[str, object]] = {}, {}
    for known, table in zip(found, (HAN2X, FLOAT), strict=True):
        image = table.image(seen)
        for row in table.rows:
            known[row.name] = row.type.value(image.read(row.address, row.words) or b"")
    return found


def by_mqtt(seen: View) -> dict[str, object]:
    """The JSON of the topics `state` and `energy`."""
    found: dict[str, object] = {}
    for topic in OBJECTS:
        if topic.name in (STATE, ENERGY) and (content := topic.content(seen)) is not None:
            found |= json.loads(topic.payload(seen, content, Stamp(topic.name, NOW.unix_ms, UTC)))
    return found


def agree(reading: Reading) -> None:
    """Each value that `decode` prints stands in both register maps and in the message, and no other does."""
    seen = view(fold(EMPTY, reading, NOW), scale=1000, now=NOW, uptime_s=0)
    registers, floats = by_modbus(seen)
    message, said = by_mqtt(seen), printed(reading)
    for quantity in Quantity:
        name = quantity.value
        if quantity not in seen.values:
            assert registers[f"x_{name}"] is None, name
            assert message.get(name) is None, name
            continue
        value = seen.values[quantity]
        if quantity.key in said:
            assert quantity.displayed(value) == said[quantity.key], name
        assert registers[f"x_{name}"] == value, name
        shown = value / 1000 if quantity in KILO else quantity.displayed(value)
        assert message[name] == shown, name
        if abs(value) < FLOAT_EXACT:
            assert abs(float(str(floats[name])) - shown) < 1e-6 * max(1, abs(shown)), name


def test_our_own_telegrams(vectors: Mapping[str, bytes]) -> None:
    """Every good telegram of the tests' own."""
    octets = [*vectors.values(), ehz(5364), ehz(-12_609), ed300l(1266, 0x1A2), mt175(), dtz541()]
    found = [reading for one in octets for reading in readings(one)]
    assert len(found) > 15
    for reading in found:
        agree(reading)


def test_by_phase() -> None:
    """A text with everything that only some meters send."""
    codes = {
        "1-0:1.7.0": "00.000*kW", "1-0:2.7.0": "00.420*kW", "1-0:21.7.0": "01.000*kW",
        "1-0:22.7.0": "00.000*kW",
        "1-0:41.7.0": "00.000*kW", "1-0:42.7.0": "00.710*kW", "1-0:61.7.0": "00.000*kW",
        "1-0:62.7.0": "00.710*kW", "1-0:13.7.0": "0.981", "1-0:33.7.0": "0.970", "1-0:14.7.0": "49.98*Hz",
        "1-0:21.8.0": "001234.567*kWh", "1-0:1.8.0": "003000.001*kWh", "1-0:1.4.0": "02.351*kW",
        "1-0:1.6.0": "200509134558S)(02.589*kW", "1-0:23.7.0": "00.012*kvar",
    }  # fmt: skip
    lines = "".join(f"{code}({sent})\r\n" for code, sent in codes.items())
    (reading,) = readings(f"/FLU5\\253770234_A\r\n\r\n{lines}!\r\n".encode())
    assert {q.value: value for q, value in reading.values.items()} == {
        "act_pow_pos": 0, "act_pow_neg": 420, "act_pow_pos_l1": 1000, "act_pow_neg_l1": 0,
        "act_pow_pos_l2": 0, "act_pow_neg_l2": 710, "act_pow_pos_l3": 0, "act_pow_neg_l3": 710,
        "power_factor": 981, "power_factor_l1": 970, "frequency": 49_980, "act_energy_pos_l1": 1_234_567,
        "act_energy_pos": 3_000_001, "demand": 2351, "demand_max": 2589, "react_pow_pos_l1": 12,
    }  # fmt: skip
    agree(reading)


FOLDERS = {"": TELEGRAM_INDEX, "reports": REPORT_INDEX, "streams": STREAM_INDEX}


@needs_telegrams
@pytest.mark.parametrize(("folder", "least"), [("", 300), ("reports", 13), ("streams", 400)])
def test_every_telegram_of_the_corpus(folder: str, least: int) -> None:
    """Every telegram of real meters, the reports of strangers, and a day's recordings."""
    count = 0
    for entry in FOLDERS[folder]:
        dump = Dump()
        octets = dump.feed(Path(TELEGRAMS / folder / entry["file"]).read_bytes()) + dump.flush()
        for reading in islice(readings(octets, keys(entry)), 200):
            agree(reading)
            count += 1
    assert count >= least


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(sorted(CODES)), st.tuples(st.integers(0, 60_000), st.integers(-3, 1)), min_size=1
    ),
    st.booleans(),
)
def test_any_list_that_describes_itself(sent: dict[str, tuple[int, int]], exports: bool) -> None:
    """What nobody has sent is told by all alike, also a power that has a sign."""
    if exports and "1.7.0" in sent and "2.7.0" not in sent:
        sent["1.7.0"] = -1 - sent["1.7.0"][0], 0
    rows = [
        structure(code(name), number(raw, 0x05), scaler_unit(scaler, CODES[name][1]))
        for name, (raw, scaler) in sent.items()
    ]
    message = b"\x0f\0\0\0\0\0" + structure(*rows)
    reading = Decoder().decode(Apdu(message, Framing.HDLC, 0, len(message)))
    assert isinstance(reading, Reading)
    for name, (raw, scaler) in sent.items():
        quantity, _, thousands = CODES[name]
        if raw < 0:
            assert (reading.values[quantity], reading.values[Quantity.ACT_POW_NEG]) == (0, -raw)
        else:
            assert reading.values[quantity] == floor(raw * Fraction(10) ** (thousands + scaler))
    agree(reading)


CODE_OF = {QUANTITIES[cde(code)]: code for code in CODES}


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(sorted(CODE_OF)), st.integers(0, 60_000), min_size=1),
    st.sampled_from(["1", "0.1", "0.01", "10"]),
    st.randoms(use_true_random=False),
)
def test_any_list_that_is_taught(sent: dict[Quantity, int], factor: str, order: Random) -> None:
    """In any order, with any factor."""
    names = sorted(sent)
    order.shuffle(names)
    codes, factors = " ".join(CODE_OF[name] for name in names), " ".join(factor for _ in names)
    pattern = "t" + "n" * len(names) + "b"
    taught = TaughtList(name="x", pattern=pattern, codes=f"- {codes} -", factors=f"- {factors} -")
    body = structure(octets(b"ab"), *(number(sent[name]) for name in names), b"\x03\x01")
    message = b"\x0f\0\0\0\0\0" + body
    reading = Decoder(None, Manner(lists=(taught,))).decode(Apdu(message, Framing.HDLC, 0, len(message)))
    assert isinstance(reading, Reading), reading
    for name, raw in sent.items():
        assert reading.values[name] == floor(raw * Fraction(factor) * name.unit.per_display)
    agree(reading)
