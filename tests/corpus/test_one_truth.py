"""One truth a value: `decode`, a Modbus read and an MQTT message say the same of every telegram.

The telegrams are other people's and stay out of this repository; see `test_corpus`. The telegrams of the
tests' own run everywhere.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path

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
from han2x.vendors.decoder import Decoder
from han2x.vendors.decoding_options import Manner
from han2x.wire.cipher import Keys
from han2x.wire.dump import Dump
from han2x.wire.result import Apdu
from han2x.wire.stream import Stream

from ..sml_telegrams import dtz541, ed300l, ehz, mt175
from .test_corpus import TELEGRAM_INDEX, TELEGRAMS, keys, needs_telegrams

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


@needs_telegrams
def test_every_telegram_of_the_corpus() -> None:
    """Every telegram of real meters, and the reports of strangers."""
    count = 0
    for entry in TELEGRAM_INDEX:
        dump = Dump()
        octets = dump.feed(Path(TELEGRAMS / entry["file"]).read_bytes()) + dump.flush()
        for reading in readings(octets, keys(entry)):
            agree(reading)
            count += 1
    assert count > 50
