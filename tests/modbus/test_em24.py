"""The EM24 map, asked as Victron's open driver asks (dbus-modbus-client, carlo_gavazzi.py), by real requests.

Facts of that driver: it looks for a model at 0x000B of unit 1, insists on application 7, reads what the meter
is register by register, then all measurements in blocks that span gaps of up to 30 registers.
"""

from collections.abc import Callable
from struct import pack, unpack
from typing import Any, NamedTuple

import pytest

from han2x.modbus.bank import Banks
from han2x.modbus.maps.em24 import EM24
from han2x.model.instant import ZERO
from han2x.model.quantity import Quantity
from han2x.model.reading import Fitting, Identity, ListType, Net, Reading
from han2x.model.view import View
from han2x.runtime.gateway import Gateway
from han2x.settings.schema import Meter, Settings

Q = Quantity
Seen = Callable[..., View]
MODELS = range(1648, 1654)
MAX_GAP = 30
READING = Reading(
    vendor="kaifa",
    list_type=ListType.HOURLY,
    identity=Identity("KFM_001", "6970631400000017", "MA304H4"),
    fitting=Fitting(Net.TN),
    values={
        Q.ACT_POW_POS: 4_000,
        Q.CURR_L1: 10_000,
        Q.CURR_L2: 6_000,
        Q.CURR_L3: 4_000,
        Q.VOLT_L1: 230_000,
        Q.VOLT_L2: 230_000,
        Q.VOLT_L3: 230_000,
        Q.ACT_ENERGY_POS: 12_345_678,
        Q.ACT_ENERGY_NEG: 987_654,
    },
)


class Unit:
    """Unit 1 of a gateway whose one meter is an EM24 there; `asked` counts requests."""

    def __init__(self, reading: Reading = READING) -> None:
        meter = Meter(unit_id=2, em24_unit_id=1)
        gateway = Gateway(Settings(meters=(meter,)), clock=lambda: ZERO)
        self.banks = Banks(gateway, writable=True)
        gateway.received("main", reading)
        self.asked = 0

    def read(self, address: int, count: int) -> tuple[int, ...]:
        """Holding registers."""
        self.asked += 1
        response = self.banks.respond(1, pack(">BHH", 3, address, count), "victron")
        assert response[:2] == bytes((3, 2 * count)), response.hex()
        return unpack(f">{count}H", response[2:])


class Wanted(NamedTuple):
    """A measurement as the driver has it: its address, words, and how many of its integers make one."""

    path: str
    address: int
    words: int
    scale: float


THREE_PHASES = [
    Wanted("power", 0x28, 2, 10),
    Wanted("sequence", 0x32, 1, 1),
    Wanted("frequency", 0x33, 1, 10),
    Wanted("forward", 0x34, 2, 10),
    Wanted("reverse", 0x4E, 2, 10),
    Wanted("switch", 0xA100, 1, 1),
    *(Wanted(f"L{n + 1} V", 0x00 + 2 * n, 2, 10) for n in range(3)),
    *(Wanted(f"L{n + 1} A", 0x0C + 2 * n, 2, 1000) for n in range(3)),
    *(Wanted(f"L{n + 1} W", 0x12 + 2 * n, 2, 10) for n in range(3)),
    *(Wanted(f"L{n + 1} kWh", 0x40 + 2 * n, 2, 10) for n in range(3)),
]


def blocks(wanted: list[Wanted]) -> list[list[Wanted]]:
    """Measurements in order, in reads of at most 125 registers with no wide gap."""
    found: list[list[Wanted]] = []
    for one in sorted(wanted, key=lambda one: one.address):
        if found:
            first, last = found[-1][0], found[-1][-1]
            near = one.address - (last.address + last.words) <= MAX_GAP
            if near and one.address + one.words - first.address <= 125:
                found[-1].append(one)
                continue
        found.append([one])
    return found


def measured(unit: Unit, wanted: list[Wanted]) -> dict[str, float]:
    """All measurements; numbers of two words are signed and have the low word first."""
    values = {}
    for block in blocks(wanted):
        start = block[0].address
        words = unit.read(start, block[-1].address + block[-1].words - start)
        for one in block:
            at = one.address - start
            raw = pack(f"<{one.words}H", *words[at : at + one.words])
            values[one.path] = int.from_bytes(raw, "little", signed=one.words == 2) / one.scale
    return values


def test_recognised() -> None:
    """Unit 1 is one of the models, with application H, so that the driver writes nothing."""
    unit = Unit()
    assert unit.read(0x000B, 1)[0] in MODELS
    assert unit.read(0xA000, 1) == (7,)


@pytest.mark.parametrize(("net", "config"), [(Net.TN, 0), (Net.ONE_PHASE, 3), (Net.IT, 4), (None, 0)])
def test_phases(net: Net | None, config: int) -> None:
    """What the driver calls 3P.n, 1P and 3P."""
    unit = Unit(Reading(vendor="x", list_type=ListType.FAST, values={}, fitting=Fitting(net)))
    assert unit.read(0x1002, 1) == (config,)


def test_identity() -> None:
    """Versions are 1.0.0; the serial number is the meter id's last 14 characters."""
    unit = Unit()
    assert (unit.read(0x0302, 1), unit.read(0x0304, 1)) == ((0x1000,), (0x1000,))
    assert pack(">7H", *unit.read(0x5000, 7)) == b"70631400000017"


def test_measurements() -> None:
    """All measurements come in two reads, in the units the driver divides by."""
    unit = Unit()
    assert measured(unit, THREE_PHASES) == {
        **{"power": 4000.0, "sequence": 0.0, "frequency": 0.0, "forward": 12345.6, "reverse": 987.6},
        **{"L1 V": 230.0, "L2 V": 230.0, "L3 V": 230.0, "L1 A": 10.0, "L2 A": 6.0, "L3 A": 4.0},
        **{"L1 W": 2000.0, "L2 W": 1200.0, "L3 W": 800.0, "L1 kWh": 0.0, "L2 kWh": 0.0, "L3 kWh": 0.0},
        "switch": 3.0,
    }
    assert unit.asked == 2


def test_one_block() -> None:
    """The measurements have no gap, and end at 0x51."""
    image = EM24.image(
        Banks(Gateway(Settings(), clock=lambda: ZERO), writable=True).gateway.view(Meter(), ZERO)
    )
    assert image.read(0x00, 0x52) is not None
    assert image.read(0x00, 0x53) is None


@pytest.mark.parametrize(
    ("values", "powers"),
    [
        ({Q.ACT_POW_NEG: 1_000}, [-10_000, 0, 0]),
        ({Q.ACT_POW_POS: 1_000, Q.CURR_L2: 1}, [0, 10_000, 0]),
        ({Q.ACT_POW_POS: 1, Q.CURR_L1: 1, Q.CURR_L2: 1, Q.CURR_L3: 1}, [4, 3, 3]),
        ({Q.ACT_POW_NEG: 1, Q.CURR_L1: 1, Q.CURR_L2: 1, Q.CURR_L3: 1}, [-2, -4, -4]),
        ({Q.CURR_L1: 1}, [0x7FFF_FFFF] * 3),
    ],
)
def test_phase_powers_sum_up(seen: Seen, values: dict[Quantity, int], powers: list[int]) -> None:
    """The phases share the total by their currents and always sum up to it; unknown is the meter's EEE."""
    octets = EM24.image(seen(values=values)).read(0x12, 6) or b""
    found = [int.from_bytes(octets[n + 2 : n + 4] + octets[n : n + 2], "big", signed=True) for n in (0, 4, 8)]
    assert found == powers


def test_it_net(seen: Seen) -> None:
    """On an IT net the voltages are those between phases: L1-L2, L1-L3, L2-L3 as the meter sends them."""
    values = {Q.VOLT_L1: 231_000, Q.VOLT_L2: 232_000, Q.VOLT_L3: 233_000}
    octets = EM24.image(seen(values=values, net=Net.IT)).read(0, 12) or b""
    assert octets.hex(" ", 2) == "0000 0000 0000 0000 0000 0000 0906 0000 091a 0000 0910 0673"


def test_negative_energy_of_nothing(seen: Seen) -> None:
    """Before energies are known they read 0; between the hours the estimate is shown."""
    for changes, expected in (
        ({}, "0000 0000"),
        ({"estimates": {Q.ACT_ENERGY_POS: 12_345_678}}, "e240 0001"),
    ):
        known: Any = changes
        assert (EM24.image(seen(**known)).read(0x34, 2) or b"").hex(" ", 2) == expected


def test_the_meters_own_phases(seen: Seen) -> None:
    """A meter that says what each phase draws is believed: L1 imports 1000 W, the house exports 420 W."""
    values = {
        Q.ACT_POW_POS: 0, Q.ACT_POW_NEG: 420, Q.CURR_L1: 4_400, Q.CURR_L2: 3_100, Q.CURR_L3: 3_100,
        Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L2: 710, Q.ACT_POW_NEG_L3: 710,
        Q.FREQUENCY: 49_970, Q.ACT_ENERGY_POS_L2: 1_234_500,
    }  # fmt: skip
    octets = EM24.image(seen(values=values)).read(0, 0x52) or b""
    low_first = [octets[2 * at : 2 * at + 4] for at in (0x12, 0x14, 0x16, 0x28, 0x40, 0x42, 0x44)]
    found = [int.from_bytes(four[2:] + four[:2], "big", signed=True) for four in low_first]
    assert found == [10_000, -7_100, -7_100, -4_200, 0, 12_345, 0]
    assert octets[2 * 0x33 : 2 * 0x34] == (500).to_bytes(2, "big")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Nothing by phase: -420 W by 4.4, 3.1 and 3.1 A of 10.6 A; L1 has what roundings leave.
        ({Q.ACT_POW_NEG: 420, Q.CURR_L1: 4_400, Q.CURR_L2: 3_100, Q.CURR_L3: 3_100}, [-1742, -1229, -1229]),
        # L2 is the rest of 900 W, of which L1 draws 1000 and L3 gives 300.
        ({Q.ACT_POW_POS: 900, Q.ACT_POW_POS_L1: 1000, Q.ACT_POW_NEG_L3: 300}, [10_000, 2000, -3000]),
        # L1 imports 1000 W, so the other two give 1420 W: by 1 and 3 A.
        ({Q.ACT_POW_NEG: 420, Q.ACT_POW_POS_L1: 1000, Q.CURR_L2: 1000, Q.CURR_L3: 3000},
         [10_000, -3550, -10_650]),
        # No currents: L1 has it all.
        ({Q.ACT_POW_NEG: 420}, [-4200, 0, 0]),
    ],
)  # fmt: skip
def test_phases_that_are_not_sent(seen: Seen, values: dict[Quantity, int], expected: list[int]) -> None:
    """They are filled in so that the three sum up to the total; what is sent keeps its own sign."""
    octets = EM24.image(seen(values=values)).read(0x12, 6) or b""
    found = [
        int.from_bytes(octets[at + 2 : at + 4] + octets[at : at + 2], "big", signed=True) for at in (0, 4, 8)
    ]
    assert found == expected
    assert sum(found) == 10 * (values.get(Q.ACT_POW_POS, 0) - values.get(Q.ACT_POW_NEG, 0))


def test_the_current_that_an_it_net_does_not_measure(seen: Seen) -> None:
    """L2 is never 0 for a charger: it is at most the sum of the other two."""
    octets = EM24.image(seen(values={Q.CURR_L1: 18_200, Q.CURR_L3: 14_600}, net=Net.IT)).read(0x0E, 2) or b""
    assert int.from_bytes(octets[2:] + octets[:2], "big") == 32_800
