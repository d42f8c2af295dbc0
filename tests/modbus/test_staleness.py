"""What readers are shown when the meter falls silent: each policy, each map, the moment it begins.

Validity bits and ages, which every policy leaves true, are in test_maps.py.
"""

from typing import Any

import pytest

from han2x.modbus.bank import Banks
from han2x.modbus.staleness import Policy, shown
from han2x.model.instant import ZERO, Instant
from han2x.model.quantity import Quantity
from han2x.model.reading import ListType, Reading
from han2x.model.view import View
from han2x.runtime.gateway import Gateway
from han2x.settings.modbus import ModbusMaps
from han2x.settings.schema import Meter, Settings

Q = Quantity
READING = Reading(
    vendor="kaifa",
    list_type=ListType.HOURLY,
    values={Q.ACT_POW_POS: 1_500, Q.CURR_L1: 5_120, Q.VOLT_L1: 239_000, Q.ACT_ENERGY_POS: 12_345_678},
)
UNIT_IDS = {"han2x": 1, "swapped": 2, "float": 3, "sunspec": 4, "em24": 5}
METER = Meter(
    unit_id=1, swapped_unit_id=2, float_unit_id=3, sunspec_unit_id=4, em24_unit_id=5, source="tcp:h:1"
)
STALE_MS = 30_001


class House:
    """One meter in every shape, heard once at the beginning."""

    def __init__(self, *, heard: bool = True, **maps: Any) -> None:
        self.instant = ZERO
        settings = Settings(meters=(METER,), modbus_maps=ModbusMaps(**maps))
        self.gateway = Gateway(settings, clock=self._now)
        self.banks = Banks(self.gateway, writable=True)
        if heard:
            self.gateway.received("main", READING)

    def _now(self) -> Instant:
        return self.instant

    def pass_ms(self, ms: int) -> None:
        """Let time pass and the server's second come."""
        self.instant = self.instant.plus_ms(ms)
        self.banks.forget()

    def read(self, map: str, address: int, count: int = 2) -> str:
        """Registers of a map, or the exception."""
        response = self.banks.respond(UNIT_IDS[map], bytes((3, *divmod(address, 256), 0, count)), "test")
        return response.hex(" ", 2) if response[0] & 0x80 else response[2:].hex(" ", 2)


# Import, current L1, voltage L1, energy import, and what they read: live, unavailable, zero.
CASES: dict[str, list[tuple[int, str, str, str]]] = {
    "han2x": [
        (0, "0000 05dc", "0000 0000", "0000 0000"),
        (8, "0000 1400", "0000 0000", "0000 0000"),
        (14, "0000 0956", "0000 0000", "0000 0000"),
        (20, "0000 3039", "0000 3039", "0000 3039"),
        (28, "0000 3039", "0000 3039", "0000 3039"),
        (118, "0000 05dc", "8000 0000", "0000 0000"),
        (122, "0000 05dc", "ffff ffff", "0000 0000"),
        (130, "0000 1400", "8000 0000", "0000 0000"),
        (144, "00bc 614e", "00bc 614e", "00bc 614e"),
    ],
    "swapped": [
        (0, "05dc 0000", "0000 0000", "0000 0000"),
        (122, "05dc 0000", "ffff ffff", "0000 0000"),
        (20, "3039 0000", "3039 0000", "3039 0000"),
    ],
    "float": [
        (0, "44bb 8000", "7fc0 0000", "0000 0000"),
        (2, "44bb 8000", "7fc0 0000", "0000 0000"),
        (10, "40a3 d70a", "7fc0 0000", "0000 0000"),
        (16, "436f 0000", "7fc0 0000", "0000 0000"),
        (22, "4640 e6b6", "4640 e6b6", "4640 e6b6"),
    ],
    "sunspec": [
        (40088, "05dc 8000", "8000 8000", "0000 8000"),
        (40116, "00bc 614e", "00bc 614e", "00bc 614e"),
    ],
    "em24": [
        (0x28, "3a98 0000", "ffff 7fff", "0000 0000"),
        (0x34, "e240 0001", "e240 0001", "e240 0001"),
    ],
}
ROWS = [(map, *row) for map, rows in CASES.items() for row in rows]


@pytest.mark.parametrize(("map", "address", "live", "unavailable", "zero"), ROWS)
def test_policies(map: str, address: int, live: str, unavailable: str, zero: str) -> None:
    """Held, marked, zeroed or refused, as the map's own setting says; energies stay as they are."""
    expected = {"hold": live, "unavailable": unavailable, "zero": zero, "exception": "830b"}
    for policy, stale in expected.items():
        maps: dict[str, Any] = {f"{map}_when_stale": policy}
        house = House(**maps)
        assert house.read(map, address) == live
        house.pass_ms(STALE_MS)
        assert house.read(map, address) == stale


def test_defaults() -> None:
    """The HAN2X map and its mirror hold as the device does; of the others, chargers' map refuses."""
    maps = ModbusMaps()
    policies = [getattr(maps, f"{name}_when_stale") for name in UNIT_IDS]
    assert policies == ["hold", "hold", "unavailable", "unavailable", "exception"]
    assert maps.stale_after_s == 30


@pytest.mark.parametrize("after_s", [30, 60, 3600])
def test_moment(after_s: int) -> None:
    """Values are stale when more than the set time has passed since the last telegram."""
    house = House(float_when_stale="exception", stale_after_s=after_s)
    house.pass_ms(1000 * after_s)
    assert house.read("float", 0) == "44bb 8000"
    house.pass_ms(1)
    assert house.read("float", 0) == "830b"


def test_the_next_telegram_ends_it() -> None:
    """As soon as the meter is heard again, so are its values, without waiting for a second."""
    house = House(float_when_stale="exception")
    house.pass_ms(STALE_MS)
    assert house.read("float", 0) == "830b"
    house.gateway.received("main", READING)
    assert house.read("float", 0) == "44bb 8000"


def test_each_map_for_itself() -> None:
    """One map refuses while another, of the same meter, holds."""
    house = House()
    house.pass_ms(STALE_MS)
    assert house.read("em24", 0x28) == "830b"
    assert house.read("han2x", 0) == "0000 05dc"


def test_before_the_first_telegram() -> None:
    """A meter that was never heard is silent too; zero makes no value of one that was never known."""
    house = House(heard=False, float_when_stale="zero")
    assert house.read("em24", 0x28) == "830b"
    assert house.read("float", 0) == "7fc0 0000"
    assert house.read("han2x", 0) == "0000 0000"


def test_the_factor_can_be_written_while_the_meter_is_silent() -> None:
    """The HAN2X map holds, so its factor can be set at any time."""
    house = House()
    house.pass_ms(STALE_MS)
    request = bytes.fromhex("10 0030 0002 04 0000 07d0")
    assert house.banks.respond(1, request, "test").hex() == "1000300002"
    assert house.read("han2x", 0) == "0000 0bb8"


def test_a_policy_is_changed_while_serving() -> None:
    """A new policy is in the next answer."""
    house = House()
    house.pass_ms(STALE_MS)
    house.gateway.amend({"modbus_maps.han2x_when_stale": "exception"})
    assert house.read("han2x", 0) == "830b"


@pytest.mark.parametrize("policy", list(Policy))
def test_a_fresh_view_is_left_alone(seen: Any, policy: Policy) -> None:
    """While the meter is heard a policy does nothing."""
    view: View = seen(age_ms=30_000, values={Q.ACT_POW_POS: 1})
    assert shown(view, policy, 30) is view
