"""Each topic of one meter: the manual's names and keys to the letter, values, units and times; and ours.

What is due when is in `test_plan.py`.
"""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from han2x.model.instant import Instant
from han2x.model.line import Fault, LineStatus
from han2x.model.reading import ListType
from han2x.model.state import EMPTY, fold
from han2x.model.view import View, view
from han2x.mqtt.plan import TOPICS, Plan
from han2x.mqtt.topics import MANUAL
from han2x.settings.broker import Mqtt

from .conftest import everything, instant, reading

OSLO = ZoneInfo("Europe/Oslo")
NOON = Instant(unix_ms=1_795_600_810_500, mono_ms=1_000_000)  # 2026-11-25T10:00:10.5Z
MANUALS = [
    "obisListVersion",
    "meterId",
    "meterType",
    *("actPowPos", "actPowNeg", "reactPowPos", "reactPowNeg"),
    *("currL1", "currL2", "currL3", "voltL1", "voltL2", "voltL3"),
    *("actEnergyPos", "actEnergyNeg", "reactEnergyPos", "reactEnergyNeg"),
    "digitalInput",
]


def seen_at(now: Instant, *readings: tuple[object, Instant], scale: int = 1000) -> View:
    snapshot = EMPTY
    for one, at in readings:
        snapshot = fold(snapshot, one, at)  # type: ignore[arg-type]
    return view(snapshot, scale=scale, now=now, uptime_s=1, line=LineStatus(True, 3, 4, Fault.CHECKSUM))


def said(view: View, now: Instant = NOON) -> dict[str, object]:
    """What is published of a view, by topic; JSON where it is JSON."""
    found: dict[str, object] = {}
    for message in Plan(Mqtt(), "T", OSLO).due(view, now):
        text = message.payload.decode()
        found[message.topic.removeprefix("T/")] = json.loads(text) if text.startswith("{") else text
    return found


def test_the_manuals_topics_are_all_there_by_its_names() -> None:
    """Row M34, with reactEnergyNeg for the name that stands twice."""
    assert [topic.name for topic in MANUAL] == MANUALS
    assert list(said(seen_at(NOON, (everything(), NOON))))[: len(MANUALS)] == MANUALS
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


def test_a_payload_has_exactly_the_manuals_keys() -> None:
    """Row M33: value, unit, local time with its offset, UTC with Z, the full topic; in this order."""
    topic = Plan(Mqtt(), "HAN2X_1", OSLO).due(seen_at(NOON, (everything(), NOON)), NOON)[3]
    assert topic.payload.decode() == (
        '{"value": 1234, "unit": "W", "dateTime": "2026-11-25T11:00:10+01:00", '
        '"dateTimeUtc": "2026-11-25T10:00:10Z", "topic": "HAN2X_1/actPowPos"}'
    )


@pytest.mark.parametrize(
    ("topic", "value", "unit"),
    [
        ("obisListVersion", "KFM_001", ""),
        ("meterId", "6970631400000000", ""),
        ("meterType", "MA304H3E", ""),
        ("actPowPos", 1234, "W"),
        ("actPowNeg", 0, "W"),
        ("reactPowPos", 12, "var"),
        ("reactPowNeg", 0, "var"),
        ("currL1", 4.224, "A"),
        ("currL2", 3, "A"),
        ("currL3", 1.019, "A"),
        ("voltL1", 233.6, "V"),
        ("voltL2", 234, "V"),
        ("voltL3", 229.8, "V"),
        ("actEnergyPos", 12345.678, "kWh"),
        ("actEnergyNeg", 5, "kWh"),
        ("reactEnergyPos", 79.233, "kvarh"),
        ("reactEnergyNeg", 2059.951, "kvarh"),
        ("digitalInput", 0, ""),
        ("actPowNet", 1234, "W"),
        ("reactPowNet", 12, "var"),
        ("actEnergyPosEstimated", 12345.678, "kWh"),
        ("reactEnergyNegEstimated", 2059.951, "kvarh"),
    ],
)
def test_each_value_in_the_unit_people_read(topic: str, value: object, unit: str) -> None:
    """A of mA, V of mV, kWh of Wh to the Wh; numbers as numbers, identifications as text."""
    found = said(seen_at(NOON, (everything(), NOON)))[topic]
    assert isinstance(found, dict)
    assert (found["value"], found["unit"]) == (value, unit)
    assert type(found["value"]) is type(value)


def test_a_value_tells_when_it_was_read_not_when_it_was_sent() -> None:
    """Voltages come with the ten-second list: beside a later fast list they still have its time."""
    later = NOON.plus_ms(8000)
    found = said(seen_at(later, (instant(), NOON), (reading(ListType.FAST, act_pow_pos=7), later)), later)
    assert found["voltL1"]["dateTimeUtc"] == "2026-11-25T10:00:10Z"  # type: ignore[index]
    assert found["actPowPos"]["dateTimeUtc"] == "2026-11-25T10:00:18Z"  # type: ignore[index]


def test_local_time_has_the_offset_of_its_season() -> None:
    """In July Norway is two hours ahead of UTC."""
    july = Instant(int(datetime(2026, 7, 1, 12, 0, 10, tzinfo=ZoneInfo("UTC")).timestamp() * 1000), 1)
    found = said(seen_at(july, (everything(), july)), july)["actPowPos"]
    assert found["dateTime"] == "2026-07-01T14:00:10+02:00"  # type: ignore[index]


def test_what_the_meter_does_not_send_is_not_there() -> None:
    """No topic, and null in the object; never a made-up 0 (row M6)."""
    found = said(seen_at(NOON, (reading(ListType.FAST, act_pow_pos=5), NOON)))
    assert {"actPowPos", "actPowNet"} <= found.keys()
    assert found.keys().isdisjoint({"voltL1", "currL2", "actPowNeg", "actEnergyPos", "meterId", "energy"})
    state = found["state"]
    assert isinstance(state, dict)
    assert state["act_pow_pos"] == 5
    assert state["curr_l2"] is None
    assert state["act_energy_pos_est"] is None


def test_values_that_are_too_old_are_not_published() -> None:
    """After thirty seconds of silence only what stays true is left: energies and who the meter is."""
    later = NOON.plus_ms(30_001)
    found = said(seen_at(later, (everything(), NOON)), later)
    assert found.keys().isdisjoint({"actPowPos", "currL1", "voltL3", "actPowNet"})
    assert {"actEnergyPos", "actEnergyPosEstimated", "meterId", "energy"} <= found.keys()
    assert found["state"]["net_pow"] is None  # type: ignore[index]
    assert found["meter/status"] == "offline"
    assert said(seen_at(NOON.plus_ms(30_000), (everything(), NOON)))["meter/status"] == "online"


def test_before_the_first_telegram_nothing_is_claimed() -> None:
    """Only the digital input, the line and that the meter is silent."""
    assert said(seen_at(NOON)).keys() == {"digitalInput", "diagnostics", "meter/status"}


def test_the_scale_factor_is_in_every_figure_but_voltages() -> None:
    """A factor of 50 makes 1234 W 61700 W, as on every other face (row M22)."""
    found = said(seen_at(NOON, (everything(), NOON), scale=50_000))
    assert found["actPowPos"]["value"] == 61_700  # type: ignore[index]
    assert found["currL1"]["value"] == 211.2  # type: ignore[index]
    assert found["voltL1"]["value"] == 233.6  # type: ignore[index]
    assert found["energy"]["act_energy_pos"] == 617_283.9  # type: ignore[index]


def test_the_objects() -> None:
    """One JSON object for the values, one for the registers, one for the meter, one for its line."""
    now = NOON.plus_ms(3_600)
    found = said(seen_at(now, (everything(), NOON), (instant(act_pow_pos=1000), now)), now)
    assert found["energy"] == {
        "act_energy_pos": 12345.678,
        "act_energy_neg": 5,
        "react_energy_pos": 79.233,
        "react_energy_neg": 2059.951,
        "time": "2026-11-25T10:00:10Z",
    }
    assert found["meter"] == {
        "vendor": "kaifa",
        "list_version": "KFM_001",
        "meter_id": "6970631400000000",
        "meter_type": "MA304H3E",
        "net": "it",
        "time": "2026-11-25T10:00:14Z",
    }
    assert found["diagnostics"] == {
        "open": True,
        "live": True,
        "fault": "checksum",
        "telegrams": 2,
        "checksum_errors": 3,
        "discarded": 4,
        "last_telegram": "2026-11-25T10:00:14Z",
        "time": "2026-11-25T10:00:14Z",
    }
    state = found["state"]
    assert isinstance(state, dict)
    assert (state["net_pow"], state["curr_l1"], state["volt_l1"]) == (1000, 4.224, 233.6)
    assert (state["act_energy_pos_est"], state["act_energy_pos_hour"]) == (
        12345.679,
        0.001,
    )  # 1234 W for 3.6 s
